package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// tellCalls warns of calls in texts that reach no mesh API, or that of another route, once
// the plan is carried out. Gateways match listen paths as prefixes, and the longest wins.
//
//	routes /shop/cart and /echo     a call of      is
//	                                /shop/cart/1   answered
//	                                /shop          a base, to which the app adds more: no warning
//	                                /echoes        answered by /echo: a warning
//	                                /pay           not answered: a warning
func (p *Plan) tellCalls(calls []inject.RouteCall, x *Snapshot) {
	if len(calls) == 0 {
		return
	}

	routes := p.routes(x)
	for _, c := range calls {
		if text := routes.judge(c, mesh.CleanPath(c.Path)); text != "" {
			p.warn(inject.Problem{Rule: inject.RuleCallers, Pos: c.Pos, Object: c.Object, Msg: text}, c.Accepted)
		}
	}
}

// judge returns the warning about a call with a cleaned path; "" for none.
func (r routes) judge(c inject.RouteCall, path string) string {
	route := r.longest(path)
	owner := r.owners[route]
	switch {
	case route != path && r.under(path):
		return ""
	case route == "":
		return fmt.Sprintf("no service of the stream and no listed API has a route for %s; correct the path, or register the service first", c.URL)
	case owner == inject.Service{}:
		return ""
	case route != path && !liesUnder(route, path):
		return fmt.Sprintf("gateways match routes as prefixes, so calls of %s reach the route %s; correct the path", c.URL, route)
	case c.Scoped && !slices.Contains(c.Loaded, owner):
		return fmt.Sprintf("annotation injector.tyk.io/calls lists no service %s, so these sidecars answer calls of %s with 404; list it", owner, c.URL)
	}

	return ""
}

// routes are the listen paths on the mesh hosts.
type routes struct {
	sorted []string
	owners map[string]inject.Service // of all paths; zero where foreign APIs alone have one
	length int                       // of the longest
}

// routes returns the listen paths on the mesh hosts as they are once the plan is carried out.
func (p *Plan) routes(x *Snapshot) routes {
	all := routes{owners: make(map[string]inject.Service)}
	add := func(d dashboard.Definition) {
		if !x.apis.onMesh(d) {
			return
		}
		path := mesh.CleanPath(d.ListenPath())
		o, ok := mesh.OwnerOf(d)
		if held := all.owners[path]; !ok || held != (inject.Service{}) {
			o.Service = held
		}
		all.owners[path] = o.Service
		all.length = max(all.length, len(path))
	}

	changed := make(map[string]bool)
	for _, s := range p.All {
		w, registers := s.Work.(*Registration)
		if registers {
			add(w.Updated)
		}
		if s.Kind == APIKind && (registers || s.Action == Delete) {
			changed[s.ID] = true
		}
	}

	for _, api := range x.apis.all {
		if !changed[api.Definition.ID()] {
			add(api.Definition)
		}
	}

	all.sorted = slices.Sorted(maps.Keys(all.owners))

	return all
}

// longest returns the longest route that a cleaned path begins with; "" for none.
func (r routes) longest(path string) string {
	for path := path[:min(len(path), r.length)]; path != ""; path = path[:len(path)-1] {
		if _, there := r.owners[path]; there {
			return path
		}
	}
	return ""
}

// under reports whether a route lies under a cleaned path.
func (r routes) under(path string) bool {
	i, _ := slices.BinarySearch(r.sorted, strings.TrimSuffix(path, "/")+"/")
	return i < len(r.sorted) && liesUnder(path, r.sorted[i])
}
