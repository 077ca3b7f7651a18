package plan

import (
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// A gateway matches listen paths as prefixes, and the longer one wins. An API on /payments/v1 takes
// a part of the calls to /payments, and an API on / takes all that are left. A namespace may share
// out its own routes; a part of another namespace's needs consent: Injector.sharedRoutes.
//
//	the route                                        is refused
//	/                                                yes
//	lies under a route of another namespace          yes
//	has a route of another namespace under it        yes
//	lies under a shared route, or is /, and shared   no
//	has been registered so before                    no: the service keeps its route

// liesUnder reports whether inner, a cleaned path, lies under outer, at a boundary of segments.
func liesUnder(outer, inner string) bool {
	return outer != inner && (outer == "/" || strings.HasPrefix(inner, outer+"/"))
}

// shares reports whether the configuration lets services of any namespace have this route.
func shares(s mesh.Settings, route string) bool {
	return slices.ContainsFunc(s.SharedRoutes, func(shared string) bool {
		shared = mesh.CleanPath(shared)
		return shared == route || shared != "/" && liesUnder(shared, route)
	})
}

// above calls f with each path that a cleaned one lies under, the longest first.
func above(path string, f func(outer string)) {
	for path != "/" {
		if path = path[:strings.LastIndexByte(path, '/')]; path == "" {
			path = "/"
		}
		f(path)
	}
}

// nestedRoutes refuses the routes of a stream that take a part of each other across namespaces.
func nestedRoutes(services []Service, s mesh.Settings) (problems []inject.Problem) {
	byPath := make(map[string]*Service, len(services))
	for i := range services {
		byPath[mesh.CleanPath(services[i].Mesh.Definition.ListenPath())] = &services[i]
	}

	for i := range services {
		inner := &services[i]
		path := mesh.CleanPath(inner.Mesh.Definition.ListenPath())
		above(path, func(outer string) {
			if other := byPath[outer]; outer != "/" && other != nil && other.Namespace != inner.Namespace && !shares(s, path) {
				problems = append(problems, inner.problem(inject.RuleSame, inner.RoutePos,
					"route %q lies under route %q of service %s at %s, in another namespace: choose another route, or list %s in Injector.sharedRoutes",
					inner.Route, other.Route, other.Service, other.RoutePos, path))
			}
		})
	}

	return problems
}

// nested refuses a route that takes a part of what another namespace has registered, or has a part
// of itself taken, unless the service has it already.
func (m *matcher) nested(service *Service, current *dashboard.API) (problems []inject.Problem) {
	path := mesh.CleanPath(service.Mesh.Definition.ListenPath())
	if current != nil && m.apis.onMesh(current.Definition) && mesh.CleanPath(current.Definition.ListenPath()) == path || shares(m.settings, path) {
		return nil
	}

	refuse := func(format string, args ...any) {
		problems = append(problems, service.problem(inject.RuleConflict, service.RoutePos, format, args...))
	}
	if path == "/" {
		refuse("route / takes every call to the mesh that no other route does: choose another route, or list / in Injector.sharedRoutes")
		return problems
	}

	above(path, func(outer string) {
		for _, o := range m.others(service, outer) {
			refuse("route %q lies under route %q of service %s, in another namespace: choose another route, or list %s in Injector.sharedRoutes", service.Route, outer, o, path)
		}
	})

	from, _ := slices.BinarySearch(m.apis.paths, path+"/")
	for _, inner := range m.apis.paths[from:] {
		if !liesUnder(path, inner) {
			break
		}
		for _, o := range m.others(service, inner) {
			refuse("route %q has route %q of service %s under it, in another namespace: choose another route, or list %s in Injector.sharedRoutes", service.Route, inner, o, inner)
		}
	}

	return problems
}

// others returns the services of other namespaces that have registered a route and are not in the
// stream.
func (m *matcher) others(service *Service, path string) (all []inject.Service) {
	if path == "/" { // it takes all other calls, on purpose
		return nil
	}
	for _, api := range m.apis.byPath[path] {
		o, ok := mesh.OwnerOf(api.Definition)
		if ok && !m.taken[api] && o.Role == mesh.Mesh && o.Service.Namespace != service.Namespace && !shares(m.settings, path) {
			all = append(all, o.Service)
		}
	}

	return all
}
