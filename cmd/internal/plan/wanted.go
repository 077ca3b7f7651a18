package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Service is a service as the stream wants it.
type Service struct {
	inject.Service

	Object string            // its first workload, which refusals of the whole service name
	Pos    manifest.Position // where that stands

	Route    string // as the stream has it
	RoutePos manifest.Position

	Hosts         []string // the names of its certificate
	Inbound, Mesh mesh.WantedAPI

	workloads []inject.Workload // which want the same APIs
}

// first returns the workload for which the others stand in all that is alike.
func (s *Service) first() *inject.Workload { return &s.workloads[0] }

// accepts reports whether a workload of the service accepts the warnings of a rule.
func (s *Service) accepts(rule inject.Rule) bool {
	return slices.ContainsFunc(s.workloads, func(w inject.Workload) bool { return w.Accepts(rule) })
}

// apis returns the service's two APIs in the order in which they are registered: a route is
// opened only to an API that is there.
func (s *Service) apis() []*mesh.WantedAPI { return []*mesh.WantedAPI{&s.Inbound, &s.Mesh} }

func (s *Service) problem(rule inject.Rule, pos manifest.Position, format string, args ...any) inject.Problem {
	return inject.Problem{Rule: rule, Pos: pos, Object: s.Object, Msg: fmt.Sprintf(format, args...)}
}

// Wanted returns the services that the workloads make, with their APIs. It is pure, and refuses
// here, before any request, everything that can be refused because of the stream alone.
//
// Services come sorted by namespace and app, so that the order of the workloads does not matter.
// Workloads of the same namespace and app are one service and share its APIs.
//
// Problems: workloads of one service that differ in route, template or annotations; two services
// with one route, or with one slug; an app named mesh; a template that does not exist or does not
// render; annotations that overlap, or that name no field or a value of the wrong type. Warnings:
// annotations on nested fields that are not known.
func Wanted(workloads []inject.Workload, s mesh.Settings) (services []Service, warnings, problems []inject.Problem) {
	if s.Templates == nil {
		s.Templates = dashboard.BuiltinTemplates()
	}

	groups := make(map[inject.Service][]inject.Workload)
	for _, w := range workloads {
		warned, refused := checkWorkload(w, s)
		warnings = append(warnings, warned...)
		problems = append(problems, refused...)
		if len(refused) == 0 && w.Route != "" {
			groups[w.Service] = append(groups[w.Service], w)
		}
	}

	services, refused := newServices(groups, s)
	problems = append(problems, refused...)
	problems = append(problems, sameSlug(services)...)
	problems = append(problems, sameRoute(services)...)
	problems = append(problems, nestedRoutes(services, s)...)
	sortProblems(problems)

	return services, warnings, problems
}

func compareServices(a, b inject.Service) int {
	if c := strings.Compare(a.Namespace, b.Namespace); c != 0 {
		return c
	}
	return strings.Compare(a.App, b.App)
}

// newServices makes a service of each group, on all cores, because rendering takes most of the time
// of a plan.
func newServices(groups map[inject.Service][]inject.Workload, s mesh.Settings) (services []Service, problems []inject.Problem) {
	names := slices.SortedFunc(maps.Keys(groups), compareServices)
	services = make([]Service, len(names))
	refused := make([][]inject.Problem, len(names))
	onAllCores(len(names), func(i int) { services[i], refused[i] = newService(groups[names[i]], s) })
	for i, name := range names {
		problems = append(problems, disagreements(groups[name])...)
		problems = append(problems, refused[i]...)
		if i > 0 { // one template makes them much alike
			services[i].Inbound.Definition.Share(services[i-1].Inbound.Definition)
			services[i].Mesh.Definition.Share(services[i-1].Mesh.Definition)
		}
	}

	return services, problems
}

func newService(group []inject.Workload, s mesh.Settings) (Service, []inject.Problem) {
	w := group[0]
	service := Service{
		Service: w.Service, Object: w.Object, Pos: w.Pos,
		Route: w.Route, RoutePos: w.RoutePos,
		Hosts:     []string{mesh.Host(w.Service)},
		workloads: group,
	}

	var err error
	if service.Inbound, err = mesh.WantAPI(w, mesh.Inbound, s); err == nil {
		service.Mesh, err = mesh.WantAPI(w, mesh.Mesh, s)
	}

	if err != nil {
		return service, []inject.Problem{service.problem(inject.RuleDefinition, templatePos(w), "%v", err)}
	}

	return service, presets(&service, group)
}

// presets notes the API ids that the workloads already carry (webhook rule R8).
func presets(service *Service, group []inject.Workload) (problems []inject.Problem) {
	for _, w := range group {
		for _, preset := range []struct {
			api *mesh.WantedAPI
			id  string
		}{{&service.Inbound, w.InboundID}, {&service.Mesh, w.MeshID}} {
			if held := preset.api.Preset; held != "" && preset.id != "" && held != preset.id {
				problems = append(problems, disagree(w, w.Pos, "annotation %s: %q differs from %q, which another workload names",
					preset.api.IDAnnotation(), preset.id, held))
				continue
			}
			preset.api.Preset = cmp.Or(preset.api.Preset, preset.id)
		}
	}

	return problems
}

// sameSlug refuses services that would share their slugs, which plain slugs do not keep apart by
// namespace (webhook fault B6).
func sameSlug(services []Service) (problems []inject.Problem) {
	shared := groupBy(services, func(s *Service) string { return s.Inbound.Slug })
	for _, group := range shared {
		for i, s := range group {
			other := group[(i+1)%len(group)]
			problems = append(problems, s.problem(inject.RuleSame, s.Pos, "service %s and service %s at %s would share the slugs %s and %s; set Injector.slugs: namespaced",
				s.Service, other.Service, other.Pos, s.Inbound.Slug, s.Mesh.Slug))
		}
	}

	return problems
}

// sameRoute refuses services that ask for one path on the mesh hosts.
func sameRoute(services []Service) (problems []inject.Problem) {
	shared := groupBy(services, func(s *Service) string { return mesh.CleanPath(s.Mesh.Definition.ListenPath()) })
	for _, group := range shared {
		for i, s := range group {
			other := group[(i+1)%len(group)]
			problems = append(problems, s.problem(inject.RuleSame, s.RoutePos, "route %q of service %s is also the route of service %s at %s; choose another with injector.tyk.io/route",
				s.Route, s.Service, other.Service, other.RoutePos))
		}
	}

	return problems
}

// groupBy gives the groups of more than one service with the same key.
func groupBy(services []Service, key func(*Service) string) [][]*Service {
	groups := make(map[string][]*Service)
	for i := range services {
		k := key(&services[i])
		groups[k] = append(groups[k], &services[i])
	}

	var shared [][]*Service
	for _, group := range groups {
		if len(group) > 1 {
			shared = append(shared, group)
		}
	}

	return shared
}

// sortProblems puts problems in the order of the stream as far as positions tell it.
func sortProblems(problems []inject.Problem) {
	slices.SortStableFunc(problems, func(a, b inject.Problem) int {
		if c := strings.Compare(a.Pos.File, b.Pos.File); c != 0 {
			return c
		}
		if c := a.Pos.Line - b.Pos.Line; c != 0 {
			return c
		}
		if c := a.Pos.Column - b.Pos.Column; c != 0 {
			return c
		}

		return strings.Compare(a.Msg, b.Msg)
	})
}
