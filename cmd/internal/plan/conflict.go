package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// clash names a thing that w needs for itself and that another API holds; "" for no such thing, or
// if current has it already: a service that lives beside such an API goes on doing so.
func (m *matcher) clash(service *Service, w *mesh.WantedAPI, current *dashboard.API, other dashboard.Definition) (what string, pos manifest.Position) {
	var have dashboard.Definition
	if current != nil {
		have = current.Definition
	}

	d := w.Definition

	domain, path := strings.ToLower(d.Domain()), mesh.CleanPath(d.ListenPath())
	switch {
	case have == nil && other.APIID() == d.APIID():
		return fmt.Sprintf("api_id %s", d.APIID()), service.Pos
	case have.Slug() != w.Slug && other.Slug() == w.Slug:
		return fmt.Sprintf("slug %q", w.Slug), service.Pos
	case w.Role == mesh.Inbound && strings.ToLower(have.Domain()) != domain && strings.ToLower(other.Domain()) == domain:
		return fmt.Sprintf("domain %q", domain), service.Pos
	case w.Role == mesh.Mesh && (have == nil || !m.apis.onMesh(have) || mesh.CleanPath(have.ListenPath()) != path) &&
		m.apis.onMesh(other) && mesh.CleanPath(other.ListenPath()) == path:
		return fmt.Sprintf("route %q", service.Route), service.RoutePos
	}

	return "", service.Pos
}

// remedy returns the end of a refusal: whose the other API is, and how to settle the conflict.
func (m *matcher) remedy(w *mesh.WantedAPI, current *dashboard.API, other dashboard.Definition) string {
	o, marked := mesh.MarkedOwner(other)
	switch {
	case other.IsOAS() && (other.APIID() == w.Definition.APIID() || marked && o == w.Owner()):
		return ", which was converted to OAS: tykmesh cannot change it; delete it in the Dashboard, and run this again"
	case other.IsOAS():
		return ", an OAS API, which tykmesh never changes"
	case marked && o.Service.App == w.Service.App && m.settings.Slugs != mesh.NamespacedSlugs:
		return fmt.Sprintf(" of service %s; set Injector.slugs: namespaced", o.Service)
	case marked:
		return fmt.Sprintf(" of service %s", o.Service)
	case current != nil:
		return fmt.Sprintf(", which tykmesh does not own; the service has its own API %s already", mesh.Describe(current.Definition))
	case other.Slug() == "":
		return ", which tykmesh does not own"
	}

	return fmt.Sprintf(", which tykmesh does not own; to take it over: --adopt %s", other.Slug())
}

// nearRoutes warns of foreign APIs on the mesh hosts whose listen path begins the route, or begins
// with it: gateways match listen paths as prefixes, so that a mistyped request reaches the other
// API (webhook fault B27). Services of the mesh cause no warning: /a and /ab are ordinary names for
// two of them.
func (m *matcher) nearRoutes(service *Service) (warnings []inject.Problem) {
	path := mesh.CleanPath(service.Mesh.Definition.ListenPath())
	warn := func(other string) {
		for _, api := range m.apis.byPath[other] {
			if !mesh.IsMarked(api.Definition) && !m.taken[api] {
				warnings = append(warnings, service.problem(inject.RuleConflict, service.RoutePos, "route %q and the listen path of API %s overlap; the longer one gets requests that match both",
					service.Route, mesh.Describe(api.Definition)))
			}
		}
	}

	for n := 2; n < len(path); n++ { // from 2: everything begins like "/"
		warn(path[:n])
	}

	from, _ := slices.BinarySearch(m.apis.paths, path)
	for _, other := range m.apis.paths[from:] {
		if !strings.HasPrefix(other, path) {
			break
		}
		if other != path {
			warn(other)
		}
	}

	return warnings
}
