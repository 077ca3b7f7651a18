package plan

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// Register compares the wanted services with a snapshot. It is pure: the same services, snapshot
// and time give the same plan.
//
// Problems: an API that tykmesh does not own holds a slug, a domain or a route that a service
// needs; an API id in a workload's annotations is not that of the service's API; a certificate
// record belongs to another organisation; Injector.meshCertificateID is not in the store.
//
// Warnings: a foreign listen path overlaps with a route; no route answers a listed call, or
// one of the calls that texts name; a memory limit is too small for the routes of the mesh.
func Register(services []Service, x *Snapshot, calls ...inject.RouteCall) (*Plan, []inject.Problem) {
	plan := newPlan(x)
	m := newMatcher(x.apis, x.Settings)
	matched := m.match(services)
	var problems []inject.Problem

	duplicates := make([][]*Step, len(services))
	for i := range services {
		service := &services[i]
		for _, w := range service.apis() {
			gone, refused := m.duplicates(service, w, matched[w])
			duplicates[i] = append(duplicates[i], gone...)
			problems = append(problems, m.refusals(service, w, matched[w])...)
			problems = append(problems, refused...)
		}

		problems = append(problems, m.nested(service, matched[&service.Mesh])...)
		plan.Warnings = append(plan.Warnings, m.nearRoutes(service)...)
		plan.Services = append(plan.Services, service.Service)
	}

	problems = append(problems, x.borrowed(services)...)
	mesh, refused := x.meshAssignment(services, matched)
	problems = append(problems, refused...)

	own := make([]serviceSteps, len(services))
	refusals := make([][]inject.Problem, len(services))
	onAllCores(len(services), func(i int) { own[i], refusals[i] = x.planService(&services[i], matched, mesh) })
	problems = append(problems, slices.Concat(refusals...)...)
	if len(problems) > 0 {
		sortProblems(problems)
		return nil, problems
	}

	plan.tellOutages(services, own, matched)
	plan.Routes = m.routesAfter(services, matched, duplicates)
	plan.tellUnanswered(services, m)
	plan.tellSmall(services)

	shared := plan.addCertificate(mesh)
	for i := range own {
		plan.addService(&own[i], shared, duplicates[i])
	}

	plan.addShared(shared, m.otherMeshAPIs(x, mesh))
	plan.replace(x)
	plan.tellCalls(calls, x)
	plan.Ends = plan.ends(x)

	return plan.withProof(x), nil
}

// serviceSteps holds the steps for one service.
type serviceSteps struct {
	certificate   *assignment // nil without TLS
	inbound, mesh *Step
}

// planService plans the steps for one service.
func (x *Snapshot) planService(service *Service, matched map[*mesh.WantedAPI]*dashboard.API, mesh *assignment) (out serviceSteps, refused []inject.Problem) {
	if x.Settings.TLS {
		var carriers []dashboard.Definition
		if api := matched[&service.Inbound]; api != nil {
			carriers = append(carriers, api.Definition)
		}

		a := x.assign(serviceHolder(service.Service), carriers)
		if a.problem != nil {
			return out, []inject.Problem{service.problem(inject.RuleCertificate, service.Pos, "%v", a.problem)}
		}

		out.certificate = &a
	}

	var unkept [2]*UnkeptError
	out.inbound, unkept[0] = x.planAPI(&service.Inbound, matched[&service.Inbound], out.certificate)
	out.mesh, unkept[1] = x.planAPI(&service.Mesh, matched[&service.Mesh], mesh)
	for _, err := range unkept {
		if err != nil {
			refused = append(refused, service.problem(inject.RuleDefinition, service.Pos, "%v", err))
		}
	}

	return out, refused
}

// addService adds the steps for one service.
//
//	its certificate ─> inbound API ─> its record is active ─> mesh API ─> duplicates are deleted
//	the certificate of the mesh ──────────────────────────────────┘
func (p *Plan) addService(s *serviceSteps, shared *Step, duplicates []*Step) {
	last := p.addInbound(p.addCertificate(s.certificate), s.inbound)
	s.mesh.carry(shared)
	p.chain(p.add(s.mesh, last, shared), duplicates...)
}

// addCertificate adds the step for the certificate of an assignment; nil without an assignment.
func (p *Plan) addCertificate(a *assignment) *Step {
	if a == nil {
		return nil
	}

	s := &Step{
		Kind: CertificateKind, Action: a.Action, Service: a.Service, Role: a.Role, Name: a.name(), ID: a.ID, Reasons: a.Reasons,
		Renewal: a.renews(),
		Work:    &Issuance{a.holder, a.decision},
	}
	switch {
	case a.Action == Confirm:
		s.Kind, s.Name = RecordKind, a.recordID()
	case a.Action == Issue && p.hasLedger:
		s.Record = a.recordID()
	}

	return p.add(s)
}

// addInbound adds the steps for the inbound APIs of a service, which carry its certificate, and
// for the end of its issuance. It returns the last one.
func (p *Plan) addInbound(certificate *Step, apis ...*Step) *Step {
	for _, s := range apis {
		s.carry(certificate)
	}
	last := p.chain(certificate, apis...)
	return cmp.Or(p.addActivation(certificate, last), last)
}

// addShared adds the steps for mesh APIs of which only the certificate changes, and for the end of
// its issuance, when all mesh APIs carry it.
func (p *Plan) addShared(certificate *Step, apis []*Step) {
	for _, s := range apis {
		s.carry(certificate)
		p.add(s, certificate)
	}
	p.addActivation(certificate, Filter(p.All, func(s *Step) bool { return s.Kind == APIKind && s.Role == mesh.Mesh && s.Action != Delete })...)
}

// addActivation adds the end of an issuance; nil for a certificate that is kept.
func (p *Plan) addActivation(certificate *Step, after ...*Step) *Step {
	if certificate == nil || certificate.Action == Keep {
		return nil
	}
	end := &Step{Kind: RecordKind, Action: Confirm, Service: certificate.Service, Role: certificate.Role, Name: certificate.Name, Work: &Activation{certificate}}
	return p.add(end, append(after, certificate)...)
}

// carry makes an API carry a certificate.
func (s *Step) carry(certificate *Step) {
	if w, ok := s.Work.(*Registration); ok {
		w.Certificate = certificate
	}
}

// meshAssignment returns the certificate that all mesh APIs are to carry; nil without TLS.
func (x *Snapshot) meshAssignment(services []Service, matched map[*mesh.WantedAPI]*dashboard.API) (*assignment, []inject.Problem) {
	if !x.Settings.TLS || len(services) == 0 {
		return nil, nil
	}

	carriers := x.apis.meshAPIs() // of all services, because they share it
	for i := range services {
		if api := matched[&services[i].Mesh]; api != nil {
			carriers = append(carriers, api.Definition)
		}
	}

	a := x.assign(meshHolder(x.Settings), carriers)
	if a.chosen && !x.certificate(a.ID).there() {
		a.problem = fmt.Errorf("Injector.meshCertificateID: the Dashboard's store has no certificate %s; leave it empty to let tykmesh make one", a.ID)
	}
	if a.problem != nil {
		return nil, []inject.Problem{services[0].problem(inject.RuleCertificate, services[0].Pos, "%v", a.problem)}
	}

	return &a, nil
}

// onAllCores calls f for 0 to n-1, in any order.
func onAllCores(n int, f func(i int)) { atOnce(runtime.GOMAXPROCS(0), n, f) }

// atOnce calls f for 0 to n-1, up to limit of them at the same time, and waits for all.
func atOnce(limit, n int, f func(i int)) {
	var g errgroup.Group
	g.SetLimit(limit)
	for i := range n {
		g.Go(func() error {
			f(i)
			return nil
		})
	}

	_ = g.Wait()
}

// refusals returns why w cannot be registered; current is the API that was matched, or nil.
func (m *matcher) refusals(service *Service, w *mesh.WantedAPI, current *dashboard.API) []inject.Problem {
	if current != nil {
		if org := current.Definition.OrgID(); org != "" && org != m.settings.Org {
			return []inject.Problem{service.problem(inject.RuleConflict, service.Pos, "API %s belongs to organisation %s, and Tyk.org is %s",
				mesh.Describe(current.Definition), org, m.settings.Org)}
		}
	}

	problems := m.conflicts(service, w, current)
	switch {
	case w.Preset == "":
	case current == nil:
		problems = append(problems, service.problem(inject.RuleConflict, service.Pos, "annotation %s names API %s, which is not this service's; remove the annotation to register one",
			w.IDAnnotation(), w.Preset))
	case current.Definition.ID() != w.Preset:
		problems = append(problems, service.problem(inject.RuleConflict, service.Pos, "annotation %s names API %s, but this service's is %s",
			w.IDAnnotation(), w.Preset, mesh.Describe(current.Definition)))
	}

	return problems
}
