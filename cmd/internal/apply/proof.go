package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/dashboard"
)

// A certificate is deleted only when its non-use is proved, when all writes of the run are done:
//
//	an API of the listing names it                                   it is used
//	a View that is Partial                                           not proved
//	the Dashboard names APIs that use it (since 5.11)                it is used
//	the Dashboard names none                                         proved
//	it cannot tell, and this run took it off every API that had it   proved
//	it cannot tell, and the key is an administrator's                proved
//	it cannot tell, else                                             not proved

// UnprovedError reports that an older Dashboard cannot tell which APIs use a certificate, and that
// the listing is no proof for this key.
type UnprovedError struct{ Err error }

// Error names the two proofs that are missing.
func (e *UnprovedError) Error() string {
	return "this Dashboard cannot tell which APIs use a certificate, as 5.11 and later can, and the key is not known to be an administrator's"
}

// Unwrap returns the Dashboard's answer.
func (e *UnprovedError) Unwrap() error { return e.Err }

// Hint names the key that sees all.
func (*UnprovedError) Hint() string { return RightKey }

// Prove takes deletions out of the plan that cannot be done: those of certificates that an earlier
// run replaced and did not come to delete, and whose non-use is not proved. They would be planned
// by every run, and left by it. It asks nothing where no such deletion is planned.
//
// Errors: *StepError for a question that was not answered.
func Prove(ctx context.Context, p *plan.Plan, remote mesh.Remote) error {
	taken := p.TakenOff()
	earlier := plan.Filter(p.All, func(s *plan.Step) bool { return s.Replaced && !taken[s.ID] })
	if len(earlier) == 0 {
		return nil
	}

	r := &run{Remote: remote, settings: p.Settings}
	proof, err := r.judge(ctx, p.Listed, deletion{ids: idsOf(earlier), unlisted: p.Unlisted})
	if err != nil {
		return err
	}

	p.All = slices.DeleteFunc(p.All, func(s *plan.Step) bool { return s.Replaced && !taken[s.ID] && proof.refuses(s.ID) != nil })

	return nil
}

// idsOf returns the ids of steps.
func idsOf(steps []*plan.Step) (ids []string) {
	for _, s := range steps {
		ids = append(ids, s.ID)
	}
	return ids
}

// deletion holds the certificates that a proof is about, those of them that the run took off every
// API that it saw, and the APIs that a complete listing may have.
type deletion struct {
	ids      []string
	taken    map[string]bool
	unlisted []mesh.Owner
}

// deletionOf returns the certificates that a plan deletes, with others that no API that it saw
// names.
func deletionOf(p *plan.Plan, others []string) deletion {
	d := deletion{taken: p.TakenOff(), unlisted: p.Unlisted}
	d.ids = append(idsOf(plan.Filter(p.All, func(s *plan.Step) bool { return s.Deletes() && s.Kind == plan.CertificateKind })), others...)
	for _, id := range others {
		d.taken[id] = true
	}
	return d
}

// proof tells which certificates may be deleted.
type proof struct {
	users mesh.Uses        // the APIs of the listing that name a certificate
	view  error            // why the listing proves nothing; nil if it does
	why   map[string]error // why a certificate is not proved to be unused
}

// refuses returns why a certificate must stay; nil if it may be deleted.
func (p *proof) refuses(id string) error {
	if by := p.users[id]; len(by) > 0 {
		return fmt.Errorf("API %s uses it now", strings.Join(mesh.DescribeAll(by), ", API "))
	}
	if p.view != nil {
		return p.view
	}
	return p.why[id]
}

// prove waits until gateways have loaded what this run has changed, and finds out who uses
// certificates then.
//
// Errors: *StepError for a question that was not answered.
func (r *run) prove(ctx context.Context, d deletion) (*proof, error) {
	if err := r.settled(ctx); err != nil {
		return nil, err
	}
	apis, err := r.APIs.APIs(ctx)
	if err != nil {
		return nil, stepError("listing", "APIs", "", err)
	}

	return r.judge(ctx, apis, d)
}

// judge finds out who uses certificates by a listing and by the questions that it leaves open.
func (r *run) judge(ctx context.Context, apis []dashboard.API, d deletion) (*proof, error) {
	view, err := look(ctx, r.Remote, apis, d.unlisted, r.settings)
	if err != nil {
		return nil, err
	}

	view.Gaps = append(view.Gaps, r.unlistedWrites(apis)...)

	p := &proof{users: mesh.UsesOf(apis), view: view.Partial(), why: make(map[string]error)}
	if p.view == nil {
		err = r.ask(ctx, d, view, p)
	}

	return p, err
}

// unlistedWrites returns the gaps that this run's own APIs show.
func (r *run) unlistedWrites(apis []dashboard.API) (gaps []string) {
	listed := idsIn(apis)
	for _, w := range r.written {
		if !listed[w.id] {
			gaps = append(gaps, fmt.Sprintf("API %s was written, and the listing lacks it", w.step.Name))
		}
	}

	gaps = append(gaps, r.gaps...)
	slices.Sort(gaps)

	return gaps
}

// ask asks the Dashboard who uses each certificate that no listed API names.
func (r *run) ask(ctx context.Context, d deletion, view View, p *proof) error {
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.settings.AtOnce())
	for _, id := range d.ids {
		if len(p.users[id]) > 0 {
			continue
		}

		g.Go(func() error {
			why, err := r.usedBy(ctx, id, d.taken[id] || view.Admin)
			mu.Lock()
			defer mu.Unlock()
			p.why[id] = why
			return err
		})
	}

	return g.Wait()
}

// usedBy returns why a certificate that no listed API names is not proved to be unused. listed
// tells that the listing is proof enough.
func (r *run) usedBy(ctx context.Context, id string, listed bool) (why, err error) {
	uses, err := r.Certificates.CertificateAPIs(ctx, id)
	switch {
	case errors.Is(err, dashboard.ErrUnsupported) && listed, isNotFound(err):
		return nil, nil
	case errors.Is(err, dashboard.ErrUnsupported):
		return &UnprovedError{err}, nil
	case err != nil:
		return nil, stepError("reading", "uses of certificate", id, err)
	case len(uses) == 0:
		return nil, nil
	}

	names := make([]string, len(uses))
	for i, u := range uses {
		names[i] = u.Name
	}

	return fmt.Errorf("the Dashboard reports that API %s uses it", strings.Join(names, ", API ")), nil
}
