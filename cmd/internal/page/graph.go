package page

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/tykmesh/tykmesh/cmd/internal/overview"
)

// State is how well a service does, as far as it is known.
type State int

// The states, the worst last.
const (
	StateAbsent  State = iota // the service is called or calls, and is not on the mesh
	StateHealthy              // nothing is to do
	StateWarning              // a warning or a difference
	StateError                // an error, or a certificate that is not usable
)

// String returns the state as users read it.
func (s State) String() string {
	return [...]string{"not on the mesh", "in order", "warning", "error"}[s]
}

// severityError is the severity of a finding that is no warning.
const severityError = "error"

// health is the state of a service, and how often it has something to do.
type health struct {
	State
	errors, warnings, differences int
}

// String returns the counts of the state: "1 error, 2 differences".
func (h health) String() string {
	text := ""
	for _, c := range []struct {
		n    int
		what string
	}{{h.errors, "error"}, {h.warnings, "warning"}, {h.differences, "difference"}} {
		if c.n > 0 && text != "" {
			text += ", "
		}
		if c.n > 0 {
			text += plural(c.n, c.what)
		}
	}

	return cmp.Or(text, h.State.String())
}

// add adds the counts of another service.
func (h *health) add(other health) {
	h.State = max(h.State, other.State)
	h.errors += other.errors
	h.warnings += other.warnings
	h.differences += other.differences
}

// plural returns a number with its word.
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// health returns the state of each service by its name.
func (m view) health() map[string]health {
	all := make(map[string]health, len(m.Services))
	for _, s := range m.Services {
		h := health{State: StateHealthy, differences: len(s.Drift)}
		if h.differences > 0 {
			h.State = StateWarning
		}
		all[s.Name()] = h
	}

	for _, f := range m.Findings {
		h, known := all[f.Service]
		switch {
		case !known:
			continue
		case f.Severity == severityError:
			h.errors++
			h.State = StateError
		default:
			h.warnings++
			h.State = max(h.State, StateWarning)
		}
		all[f.Service] = h
	}

	for _, c := range m.Certificates {
		if h, known := all[c.Name]; known && (c.Fault != "" || m.isOver(c)) && h.State != StateError {
			h.errors++
			h.State = StateError
			all[c.Name] = h
		}
	}

	return all
}

// isOver reports whether a certificate has expired.
func (m view) isOver(c overview.Certificate) bool {
	return !c.NotAfter.IsZero() && c.NotAfter.Before(m.Now)
}

// mostNodes is the number of services or namespaces that a graph shows at most, and mostEdges that
// of arrows. Larger graphs tell nothing, and cost a megabyte.
const (
	mostNodes = 60
	mostEdges = 240
)

// graph is the graph of a mesh: of its services, or of its namespaces where there are many.
type graph struct {
	nodes []graphNode
	edges []link
	note  string // tells which parts are left out; "" for a whole graph
}

// graphNode is a service or a namespace.
type graphNode struct {
	name, below string // below stands in the second line
	health      health
}

// graph returns the graph to draw.
func (m view) graph() graph {
	g := m.serviceGraph()
	if len(g.nodes) <= mostNodes {
		return g.withFewEdges()
	}

	services := len(m.Services)
	if byNamespace := m.namespaceGraph(); len(byNamespace.nodes) > 1 {
		byNamespace.note = fmt.Sprintf("%d services are too many to draw: the graph shows their namespaces.", services)
		return byNamespace.busiest("namespaces")
	}

	return g.busiest("services")
}

// serviceGraph returns a node for each service, and for each other end of a call.
func (m view) serviceGraph() (g graph) {
	state := m.health()
	index := make(map[string]int, len(m.Services))
	for _, s := range m.Services {
		below := s.Namespace
		if len(s.Routes) > 0 {
			below += "  " + s.Routes[0]
		}
		if len(s.Routes) > 1 {
			below += fmt.Sprintf(" +%d", len(s.Routes)-1)
		}
		index[s.Name()] = len(g.nodes)
		g.nodes = append(g.nodes, graphNode{s.App, below, state[s.Name()]})
	}

	for _, c := range m.Calls {
		for _, name := range []string{c.From, c.To} {
			if _, known := index[name]; !known {
				index[name] = len(g.nodes)
				namespace, app := cutName(name)
				g.nodes = append(g.nodes, graphNode{name: app, below: namespace})
			}
		}
	}
	g.edges = edgesOf(m.Calls, func(name string) int { return index[name] })

	return g
}

// namespaceGraph returns a node for each namespace.
func (m view) namespaceGraph() (g graph) {
	state := m.health()
	index := make(map[string]int)
	count := make([]int, 0)
	at := func(name string) int {
		namespace, _ := cutName(name)
		if _, known := index[namespace]; !known {
			index[namespace] = len(g.nodes)
			g.nodes = append(g.nodes, graphNode{name: namespace})
			count = append(count, 0)
		}
		return index[namespace]
	}

	for _, s := range m.Services {
		i := at(s.Name())
		g.nodes[i].health.add(state[s.Name()])
		count[i]++
	}

	g.edges = edgesOf(m.Calls, at)
	for i, n := range count {
		g.nodes[i].below = plural(n, "service")
	}

	return g
}

// cutName returns the namespace and the app of a service's name.
func cutName(name string) (namespace, app string) {
	for i := range name {
		if name[i] == '/' {
			return name[:i], name[i+1:]
		}
	}
	return "", name
}

// edgesOf returns the edges of calls between different nodes, each once.
func edgesOf(calls []overview.Call, at func(name string) int) (edges []link) {
	seen := make(map[link]bool, len(calls))
	for _, c := range calls {
		e := link{at(c.From), at(c.To)}
		if e.from != e.to && !seen[e] {
			seen[e] = true
			edges = append(edges, e)
		}
	}
	return edges
}

// busiest returns a graph with the nodes that have the worst state and the most edges, in their
// order.
func (g graph) busiest(what string) graph {
	if len(g.nodes) <= mostNodes {
		return g.withFewEdges()
	}

	degree := make([]int, len(g.nodes))
	for _, e := range g.edges {
		degree[e.from]++
		degree[e.to]++
	}

	order := make([]int, len(g.nodes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(g.nodes[b].health.State, g.nodes[a].health.State), cmp.Compare(degree[b], degree[a]))
	})
	kept := order[:mostNodes]
	slices.Sort(kept)

	small := graph{note: g.note}
	small.tell(fmt.Sprintf("The graph shows %d of %d %s: those in the worst state and with the most calls.", mostNodes, len(g.nodes), what))

	index := make(map[int]int, mostNodes)
	for i, k := range kept {
		index[k] = i
		small.nodes = append(small.nodes, g.nodes[k])
	}
	for _, e := range g.edges {
		from, hasFrom := index[e.from]
		to, hasTo := index[e.to]
		if hasFrom && hasTo {
			small.edges = append(small.edges, link{from, to})
		}
	}

	return small.withFewEdges()
}

// withFewEdges returns a graph without the edges that are too many to draw.
func (g graph) withFewEdges() graph {
	if n := len(g.edges); n > mostEdges {
		g.edges = g.edges[:mostEdges]
		g.tell(fmt.Sprintf("It shows the first %d of %d arrows.", mostEdges, n))
	}
	return g
}

// tell adds a sentence to the note.
func (g *graph) tell(sentence string) {
	if g.note != "" {
		g.note += " "
	}
	g.note += sentence
}
