package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/dashboard"
)

// waitStep is how often the run reports that it is waiting.
const waitStep = time.Second

// deleteUnused deletes certificates and records that are proved to be unused, and the certificates
// of this run that lost against another run's. whole reports whether all other steps are done.
func (r *run) deleteUnused(ctx context.Context, p *plan.Plan, whole bool) {
	due := plan.Filter(p.All, func(s *plan.Step) bool { return s.Deletes() && (whole || !s.Replaced) })
	first := slices.IndexFunc(due, func(s *plan.Step) bool {
		return !slices.ContainsFunc(s.After, func(before *plan.Step) bool { return !r.done[before] })
	})
	if first < 0 && (!whole || len(r.surplus) == 0) {
		return
	}

	err := r.journal.ended(ctx)
	if err == nil {
		r.proof, err = r.prove(ctx, deletionOf(p, r.surplus))
	}

	if err == nil {
		r.schedule(ctx, due)
		r.dropSurplus(ctx)
		return
	}

	for i, s := range due {
		switch {
		case s.Replaced:
			r.leave(ctx, s, err)
		case i == first && r.journal.ended(ctx) == nil:
			r.journal.fail(s, err)
		}
	}
}

// deleteCertificate deletes a certificate from the store.
func (r *run) deleteCertificate(ctx context.Context, step *plan.Step) error {
	if why := r.proof.refuses(step.ID); why != nil {
		return stepError("deleting", "certificate", step.Name, why)
	}
	return r.deleted(step, r.Certificates.DeleteCertificate(ctx, step.ID))
}

// deleteRecord deletes a record from the ledger.
func (r *run) deleteRecord(ctx context.Context, step *plan.Step, d *plan.RecordDeletion) error {
	for _, id := range d.Unused {
		if why := r.proof.refuses(id); why != nil {
			return stepError("deleting", "record", step.Name, why)
		}
	}
	return r.deleted(step, r.Ledger.Delete(ctx, step.ID, d.Fingerprint))
}

// deleteAPI deletes an API that is still the service's. One that is gone counts as deleted.
func (r *run) deleteAPI(ctx context.Context, step *plan.Step) error {
	held, err := r.APIs.API(ctx, step.ID)
	switch {
	case isNotFound(err):
		return nil
	case errors.Is(err, dashboard.ErrNotVisible): // deleted by another run, or another user's by now: not to be deleted
		_ = r.lost(step.Name, err)
		return nil
	case err != nil:
		return stepError("reading", "API", step.Name, err)
	case !plan.IsOwn(held, step.Owner(), r.settings):
		return stepError("deleting", "API", step.Name, fmt.Errorf("it no longer belongs to this service: now it is %s", mesh.Describe(held.Definition)))
	}

	return r.deleted(step, r.APIs.DeleteAPI(ctx, step.ID))
}

// deleted returns the error of a deletion: one that was not answered may have taken effect.
func (r *run) deleted(step *plan.Step, err error) error {
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

// detach takes certificates off an API as it is now, and changes nothing else of it.
func (r *run) detach(ctx context.Context, step *plan.Step, d *plan.Detachment) error {
	held, err := r.APIs.API(ctx, step.ID)
	switch {
	case isNotFound(err):
		return nil
	case err != nil:
		return stepError("reading", "API", step.Name, r.lost(step.Name, err))
	}

	o, ok := mesh.ClassicOwner(held.Definition)
	switch {
	case !ok || o != mesh.Owner{Service: step.Service, Role: step.Role}:
		return stepError("updating", "API", step.Name, fmt.Errorf("it no longer belongs to this service: now it is %s", mesh.Describe(held.Definition)))
	case len(d.Former) > 0 && !slices.Contains(held.Definition.Certificates(), d.Keep):
		return stepError("updating", "API", step.Name, errors.New("the certificate that was to stay is not on it any more"))
	}

	return r.update(ctx, held, plan.Detached(held.Definition, d.Former))
}

// settled waits until all gateways have had the time to load the APIs that this run changed.
func (r *run) settled(ctx context.Context) error {
	for last := r.journal.lastChange(); !last.IsZero(); {
		left := time.Until(last.Add(r.settings.SettleTime()))
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
func (r *run) leave(ctx context.Context, step *plan.Step, err error) {
	if interruption(context.Cause(ctx)) != 0 {
		return
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = context.Cause(ctx)
	}
	r.journal.leave(step, err)
}
