package apply

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/dashboard"
)

// A Dashboard may store another definition than it was sent: it forces its own defaults or a policy
// (force_api_defaults, OPA's patch_request), writes paths its own way, or drops fields that its
// version does not know. Comparing the next listing with the manifests would then write for ever.
//
//	write ─> read back ─> as wanted: done
//	                  └─> wait ─> read back ─> write again ─> wait ─> read back ─> remember
//
// The memory is a tag on the API itself, which names the difference: a plan that finds the very
// same difference leaves it alone. Any other difference, from a manifest or from a hand, is written
// again.

// written is an API that this run has created or updated.
type written struct {
	step        *plan.Step
	work        *plan.Registration
	id          string
	certificate string
}

// wrote notes an API for readBack.
func (r *run) wrote(step *plan.Step, w *plan.Registration, c creation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids[step] = c.id
	r.written = append(r.written, written{step, w, c.id, c.certificate})
}

// readBack compares the APIs that this run wrote with the Dashboard's. Listings may lag behind
// the writes, and another run may write at the same moment: a difference is read and
// written once more before it counts.
func (r *run) readBack(ctx context.Context) error {
	rest, err := r.unkept(ctx, r.written)
	if err != nil || len(rest) == 0 {
		return err
	}
	if rest, err = r.insist(ctx, rest); err != nil {
		return err
	}

	return r.each(rest, func(d *difference) error { return r.remember(ctx, d) })
}

// each calls f for each difference, several at once, and returns the first error.
func (r *run) each(list []difference, f func(*difference) error) error {
	var g errgroup.Group
	g.SetLimit(r.settings.AtOnce())
	for i := range list {
		g.Go(func() error { return f(&list[i]) })
	}
	return g.Wait()
}

// insist reads, writes and reads again the APIs that the Dashboard seems not to keep.
func (r *run) insist(ctx context.Context, rest []difference) ([]difference, error) {
	if err := r.settled(ctx); err != nil {
		return nil, err
	}

	rest, err := r.unkept(ctx, ofDifferences(rest))
	if err != nil || len(rest) == 0 {
		return nil, err
	}

	err = r.each(rest, func(d *difference) error {
		if d.absent {
			return nil
		}
		return r.update(ctx, d.held, d.to)
	})

	if err == nil {
		err = r.settled(ctx)
	}

	if err != nil {
		return nil, err
	}

	return r.unkept(ctx, ofDifferences(rest))
}

// difference is an API that is not as this run wrote it.
type difference struct {
	written
	held   dashboard.API
	to     dashboard.Definition
	list   []dashboard.Change
	absent bool // the Dashboard has no such API
}

func ofDifferences(list []difference) (all []written) {
	for _, d := range list {
		all = append(all, d.written)
	}
	return all
}

// unkept returns the APIs that are not as they were written, in the order of the slugs.
func (r *run) unkept(ctx context.Context, all []written) (list []difference, err error) {
	held, err := r.readWritten(ctx, all)
	if err != nil {
		return nil, err
	}

	for _, w := range all {
		d := difference{written: w}
		api, ok := held[w.id]
		switch {
		case ok:
			w.certificate = r.elected(ctx, w.step.Owner(), w.work.Former, api.Definition, w.certificate)
			d.written = w
			d.held, d.to = api, plan.Aligned(api.Definition, w.work.Wanted, w.certificate, w.work.Former)
			bare, tag := plan.WithoutUnkeptTag(api.Definition)
			to, _ := plan.WithoutUnkeptTag(d.to)
			if d.list = mesh.Changes(bare, to); tag == plan.UnkeptTag(bare, to) {
				d.list = plan.OfCertificates(d.list) // the rest is known
			}

		case w.step.Shared: // another run took it back, see bring
		default:
			d.absent = true
		}

		if d.absent || len(d.list) > 0 {
			list = append(list, d)
		}
	}

	slices.SortFunc(list, func(a, b difference) int { return strings.Compare(a.step.Name+a.id, b.step.Name+b.id) })

	return list, nil
}

// fewReads is how many APIs are read one by one: beyond it one listing is cheaper.
const fewReads = 16

// readWritten returns the APIs as the Dashboard has them now, by database id. One that it does not
// have is missing.
func (r *run) readWritten(ctx context.Context, all []written) (held map[string]dashboard.API, err error) {
	if len(all) <= fewReads {
		return r.readEach(ctx, all)
	}

	listed, err := r.APIs.APIs(ctx)
	if err != nil {
		return nil, stepError("listing", "APIs", "", err)
	}

	held = make(map[string]dashboard.API, len(listed))
	for _, api := range listed {
		held[api.Definition.ID()] = api
	}

	// What a listing lacks may be there all the same.
	unlisted := slices.DeleteFunc(slices.Clone(all), func(w written) bool { _, ok := held[w.id]; return ok })
	read, err := r.readEach(ctx, unlisted)
	maps.Copy(held, read)

	return held, err
}

// readEach reads APIs one by one.
func (r *run) readEach(ctx context.Context, all []written) (map[string]dashboard.API, error) {
	answers, err := readAPIs(ctx, r.Remote, r.settings, "reading back", len(all), func(i int) (id, name string) {
		return all[i].id, all[i].step.Name
	})
	if err != nil {
		return nil, err
	}

	held := make(map[string]dashboard.API, len(all))
	for i, a := range answers {
		if a.api != nil {
			held[all[i].id] = *a.api
		}
	}

	return held, nil
}

// remember reports the fields that the Dashboard did not keep, and writes the tag that keeps the
// next run from trying again.
func (r *run) remember(ctx context.Context, d *difference) error {
	if d.absent {
		r.journal.revoke(d.step, stepError("reading back", "API", d.step.Name, errors.New("the Dashboard accepted it, and does not show it")))
		return nil
	}

	bare, _ := plan.WithoutUnkeptTag(d.held.Definition)
	to, _ := plan.WithoutUnkeptTag(d.to)
	tagged := to.With("tags", dashboard.Union(to.Tags(), plan.UnkeptTag(bare, to)))
	if err := r.update(ctx, d.held, tagged); err != nil {
		return err
	}

	if lost := plan.VitalChanges(d.list); len(lost) > 0 {
		r.journal.revoke(d.step, &plan.UnkeptError{Slug: d.step.Name, ID: d.id, Changes: lost})
		return nil
	}

	r.journal.unkept(d.step, &plan.UnkeptError{Slug: d.step.Name, ID: d.id, Changes: d.list})

	return nil
}
