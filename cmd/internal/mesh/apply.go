package mesh

import (
	"context"
	"crypto/x509"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// Apply takes the plan's steps and returns the database ids of every service's APIs.
//
//	per service:  issue ─> record as pending ─> upload ─> read back ─┐
//	                ┌────────────────────────────────────────────────┘
//	                └─> inbound API ─> record as active ─> mesh API ─> delete duplicates
//	once a mesh:  issue ─> record as pending ─> upload ─> read back ─> mesh APIs ─> active
//	at the end:   read back the APIs ─> wait ─> ask who uses replaced certificates ─> delete them
//
// A record comes before its upload, so that of two runs at once one finds the other's; a
// certificate before the API that names it, because gateways stop serving an API whose certificate
// they have never seen; an inbound API before the route that leads to it.
//
// Services proceed independently, Settings.Parallel of them at once, and one that fails does not
// stop the others, unless the credentials were refused. A create or an upload whose answer is lost
// is looked for before it is repeated. Where a Dashboard gives an API another api_id than asked,
// and a second run has created the same one, the lower database id stays and this run deletes its
// own.
//
// Replaced certificates are deleted last, when gateways have had the time to load the new ones, and
// only where no API names them by then. If anything failed before, they stay for the next run; and
// if a deletion fails, that is a Left event and no error.
//
// progress gets an event for each step that begins and ends, one at a time; nil for none.
//
// Errors: *Incomplete when a step failed, or when ctx ended before all were done.
func (p *Plan) Apply(ctx context.Context, remote Remote, progress func(Event)) (map[inject.Service]inject.Binding, error) {
	steps := p.due()
	if len(steps)+len(p.Replaced) == 0 {
		return p.Bindings(), nil
	}

	r := &run{
		Remote: remote, settings: p.settings, currentCA: p.currentCA,
		journal: newJournal(progress, len(steps)+len(p.Replaced)), bindings: p.Bindings(),
	}
	r.apply(ctx, p)
	var unread error
	if r.journal.all(steps) {
		unread = r.conclude(ctx, p)
	}

	if unread == nil && r.journal.all(steps) {
		r.dropSurplus(ctx)
		r.removeReplaced(ctx, p)
	}

	for i := range p.Replaced {
		steps = append(steps, &p.Replaced[i])
	}

	if err := r.journal.incomplete(ctx, steps, unread); err != nil {
		return nil, err
	}

	return r.bindings, nil
}

// conclude checks the outcome of all steps: the mesh has one certificate, and the Dashboard kept
// every API as it was sent.
func (r *run) conclude(ctx context.Context, p *Plan) error {
	if err := r.oneMeshCertificate(ctx, p.MeshCertificate); err != nil {
		return err
	}
	return r.readBack(ctx)
}

// run is one Apply.
type run struct {
	Remote
	settings  Settings
	currentCA *x509.Certificate
	journal   *journal

	mu       sync.Mutex
	bindings map[inject.Service]inject.Binding
	written  []written
	ownMesh  string   // the certificate of the mesh, where this run made it
	surplus  []string // certificates of this run that lost against another run's
	gaps     []string // signs of APIs that the listing lacks
}

func (r *run) apply(ctx context.Context, p *Plan) {
	mesh := r.startMeshCertificate(ctx, p.MeshCertificate)
	var g errgroup.Group
	g.SetLimit(r.settings.parallel())
	for i := range p.Services {
		if s := &p.Services[i]; !s.kept() {
			g.Go(func() error {
				r.service(ctx, s, mesh)
				return nil
			})
		}
	}

	for _, step := range p.MeshAPIs {
		if step.Action == Keep {
			continue
		}

		g.Go(func() error {
			if shared, ok := mesh(); ok {
				r.api(ctx, step, shared.id)
			}
			return nil
		})
	}

	_ = g.Wait()
	// The record is active when the certificate is in place everywhere.
	if stored, ok := mesh(); ok && p.MeshCertificate != nil && r.journal.all(p.meshSteps()) {
		r.activate(ctx, p.MeshCertificate, stored)
	}
}

// meshSteps returns the steps that put the certificate of the mesh in place.
func (p *Plan) meshSteps() (steps []*Step) {
	add := func(s *APIStep) {
		if s.Action != Keep {
			steps = append(steps, &s.Step)
		}
	}
	for i := range p.Services {
		add(p.Services[i].Mesh)
	}

	for _, s := range p.MeshAPIs {
		add(s)
	}

	return steps
}

// startMeshCertificate begins with the certificate that every mesh API waits for, and returns how
// to wait for it. ok is false if it cannot be had.
func (r *run) startMeshCertificate(ctx context.Context, step *CertificateStep) (wait func() (s stored, ok bool)) {
	if step == nil {
		return func() (stored, bool) { return stored{}, true }
	}

	var (
		s    stored
		ok   bool
		over = make(chan struct{})
	)
	go func() {
		defer close(over)
		if s, ok = r.certificate(ctx, step); ok && step.Action == Issue {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.ownMesh = s.id
		}
	}()

	return func() (stored, bool) {
		<-over
		return s, ok
	}
}

// kept reports whether nothing is to be done for a service.
func (p *ServicePlan) kept() bool {
	duplicates := !slices.ContainsFunc(p.Duplicates, func(s *APIStep) bool { return s.Action != Keep })
	return duplicates && len(p.Surplus) == 0 && p.Inbound.Action == Keep && p.Mesh.Action == Keep && (p.Certificate == nil || p.Certificate.Action == Keep)
}

// service takes the steps of a service, up to the first failure.
func (r *run) service(ctx context.Context, s *ServicePlan, mesh func() (stored, bool)) {
	var own stored
	if s.Certificate != nil {
		var ok bool
		if own, ok = r.certificate(ctx, s.Certificate); !ok {
			return
		}
	}

	inbound, ok := r.api(ctx, s.Inbound, own.id)
	if !ok {
		return
	}

	for _, duplicate := range s.Duplicates {
		if _, ok := r.api(ctx, duplicate, own.id); !ok {
			return
		}
	}

	if s.Certificate != nil && !r.activate(ctx, s.Certificate, own) {
		return
	}

	shared, ok := mesh()
	if !ok {
		return
	}

	route, ok := r.api(ctx, s.Mesh, shared.id)
	if !ok || !r.takeAway(ctx, s.Surplus, func(step *Step) error { return r.removeAPI(ctx, step) }) {
		return
	}

	r.mu.Lock()
	defer r.mu.Unlock()
	r.bindings[s.Service] = inject.Binding{InboundID: inbound, MeshID: route}
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
