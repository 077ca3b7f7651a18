package overview

import (
	"fmt"
	"slices"
	"strings"
)

// GitHub draws no graph of more than 50,000 characters or 500 edges. A graph with more services is
// no longer readable either.
const (
	mostText     = 45_000
	mostCalls    = 450
	mostServices = 150
)

// graph writes the graph of the services and calls.
func (d *document) graph(m Mesh) {
	if len(m.Services) == 0 {
		return
	}

	g := newGraph(m)
	d.block("### Who calls whom")
	if len(m.Calls) == 0 {
		d.block("The manifests name no call between these services.")
	}

	d.block("```mermaid\n%s```", g)
	if text := g.leftOut(m); text != "" {
		d.block("%s", text)
	}
}

// graph is a part of a mesh that can be drawn.
type graph struct {
	services []Service
	ids      map[string]string // of services, by name
	calls    []Call
}

// newGraph returns the part of the mesh that can be drawn: services with calls come first.
func newGraph(m Mesh) *graph {
	busy := make(map[string]bool)
	for _, c := range m.Calls {
		busy[c.From], busy[c.To] = true, true
	}

	g := &graph{ids: make(map[string]string)}
	for _, wanted := range []bool{true, false} {
		for _, s := range m.Services {
			if busy[s.Name()] == wanted && len(g.services) < mostServices {
				g.services = append(g.services, s)
			}
		}
	}

	slices.SortStableFunc(g.services, func(a, b Service) int { return strings.Compare(a.Namespace, b.Namespace) })
	for i, s := range g.services {
		g.ids[s.Name()] = fmt.Sprintf("s%d", i+1)
	}

	for _, c := range m.Calls {
		if g.ids[c.From] != "" && g.ids[c.To] != "" && len(g.calls) < mostCalls {
			g.calls = append(g.calls, c)
		}
	}

	return g
}

// leftOut returns a line about the services and calls that are not drawn; "" if all are.
func (g *graph) leftOut(m Mesh) string {
	services, calls := len(m.Services)-len(g.services), len(m.Calls)-len(g.calls)
	if services+calls == 0 {
		return ""
	}
	return fmt.Sprintf("The graph leaves out %s and %s.", count(services, "service"), count(calls, "call"))
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
	namespace, boxes := "", 0
	for i, s := range g.services {
		if i == 0 || s.Namespace != namespace {
			if i > 0 {
				b.WriteString("  end\n")
			}
			namespace = s.Namespace
			boxes++
			fmt.Fprintf(&b, "  subgraph n%d[\"%s\"]\n", boxes, label(namespace))
		}

		fmt.Fprintf(&b, "    %s[\"%s\"]\n", g.ids[s.Name()], s.label())
	}

	b.WriteString("  end\n")
	for _, c := range g.calls {
		fmt.Fprintf(&b, "  %s --> %s\n", g.ids[c.From], g.ids[c.To])
	}

	return b.String()
}

// label returns the label of a service: its name, and its first routes on lines of their own.
func (s Service) label() string {
	const shown = 2
	lines := []string{label(s.App)}
	for _, route := range s.Routes[:min(len(s.Routes), shown)] {
		lines = append(lines, label(route))
	}

	if n := len(s.Routes) - shown; n > 0 {
		lines = append(lines, fmt.Sprintf("%d more", n))
	}

	return strings.Join(lines, "<br>")
}

// label returns a text inside of a quoted label of mermaid. It escapes all characters that could
// have a meaning there by their numbers (mermaid, "Entity codes to escape characters").
func label(text string) string {
	const longest = 60
	var b strings.Builder
	n := 0
	for _, r := range strings.Join(words(text), " ") {
		if n++; n > longest {
			b.WriteString("#8230;")
			break
		}

		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '/', r == ' ':
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "#%d;", r)
		}
	}

	return b.String()
}
