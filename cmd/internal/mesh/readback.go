package mesh

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

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

// unkeptPrefix begins the tag that remembers a difference. No gateway has such a tag.
const unkeptPrefix = "tykmesh-unkept-"

// vital are the fields without which a service cannot be called: a Dashboard that does not keep one
// of them cannot carry a mesh.
var vital = []string{"active", "certificates", "domain", "org_id", "proxy.listen_path", "proxy.target_url", "tags"}

// UnkeptError reports that the Dashboard stored an API otherwise than it was sent.
type UnkeptError struct {
	Slug, ID string
	Changes  []dashboard.Change // From holds the Dashboard's values, To the sent ones
}

// Error names the fields with both values.
func (e *UnkeptError) Error() string {
	return fmt.Sprintf("the Dashboard does not keep %s of API %s (id %s): look for force_api_defaults or an OPA rule in its configuration",
		unkeptText(e.Changes), e.Slug, e.ID)
}

// unkeptText names fields with the value that was sent and the one that came back.
func unkeptText(list []dashboard.Change) string {
	texts := make([]string, len(list))
	for i, c := range list {
		texts[i] = unkept(c)
	}
	return strings.Join(texts, ", ")
}

// unkept names a change that the Dashboard undid: "listen path /a (it has /a1b2/)".
func unkept(c dashboard.Change) string {
	name := c.Name()
	switch {
	case c.Path == markPath:
		return "the mark of tykmesh in config_data"
	case c.From == c.To: // values that are not shown
		return name
	case c.From == "":
		return fmt.Sprintf("%s %s (it has none)", name, c.To)
	}

	return strings.TrimSpace(fmt.Sprintf("%s %s", name, c.To)) + fmt.Sprintf(" (it has %s)", c.From)
}

// vitalChanges returns the changes without which a service cannot be called.
func vitalChanges(list []dashboard.Change) (some []dashboard.Change) {
	for _, c := range list {
		if slices.Contains(vital, c.Path) || slices.Contains(switches, c.Path) {
			some = append(some, c)
		}
	}
	return some
}

// unkeptTag returns the tag that remembers the difference between a definition and the wanted one,
// certificates aside: these change with time.
func unkeptTag(held, to dashboard.Definition) string {
	var list [][3]any
	for _, d := range held.Diff(to) {
		if d.Path[0] != "certificates" {
			list = append(list, [3]any{d.Path, d.From, d.To})
		}
	}

	text, _ := json.Marshal(list) //nolint:errchkjson // definitions came from JSON
	sum := sha256.Sum256(text)

	return unkeptPrefix + hex.EncodeToString(sum[:8])
}

// forgetful takes the tag that remembers a difference off a definition, and returns it; "" without
// such a tag.
func forgetful(d dashboard.Definition) (out dashboard.Definition, tag string) {
	tags := d.Tags()
	i := slices.IndexFunc(tags, func(t string) bool { return strings.HasPrefix(t, unkeptPrefix) })
	if i < 0 {
		return d, ""
	}
	rest := slices.DeleteFunc(slices.Clone(tags), func(t string) bool { return strings.HasPrefix(t, unkeptPrefix) })
	return d.With("tags", dashboard.Union(rest)), tags[i]
}

// written is an API that this run has created or updated.
type written struct {
	step        *Step
	work        *registration
	id          string
	certificate string
}

// wrote notes an API for readBack.
func (r *run) wrote(step *Step, w *registration, c creation) {
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
	g.SetLimit(r.settings.parallel())
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
			w.certificate = r.elected(ctx, w.step.owner(), w.work.former, api.Definition, w.certificate)
			d.written = w
			d.held, d.to = api, aligned(api.Definition, w.work.wanted, w.certificate, w.work.former)
			bare, tag := forgetful(api.Definition)
			to, _ := forgetful(d.to)
			if d.list = changes(bare, to); tag == unkeptTag(bare, to) {
				d.list = ofCertificates(d.list) // the rest is known
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

// ofCertificates returns the changes of certificates alone.
func ofCertificates(list []dashboard.Change) (some []dashboard.Change) {
	for _, c := range list {
		if c.Path == "certificates" {
			some = append(some, c)
		}
	}
	return some
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

	bare, _ := forgetful(d.held.Definition)
	to, _ := forgetful(d.to)
	tagged := to.With("tags", dashboard.Union(to.Tags(), unkeptTag(bare, to)))
	if err := r.update(ctx, d.held, tagged); err != nil {
		return err
	}

	if lost := vitalChanges(d.list); len(lost) > 0 {
		r.journal.revoke(d.step, &UnkeptError{d.step.Name, d.id, lost})
		return nil
	}

	r.journal.unkept(d.step, &UnkeptError{d.step.Name, d.id, d.list})

	return nil
}
