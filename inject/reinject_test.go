package inject_test

import (
	"bytes"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// TestReinject shows that an injected stream, injected again with other settings, has the bytes
// that the original gets with these. The same settings change nothing.
func TestReinject(t *testing.T) {
	compared := 0
	for i, g := range lawGoldens(t) {
		t.Run(strings.TrimSuffix(filepath.Base(g.path), ".txtar"), func(t *testing.T) {
			first := g.options.settings()
			first.OnSkip = inject.SkipWarn // then more of them are injected
			others := otherSettings(first)
			if testing.Short() {
				others = others[i%len(others):][:1]
			}

			for _, second := range others {
				compared += checkReinject(t, g.documents, first, second)
			}
		})
	}

	if compared < int(tries(300)) {
		t.Fatalf("only %d streams were injected again; the corpus is too small to show anything", compared)
	}
}

// otherSettings returns settings, and others that differ from them in what pods and Services get.
func otherSettings(s inject.Settings) []inject.Settings {
	all := []inject.Settings{s}
	for _, name := range []string{"two", "builtin", "nft"} {
		other := profile(name)
		other.TLS, other.Routes, other.OnSkip, other.Namespace, other.Namespaced = s.TLS, s.Routes, s.OnSkip, s.Namespace, s.Namespaced
		other.PodTemplates, other.UpgradeAPI, other.Accept = s.PodTemplates, s.UpgradeAPI, s.Accept
		other.ServicePorts, other.Trust = map[inject.ServicePorts]inject.ServicePorts{inject.PreservePort: inject.AddPort, inject.AddPort: ""}[s.ServicePorts], "abc"
		if s.ServicePorts == "" {
			other.ServicePorts = inject.PreservePort
		}
		all = append(all, other)
	}

	for _, name := range []string{"standalone-plain", "standalone-issuer"} {
		other := profile(name)
		other.OnSkip, other.Namespace, other.PodTemplates, other.UpgradeAPI, other.Accept = s.OnSkip, s.Namespace, s.PodTemplates, s.UpgradeAPI, s.Accept
		all = append(all, other)
	}

	flipped := s
	flipped.TLS, flipped.Routes, flipped.UpgradeAPI = !s.TLS, !s.Routes, !s.UpgradeAPI
	emitting := s
	emitting.TLS, emitting.Authority = true, someAuthority

	return append(all, flipped, emitting)
}

// checkReinject compares a stream that is injected again with the original that is injected once.
// It returns how many it compared.
func checkReinject(t *testing.T, documents func() []*manifest.Document, first, second inject.Settings) int {
	t.Helper()
	files, ok := injectedFiles(documents(), first)
	if !ok {
		return 0
	}

	want, wrong := inject.Inject(documents(), second)
	got, problems := inject.Reinject(files(), second)
	same(t, "problems", messages(wrong), messages(problems))
	if len(problems) > 0 {
		return 0
	}

	same(t, "what is registered", services(want), services(got))

	other := inject.Binding{InboundID: "5e0000000000000000000003", MeshID: "610000000000000000000004"}
	for _, b := range []inject.Binding{ids, other} {
		same(t, "injected again", written(t, want, bindings(want, b)), written(t, got, bindings(got, b)))
		checkFiles(t, got, bindings(got, b))
	}

	again, _ := inject.Reinject(filesOf(want, bindings(want, ids)), second)
	for f := range again.Files(bindings(again, ids)) {
		if len(f.Patch) > 0 {
			t.Fatalf("%s: the same settings change %v of\n%s", f.Name, f.Patch, f.Text)
		}
	}

	return 1
}

// injectedFiles returns the files that inject makes of documents; not ok where it refuses them, or
// where they were injected before.
func injectedFiles(docs []*manifest.Document, s inject.Settings) (files func() []*manifest.Document, ok bool) {
	for _, d := range docs {
		if bytes.Contains(d.Text, []byte("injector.tyk.io/record")) || bytes.Contains(bytes.ToLower(d.Text), []byte("injector.tyk.io/status")) {
			return nil, false
		}
	}
	stream, problems := inject.Inject(docs, s)
	return func() []*manifest.Document { return filesOf(stream, bindings(stream, ids)) }, len(problems) == 0
}

// filesOf returns the documents of a stream as they are read from the files that it was written to.
func filesOf(stream *inject.Stream, b map[inject.Service]inject.Binding) (docs []*manifest.Document) {
	for f := range stream.Files(b) {
		docs = append(docs, manifest.Split(f.Name, f.Patch.Apply(f.Text))...)
	}
	return docs
}

// checkFiles shows that the patches of files have the result that is printed.
func checkFiles(t *testing.T, stream *inject.Stream, b map[inject.Service]inject.Binding) {
	t.Helper()
	var text []byte
	for f := range stream.Files(b) {
		text = append(text, f.Patch.Apply(f.Text)...)
	}
	same(t, "the patched files", whole(slices.Collect(stream.Texts(b))), string(text))
}

func written(t *testing.T, stream *inject.Stream, b map[inject.Service]inject.Binding) string {
	t.Helper()
	var out bytes.Buffer
	if err := stream.Write(&out, b); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// services returns the workloads that registration gets, without places.
func services(stream *inject.Stream) (all []inject.Workload) {
	for _, w := range stream.Workloads() {
		w.Pos, w.RoutePos, w.TemplatePos, w.PortPos = manifest.Position{}, manifest.Position{}, manifest.Position{}, manifest.Position{}
		w.SidecarPortPos, w.CallsPos, w.MemoryLimitPos = manifest.Position{}, manifest.Position{}, manifest.Position{}
		w.CallsPos, w.MemoryLimitPos = manifest.Position{}, manifest.Position{}
		_, w.Object, _ = strings.Cut(w.Object, " (") // documents that inject added count, too
		w.Fields = slices.Clone(w.Fields)
		for i := range w.Fields {
			w.Fields[i].Pos = manifest.Position{}
		}
		all = append(all, w)
	}

	return all
}

// messages returns problems without their places.
func messages(problems []inject.Problem) (all []string) {
	for _, p := range problems {
		all = append(all, p.Object+": "+string(p.Rule)+": "+placeless(p.Msg))
	}
	slices.Sort(all)
	return all
}

// placeless returns a message without the lines of other places that it names.
func placeless(msg string) string {
	return regexp.MustCompile(`:\d+:\d+`).ReplaceAllString(msg, ":L:C")
}

// TestReinjectRefuses shows that places are those in the file that its user has, also behind the
// sidecar. An object that cannot be taken back is refused at its line, together with all else that
// is wrong.
func TestReinjectRefuses(t *testing.T) {
	text := yamlPod + "  - name: b\n    image: b:1\n    ports: [{containerPort: 81}]\n---\n" + strings.ReplaceAll(yamlPod, ": a", ": z") + "  securityContext: {runAsUser: 10777}\n"
	stream, problems := inject.Inject(manifest.Split("f.yaml", []byte(text)), profile(""))
	if len(problems) > 0 {
		t.Fatal(problems)
	}

	injected := written(t, stream, bindings(stream, ids)) + "---\n" +
		"apiVersion: v1\nkind: Pod\nmetadata:\n  name: webhook\n  labels: {app: w}\n  annotations: {injector.tyk.io/status: injected}\nspec: {containers: [{name: w}]}\n"
	_, problems = inject.Reinject(manifest.Split("f.yaml", []byte(injected)), profile("builtin"))
	lines := strings.Split(injected, "\n")
	var found []string
	for _, p := range problems {
		found = append(found, string(p.Rule)+": "+strings.TrimSpace(lines[p.Pos.Line-1]))
	}

	same(t, "problems", []string{"TM0009: securityContext: {runAsUser: 10777}", "TM0014: apiVersion: v1"}, found)
	if last := problems[1].Error(); !strings.HasSuffix(last, "so tykmesh does not know the additions; inject the original manifest") {
		t.Errorf("got %s", last)
	}
}

// TestUninjectServed shows that UninjectServed leaves the upgrade and nothing else of injection.
// Uninject warns of each object that gets a former version back.
func TestUninjectServed(t *testing.T) {
	upgraded := 0
	for _, g := range goldens(t) {
		t.Run(strings.TrimSuffix(filepath.Base(g.path), ".txtar"), func(t *testing.T) {
			s := g.options.settings()
			s.UpgradeAPI, s.OnSkip = true, inject.SkipWarn
			files, ok := injectedFiles(g.documents(), s)
			if !ok {
				return
			}

			want, n, err := inject.UpgradeAlone(g.documents(), s)
			if err != nil {
				return // an upgrade that cannot be written, which injection skips
			}

			upgraded += n
			back, problems := inject.UninjectServed(files())
			same(t, "problems", nil, messages(problems))
			same(t, "what is taken back", string(bytes.Join(want, nil)), whole(slices.Collect(back.Texts(nil))))
			same(t, "warnings", 0, len(back.Warnings))
			former, _ := inject.Uninject(files())
			same(t, "warnings of former versions", n, len(former.Warnings))
		})
	}

	if upgraded < 5 {
		t.Fatalf("only %d documents were upgraded; the corpus is too small to show anything", upgraded)
	}
}

// TestUninjectEarlierRecord takes off the mesh what a version injected that filled in a container
// tyk-mesh of the pod's own: its record lists fields of that container.
func TestUninjectEarlierRecord(t *testing.T) {
	const before = `apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {app: web}
  annotations:
    injector.tyk.io/inject: "true"
spec:
  containers:
  - name: web
    image: example.com/web:1
  - name: tyk-mesh
    env: []
    securityContext:
      runAsUser: 1234
`
	after := strings.NewReplacer(
		`inject: "true"`, `status: injected
    injector.tyk.io/record: '{"gained":{"tyk-mesh":["image","ports/9696","env/TYK_GW_LISTENPORT","securityContext/runAsGroup"]},"empty":{"env/tyk-mesh":" []"}}'`,
		"    env: []\n", "    env:\n    - {name: TYK_GW_LISTENPORT, value: \"8080\"}\n    image: tykio/tyk-gateway:v5.14.0\n    ports:\n    - {containerPort: 9696}\n",
		"runAsUser: 1234\n", "runAsUser: 1234\n      runAsGroup: 10777\n",
	).Replace(before)

	stream, problems := inject.Uninject(manifest.Split("web.yaml", []byte(after)))
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}

	var out bytes.Buffer
	if err := stream.Write(&out, nil); err != nil {
		t.Fatal(err)
	}

	same(t, "the manifest", out.String(), before)
}
