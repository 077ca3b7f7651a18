package page

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/cmd/internal/overview"
)

// fence matches the graphs in a text of Markdown.
var fence = regexp.MustCompile("(?s)```mermaid\n(.*?)```")

// mermaid draws graphs of Markdown with the mermaid of TYKMESH_TEST_MERMAID: those of the scripts,
// and one with names that mean something to it.
func (b *browser) mermaid(t *testing.T) {
	program := os.Getenv("TYKMESH_TEST_MERMAID")
	if program == "" {
		t.Skip("make test-page MERMAID=mermaid.min.js runs this")
	}

	script, err := os.ReadFile(program)
	check(t, err)
	file := filepath.Join(t.TempDir(), "mermaid.html")
	check(t, os.WriteFile(file, []byte(`<!doctype html><meta charset="utf-8"><title>mermaid</title><main></main>`), 0o644))
	b.show(t, file, 1280, "light")
	b.eval(string(script)+`; mermaid.initialize({startOnLoad: false, securityLevel: "strict"}); 0`, nil)

	scripts, err := filepath.Glob("../../../testdata/script/*.txtar")
	check(t, err)
	drawn := 0
	for _, name := range scripts {
		text, err := os.ReadFile(name)
		check(t, err)
		for _, graph := range fence.FindAllStringSubmatch(string(text), -1) {
			b.draw(t, graph[1])
			drawn++
		}
	}

	names := []string{
		"end", "subgraph", "graph TD", "s1 --> s2", `"]; click s1 "https://evil.example"`, "%%{init: {}}%%", "%% comment", "<br>", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>",
		"#quot;", "#35;", "&lt;b&gt;", "1. one", "- item", "# title", "\"`**bold**`\"", "s1@{ shape: x }", "*a* _b_ `c`", "$$x^2$$", "fa:fa-ban", "ελληνικά ünïcode", "back\\slash", "classDef x fill:#f00", "]", "a;b", "__proto__",
	}
	m := overview.Mesh{Now: clock}
	for i, name := range names {
		m.Services = append(m.Services, overview.Service{Namespace: fmt.Sprint("n", i%3, " ", name), App: name, Routes: []string{"/" + name, name}})
		m.Calls = append(m.Calls, overview.Call{From: m.Services[0].Name(), To: m.Services[i].Name()})
	}

	var text strings.Builder
	check(t, overview.Markdown(&text, m))
	shown := b.draw(t, fence.FindStringSubmatch(text.String())[1])
	for _, name := range names {
		if want := strings.Join(strings.Fields(name), " "); !strings.Contains(shown, want) {
			t.Errorf("the graph does not show %q", want)
		}
	}
	b.picture("mermaid")
	if len(b.faults) > 0 {
		t.Errorf("the browser reports\n%s", strings.Join(b.faults, "\n"))
	}
	t.Logf("%d graphs of scripts, and %d hostile names", drawn, len(names))
}

// draw draws a graph, and returns its text. A graph has a box for each line of a service, and no
// element that a name has made.
func (b *browser) draw(t *testing.T, graph string) string {
	t.Helper()
	text, err := json.Marshal(graph)
	check(t, err)
	var out struct {
		Text    string
		Nodes   int
		Foreign []string
	}
	b.eval(fmt.Sprintf(`mermaid.render("drawing", %s).then((r) => {
		const main = document.querySelector("main");
		main.innerHTML = r.svg;
		return {text: main.textContent, nodes: main.querySelectorAll(".node").length, foreign: Array.from(main.querySelectorAll("a, script, img, b, strong, em, code, h1, li, .katex, i"), (e) => e.outerHTML)};
	})`, text), &out)
	if want := strings.Count(graph, "\n    s"); out.Nodes != want || len(out.Foreign) > 0 {
		t.Errorf("%d boxes instead of %d, and elements of names %q:\n%s", out.Nodes, want, out.Foreign, graph)
	}

	const joiner = "\u2060"

	return strings.ReplaceAll(out.Text, joiner, "")
}
