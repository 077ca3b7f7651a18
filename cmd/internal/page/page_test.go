package page

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/cmd/internal/overview"
)

var update = flag.Bool("update", false, "write testdata/page.html again")

// clock is the time of all pages here.
var clock = time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)

// render returns the page of a mesh.
func render(t testing.TB, m overview.Mesh) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// shop is a mesh with all that a page shows: states, calls round in a circle, faults and orphans.
func shop() overview.Mesh {
	m := overview.Mesh{Title: "Mesh without a Dashboard", Now: clock, CallsNote: "Arrows come from the callers that services name."}
	for i, name := range []string{"batch/report", "shop/cart", "shop/catalog", "shop/mail", "shop/orders", "shop/pay", "shop/stock", "shop/web"} {
		namespace, app := cutName(name)
		m.Services = append(m.Services, overview.Service{
			Namespace: namespace, App: app, Routes: []string{"mesh/" + app},
			Facts: []overview.Fact{{Title: "Workloads", Text: "Deployment " + app}, {Title: "TLS", Text: "mutual"}},
		})
		m.Certificates = append(m.Certificates, overview.Certificate{Name: name, NotAfter: clock.AddDate(0, i+1, 0)})
	}

	m.Services[1].Routes = append(m.Services[1].Routes, "mesh/basket", "mesh/checkout")
	m.Services[2].Drift = []string{"mesh API: target http://elsewhere -> https://catalog.shop:8080", "inbound API: active false -> true"}
	m.Certificates[5] = overview.Certificate{Name: "shop/pay", Fault: "missing"}
	m.Certificates[6].NotAfter = clock.AddDate(0, 0, -3)
	m.Certificates = append(m.Certificates, overview.Certificate{Name: "CA Mesh Internal Signing CA", NotAfter: clock.AddDate(5, 0, 0)})
	for _, c := range []string{
		"shop/web shop/cart", "shop/web shop/catalog", "shop/web shop/orders", "shop/cart shop/catalog", "shop/orders shop/pay", "shop/orders shop/stock",
		"shop/orders shop/cart", "shop/stock shop/orders", "batch/report shop/stock", "edge/gateway shop/web", "shop/web shop/web",
	} {
		from, to, _ := strings.Cut(c, " ")
		m.Calls = append(m.Calls, overview.Call{From: from, To: to})
	}

	warning := overview.Finding{Severity: "warning", Service: "shop/stock", Object: "Service stock", Message: "it leads to pods without a sidecar too, of Job seed: calls that reach them fail", Hints: []string{"put them on the mesh, or select other labels"}}
	fault := overview.Finding{Severity: "error", Service: "shop/pay", Object: "Secret pay-tykmesh", Message: "it does not exist: new pods do not start", Hints: []string{"tykmesh certs secrets -f FILE | kubectl apply -f -"}}
	m.Findings = []overview.Finding{warning, fault}
	m.Orphans = []overview.Orphan{
		{Kind: "ConfigMap", Name: "shop/web-tykmesh-0123456789", Reason: "no workload uses it", Command: "kubectl delete configmap -n shop web-tykmesh-0123456789"},
		{Kind: "Service", Name: "shop/old", Reason: "it leads to no pods of the mesh"},
	}
	m.Notes = []string{"routes: 10; a sidecar needs about 65Mi of memory"}

	return m
}

// many is a mesh of n services in namespaces of 25, each of which calls three others.
func many(n int) overview.Mesh {
	m := overview.Mesh{Title: "A large mesh", Now: clock}
	name := func(i int) string { return fmt.Sprintf("team-%03d/service-%04d", i%n/25, i%n) }
	for i := range n {
		namespace, app := cutName(name(i))
		s := overview.Service{Namespace: namespace, App: app, Routes: []string{"/" + app}, Facts: []overview.Fact{{Title: "APIs", Text: app + "-inbound, " + app + "-mesh"}}}
		if i%97 == 5 {
			s.Drift = []string{"no inbound API"}
		}
		m.Services = append(m.Services, s)
		m.Certificates = append(m.Certificates, overview.Certificate{Name: name(i), NotAfter: clock.AddDate(0, 0, 30+i%300)})
		for _, step := range []int{1, 7, 40} {
			m.Calls = append(m.Calls, overview.Call{From: name(i), To: name(i*step + step)})
		}
	}

	return m
}

// The page of a small mesh is as it was.
func TestGolden(t *testing.T) {
	got := render(t, shop())
	if again := render(t, shop()); again != got {
		t.Error("a second page of the same mesh is another one")
	}

	if *update {
		if err := os.WriteFile("testdata/page.html", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	want, err := os.ReadFile("testdata/page.html")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("the page changed (- before, + now); go test ./cmd/internal/page -update writes it again\n%s", diff)
	}
}

// A page stays small, and large meshes cost little more than their rows.
func TestSize(t *testing.T) {
	for _, c := range []struct{ services, most int }{{0, 10_000}, {10, 30_000}, {1000, 400_000}, {5000, 1_500_000}} {
		begin := time.Now()
		text := render(t, many(c.services))
		t.Logf("%d services: %d bytes, %d ms", c.services, len(text), time.Since(begin).Milliseconds())
		if len(text) > c.most {
			t.Errorf("%d services: %d bytes, more than %d", c.services, len(text), c.most)
		}
		if rows := strings.Count(text, "<tr><td class=\"state "); rows != c.services {
			t.Errorf("%d services: %d rows", c.services, rows)
		}
		if at := strings.Index(text, "<svg"); at >= 0 && strings.Index(text, "</svg>")-at > 100_000 {
			t.Errorf("%d services: the graph has %d bytes", c.services, strings.Index(text, "</svg>")-at)
		}
	}
}

// Texts of servers and manifests stay texts: no element, no attribute, no line of their own.
func TestHostileTexts(t *testing.T) {
	const evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\n::error::x\x1b[31m</title></style></svg>--><!--{{.}}\u202e"
	m := overview.Mesh{Title: evil, Now: clock, CallsNote: evil, Notes: []string{evil}}
	m.Services = []overview.Service{{Namespace: evil, App: evil, Routes: []string{evil}, Drift: []string{evil}, Facts: []overview.Fact{{Title: evil, Text: evil}}}}
	m.Calls = []overview.Call{{From: evil, To: m.Services[0].Name()}, {From: "", To: "/"}}
	m.Certificates = []overview.Certificate{{Name: m.Services[0].Name(), Fault: evil}, {Name: evil, NotAfter: clock}}
	m.Findings = []overview.Finding{{Severity: evil, Code: evil, Message: evil, Object: evil, Service: evil, Hints: []string{evil}}}
	m.Orphans = []overview.Orphan{{Kind: evil, Name: evil, Reason: evil, Command: evil}}

	plain := m.Services[0]
	text := render(t, m)
	for _, tag := range regexp.MustCompile(`<(script|img|style|title|svg|!--)`).FindAllString(text, -1) {
		if n := strings.Count(text, tag); tag == "<img" || tag == "<!--" || n > 1 && tag != "<title" || n > 2 {
			t.Errorf("%s stands %d times in the page", tag, n)
		}
	}
	for _, order := range []string{"\x1b", "\n::", "\u202e", "onerror=alert(2)>"} {
		if strings.Contains(text, order) {
			t.Errorf("%q stands in the page", order)
		}
	}
	if plain.App != m.Services[0].App || m.Orphans[0].Kind != evil {
		t.Error("the mesh changed")
	}

	m.Services[0].App = strings.Repeat("x", 1<<20)
	if n := len(render(t, m)); n > 60_000 {
		t.Errorf("a name of a megabyte makes a page of %d bytes", n)
	}
}

// The page allows its own script and style and nothing else, and none of its elements needs more.
func TestPolicy(t *testing.T) {
	text := render(t, shop())
	for _, tag := range []string{"script", "style"} {
		_, rest, _ := strings.Cut(text, "<"+tag+">")
		body, _, found := strings.Cut(rest, "</"+tag+">")
		if !found || !strings.Contains(text, tag+"-src &#39;"+strings.ReplaceAll(hash(body), "+", "&#43;")+"&#39;") {
			t.Errorf("the policy does not allow the %s", tag)
		}
	}
	if found := regexp.MustCompile(`(?i)\s(style|on\w+|src)=|href="http|@import|url\([^#]`).FindString(text); found != "" {
		t.Errorf("the page has %q, which the policy forbids or which loads something", found)
	}
}

// Headings have no gaps, and each section is named by its own.
func TestHeadings(t *testing.T) {
	for name, m := range map[string]overview.Mesh{"full": shop(), "empty": {Now: clock}, "large": many(200)} {
		text, last := render(t, m), 0
		for _, h := range regexp.MustCompile(`<h([1-6])`).FindAllStringSubmatch(text, -1) {
			level := int(h[1][0] - '0')
			if level > last+1 || level == 1 && last > 0 {
				t.Errorf("%s: a heading of level %d follows one of level %d", name, level, last)
			}
			last = level
		}

		ids := map[string]bool{}
		for _, id := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(text, -1) {
			if ids[id[1]] {
				t.Errorf("%s: the id %s stands twice", name, id[1])
			}
			ids[id[1]] = true
		}
		for _, ref := range regexp.MustCompile(` (?:aria-labelledby|for|href)="#?([a-z -]*)"`).FindAllStringSubmatch(text, -1) {
			for _, id := range strings.Fields(ref[1]) {
				if !ids[id] && !(id == "services" || id == "filter") {
					t.Errorf("%s: nothing has the id %s", name, id)
				}
			}
		}
		for _, must := range []string{`<html lang="en">`, "<main>", "<header>", "<title>", `name="viewport"`} {
			if strings.Count(text, must) != 1 && must != "<title>" {
				t.Errorf("%s: not one %s", name, must)
			}
		}
	}
}
