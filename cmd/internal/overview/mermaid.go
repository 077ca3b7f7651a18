package overview

import (
	"fmt"
	"slices"
	"strings"
)

// GitHub draws no graph of more than 50,000 characters or 500 edges. A graph with more services is
// no longer readable either. Labels that have to be escaped take nine times their length, so a
// graph also ends where it becomes too long.
const (
	mostText     = 45_000
	mostCalls    = 400
	mostServices = 150
	mostRoutes   = 2
	longestLabel = 60
)

// graph writes the graph of the services and calls.
func (d *document) graph(m Mesh) {
	if len(m.Services) == 0 {
		return
	}

	g := newGraph(m)
	d.block("### Who calls whom")
	switch {
	case m.CallsNote != "":
		d.block("%s", inline(m.CallsNote))
	case len(m.Calls) == 0:
		d.block("No call between these services is known.")
	}

	d.block("```mermaid\n%s```", g)
	if g.hasStrangers {
		d.block("Services with a dashed border stand elsewhere.")
	}
	if text := g.leftOut(); text != "" {
		d.block("%s", text)
	}
}

// graph is the part of a mesh that can be drawn.
type graph struct {
	nodes []node
	calls []Call
	ids   map[string]string // of nodes, by name

	hasStrangers                bool
	missedServices, missedCalls int
}

// node is a service in a graph.
type node struct {
	Service
	isStranger bool // it calls or is called, and the mesh does not show it
}

// newGraph returns the part of the mesh that can be drawn. Services with calls come first.
func newGraph(m Mesh) *graph {
	busy := make(map[string]bool)
	for _, c := range m.Calls {
		busy[c.From], busy[c.To] = true, true
	}

	var nodes, idle []node
	for _, s := range m.Services {
		if busy[s.Name()] {
			nodes = append(nodes, node{Service: s})
		} else {
			idle = append(idle, node{Service: s})
		}
		delete(busy, s.Name())
	}

	for _, c := range m.Calls {
		for _, name := range []string{c.From, c.To} {
			if namespace, app, ok := strings.Cut(name, "/"); ok && busy[name] {
				delete(busy, name)
				nodes = append(nodes, node{Service{Namespace: namespace, App: app}, true})
			}
		}
	}

	nodes = append(nodes, idle...)
	g := &graph{ids: make(map[string]string), nodes: nodes[:drawable(nodes)]}
	g.missedServices = len(nodes) - len(g.nodes)
	slices.SortStableFunc(g.nodes, func(a, b node) int { return a.Compare(b.Service) })
	for i, n := range g.nodes {
		g.ids[n.Name()] = fmt.Sprintf("s%d", i+1)
		g.hasStrangers = g.hasStrangers || n.isStranger
	}

	for _, c := range m.Calls {
		if g.ids[c.From] != "" && g.ids[c.To] != "" && len(g.calls) < mostCalls {
			g.calls = append(g.calls, c)
		}
	}

	g.missedCalls = len(m.Calls) - len(g.calls)

	return g
}

// drawable returns how many of the nodes fit into a graph, with the most calls.
func drawable(nodes []node) int {
	const perCall, perNode = len("  s100 --> s100\n"), len("  subgraph n100[\"\"]\n  end\n    s100[\"\"]\n  style s100 stroke-dasharray:4\n")
	room := mostText - mostCalls*perCall
	for i, n := range nodes {
		room -= perNode + len(n.label()) + len(label(n.Namespace))
		if i == mostServices || room < 0 {
			return i
		}
	}

	return len(nodes)
}

// leftOut returns a line about the services and calls that are not drawn; "" if all are.
func (g *graph) leftOut() string {
	var parts []string
	if n := g.missedServices; n > 0 {
		parts = append(parts, count(n, "service"))
	}
	if n := g.missedCalls; n > 0 {
		parts = append(parts, count(n, "call"))
	}
	if len(parts) == 0 {
		return ""
	}

	return "The graph leaves out " + strings.Join(parts, " and ") + "."
}

// count returns a number of things: "1 call", "2 calls".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// String returns the graph as mermaid draws it: a box for each namespace, with its services.
func (g *graph) String() string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	boxes := 0
	for i, n := range g.nodes {
		if i == 0 || n.Namespace != g.nodes[i-1].Namespace {
			if i > 0 {
				b.WriteString("  end\n")
			}
			boxes++
			fmt.Fprintf(&b, "  subgraph n%d[\"%s\"]\n", boxes, label(n.Namespace))
		}

		fmt.Fprintf(&b, "    %s[\"%s\"]\n", g.ids[n.Name()], n.label())
	}

	b.WriteString("  end\n")
	for _, c := range g.calls {
		fmt.Fprintf(&b, "  %s --> %s\n", g.ids[c.From], g.ids[c.To])
	}

	for _, n := range g.nodes {
		if n.isStranger {
			fmt.Fprintf(&b, "  style %s stroke-dasharray:4\n", g.ids[n.Name()])
		}
	}

	return b.String()
}

// label returns the label of a service: its name, and its first routes on lines of their own.
func (s Service) label() string {
	lines := []string{label(s.App)}
	for _, route := range s.Routes[:min(len(s.Routes), mostRoutes)] {
		lines = append(lines, label(route))
	}

	if n := len(s.Routes) - mostRoutes; n > 0 {
		lines = append(lines, fmt.Sprintf("%d more", n))
	}

	return strings.Join(lines, "<br>")
}

// label returns a text inside of a quoted label of mermaid. It escapes all characters that could
// have a meaning there by their numbers (mermaid, "Entity codes to escape characters"). It then
// looks for formulas ($$x$$) and icons (fa:fa-ban), which a word joiner parts.
func label(text string) string {
	const ellipsis, joiner = "#8230;", "#8288;"
	var b strings.Builder
	for i, r := range []rune(strings.Join(words(text), " ")) {
		if i == longestLabel {
			b.WriteString(ellipsis)
			break
		}

		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '/', r == ' ':
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "#%d;", r)
		}
		if r == '$' || r == ':' {
			b.WriteString(joiner)
		}
	}

	return b.String()
}
