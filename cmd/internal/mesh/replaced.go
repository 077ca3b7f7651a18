package mesh

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tykmesh/tykmesh/dashboard"
)

// freshFor is the age up to which an unused certificate may be one that another run has
// uploaded and not yet put on an API. A run takes minutes; issuers backdate certificates by five
// minutes, and clocks differ.
const freshFor = time.Hour

// replace plans the deletions of certificates that the plan replaces.
func (p *Plan) replace(x *Snapshot) {
	if p.Replaced = x.replaced(p); len(p.Replaced) > 0 {
		p.unlisted, p.listed = x.unlisted(), x.state.APIs
	}
}

// replaced returns the deletions of certificates whose place other certificates of the plan take,
// or have taken, where an earlier run did not come to delete them. A certificate that an API uses
// from which the plan does not take it is left alone.
func (x *Snapshot) replaced(plan *Plan) (gone []Step) {
	kept := make(map[string]bool)
	for _, step := range plan.certificates() {
		kept[step.ID] = true
		for _, id := range x.outdated(step) {
			gone = append(gone, Step{
				Kind: CertificateKind, Action: Delete, Service: step.Service, Role: step.Role, Name: step.Hosts[0], ID: id, Reasons: []string{Superseded},
			})
		}
	}

	if len(gone) == 0 {
		return nil // nearly always, and then the uses of certificates need not be known
	}

	changed := plan.withoutReplaced(x.apis)

	return slices.DeleteFunc(gone, func(s Step) bool { return kept[s.ID] || len(x.usersAfter(s.ID, changed)) > 0 })
}

// certificates returns the plan's, that of the mesh first.
func (p *Plan) certificates() (all []*CertificateStep) {
	if p.MeshCertificate != nil {
		all = append(all, p.MeshCertificate)
	}

	for i := range p.Services {
		if s := p.Services[i].Certificate; s != nil {
			all = append(all, s)
		}
	}

	return all
}

// idsOf returns the ids of steps.
func idsOf(steps []Step) (ids []string) {
	for _, s := range steps {
		ids = append(ids, s.ID)
	}
	return ids
}

// takenOff returns the certificates that this plan takes off every API that it saw with them: none
// of the listed APIs names them once the plan is carried out.
func (p *Plan) takenOff() map[string]bool {
	taken := make(map[string]bool)
	for _, s := range p.apiSteps() {
		for _, id := range s.former {
			taken[id] = true
		}
	}
	return taken
}

// apiSteps returns the steps of the plan that are about APIs and their certificates.
func (p *Plan) apiSteps() (steps []*APIStep) {
	for i := range p.Services {
		s := &p.Services[i]
		steps = append(steps, s.Inbound, s.Mesh)
		steps = append(steps, s.Duplicates...)
	}
	return append(steps, p.MeshAPIs...)
}

// withoutReplaced returns the APIs that the plan changes, by database id, without the certificates
// that it takes off them; nil for those that it deletes.
func (p *Plan) withoutReplaced(apis *listing) map[string]dashboard.Definition {
	former := make(map[string][]string)
	for _, s := range p.apiSteps() {
		if len(s.former) > 0 {
			former[s.ID] = s.former
		}
	}

	changed := make(map[string]dashboard.Definition)
	for _, api := range apis.all {
		if ids := former[api.Definition.ID()]; len(ids) > 0 {
			changed[api.Definition.ID()] = detached(api.Definition, ids)
		}
	}

	for i := range p.Services {
		for _, s := range p.Services[i].Surplus {
			changed[s.ID] = nil
		}
	}

	return changed
}

// outdated returns the certificates in the store whose place the certificate of a step has taken,
// or takes, sorted.
func (x *Snapshot) outdated(step *CertificateStep) (ids []string) {
	chosen := x.settings.MeshCertificateID
	if step.Role == Mesh && chosen != "" {
		return nil
	}

	before := x.beforeByDetails
	if x.state.HasLedger {
		before = x.beforeByRecord
	}

	for _, id := range before(step) {
		if x.certificate(id).inStore && id != step.ID && id != chosen {
			ids = append(ids, id)
		}
	}

	slices.Sort(ids)

	return slices.Compact(ids)
}

// beforeByRecord returns the certificates that the ledger's record of a step has held before, and
// no others.
func (x *Snapshot) beforeByRecord(step *CertificateStep) (ids []string) {
	r := x.records[step.recordID()]
	if r == nil {
		return nil
	}
	for _, past := range r.entry.History {
		ids = append(ids, past.Fingerprint)
	}

	if step.Action == Issue {
		ids = append(ids, r.entry.Fingerprint)
	}

	return ids
}

// beforeByDetails returns, without a ledger, the certificates that a CA of the mesh signed for
// exactly the hosts of a step's and that are no younger, except those that may be another run's.
func (x *Snapshot) beforeByDetails(step *CertificateStep) (ids []string) {
	newest, settled := x.now, x.now.Add(-freshFor)
	if step.Action != Issue {
		newest = x.certificate(step.ID).stored.NotBefore
	}

	for _, c := range x.byHosts[hostKey(step.Hosts)] {
		if c.signedFor(step.Hosts) && !c.stored.NotBefore.After(newest) && c.stored.NotBefore.Before(settled) {
			ids = append(ids, c.ID)
		}
	}

	return ids
}

// settleTime is how long gateways get from the last change of an API until replaced certificates
// are deleted. They load a changed API in about one second, two at most; and one that starts in
// between finds only the certificates that are still there.
const settleTime = 5 * time.Second

// waitStep is how often the run reports that it is waiting.
const waitStep = time.Second

// removeReplaced deletes replaced certificates that are proved to be unused.
func (r *run) removeReplaced(ctx context.Context, p *Plan) {
	steps := p.Replaced
	if len(steps) == 0 {
		return
	}

	proof, err := r.prove(ctx, deletion{idsOf(steps), p.takenOff(), p.unlisted})
	var g errgroup.Group
	g.SetLimit(r.settings.parallel())
	for i := range steps {
		step := &steps[i]
		if err != nil {
			r.leave(ctx, step, err)
			continue
		}

		if len(proof.users[step.ID]) > 0 {
			r.leave(ctx, step, nil)
			continue
		}

		if why := proof.refuses(step.ID); why != nil {
			r.leave(ctx, step, stepError("deleting", "certificate", step.Name, why))
			continue
		}

		g.Go(func() error {
			r.removeOne(ctx, step)
			return nil
		})
	}

	_ = g.Wait()
}

func (r *run) removeOne(ctx context.Context, step *Step) {
	if err := r.journal.ended(ctx); err != nil {
		r.leave(ctx, step, err)
		return
	}

	r.journal.begin(step)
	if err := r.Certificates.DeleteCertificate(ctx, step.ID); err != nil {
		r.leave(ctx, step, stepError("deleting", "certificate", step.Name, err))
		return
	}

	r.journal.wroteSome()
	r.journal.done(step)
}

// settled waits until all gateways have had the time to load the APIs that this run changed.
func (r *run) settled(ctx context.Context) error {
	for last := r.journal.lastChange(); !last.IsZero(); {
		left := time.Until(last.Add(r.settings.settle()))
		if left <= 0 {
			break
		}
		r.journal.waiting(left)
		if err := sleep(ctx, min(left, waitStep)); err != nil {
			return err
		}
	}

	return nil
}

// leave notes that a replaced certificate stays. After an interruption that is
// unfinished work, and not a warning.
func (r *run) leave(ctx context.Context, step *Step, err error) {
	if interruption(context.Cause(ctx)) != 0 {
		return
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = context.Cause(ctx)
	}
	r.journal.leave(step, err)
}
