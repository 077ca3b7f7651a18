package mesh

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Apply takes the pruning's steps.
//
//	API ─┐
//	API ─┼─> wait ─> who uses the certificates now? ─> certificates ─> records
//	API ─┘
//
// An API is read again before certificates are taken off it, and the APIs are listed again before
// the first certificate is deleted: a certificate that is in use by then stays. The wait is for
// gateways to forget what an API named. A step that fails does not stop the others, except those
// that depend on it: a certificate that could not be taken off an API is not deleted, a record not
// before its certificates.
//
// progress gets an event for each step that begins and ends, one at a time; nil for none.
//
// Errors: *Incomplete when a step failed, or when ctx ended before all were done.
func (p *Pruning) Apply(ctx context.Context, remote Remote, progress func(Event)) error {
	steps := p.pointers()
	if len(steps) == 0 {
		return nil
	}
	r := &run{Remote: remote, settings: p.settings, journal: newJournal(progress, len(steps))}
	r.takeEach(ctx, p.APIs, func(*Step) bool { return true }, func(step *Step) error { return r.detach(ctx, step, p.detachments[step.ID]) })
	r.deleteUnused(ctx, p)

	return r.journal.incomplete(ctx, steps)
}

// takeEach takes the steps that are ready at the same time; one that fails does not stop the
// others.
func (r *run) takeEach(ctx context.Context, steps []Step, ready func(*Step) bool, take func(*Step) error) {
	atOnce(r.settings.parallel(), len(steps), func(i int) {
		if ready(&steps[i]) {
			r.takeAway(ctx, steps[i:i+1], take)
		}
	})
}

// detach takes certificates off an API as it is now, and changes nothing else of it.
func (r *run) detach(ctx context.Context, step *Step, d detachment) error {
	held, err := r.APIs.API(ctx, step.ID)
	switch {
	case isNotFound(err):
		return nil
	case err != nil:
		return stepError("reading", "API", step.Name, r.lost(step.Name, err))
	}

	o, ok := classicOwner(held.Definition)
	switch {
	case !ok || o != owner{step.Service, step.Role}:
		return stepError("updating", "API", step.Name, fmt.Errorf("it no longer belongs to this service: now it is %s", describe(held.Definition)))
	case len(d.former) > 0 && !slices.Contains(held.Definition.Certificates(), d.keep):
		return stepError("updating", "API", step.Name, errors.New("the certificate that was to stay is not on it any more"))
	}

	return r.update(ctx, held, detached(held.Definition, d.former))
}

// deleteUnused deletes certificates and then records, unless an API uses them by now.
func (r *run) deleteUnused(ctx context.Context, p *Pruning) {
	proof, ok := r.proveNow(ctx, p)
	if !ok {
		return
	}

	unused := func(step *Step, ids ...string) error {
		for _, id := range ids {
			if why := proof.refuses(id); why != nil {
				return stepError("deleting", string(step.Kind), step.Name, why)
			}
		}
		return nil
	}

	tied := make(map[string]bool) // certificates that could not be taken off an API
	for i := range p.APIs {
		if r.journal.outcome(&p.APIs[i]) != finished {
			for _, id := range p.detachments[p.APIs[i].ID].former {
				tied[id] = len(proof.users[id]) > 0
			}
		}
	}

	r.takeEach(ctx, p.Certificates, func(step *Step) bool { return !tied[step.ID] }, func(step *Step) error {
		if err := unused(step, step.ID); err != nil {
			return err
		}
		return r.removed(step, r.Certificates.DeleteCertificate(ctx, step.ID))
	})

	left := make(map[string]bool)
	for i := range p.Certificates {
		left[p.Certificates[i].ID] = r.journal.outcome(&p.Certificates[i]) != finished
	}

	ready := func(step *Step) bool {
		return !slices.ContainsFunc(p.records[step.ID].ids, func(id string) bool { return left[id] })
	}
	r.takeEach(ctx, p.Records, ready, func(step *Step) error {
		record := p.records[step.ID]
		if err := unused(step, record.ids...); err != nil {
			return err
		}
		return r.removed(step, r.Ledger.Delete(ctx, step.ID, record.entry.Fingerprint))
	})
}

// proveNow finds out which certificates are proved to be unused, after gateways have had the time
// to load what this run has changed. ok is false where nothing is to be deleted, or must be.
func (r *run) proveNow(ctx context.Context, p *Pruning) (proven *proof, ok bool) {
	first := (&CertificateRemoval{Certificates: p.Certificates, Records: p.Records}).first()
	if first == nil || r.journal.stop(ctx) {
		return nil, false
	}
	proven, err := r.prove(ctx, p.deletion)
	if err != nil {
		r.journal.fail(first, err)
	}

	return proven, err == nil
}
