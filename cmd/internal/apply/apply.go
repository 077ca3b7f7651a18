// Package apply reads the servers of a mesh, and carries plans out on them. Running a plan again is
// always safe: it finishes the work of an interrupted run, and else changes nothing.
//
//	servers ──> Observe ──> plan.State     one listing of each; Resolve and Look ask for APIs that it may lack
//	plan.Plan ──> Prove ──> Run ──> servers, and the ids of the APIs
//
// It talks to the interfaces of cmd/internal/mesh only. It never opens a connection or a file, and
// never prints.
package apply

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// Run takes the plan's steps and returns the database ids of every service's APIs.
//
//	a certificate:  issue ─> record as pending ─> upload ─> read back ─> its APIs ─> record as active
//	an API:         read again ─> write ─┐
//	when all others are done:            └─> read back ─┐
//	┌───────────────────────────────────────────────────┘
//	└─> wait ─> ask who uses certificates now ─> delete certificates ─> delete their records
//
// A record comes before its upload, so that of two runs at once one finds the other's; a
// certificate before the API that names it, because gateways stop serving an API whose certificate
// they have never seen; an inbound API before the route that leads to it. An API is read again
// before it is changed or deleted, because a change since the listing must not be lost. The wait
// gives gateways the time to load all changes. A certificate that is in use by then stays. A
// record is deleted after its certificate, because it alone names the certificate's owner.
//
// Steps proceed independently, Settings.Parallel of them at once. One that fails stops those that
// come after it, and no others unless the credentials were refused. A create or an upload whose
// answer is lost is looked for before it is repeated. Where a Dashboard gives an API another api_id
// than asked, and a second run has created the same one, the lower database id stays and this run
// deletes its own.
//
// Replaced certificates are deleted only when all else is done: else they stay for the next run. If
// such a deletion fails, that is a Left event and no error.
//
// progress gets an event for each step that begins and ends, one at a time; nil for none.
//
// Errors: *Incomplete when a step failed, or when ctx ended before all were done.
func Run(ctx context.Context, p *plan.Plan, remote mesh.Remote, progress func(Event)) (map[inject.Service]inject.Binding, error) {
	due := p.Due()
	if len(due) == 0 {
		return p.Bindings(), nil
	}

	r := &run{
		Remote: remote, settings: p.Settings, currentCA: p.CurrentCA, journal: newJournal(progress, len(due)),
		done: make(map[*plan.Step]bool), stored: make(map[*plan.Step]stored), ids: make(map[*plan.Step]string),
	}
	changes := plan.Filter(due, func(s *plan.Step) bool { return !s.Deletes() })
	r.schedule(ctx, plan.Filter(p.All, func(s *plan.Step) bool { return !s.Deletes() }))

	var unread error
	if r.journal.all(changes) {
		unread = r.conclude(ctx)
	}

	r.deleteUnused(ctx, p, unread == nil && r.journal.all(changes))
	if err := r.journal.incomplete(ctx, due, unread); err != nil {
		return nil, err
	}

	return p.BindingsBy(r.id), nil
}

// run is one Apply.
type run struct {
	mesh.Remote
	settings  mesh.Settings
	currentCA *x509.Certificate
	journal   *journal
	done      map[*plan.Step]bool // owned by schedule
	proof     *proof              // of the certificates that are unused

	mu      sync.Mutex
	stored  map[*plan.Step]stored // the certificates of issuances
	ids     map[*plan.Step]string // of APIs that were created or updated
	written []written
	ownMesh string   // the certificate of the mesh, where this run made it
	surplus []string // certificates of this run that lost against another run's
	gaps    []string // signs of APIs that the listing lacks
}

// schedule takes steps in their order.
func (r *run) schedule(ctx context.Context, steps []*plan.Step) {
	schedule(r.settings.AtOnce(), steps, r.done, func(s *plan.Step) bool { return r.take(ctx, s) })
}

// take takes a step, and reports whether those that come after it may begin.
func (r *run) take(ctx context.Context, s *plan.Step) bool {
	if s.Action == plan.Keep {
		return true
	}
	if end, ok := s.Work.(*plan.Activation); ok {
		return r.activate(ctx, end.Of)
	}
	if err := r.journal.ended(ctx); err != nil {
		if s.Replaced {
			r.leave(ctx, s, err)
		}
		return false
	}
	if s.Replaced && len(r.proof.users[s.ID]) > 0 {
		r.leave(ctx, s, nil) // another API has taken it into use
		return false
	}

	r.journal.begin(s)
	did, err := r.do(ctx, s)
	_, goesOn := s.Work.(*plan.Issuance)
	switch {
	case err != nil && !s.Replaced:
		r.journal.fail(s, err)
	case err != nil:
		r.leave(ctx, s, err)
	case !goesOn:
		r.journal.doneAs(s, did)
	}

	return err == nil
}

// do does the work of a step, and returns the action that it came to.
func (r *run) do(ctx context.Context, s *plan.Step) (did plan.Action, err error) {
	switch work := s.Work.(type) {
	case *plan.Issuance:
		return s.Action, r.certificate(ctx, s, work)
	case *plan.Registration:
		return r.register(ctx, s, work)
	case *plan.Detachment:
		return s.Action, r.detach(ctx, s, work)
	case *plan.APIDeletion:
		return s.Action, r.deleteAPI(ctx, s)
	case *plan.CertificateDeletion:
		return s.Action, r.deleteCertificate(ctx, s)
	case *plan.RecordDeletion:
		return s.Action, r.deleteRecord(ctx, s, work)
	}
	return s.Action, fmt.Errorf("internal error: the step has no work: %s; please report it", s)
}

// id returns the database id of the API of a step.
func (r *run) id(s *plan.Step) string { return cmp.Or(r.ids[s], s.ID) }

// conclude checks the outcome of all steps: the mesh has one certificate, and the Dashboard kept
// every API as it was sent.
func (r *run) conclude(ctx context.Context) error {
	if err := r.oneMeshCertificate(ctx); err != nil {
		return err
	}
	return r.readBack(ctx)
}

// A write that was lost on the way is tried this often.
const attempts = 3

// pause waits before a write is tried again, longer each time, and not in step with other runs that
// were turned away.
func pause(ctx context.Context, attempt int) error {
	d := 100 * time.Millisecond << attempt
	return sleep(ctx, d/2+rand.N(d/2))
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// refusedClearly reports whether an error proves that a write did not take effect.
func refusedClearly(err error) bool {
	var e *dashboard.Error
	return errors.As(err, &e) && e.Refused()
}

// sameID reports whether the Dashboard refused to create an API because it has one with the same
// id.
func sameID(err error) bool {
	var e *dashboard.Error
	return errors.As(err, &e) && e.SameID()
}

// passing reports whether an error may be gone at the next try.
func passing(err error) bool {
	var e *dashboard.Error
	return errors.As(err, &e) && e.Passing()
}
