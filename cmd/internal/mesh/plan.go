package mesh

import (
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// NewPlan compares the wanted services with a snapshot. It is pure: the same services, snapshot and
// time give the same plan.
//
// Problems: an API that tykmesh does not own holds a slug, a domain or a route that a service
// needs; an API id in a workload's annotations is not that of the service's API; a certificate
// record belongs to another organisation; Injector.meshCertificateID is not in the store.
func NewPlan(services []Service, x *Snapshot) (*Plan, []inject.Problem) {
	plan := &Plan{settings: x.settings, currentCA: x.state.CA}
	m := newMatcher(x.apis, x.settings)
	matched := m.match(services)
	var problems []inject.Problem

	surplus := make(map[inject.Service][]Step)
	for i := range services {
		service := &services[i]
		for _, w := range service.apis() {
			gone, refused := m.duplicates(service, w, matched[w])
			surplus[service.Service] = append(surplus[service.Service], gone...)
			problems = append(problems, m.refusals(service, w, matched[w])...)
			problems = append(problems, refused...)
		}

		problems = append(problems, m.nested(service, matched[&service.Mesh])...)
		plan.Warnings = append(plan.Warnings, m.nearRoutes(service)...)
	}

	problems = append(problems, x.borrowed(services)...)
	if x.settings.TLS {
		var refused []inject.Problem
		plan.MeshCertificate, refused = x.meshCertificate(services, matched)
		problems = append(problems, refused...)
	}

	plan.Services = make([]ServicePlan, len(services))
	refused := make([][]inject.Problem, len(services))
	onAllCores(len(services), func(i int) {
		plan.Services[i], refused[i] = x.planService(&services[i], matched, plan.MeshCertificate)
		plan.Services[i].Surplus = surplus[services[i].Service]
	})
	problems = append(problems, slices.Concat(refused...)...)
	if len(problems) > 0 {
		sortProblems(problems)
		return nil, problems
	}

	if plan.MeshCertificate != nil {
		plan.MeshAPIs = m.otherMeshAPIs(x, plan.MeshCertificate)
		plan.replace(x)
	}

	return plan, nil
}

// planService plans the steps for one service.
func (x *Snapshot) planService(service *Service, matched map[*WantedAPI]*dashboard.API, meshCertificate *CertificateStep) (sp ServicePlan, refused []inject.Problem) {
	sp.Service = service.Service
	if x.settings.TLS {
		sp.Certificate, refused = x.serviceCertificate(service, matched[&service.Inbound])
	}

	sp.Inbound = x.planAPI(&service.Inbound, matched[&service.Inbound], sp.Certificate)
	sp.Mesh = x.planAPI(&service.Mesh, matched[&service.Mesh], meshCertificate)
	for _, step := range []*APIStep{sp.Inbound, sp.Mesh} {
		if len(step.lost) > 0 {
			refused = append(refused, service.problem(inject.RuleDefinition, service.Pos, "%v", &UnkeptError{step.Name, step.ID, step.lost}))
		}
	}

	return sp, refused
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
func (m *matcher) refusals(service *Service, w *WantedAPI, current *dashboard.API) []inject.Problem {
	if current != nil {
		if org := current.Definition.OrgID(); org != "" && org != m.settings.Org {
			return []inject.Problem{service.problem(inject.RuleConflict, service.Pos, "API %s belongs to organisation %s, and Tyk.org is %s",
				describe(current.Definition), org, m.settings.Org)}
		}
	}

	problems := m.conflicts(service, w, current)
	switch {
	case w.preset == "":
	case current == nil:
		problems = append(problems, service.problem(inject.RuleConflict, service.Pos, "annotation %s names API %s, which is not this service's; remove the annotation to register one",
			w.idAnnotation(), w.preset))
	case current.Definition.ID() != w.preset:
		problems = append(problems, service.problem(inject.RuleConflict, service.Pos, "annotation %s names API %s, but this service's is %s",
			w.idAnnotation(), w.preset, describe(current.Definition)))
	}

	return problems
}

// planAPI plans the step for one API.
func (x *Snapshot) planAPI(w *WantedAPI, current *dashboard.API, certificate *CertificateStep) *APIStep {
	step := Step{Kind: APIKind, Service: w.Service, Role: w.Role, Name: w.Slug}
	if current == nil {
		step.Action, step.Reasons = Create, []string{Absent}
		return &APIStep{Step: step, wanted: w, updated: w.Definition}
	}
	return x.planUpdate(step, w, current.Definition, certificate)
}

// planUpdate plans the step for an API that is there. Where w is nil, only its certificate may
// change.
func (x *Snapshot) planUpdate(of Step, w *WantedAPI, current dashboard.Definition, certificate *CertificateStep) *APIStep {
	of.Action, of.ID = Keep, current.ID()
	// A kept API needs no more, and a large mesh has thousands.
	kept := &APIStep{Step: of}
	step := &APIStep{Step: of, wanted: w}

	known := ""
	if certificate != nil {
		known = certificate.ID
		step.former = x.replaceable(current.Certificates(), certificate)
	}

	if hasCertificate(current, certificate) && len(step.former) == 0 && asWanted(current, w) {
		return kept
	}

	step.updated = update(current, w)
	step.Changes, kept.lost = step.due(current, known)
	step.lost = kept.lost
	step.Reasons = reasons(step.Changes)
	if certificate != nil && known == "" {
		step.Reasons = append(step.Reasons, "gets a new certificate")
	}

	if len(step.Reasons) == 0 {
		return kept
	}

	step.Action = Update

	return step
}

// due returns the changes that an update would make, and of those that the Dashboard is known not
// to keep the vital ones. A tag of the API remembers a difference that the Dashboard does not keep:
// it is not due again.
func (s *APIStep) due(current dashboard.Definition, certificate string) (list, lost []dashboard.Change) {
	bare, tag := forgetful(current)
	to, _ := forgetful(s.final(certificate))
	list = changes(bare, to)
	if tag != "" && tag == unkeptTag(bare, to) {
		return ofCertificates(list), vitalChanges(list)
	}
	return list, nil
}

// asWanted reports whether an update would change nothing, which is so nearly always, without
// making one.
func asWanted(current dashboard.Definition, w *WantedAPI) bool {
	if w == nil {
		return true
	}
	return current.Includes(w.leavesFor(current)) && len(current.Zeros(switches)) == 0 && len(staleFields(current, w)) == 0
}

// hasCertificate reports whether a definition names the certificate that it is to have.
func hasCertificate(d dashboard.Definition, certificate *CertificateStep) bool {
	return certificate == nil || certificate.ID != "" && slices.Contains(d.Certificates(), certificate.ID)
}

// update merges the wanted leaves into a definition, and reverts the leaves that annotations set
// and no longer set.
func update(current dashboard.Definition, w *WantedAPI) dashboard.Definition {
	if w == nil {
		return current
	}

	bare, tag := forgetful(current)

	out := bare.Without(staleFields(bare, w)).Merge(w.leavesFor(bare)).Merge(bare.Zeros(switches))
	if tag != "" && tag == unkeptTag(bare, out) {
		out["tags"] = dashboard.Union(out.Tags(), tag)
	}

	return out
}

// staleFields returns the fields set by annotations that the manifest no longer has, and template
// fields that an annotation now replaces, unless they were edited since.
func staleFields(current dashboard.Definition, w *WantedAPI) (paths []string) {
	for _, p := range pathsOf(current) {
		// The mark is in the hands of whoever edits the Dashboard: it must not make us drop what
		// identifies the API.
		if _, ok := slices.BinarySearch(w.paths, p); !ok && !dashboard.Identifies(p) {
			paths = append(paths, p)
		}
	}

	for _, leaf := range w.replaced {
		if v, ok := current.Leaf(leaf.path); ok && dashboard.Same(v, leaf.value) {
			paths = append(paths, leaf.path.String())
		}
	}

	return paths
}

// withCertificate puts a certificate among those of a definition: in the place of the first that it
// replaces, else at the end. The others that it replaces are taken off; all other certificates
// stay.
func withCertificate(d dashboard.Definition, id string, former []string) dashboard.Definition {
	var list []string
	placed := false
	for _, held := range d.Certificates() {
		ours := held == id || slices.Contains(former, held)
		if !ours {
			list = append(list, held)
			continue
		}

		if !placed {
			list = append(list, id)
			placed = true
		}
	}

	if !placed {
		list = append(list, id)
	}

	return d.With("certificates", dashboard.Union(list))
}

func noSuchCertificate(id string) string {
	return fmt.Sprintf("Injector.meshCertificateID: the Dashboard's store has no certificate %s; leave it empty to let tykmesh make one", id)
}
