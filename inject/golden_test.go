package inject_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/checks"
	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

var update = flag.Bool("update", false, "write what the archives of testdata/inject want")

// golden is an archive of testdata/inject: input files, and what comes of them.
type golden struct {
	path    string
	archive *txtar.Archive
	options options
	inputs  []txtar.File
	want    map[string]string
}

// options is the file "settings" of an archive.
type options struct {
	Profile    string `json:"profile"` // of the configured containers
	TLS        bool   `json:"tls"`
	Routes     *bool  `json:"routes"` // on unless it says false
	Namespaced bool   `json:"namespaced"`
	Trust      string `json:"trust"`
	Namespace  string `json:"namespace"`
	Preserve   bool   `json:"preserve"`
	Add        bool   `json:"add"`
	Replace    bool   `json:"replace"`      // where the profile adds
	Port       int    `json:"port"`         // of the built-in sidecar
	Previous   int    `json:"previousPort"` // its previous one
	HTTP2      bool   `json:"http2"`        // the built-in sidecar speaks it, and limits request bodies
	Upgrade    bool   `json:"upgrade"`
	OldKube    bool   `json:"oldKube"`  // of which no preStop sleep is known
	Security   bool   `json:"security"` // whether the report says which levels of Pod Security are met
	OnSkip     string `json:"onSkip"`   // fail unless it says warn or ignore

	PodTemplates  []kube.PodTemplate `json:"podTemplates"`
	ServiceLabels []string           `json:"serviceLabels"`

	PortReferences []kube.PortReference `json:"portReferences"`

	Checks bool          `json:"checks"` // the archive is about what the checks across the stream find, and wants nothing else
	Accept []inject.Rule `json:"accept"`

	// How the input is written where an archive cannot show it: in another encoding than UTF-8,
	// with CR LF, with a byte order mark, without a final line break.
	Encoding     string `json:"encoding"` // a row of encoders
	CRLF         bool   `json:"crlf"`
	BOM          bool   `json:"bom"`
	Unterminated bool   `json:"unterminated"`
}

func (o options) settings() inject.Settings {
	s := profile(o.Profile)
	if s.Standalone != nil {
		o = o.standalone(s)
	}
	s.TLS, s.Trust, s.Namespaced, s.Namespace = o.TLS, o.Trust, o.Namespaced, o.Namespace
	s.Routes = o.Routes == nil || *o.Routes
	s.OnSkip = map[string]inject.OnSkip{"warn": inject.SkipWarn, "ignore": inject.SkipIgnore}[o.OnSkip]
	s.PodTemplates, s.UpgradeAPI, s.Accept = o.PodTemplates, o.Upgrade, o.Accept
	switch {
	case o.Preserve:
		s.ServicePorts = inject.PreservePort
	case o.Add:
		s.ServicePorts = inject.AddPort
	case o.Replace:
		s.ServicePorts = inject.ReplacePort
	}

	if s.Sidecar != nil {
		s.Sidecar.Port, s.Sidecar.PreviousPort = o.Port, o.Previous
		if o.HTTP2 {
			s.Sidecar.Traffic.HTTP2, s.Sidecar.Traffic.MaxRequestBody = true, "16Mi"
		}
	}

	s.ServiceLabels, s.PortReferences = o.ServiceLabels, o.PortReferences
	if o.OldKube && s.Sidecar != nil {
		s.Sidecar.Sleeps = false
	}
	return s
}

// standalone returns the options with those that the profile of a mesh without a Dashboard sets.
func (o options) standalone(s inject.Settings) options {
	no := false
	o.TLS, o.Trust, o.Routes, o.Port = s.TLS, s.Trust, &no, s.Sidecar.Port
	return o
}

// documents splits the inputs anew, so that no tree is shared between calls.
func (g *golden) documents() (docs []*manifest.Document) {
	for _, f := range g.inputs {
		docs = append(docs, manifest.Split(f.Name, g.options.encode(f.Data))...)
	}
	return docs
}

func goldens(tb testing.TB) (all []*golden) {
	tb.Helper()
	paths, err := filepath.Glob("../testdata/inject/*.txtar")
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no archive in testdata/inject (%v)", err)
	}

	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			tb.Fatal(err)
		}

		g := &golden{path: path, archive: archive, want: make(map[string]string)}
		for _, f := range archive.Files {
			switch f.Name {
			case "settings":
				if err := yaml.UnmarshalStrict(f.Data, &g.options); err != nil {
					tb.Fatalf("%s: %v", path, err)
				}
			case "want.yaml", "want.err", "report", "findings":
				g.want[f.Name] = string(f.Data)
			default:
				g.inputs = append(g.inputs, f)
			}
		}

		if len(g.inputs) == 0 {
			tb.Fatalf("%s: no input", path)
		}

		all = append(all, g)
	}

	return all
}

// lawGoldens are the archives to which laws are held. Those of a mesh without a Dashboard have long
// outputs: a short run takes some of them.
func lawGoldens(tb testing.TB) []*golden {
	tb.Helper()
	all, n := goldens(tb), 0
	return slices.DeleteFunc(all, func(g *golden) bool {
		if !testing.Short() || !strings.HasPrefix(g.options.Profile, "standalone") {
			return false
		}
		n++
		return n%4 != 1
	})
}

func TestGolden(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(strings.TrimSuffix(filepath.Base(g.path), ".txtar"), func(t *testing.T) {
			got := g.run(t)
			if *update {
				g.write(t, got)
				return
			}

			if diff := gocmp.Diff(g.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// run injects the inputs, and returns the result files of the archive.
func (g *golden) run(t *testing.T) map[string]string {
	if g.options.Checks {
		return map[string]string{"findings": g.findings(t)}
	}

	docs := g.documents()
	stream, problems := inject.Inject(docs, g.options.settings())

	got := map[string]string{}
	if report := report(stream, g.options.Security); report != "" {
		got["report"] = report
	}

	if len(problems) > 0 {
		for _, p := range problems {
			got["want.err"] += fmt.Sprintf("%s [%s]\n", p.Error(), p.Rule)
		}
		return got
	}

	var out bytes.Buffer
	if err := stream.Write(&out, bindings(stream, ids)); err != nil {
		t.Fatal(err)
	}

	got["want.yaml"] = string(g.options.decode(t, out.Bytes()))

	return got
}

// findings are what the checks find, each behind what it is: an error is one with Settings.Strict,
// and a warning without.
func (g *golden) findings(t *testing.T) string {
	t.Helper()
	s := g.options.settings()
	s.Strict = false

	stream, problems := inject.Inject(g.documents(), s)
	if len(problems) > 0 {
		t.Fatalf("refused: %v", problems[0])
	}

	s.Strict = true
	strict, errors := inject.Inject(g.documents(), s)
	same(t, "findings, as errors and warnings", len(stream.Warnings), len(errors)+len(strict.Warnings))
	same(t, "accepted findings", stream.Accepted, strict.Accepted)

	severity := map[inject.Problem]string{}
	for _, p := range errors {
		severity[p] = "error"
	}

	for _, p := range strict.Warnings {
		severity[p] = "warning"
	}

	text := ""
	for _, p := range stream.Warnings {
		if !ofCheck(p.Rule) {
			continue // the report says it
		}
		text += fmt.Sprintf("%s %s [%s]\n", severity[p], p.Error(), p.Rule)
	}

	for _, c := range stream.RouteCalls {
		text += fmt.Sprintf("route %s of %s: %s: %s", c.Path, c.URL, c.Pos, c.Object)
		if c.Scoped {
			text += fmt.Sprintf(", whose sidecars load %v", c.Loaded)
		}
		if c.Accepted {
			text += ", accepted"
		}
		text += "\n"
	}

	for _, n := range stream.Needs {
		text += strings.Replace(fmt.Sprintf("needs %+v\n", n), " Secrets:[]", "", 1)
	}

	for _, p := range stream.Accepted {
		text += fmt.Sprintf("accepted %s [%s]\n", p.Error(), p.Rule)
	}

	return text
}

// ofCheck reports whether a rule is one of the checks across a stream.
func ofCheck(rule inject.Rule) bool {
	return slices.ContainsFunc(checks.All, func(c checks.Check) bool { return c.Code == string(rule) })
}

// report says what is done with each object, and what registration is told.
func report(s *inject.Stream, security bool) string {
	var b strings.Builder
	for _, o := range s.Objects {
		switch {
		case o.Outcome == inject.Injected:
			fmt.Fprintf(&b, "%s: injected: %s\n", o, o.Change)
			if security {
				fmt.Fprintf(&b, "%s: %s before, %s after\n", o, cmp.Or(o.Before, "no level"), cmp.Or(o.After, "no level"))
			}
		case o.Outcome == inject.Refused:
			fmt.Fprintf(&b, "%s: refused\n", o)
		case o.Outcome == inject.Skipped:
			fmt.Fprintf(&b, "%s: %s: skipped: %s [%s] (a warning: %v)\n", o.Pos, o, o.Reason, o.Rule, o.Warning)
		case o.Warning:
			fmt.Fprintf(&b, "%s: left alone: %s (a warning) [%s]\n", o, o.Reason, o.Rule)
		default:
			fmt.Fprintf(&b, "%s: left alone: %s\n", o, o.Reason)
		}
	}

	for _, w := range s.Warnings {
		if !ofCheck(w.Rule) { // else it is among the findings of an archive that asks for them
			fmt.Fprintf(&b, "warning: %s [%s]\n", w.Error(), w.Rule)
		}
	}

	for _, w := range s.Workloads() {
		fmt.Fprintf(&b, "%s: service %s, route %s (line %d)", w.Pos, w.Service, w.Route, w.RoutePos.Line)
		if w.HasTemplate {
			fmt.Fprintf(&b, ", template %q", w.Template)
		}

		if w.Port != 0 {
			fmt.Fprintf(&b, ", app on port %d", w.Port)
		}

		if w.Scoped {
			fmt.Fprintf(&b, ", calls %v (line %d)", w.Calls, w.CallsPos.Line)
		}

		if w.MemoryLimit != "" {
			fmt.Fprintf(&b, ", memory limit %s (line %d)", w.MemoryLimit, w.MemoryLimitPos.Line)
		}

		if w.InboundID != "" || w.MeshID != "" {
			fmt.Fprintf(&b, ", ids %q and %q", w.InboundID, w.MeshID)
		}

		b.WriteByte('\n')
		for _, f := range w.Fields {
			value, err := json.Marshal(f.Value)
			if err != nil {
				panic(err)
			}
			fmt.Fprintf(&b, "%s: %s = %s\n", f.Pos, f.Path, value)
		}
	}

	if s.Defaulted {
		b.WriteString("the namespace default is assumed\n")
	}

	return b.String()
}

// write stores results in the archive, behind its other files.
func (g *golden) write(t *testing.T, results map[string]string) {
	a := *g.archive
	a.Files = slices.DeleteFunc(slices.Clone(a.Files), func(f txtar.File) bool {
		return f.Name == "report" || f.Name == "findings" || strings.HasPrefix(f.Name, "want.")
	})
	for _, name := range []string{"want.yaml", "want.err", "report", "findings"} {
		if text, ok := results[name]; ok {
			a.Files = append(a.Files, txtar.File{Name: name, Data: []byte(text)})
		}
	}

	if err := os.WriteFile(g.path, txtar.Format(&a), 0o644); err != nil {
		t.Fatal(err)
	}
}
