package mesh

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/dashboard"
)

// Apply takes the removal's steps.
//
//	per service:  mesh API ─> inbound API ─┐
//	                                       ├─> prove certificates unused ─> certificate ─> record
//	per service:  mesh API ─> inbound API ─┘
//
// An API is read again before it is deleted, and the APIs are listed again before the first
// certificate is: a certificate that is in use by then stays. A record goes after its certificate,
// because it alone names the certificate's owner. Services proceed independently, Settings.Parallel
// of them at once.
//
// progress gets an event for each step that begins and ends, one at a time; nil for none.
//
// Errors: *Incomplete when a step failed, or when ctx ended before all were done.
func (r *Removal) Apply(ctx context.Context, remote Remote, progress func(Event)) error {
	steps := r.pointers()
	if len(steps) == 0 {
		return nil
	}

	x := &run{Remote: remote, settings: r.settings, journal: newJournal(progress, len(steps))}
	atOnce(r.settings.parallel(), len(r.Services), func(i int) {
		x.takeAway(ctx, r.Services[i].APIs, func(step *Step) error { return x.removeAPI(ctx, step) })
	})
	x.removeCertificates(ctx, r)

	return x.journal.incomplete(ctx, steps)
}

// takeAway takes steps one after the other, up to the first failure; ok is false if there is one.
func (r *run) takeAway(ctx context.Context, steps []Step, remove func(*Step) error) (ok bool) {
	for i := range steps {
		if r.journal.stop(ctx) {
			return false
		}
		step := &steps[i]
		r.journal.begin(step)
		if err := remove(step); err != nil {
			r.journal.fail(step, err)
			return false
		}

		r.journal.done(step)
	}

	return true
}

func (r *run) removeAPI(ctx context.Context, step *Step) error {
	held, err := r.APIs.API(ctx, step.ID)
	switch {
	case isNotFound(err):
		return nil
	case errors.Is(err, dashboard.ErrNotVisible): // deleted by another run, or another user's by now: not to be deleted
		_ = r.lost(step.Name, err)
		return nil
	case err != nil:
		return stepError("reading", "API", step.Name, err)
	case !isOwn(held, step, r.settings):
		return stepError("deleting", "API", step.Name, fmt.Errorf("it no longer belongs to this service: now it is %s", describe(held.Definition)))
	}

	return r.removed(step, r.APIs.DeleteAPI(ctx, step.ID))
}

// removed returns the error of a deletion: one that was not answered may have taken effect.
func (r *run) removed(step *Step, err error) error {
	if err == nil {
		r.journal.wroteSome()
		return nil
	}

	failed := stepError("deleting", string(step.Kind), step.Name, err)
	if refusedClearly(err) || errors.Is(err, ca.ErrRecordChanged) || errors.Is(err, ca.ErrLedgerForbidden) || errors.Is(err, ca.ErrLedgerUnauthorized) {
		return failed
	}

	return unclearError{failed}
}

// removeCertificates deletes the certificates of those services whose APIs are gone, and that of
// the mesh if all are.
func (r *run) removeCertificates(ctx context.Context, removal *Removal) {
	var due []*CertificateRemoval
	all := true
	for i := range removal.Services {
		s := &removal.Services[i]
		gone := r.finished(s.APIs)
		if all = all && gone; gone {
			due = append(due, &s.Own)
		}
	}

	if all {
		due = append(due, &removal.Mesh)
	}

	due = slices.DeleteFunc(due, func(h *CertificateRemoval) bool { return h.first() == nil })
	if len(due) == 0 || r.journal.stop(ctx) {
		return
	}

	proof, err := r.prove(ctx, removal.deletion)
	if err != nil {
		r.journal.fail(due[0].first(), err)
		return
	}

	atOnce(r.settings.parallel(), len(due), func(i int) { r.removeCertificatesOf(ctx, due[i], proof) })
}

func (r *run) finished(steps []Step) bool {
	for i := range steps {
		if r.journal.outcome(&steps[i]) != finished {
			return false
		}
	}
	return true
}

// first returns the step with which a removal of certificates begins; nil where nothing is to be
// done.
func (h *CertificateRemoval) first() *Step {
	for _, steps := range [][]Step{h.Certificates, h.Records} {
		if len(steps) > 0 {
			return &steps[0]
		}
	}
	return nil
}

// removeCertificatesOf deletes certificates and then their records, up to the first failure.
func (r *run) removeCertificatesOf(ctx context.Context, h *CertificateRemoval, proof *proof) {
	_ = r.takeAway(ctx, h.Certificates, func(step *Step) error {
		if why := proof.refuses(step.ID); why != nil {
			return stepError("deleting", "certificate", step.Name, why)
		}
		return r.removed(step, r.Certificates.DeleteCertificate(ctx, step.ID))
	}) && r.takeAway(ctx, h.Records, func(step *Step) error {
		return r.removed(step, r.Ledger.Delete(ctx, step.ID, h.records[step.ID].Fingerprint))
	})
}
