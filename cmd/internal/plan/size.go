package plan

import (
	"cmp"
	"fmt"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// isRoute reports whether the sidecars of the mesh load an API as one of its routes.
func isRoute(d dashboard.Definition) bool { return d.HasTag(mesh.Tag) }

// routesAfter returns the number of routes of the mesh after a registration: the registered ones
// without duplicates that it deletes, and the new ones.
func (m *matcher) routesAfter(services []Service, matched map[*mesh.WantedAPI]*dashboard.API, duplicates [][]*Step) int {
	n := m.apis.routes
	for i := range services {
		if current := matched[&services[i].Mesh]; current == nil || !isRoute(current.Definition) {
			n++
		}
		n -= len(Filter(duplicates[i], func(s *Step) bool { return s.Role == mesh.Mesh }))
	}

	return n
}

// tellSmall warns of sidecars whose memory limit is too small for the routes of the mesh: once for
// each pod template with a limit of its own, and once for all that have the configuration's.
func (p *Plan) tellSmall(services []Service) {
	b := p.Settings.BuiltIn
	if b == nil {
		return
	}

	common := make(map[bool]shortage) // of workloads that accept it, and of all others
	for i := range services {
		for _, w := range services[i].workloads {
			own, accepted := shortageOf(w, cmp.Or(w.MemoryLimit, b.MemoryLimit), p.Routes), w.Accepts(inject.RuleSize)
			switch {
			case own.count == 0:
			case w.MemoryLimit == "":
				common[accepted] = common[accepted].with(own)
			default:
				p.warn(inject.Problem{
					Rule: inject.RuleSize, Pos: w.MemoryLimitPos, Object: w.Object, Msg: own.text("annotation injector.tyk.io/sidecar-memory-limit", w.MemoryLimit),
				}, accepted)
			}
		}
	}

	for accepted, c := range common {
		p.warn(inject.Problem{Rule: inject.RuleSize, Pos: b.MemoryLimitPos, Msg: c.text("Sidecar.memoryLimit", b.MemoryLimit)}, accepted)
	}
}

// shortage describes sidecars whose memory limit is too small.
type shortage struct {
	count    int   // of their workloads
	routes   int   // of the mesh
	need     int64 // of the sidecar that needs most, in bytes
	scopable bool  // for some of them the limit would do if they loaded few routes
}

// shortageOf returns the shortage of a workload's sidecars; zero if their limit, which may be "",
// is large enough.
func shortageOf(w inject.Workload, limit string, routes int) shortage {
	loaded := routes
	if w.Scoped {
		loaded = len(w.Calls)
	}

	need, allowed := mesh.MemoryNeed(routes, loaded), sidecar.Bytes(limit)
	if allowed == 0 || need <= allowed {
		return shortage{}
	}

	return shortage{1, routes, need, !w.Scoped && mesh.MemoryNeed(routes, 0) <= allowed}
}

// with returns the shortage of two groups of sidecars.
func (a shortage) with(b shortage) shortage {
	return shortage{a.count + b.count, b.routes, max(a.need, b.need), a.scopable || b.scopable}
}

// text returns the warning about the setting that limits the memory.
func (a shortage) text(setting, limit string) string {
	who := "the sidecar of 1 workload needs"
	if a.count > 1 {
		who = fmt.Sprintf("the sidecars of %d workloads need", a.count)
	}

	remedy := ""
	if a.scopable {
		remedy = ", or list the services that each workload calls in injector.tyk.io/calls"
	}

	return fmt.Sprintf("%s: %s is too small for a mesh of %d routes: %s about %s to load a change; set %s%s",
		setting, limit, a.routes, who, mesh.Mebibytes(a.need), mesh.EnoughMemory(a.need), remedy)
}
