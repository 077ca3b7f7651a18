package page

import (
	"fmt"
	"html"
	"strings"

	"github.com/tykmesh/tykmesh/inject/display"
)

// The texts of a node in its font of fixed width, in characters.
const (
	titleLength = 21
	lineLength  = 25
)

// svg returns a graph as an element of a page. Colours and widths of lines are those of the page's
// style, by class. The second line of a node and its state are texts too, for who sees no colours.
func (g graph) svg() string {
	d := layout(len(g.nodes), g.edges)

	var b strings.Builder
	fmt.Fprintf(&b, `<svg role="img" aria-labelledby="graph-title graph-about" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d">`, d.width, d.height)
	fmt.Fprintf(&b, `<title id="graph-title">%s</title><desc id="graph-about">%s</desc>`, escape(g.title()), escape(g.about()))
	b.WriteString(`<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>` + "\n")

	for _, way := range d.edges {
		fmt.Fprintf(&b, "<path class=\"call\" marker-end=\"url(#tip)\" d=\"%s\"/>\n", curve(way))
	}
	for i, n := range g.nodes {
		n.write(&b, d.nodes[i])
	}
	b.WriteString("</svg>")

	return b.String()
}

// title returns the name of a graph.
func (g graph) title() string {
	if len(g.edges) == 0 {
		return "The mesh"
	}
	return "Who calls whom"
}

// about describes a graph for users who do not see it.
func (g graph) about() string {
	if len(g.edges) == 0 {
		return fmt.Sprintf("%s, without arrows.", boxes(len(g.nodes)))
	}
	return fmt.Sprintf("%s and %s from callers to called services. A list of the calls follows.", boxes(len(g.nodes)), plural(len(g.edges), "arrow"))
}

// stateClass is the class of a node in each state.
var stateClass = [...]string{StateAbsent: "absent", StateHealthy: "healthy", StateWarning: "warning", StateError: "error"}

// stateSign is the sign before the text of each state.
var stateSign = [...]string{StateAbsent: "–", StateHealthy: "✓", StateWarning: "!", StateError: "✕"}

// write writes a node: a box with three lines, and a bar at its side.
func (n graphNode) write(b *strings.Builder, at point) {
	state := n.health.State
	fmt.Fprintf(b, `<g class="node %s" transform="translate(%d %d)"><rect class="box" width="%d" height="%d" rx="6"/>`,
		stateClass[state], at.x, at.y, nodeWidth, nodeHeight)
	fmt.Fprintf(b, `<text class="name" x="12" y="20">%s</text><text class="below" x="12" y="38">%s</text><text class="state" x="12" y="56">%s %s</text></g>`+"\n",
		escape(cut(n.name, titleLength)), escape(cut(n.below, lineLength)), stateSign[state], escape(cut(n.health.String(), lineLength-2)))
}

// curve returns the path of an edge through its points: curves between columns, and straight lines
// through them.
func curve(way []point) string {
	var b strings.Builder
	fmt.Fprintf(&b, "M%d %d", way[0].x, way[0].y)
	for i := 1; i < len(way); i++ {
		from, to := way[i-1], way[i]
		if i%2 == 0 || from.y == to.y {
			fmt.Fprintf(&b, "L%d %d", to.x, to.y)
			continue
		}
		middle := (from.x + to.x) / 2
		fmt.Fprintf(&b, "C%d %d %d %d %d %d", middle, from.y, middle, to.y, to.x, to.y)
	}

	return b.String()
}

// escape returns a text for an element, on one line.
func escape(text string) string { return html.EscapeString(display.Line(text)) }

// cut returns a text that takes the place of so many characters at most. Wide characters count as
// two.
func cut(text string, length int) string {
	text = display.Line(text)
	used, last := 0, 0
	for i, r := range text {
		width := 1
		if r >= 0x1100 {
			width = 2
		}
		if used += width; used > length {
			return text[:last] + "…"
		}
		if used < length {
			last = i + len(string(r))
		}
	}

	return text
}

// boxes returns a number of boxes.
func boxes(n int) string {
	if n == 1 {
		return "1 box"
	}
	return fmt.Sprintf("%d boxes", n)
}
