// Package plan decides what a run changes, and why. It is pure: it sends no request, and the same
// input gives the same plan.
//
//	workloads ──> Wanted ──> services ──> Register ─┐
//	              all refusals                      │
//	                           ┌────────> Renew ────┤    renews due certificates, without manifests
//	State ──> NewSnapshot ─────┼────────> Remove ───┼──> Plan of steps
//	          indexed once     ├────────> Prune ────┘    deletes unused certificates and records
//	                           └────────> NewInventory, NewCertificateList
//
// A plan deletes no API that tykmesh does not own. A foreign API in the way is a conflict, which
// the user settles.
package plan

import (
	"crypto/x509"
	"slices"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// Plan is the way from the current state to the wanted one. It is data: making it changes nothing.
// Register, Renew, Remove and Prune make one.
type Plan struct {
	Services []inject.Service // that it is about, sorted; of a pruning none

	Warnings        []inject.Problem // not serious enough to refuse the plan
	Outages         []inject.Problem // of a registration: changes during which calls fail, that the user should know of first
	Accepted        []inject.Problem // warnings and outages that the user accepts
	Routes          int              // of a registration: of the mesh, once it is carried out
	Ends            []End            // of a registration and a renewal: of the certificates after it
	Notes           []string         // of a renewal: the services that it leaves out, and why
	Kept            []Kept           // of a removal and a pruning
	APIsWithSurplus []APIWithSurplus // of a pruning: none of their certificates can be taken off yet

	Settings  mesh.Settings
	CurrentCA *x509.Certificate
	hasLedger bool
	All       []*Step // in order: a step stands behind those that it comes after

	// For the proof that certificates are unused, and so only where some are deleted.
	Unlisted []mesh.Owner    // APIs that the listing lacks, of services that the store or the ledger knows
	Listed   []dashboard.API // the listing
}

// Kept is a certificate that stays although it was made for the mesh.
type Kept struct {
	ID     string
	Name   string // of the service that it was made for, or its first host
	Reason string
}

func newPlan(x *Snapshot) *Plan {
	return &Plan{Settings: x.Settings, CurrentCA: x.State.CA, hasLedger: x.State.HasLedger}
}

// warn notes a warning, which the user may have accepted.
func (p *Plan) warn(about inject.Problem, accepted bool) {
	if accepted {
		p.Accepted = append(p.Accepted, about)
	} else {
		p.Warnings = append(p.Warnings, about)
	}
}

// add appends a step that comes after others; nil ones do not count.
func (p *Plan) add(s *Step, after ...*Step) *Step {
	s.After = append(s.After, Filter(after, func(a *Step) bool { return a != nil })...)
	p.All = append(p.All, s)
	return s
}

// chain appends steps, each of which comes after the one before it, and returns the last one. The
// first comes after another one; nil: after none.
func (p *Plan) chain(after *Step, steps ...*Step) (last *Step) {
	for _, s := range steps {
		after = p.add(s, after)
	}
	return after
}

// Steps returns the steps that change something, in order. Those of a registration or a renewal:
// the certificate of the mesh; for each service its certificate, its inbound API, its mesh API, and
// the deletions of duplicates; other mesh APIs; the deletions of replaced certificates. Those of a
// removal: the APIs of each service, then certificates, each with its record. Those of a pruning:
// APIs, certificates, records.
func (p *Plan) Steps() []Step { return values(p.Due()) }

// Registration returns the steps without which something would be missing or out of date: all
// except renewals of certificates that are still valid, and the deletions of replaced ones. Both
// become due as time passes, and change no manifest.
func (p *Plan) Registration() []Step {
	return values(Filter(p.Due(), func(s *Step) bool { return !s.Renewal && !s.Replaced }))
}

// Due returns the steps that change something.
func (p *Plan) Due() []*Step { return Filter(p.All, (*Step).changes) }

// Filter returns the steps that have a property.
func Filter(steps []*Step, has func(*Step) bool) (some []*Step) {
	for _, s := range steps {
		if has(s) {
			some = append(some, s)
		}
	}
	return some
}

func values(steps []*Step) (all []Step) {
	for _, s := range steps {
		all = append(all, *s)
	}
	return all
}

// Empty reports whether there is nothing to do.
func (p *Plan) Empty() bool { return !slices.ContainsFunc(p.All, (*Step).changes) }

// Count returns the number of things of a kind that an action is planned for, Keep included.
func (p *Plan) Count(k Kind, a Action) int {
	return len(Filter(p.All, func(s *Step) bool { return s.Kind == k && s.Action == a && !s.isEnd() }))
}

// PreviousCAs returns the names of the CAs, other than the current one, that signed certificates
// which are replaced, sorted.
func (p *Plan) PreviousCAs() (names []string) {
	for _, s := range p.certificates() {
		if signer := s.Work.(*Issuance).signer; s.Action == Issue && signer != "" {
			names = append(names, signer)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// certificates returns the steps for certificates that services and the mesh are to have.
func (p *Plan) certificates() []*Step {
	return Filter(p.All, func(s *Step) bool {
		_, ok := s.Work.(*Issuance)
		return ok
	})
}

// Bindings returns the database ids of each service's APIs as far as they are known before Apply;
// "" where an API is yet to be created.
func (p *Plan) Bindings() map[inject.Service]inject.Binding {
	return p.BindingsBy(func(s *Step) string { return s.ID })
}

// BindingsBy returns the database ids of each service's APIs, as id tells them.
func (p *Plan) BindingsBy(id func(*Step) string) map[inject.Service]inject.Binding {
	out := make(map[inject.Service]inject.Binding, len(p.Services))
	for _, s := range p.All {
		if s.Kind != APIKind || s.Action == Delete || s.Shared {
			continue
		}

		b := out[s.Service]
		if s.Role == mesh.Inbound {
			b.InboundID = id(s)
		} else {
			b.MeshID = id(s)
		}

		out[s.Service] = b
	}

	return out
}

// TakenOff returns the certificates that the plan takes off every API that it saw with them: none
// of the listed APIs names them once the plan is carried out.
func (p *Plan) TakenOff() map[string]bool {
	taken := make(map[string]bool)
	for _, s := range p.All {
		for _, id := range s.takesOff() {
			taken[id] = true
		}
	}
	return taken
}

// takesOff returns the certificates that a step takes off its API.
func (s *Step) takesOff() []string {
	switch w := s.Work.(type) {
	case *Registration:
		return w.Former
	case *Detachment:
		return w.Former
	case *APIDeletion:
		return w.certificates
	}
	return nil
}

// changed returns the APIs that the plan changes, by database id, without the certificates that it
// takes off them; nil for those that it deletes.
func (p *Plan) changed(x *Snapshot) map[string]dashboard.Definition {
	due := make(map[string]*Step)
	for _, s := range p.All {
		if s.Kind == APIKind && (s.Action == Delete || len(s.takesOff()) > 0) {
			due[s.ID] = s
		}
	}

	out := make(map[string]dashboard.Definition, len(due))
	for _, api := range x.apis.all {
		switch s := due[api.Definition.ID()]; {
		case s == nil:
		case s.Action == Delete:
			out[s.ID] = nil
		default:
			out[s.ID] = Detached(api.Definition, s.takesOff())
		}
	}

	return out
}

// withProof keeps what a proof needs if the plan deletes certificates or records.
func (p *Plan) withProof(x *Snapshot) *Plan {
	if slices.ContainsFunc(p.All, (*Step).Deletes) {
		p.Unlisted, p.Listed = x.Unlisted(), x.State.APIs
	}
	return p
}
