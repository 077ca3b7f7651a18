package page

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Graphs of all kinds: no nodes overlap or leave the drawing, and each edge touches both its ends.
func TestLayout(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for try := range 300 {
		n := 1 + r.IntN(mostNodes)
		var edges []link
		for range r.IntN(2 * n) {
			if e := (link{r.IntN(n), r.IntN(n)}); e.from != e.to && !slices.Contains(edges, e) {
				edges = append(edges, e)
			}
		}

		d := layout(n, edges)
		for i, a := range d.nodes {
			if a.x < 0 || a.y < 0 || a.x+nodeWidth > d.width || a.y+nodeHeight > d.height {
				t.Fatalf("graph %d: node %d leaves the drawing of %d × %d: %v", try, i, d.width, d.height, a)
			}
			for j, b := range d.nodes[:i] {
				if a.x < b.x+nodeWidth && b.x < a.x+nodeWidth && a.y < b.y+nodeHeight && b.y < a.y+nodeHeight {
					t.Fatalf("graph %d: nodes %d and %d overlap: %v, %v", try, i, j, a, b)
				}
			}
		}

		for i, e := range edges {
			way := d.edges[i]
			if !touches(d.nodes[e.from], way[0]) || !touches(d.nodes[e.to], way[len(way)-1]) {
				t.Fatalf("graph %d: edge %v does not join its nodes: %v", try, e, way)
			}
		}
		if again := layout(n, edges); fmt.Sprint(again) != fmt.Sprint(d) {
			t.Fatalf("graph %d has two layouts", try)
		}
	}
}

// touches reports whether a point lies in the middle of a node's left or right side.
func touches(node, p point) bool {
	return p.y == node.y+nodeHeight/2 && (p.x == node.x || p.x == node.x+nodeWidth)
}

// Callers stand left of the services that they call, but where calls go round in a circle.
func TestColumns(t *testing.T) {
	d := layout(5, []link{{0, 1}, {1, 2}, {0, 2}, {2, 0}})
	var columns []int
	for _, at := range d.nodes {
		columns = append(columns, (at.x-margin)/(nodeWidth+gapAcross))
	}
	if want := []int{0, 1, 2}; !slices.Equal(columns[:3], want) {
		t.Errorf("columns %v, want %v", columns[:3], want)
	}
	if len(d.edges[2]) != 4 || d.edges[3][0] != d.edges[2][3] {
		t.Errorf("the long edge goes %v, and the one back %v", d.edges[2], d.edges[3])
	}
}

// Large meshes are drawn by namespace, or in part, and the page says so.
func TestLargeGraphs(t *testing.T) {
	for _, c := range []struct {
		services, nodes int
		note            string
	}{
		{60, 60, ""},
		{1000, 40, "1000 services are too many to draw: the graph shows their namespaces."},
		{5000, 60, "5000 services are too many to draw: the graph shows their namespaces. The graph shows 60 of 200 namespaces: those in the worst state and with the most calls. It shows the first"},
	} {
		g := view{many(c.services)}.graph()
		if len(g.nodes) != c.nodes || !strings.HasPrefix(g.note, c.note) || len(g.edges) > mostEdges || len(g.edges) == 0 {
			t.Errorf("%d services: %d nodes, %d edges, note %q", c.services, len(g.nodes), len(g.edges), g.note)
		}
	}

	one := many(1000)
	for i := range one.Services {
		one.Services[i].Namespace = "shop"
	}
	one.Calls = nil
	if g := (view{one}).graph(); len(g.nodes) != mostNodes || !strings.HasPrefix(g.note, "The graph shows 60 of 1000 services") {
		t.Errorf("one namespace: %d nodes, note %q", len(g.nodes), g.note)
	}
}

// The colours of texts have a contrast of 4.5 at least to the paper and the panels below them, and
// those of lines one of 3 (WCAG 2.2, 1.4.3 and 1.4.11), in light and in dark.
func TestContrast(t *testing.T) {
	css, err := os.ReadFile("page.css")
	if err != nil {
		t.Fatal(err)
	}
	palettes := regexp.MustCompile(`:root \{([^}]*)\}`).FindAllStringSubmatch(string(css), -1)
	if len(palettes) != 2 {
		t.Fatalf("%d palettes", len(palettes))
	}

	for i, palette := range palettes {
		colour := make(map[string]string)
		for _, v := range regexp.MustCompile(`--(\w+): (#[0-9a-f]{6});`).FindAllStringSubmatch(palette[1], -1) {
			colour[v[1]] = v[2]
		}
		if len(colour) != 10 {
			t.Fatalf("%d colours in palette %d", len(colour), i)
		}

		for _, ground := range []string{"paper", "panel"} {
			for ink, least := range map[string]float64{"ink": 4.5, "quiet": 4.5, "healthy": 4.5, "warning": 4.5, "error": 4.5, "focus": 4.5, "arrow": 3} {
				if got := contrast(t, colour[ink], colour[ground]); got < least {
					t.Errorf("palette %d: the contrast of %s on %s is %.2f, at least %.1f", i, ink, ground, got, least)
				}
			}
		}
	}
}

// contrast returns the contrast ratio of two colours (WCAG 2.2, relative luminance).
func contrast(t *testing.T, a, b string) float64 {
	x, y := luminance(t, a)+0.05, luminance(t, b)+0.05
	return max(x, y) / min(x, y)
}

func luminance(t *testing.T, colour string) (sum float64) {
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		sum += weight * linear(float64(n)/255)
	}
	return sum
}

// linear returns a channel of sRGB as light.
func linear(c float64) float64 {
	if c <= 0.04045 {
		return c / 12.92
	}
	return math.Pow((c+0.055)/1.055, 2.4)
}
