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

// stored is a certificate in the store.
type stored struct {
	id     string
	record *ca.Record // to be marked active by this run; nil without a record, or if another run has done it
}

// ofRecord returns a certificate that another run stored. Its record is this run's to finish as
// well: the other may have ended without.
func ofRecord(held *ca.Record) stored {
	if held.State == ca.Active {
		return stored{id: held.Fingerprint}
	}
	return stored{held.Fingerprint, held}
}

// How long a run that finds another's pending record waits for the certificate to be uploaded, and
// how old such a record may be: an older one belongs to a run that was interrupted.
const (
	uploadWait = 3 * time.Second
	uploadPoll = 150 * time.Millisecond
	youngAge   = 10 * time.Second
)

// certificate brings a certificate into the store. Its step is done only with activate.
func (r *run) certificate(ctx context.Context, step *plan.Step, w *plan.Issuance) (err error) {
	s := stored{step.ID, w.Held}
	if step.Action == plan.Issue {
		s, err = r.issue(ctx, step, w)
	}

	r.mu.Lock()
	defer r.mu.Unlock()
	r.stored[step] = s
	if step.Action == plan.Issue && step.Role == mesh.Mesh {
		r.ownMesh = s.id
	}

	return err
}

// certificateOf returns the id of the certificate that an API is to carry; "" for none.
func (r *run) certificateOf(w *plan.Registration) string {
	switch {
	case w.Certificate == nil:
		return ""
	case w.Certificate.Action == plan.Keep:
		return w.Certificate.ID
	}

	r.mu.Lock()
	defer r.mu.Unlock()

	return r.stored[w.Certificate].id
}

// activate marks the record of a certificate as active, now that the certificate is in place.
func (r *run) activate(ctx context.Context, step *plan.Step) (ok bool) {
	r.mu.Lock()
	s := r.stored[step]
	r.mu.Unlock()

	if s.record != nil && r.Ledger != nil {
		if ctx.Err() != nil {
			return false
		}
		record := *s.record
		record.State = ca.Active
		if err := r.Ledger.Replace(ctx, record.Fingerprint, record); err != nil {
			r.journal.fail(step, stepError("recording", "certificate", step.Name, err))
			return false
		}

		r.journal.wroteSome()
	}

	r.journal.done(step)

	return true
}

func (r *run) issue(ctx context.Context, step *plan.Step, w *plan.Issuance) (stored, error) {
	if held := w.Held; held != nil && !w.Asked && r.settings.Time().Sub(held.Created) < youngAge {
		// Perhaps another run is about to upload it, or did so just after this one listed the
		// store.
		usable, err := r.appears(ctx, step.Name, w.Hosts, held)
		if err != nil {
			return stored{}, err
		}
		if usable {
			return ofRecord(held), nil
		}
	}

	bundle, err := r.Issuer.Issue(ctx, w.Hosts)
	if err != nil {
		return stored{}, stepError("issuing", "certificate", step.Name, err)
	}
	if leaf := bundle.Leaf; r.settings.Terms(r.currentCA).Due(leaf.NotBefore, leaf.NotAfter) {
		return stored{}, stepError("issuing", "certificate", step.Name, &plan.EagerError{Life: leaf.NotAfter.Sub(leaf.NotBefore), RenewBefore: r.settings.RenewBefore})
	}

	record := ca.NewRecord(string(step.Role), step.Service.Namespace, w.App(), r.settings.Org, bundle, r.settings.Time())
	if r.Ledger != nil {
		winner, err := r.claim(ctx, step, w, record)
		if err != nil {
			return stored{}, err
		}
		if winner != nil {
			return ofRecord(winner), nil
		}
	}

	if err := r.upload(ctx, step, record.Fingerprint, bundle); err != nil {
		return stored{}, err
	}

	return stored{record.Fingerprint, &record}, nil
}

// claim writes the record. Where another run was first it returns that run's record, if its
// certificate can be used, and else takes the record over.
func (r *run) claim(ctx context.Context, step *plan.Step, w *plan.Issuance, record ca.Record) (winner *ca.Record, err error) {
	held := w.Held
	for range attempts {
		if held == nil {
			err = r.Ledger.Insert(ctx, record)
		} else {
			err = r.Ledger.Replace(ctx, held.Fingerprint, record)
		}

		if err == nil {
			r.journal.wroteSome()
			return nil, nil
		}

		failed := stepError("recording", "certificate", step.Name, err)
		switch {
		case errors.Is(err, ca.ErrLedgerForbidden) || errors.Is(err, ca.ErrLedgerUnauthorized):
			return nil, failed
		case !errors.Is(err, ca.ErrRecordExists) && !errors.Is(err, ca.ErrRecordChanged):
			return nil, unclearError{failed}
		}

		if held, err = r.record(ctx, record.ID); err != nil {
			return nil, stepError("reading", "ledger", "", err)
		}
		if held == nil {
			continue
		}

		if held.Fingerprint == record.Fingerprint { // the write took effect although its answer was lost
			r.journal.wroteSome()
			return nil, nil
		}

		usable, err := r.appears(ctx, step.Name, w.Hosts, held)
		if err != nil || usable {
			return held, err
		}
	}

	return nil, stepError("recording", "certificate", step.Name, errors.New("other runs keep changing the record"))
}

// record reads one record; nil if the ledger has none with this id.
func (r *run) record(ctx context.Context, id string) (*ca.Record, error) {
	all, err := r.Ledger.Records(ctx)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(all, func(r ca.Record) bool { return r.ID == id }); i >= 0 {
		return &all[i], nil
	}

	return nil, nil
}

// appears reports whether a recorded certificate can be used and is in the store, waiting a little
// for its upload.
func (r *run) appears(ctx context.Context, name string, hosts []string, record *ca.Record) (bool, error) {
	if !plan.UsableRecord(record, hosts, r.settings.Org, r.settings.Terms(r.currentCA)) {
		return false, nil
	}

	for waited := time.Duration(0); ; waited += uploadPoll {
		_, err := r.Certificates.Certificate(ctx, record.Fingerprint)
		switch {
		case err == nil:
			return true, nil
		case !isNotFound(err):
			return false, stepError("reading", "certificate", name, err)
		case waited >= uploadWait || record.State == ca.Active:
			return false, nil
		}

		if err := sleep(ctx, uploadPoll); err != nil {
			return false, stepError("reading", "certificate", name, err)
		}
	}
}

// upload stores a certificate and reads it back: some stores accept certificates that
// they cannot read again.
func (r *run) upload(ctx context.Context, step *plan.Step, id string, bundle ca.Bundle) error {
	for attempt := 1; ; attempt++ {
		got, err := r.Certificates.UploadCertificate(ctx, bundle.PEM())
		failed := stepError("uploading", "certificate", step.Name, err)
		switch exists := errors.Is(err, dashboard.ErrExists); {
		case (err == nil || exists) && got != id:
			r.journal.wroteSome()
			return stepError("uploading", "certificate", step.Name, fmt.Errorf("the Dashboard stored it as %s, not as %s; set Tyk.org to the key's organisation", got, id))
		case err != nil && !exists && refusedClearly(err):
			return failed
		}

		if err == nil {
			r.journal.wroteSome()
		}

		_, lookErr := r.Certificates.Certificate(ctx, id)
		switch {
		case lookErr == nil:
			r.journal.wroteSome()
			return nil
		case failed == nil:
			return stepError("reading back", "certificate", step.Name, lookErr)
		case !isNotFound(lookErr):
			return unclearError{failed}
		case !passing(err) || attempt == attempts || pause(ctx, attempt) != nil:
			return failed
		}
	}
}
