package overview

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	tables "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
)

// hostile are texts that mean something to a renderer, to GitHub or to GitLab.
var hostile = []string{
	"", " ", "plain text, (really); it can't \"hurt\" 50 times.",
	"a|b", `a\|b`, `a\\|b \`, "| --- |", "`", "``", "a`b``c", "`code`", "`` ` ``", "a`|`b",
	"<script>alert(1)</script>", "<!-- -->", "<details>", "&lt;b&gt;", "&#64;all", "</td></tr></table>",
	"@team", "see @org/team, please", "#12", "org/repo#12", "!34", "&5", "~bug", "%v1", "$x^2$", ":smile:", "GH-123", "0123abcdef", "deadbeef",
	"[click](https://evil.example)", "![pixel](https://evil.example/x.png)", "https://evil.example", "www.evil.example", "mail@evil.example", "<https://evil.example>",
	"[a]: https://evil.example", "[^1]", "*a* _b_ **c** ~~d~~", "# title", "1. item", "1) item", "- item", "+ item", "> quote", "- [ ] task", "---", "===", "```", "~~~",
	"a\nb", "a\r\n\r\n# title", "a\\\nb", "\t\tcode", "/close", "/assign @team", "\x1b[31m", "\u202egnp", "::error::x", "##[error]", "##vso[task]",
	"end", "graph TD", "s1 --> s2", `"]; click s1 "https://evil.example"`, "%%{init: {}}%%", "%% comment", "<br>", "#quot;", "#35;", "subgraph", "1. one", "\"`**bold**`\"", "s1@{ shape: x }",
	strings.Repeat("x", 5000), strings.Repeat("`", 300), "ελληνικά ünïcode", "\xff\xfe", "\u200b@\u200bteam", "a\u00a0b",
}

// filled returns a mesh with a text in all of its fields.
func filled(text string) Mesh {
	place := Place{File: text, Line: 3, Link: text}
	end := time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC)
	return Mesh{
		Title: text, Verdict: text, Summary: text, Now: end.AddDate(0, 0, -30), Notes: []string{text}, Hints: []string{text},
		Services: []Service{
			{Namespace: text, App: text, Routes: []string{text, "/b", "/c"}, Facts: []Fact{{text, text}}, Drift: []string{text}, Change: text},
			{Namespace: text, App: "b" + text},
		},
		Calls:        []Call{{text + "/" + text, text + "/b" + text}, {text + "/" + text, text}},
		Certificates: []Certificate{{text, end, text, ""}, {Name: text, Fault: text}},
		Orphans:      []Orphan{{text, text, text, text}},
		CallsNote:    text,
		Findings:     []Finding{{"error", text, text, place, text, text, []string{text, "b"}}, {Severity: text, Message: text}},
		Changes:      []Change{{text, text, text, text, text, []string{text}}},
		Objects:      []Object{{text, text, text, place}},
		Parts:        []Part{{text, text, text, []string{text}}},
		Codes:        map[string]string{text: text},
	}
}

func markdown(t *testing.T, m Mesh) string {
	t.Helper()
	var b strings.Builder
	if err := Markdown(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextsAreInert(t *testing.T) {
	for _, text := range hostile {
		checkInert(t, text)
	}
}

func FuzzTextsAreInert(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { checkInert(t, text) })
}

// Whatever a text is, renderers find in the document the tables, lists and links that tykmesh wrote,
// and the text.
func checkInert(t *testing.T, of string) {
	t.Helper()
	source := []byte(markdown(t, filled(of)))
	root := goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote)).Parser().Parse(text.NewReader(source))
	count := make(map[string]int)
	err := ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}

		count[n.Kind().String()]++
		switch n := n.(type) {
		case *ast.Link:
			if got, want := string(n.Destination), address(of); got != want {
				return ast.WalkStop, fmt.Errorf("a link to %q, want %q", got, want)
			}
		case *ast.Text:
			_, isCode := n.Parent().(*ast.CodeSpan)
			if meaning := meaningful.FindString(string(n.Value(source))); !isCode && meaning != "" {
				return ast.WalkStop, fmt.Errorf("%q stands outside of code: %s", meaning, n.Value(source))
			}
		case *tables.Table:
			for row := n.FirstChild(); row != nil; row = row.NextSibling() {
				if row.ChildCount() != n.FirstChild().ChildCount() {
					return ast.WalkStop, fmt.Errorf("a row of %d cells under %d titles", row.ChildCount(), n.FirstChild().ChildCount())
				}
			}
		}

		return ast.WalkContinue, nil
	})
	if err != nil {
		t.Fatalf("%q: %v\n%s", of, err, source)
	}

	checkCounts(t, of, count, source)
	checkGraph(t, of)
}

// meaningful is a text that renderers, GitHub or GitLab make something of.
var meaningful = regexp.MustCompile("[@#<>&~$*_\\[\\]\\\\|`!%^{}=+/]|://|www\\.|[A-Za-z]-[0-9]|:[a-z]+:|\\b[0-9a-f]{7,}\\b|[^ -~\\pL]")

// checkCounts holds the numbers of nodes to those of a harmless text.
func checkCounts(t *testing.T, of string, got map[string]int, source []byte) {
	t.Helper()
	for _, kind := range []string{"RawHTML", "HTMLBlock", "Image", "AutoLink", "Emphasis", "Strikethrough", "TaskCheckBox", "Blockquote", "CodeBlock", "ThematicBreak", "Footnote", "FootnoteLink"} {
		if got[kind] > 0 {
			t.Fatalf("%q: a %s\n%s", of, kind, source)
		}
	}

	if len(words(of)) == 0 {
		return // columns of it are left out
	}

	want := map[string]int{"Table": 7, "TableRow": 10, "FencedCodeBlock": 1, "Link": 2, "List": 3}
	for kind, n := range want {
		if address(of) == "" && kind == "Link" {
			continue
		}
		if got[kind] != n {
			t.Fatalf("%q: %d nodes %s, want %d\n%s", of, got[kind], kind, n, source)
		}
	}
}

// A cell shows its text, word by word.
func TestCellsShowTheirText(t *testing.T) {
	for _, of := range hostile {
		source := []byte("| a |\n| --- |\n| " + cell(inline(of)) + " |\n")
		root := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
		var got strings.Builder
		_ = ast.Walk(root.FirstChild().LastChild(), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
			if leaf, is := n.(*ast.Text); is && entering {
				got.Write(leaf.Value(source))
			}
			return ast.WalkContinue, nil
		})

		want := strings.ReplaceAll(strings.Join(words(of), " "), `\|`, `\\x7c`)
		if shown := strings.ReplaceAll(got.String(), `\|`, "|"); shown != want {
			t.Errorf("%q is shown as %q, want %q: %s", of, shown, want, source)
		}
	}
}

// Commands, lines of a configuration and quotations are one piece of code, which copies well.
func TestSnippets(t *testing.T) {
	for of, want := range map[string]string{
		"kubectl create configmap ca-pem -n retail --from-file=ca.pem=FILE, or Injector.emitCA: true":                "`kubectl create configmap ca-pem -n retail --from-file=ca.pem=FILE`, or `Injector.emitCA: true`",
		"kubectl label --overwrite namespace retail a/b=c; or accept it: Injector.accept: [TM0028, TM0029]":          "`kubectl label --overwrite namespace retail a/b=c`; or accept it: `Injector.accept: [TM0028, TM0029]`",
		"or accept it: injector.tyk.io/accept: TM0021":                                                               "or accept it: `injector.tyk.io/accept: TM0021`",
		"tykmesh help annotations lists them with their values":                                                      "`tykmesh help annotations` lists them with their values",
		"take it: tykmesh uninject -f m.yaml | kubectl apply -f -; then list the objects":                            "take it: `tykmesh uninject -f m.yaml | kubectl apply -f -`; then list the objects",
		"due: tykmesh certs secrets -w due.yaml && { [ ! -s due.yaml ] || kubectl apply -f due.yaml; }; that is all": "due: `tykmesh certs secrets -w due.yaml && { [ ! -s due.yaml ] || kubectl apply -f due.yaml; }`; that is all",
		"tykmesh asks no cluster, and kubectl":                                                                       "tykmesh asks no cluster, and kubectl",
		"apply it (kubectl apply -f FILE)":                                                                           "apply it (`kubectl apply -f FILE`)",
		"make it with tykmesh ca init, or correct the path":                                                          "make it with `tykmesh ca init`, or correct the path",
		`"Mesh CA 0a1b2c3d" signs, "true" and "the Mesh CA" do`:                                                      "`\"Mesh CA 0a1b2c3d\"` signs, \"true\" and \"the Mesh CA\" do",
		"the route changes (/a -> /b); calls fail":                                                                   "the route changes (`/a -> /b`); calls fail",
	} {
		if got := inline(of); got != want {
			t.Errorf("%q\nis  %s\nnot %s", of, got, want)
		}
	}
}

// Services that stand elsewhere have a dashed border, whether they call or are called.
func TestStrangers(t *testing.T) {
	m := Mesh{Services: []Service{{Namespace: "shop", App: "cart"}}, Calls: []Call{{"edge/gateway", "shop/cart"}, {"shop/cart", "finance/tax"}, {"shop/cart", "?"}}}
	want := "flowchart LR\n" +
		"  subgraph n1[\"edge\"]\n    s1[\"gateway\"]\n  end\n  subgraph n2[\"finance\"]\n    s2[\"tax\"]\n  end\n  subgraph n3[\"shop\"]\n    s3[\"cart\"]\n  end\n" +
		"  s1 --> s3\n  s3 --> s2\n  style s1 stroke-dasharray:4\n  style s2 stroke-dasharray:4\n"
	if got := newGraph(m).String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, line := range []string{"Services with a dashed border stand elsewhere.\n", "The graph leaves out 1 call.\n"} {
		if !strings.Contains(markdown(t, m), line) {
			t.Errorf("the text does not say %q", line)
		}
	}
}

var labels = regexp.MustCompile(`^([A-Za-z0-9 /-]|#[0-9]+;)*$`)

// checkGraph holds labels to characters that mean nothing to mermaid.
func checkGraph(t *testing.T, of string) {
	t.Helper()
	lines := regexp.MustCompile(`^(flowchart LR|  subgraph n\d+\["[A-Za-z0-9 /#;-]*"\]|  end|    s\d+\["([A-Za-z0-9 /#;-]|<br>)*"\]|  s\d+ --> s\d+|  style s\d+ stroke-dasharray:4)$`)
	if !labels.MatchString(label(of)) {
		t.Fatalf("label %q", label(of))
	}
	for _, line := range strings.Split(strings.TrimSuffix(newGraph(filled(of)).String(), "\n"), "\n") {
		if !lines.MatchString(line) {
			t.Fatalf("%q: line %q", of, line)
		}
	}
}

// A large mesh stays below the limits of GitHub, and the text names the parts that it leaves out.
func TestLargeMesh(t *testing.T) {
	var m Mesh
	for i := range 3000 {
		s := Service{Namespace: "ns" + strings.Repeat("é", 60), App: fmt.Sprintf("%sapp-%d", strings.Repeat("ü", 60), i), Routes: []string{strings.Repeat("ß", 100), "/b", "/c"}}
		m.Services = append(m.Services, s)
		m.Calls = append(m.Calls, Call{m.Services[0].Name(), s.Name()}, Call{s.Name(), m.Services[0].Name()})
		m.Changes = append(m.Changes, Change{Action: "create", Kind: "API", Name: s.App, Service: s.Name(), Reasons: []string{strings.Repeat("why ", 500)}})
		m.Findings = append(m.Findings, Finding{Severity: "warning", Message: strings.Repeat("long ", 1000), Hints: []string{fmt.Sprint("hint ", i)}})
	}

	source := markdown(t, m)
	if len(source) > 1_000_000 {
		t.Errorf("%d bytes", len(source))
	}
	for _, want := range []string{"are left out: the text would become too long.", "The graph leaves out 29"} {
		if !strings.Contains(source, want) {
			t.Errorf("the text does not say %q", want)
		}
	}

	for name, mesh := range map[string]Mesh{"long labels": m, "short ones": short(3000)} {
		graph := newGraph(mesh).String()
		if edges := strings.Count(graph, "-->"); len(graph) > 50_000 || edges > 500 || edges == 0 {
			t.Errorf("%s: %d characters, %d edges", name, len(graph), edges)
		}
	}
}

// short returns a mesh of so many services that all call each other's neighbours.
func short(n int) (m Mesh) {
	for i := range n {
		m.Services = append(m.Services, Service{Namespace: "shop", App: fmt.Sprintf("app-%d", i)})
		for k := range 5 {
			m.Calls = append(m.Calls, Call{m.Services[i].Name(), fmt.Sprintf("shop/app-%d", (i+k+1)%n)})
		}
	}
	return m
}

// Certificates come in the order of their ends; those without a known end come last.
func TestCertificatesByDaysLeft(t *testing.T) {
	now := time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC)
	got := markdown(t, Mesh{Now: now, Certificates: []Certificate{
		{Name: "unknown"}, {Name: "later", NotAfter: now.AddDate(0, 0, 40)}, {Name: "soon", NotAfter: now.Add(36 * time.Hour)}, {Name: "past", NotAfter: now.Add(-time.Hour)},
	}})
	want := "### Certificates (4)\n\n| certificate of | ends | days left |\n| --- | --- | --- |\n" +
		"| `past` | 2027-01-01 | expired |\n| `soon` | 2027-01-03 | 1 |\n| `later` | 2027-02-10 | 40 |\n| `unknown` | unknown | |\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
