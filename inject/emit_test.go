package inject_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

const (
	yamlPod  = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  labels: {app: a}\n  annotations: {injector.tyk.io/inject: \"true\"}\nspec:\n  containers:\n  - name: a\n    image: a:1\n"
	jsonPod  = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"b","labels":{"app":"b"},"annotations":{"injector.tyk.io/inject":"true"}},"spec":{"containers":[{"name":"b","image":"b:1"}]}}` + "\n"
	jsonMap  = `{"kind":"ConfigMap","metadata":{"name":"c"}}`
	flowPod  = "{apiVersion: v1, kind: Pod, # not JSON\n metadata: {name: d, labels: {app: d}, annotations: {injector.tyk.io/inject: 'true'}},\n spec: {containers: [{name: d, image: d:1}]}}\n"
	openText = "---\nkind: ConfigMap\nmetadata: {name: d}\ndata:\n  d: |\n    line"
)

// TestAcceptedIsEmitted shows that Injector.emitCA adds the ConfigMap where the warning about it is
// accepted, too.
func TestAcceptedIsEmitted(t *testing.T) {
	s := profile("builtin")
	s.TLS, s.Authority, s.Accept = true, someAuthority, []inject.Rule{inject.RuleTrust}

	stream, problems := inject.Inject(manifest.Split("a", []byte(yamlPod)), s)
	if len(problems) > 0 || stream.Emitted != 1 {
		t.Errorf("%d ConfigMaps, %v", stream.Emitted, problems)
	}
}

// TestEmittedAmongFiles shows that kubectl reads all objects of several files, and the ConfigMap
// behind them, whichever of them are JSON.
func TestEmittedAmongFiles(t *testing.T) {
	for name, c := range map[string]struct {
		files []string
		want  string
	}{
		"YAML, then JSON":                  {[]string{yamlPod, jsonPod}, "a b ca-pem"},
		"JSON, then YAML":                  {[]string{jsonPod, yamlPod}, "b a ca-pem"},
		"JSON alone":                       {[]string{jsonPod, jsonMap}, "b c ca-pem"},
		"JSON, then nothing":               {[]string{jsonPod, ""}, "b ca-pem"},
		"JSON, then a comment":             {[]string{jsonPod, "# none\n"}, "b ca-pem"},
		"JSON without its line break":      {[]string{yamlPod, jsonMap}, "a c ca-pem"},
		"YAML in brackets":                 {[]string{flowPod}, "d ca-pem"},
		"YAML in brackets, twice":          {[]string{flowPod, flowPod}, "d d ca-pem"},
		"JSON, then YAML in brackets":      {[]string{jsonMap, flowPod}, "c d ca-pem"},
		"several values of JSON":           {[]string{yamlPod, jsonPod + jsonMap + jsonMap}, "a b c c ca-pem"},
		"several values of JSON, in front": {[]string{jsonPod + jsonMap, yamlPod}, "b c a ca-pem"},
	} {
		t.Run(name, func(t *testing.T) {
			var docs []*manifest.Document
			for i, text := range c.files {
				docs = append(docs, manifest.Split(string(rune('a'+i)), []byte(text))...)
			}

			s := profile("builtin")
			s.TLS, s.Authority = true, someAuthority

			stream, problems := inject.Inject(docs, s)
			if len(problems) > 0 {
				t.Fatal(problems)
			}

			var out bytes.Buffer
			if err := stream.Write(&out, bindings(stream, ids)); err != nil {
				t.Fatal(err)
			}

			same(t, "objects", c.want, strings.Join(namesAsKubectlReads(t, out.Bytes()), " "))
		})
	}
}

// namesAsKubectlReads returns the names of the objects of a stream.
func namesAsKubectlReads(t *testing.T, stream []byte) (names []string) {
	t.Helper()
	d := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(stream), 4096)
	for {
		var raw json.RawMessage
		if err := d.Decode(&raw); errors.Is(err, io.EOF) {
			return names
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, stream)
		}

		if len(raw) == 0 {
			continue // a document without content
		}

		var object struct{ Metadata struct{ Name string } }
		if err := json.Unmarshal(raw, &object); err != nil {
			t.Fatal(err)
		}

		names = append(names, object.Metadata.Name)
	}
}

// TestEmittedBehindOpenText shows that nothing is added where the text before would become another
// one.
func TestEmittedBehindOpenText(t *testing.T) {
	s := profile("builtin")
	s.TLS, s.Authority = true, someAuthority

	_, problems := inject.Inject(manifest.Split("f.yaml", []byte(yamlPod+openText)), s)
	if len(problems) != 1 || problems[0].Rule != inject.RuleEdit || !strings.HasPrefix(problems[0].Error(), "f.yaml:16:9: document 2: ") {
		t.Fatalf("refused: %v", problems)
	}

	s.OnSkip = inject.SkipWarn

	stream, problems := inject.Inject(manifest.Split("f.yaml", []byte(yamlPod+openText)), s)
	if len(problems) > 0 || stream.Emitted > 0 || !stream.Needs[0].Authority {
		t.Errorf("%d objects were added, the namespace needs %+v (%v)", stream.Emitted, stream.Needs, problems)
	}

	s.Authority = ""
	for name, text := range map[string]string{"a stripped text": strings.Replace(openText, "|", "|-", 1), "a line break": openText + "\n", "a comment": openText + "\n# end"} {
		if n := checkEmitted(t, func() []*manifest.Document { return manifest.Split("f.yaml", []byte(yamlPod+text)) }, s); n != 1 {
			t.Errorf("%s: %d objects were added", name, n)
		}
	}
}

// TestWithdrawn shows what uninject takes away: the object that inject added, and nothing that
// stands around it.
func TestWithdrawn(t *testing.T) {
	s := profile("builtin")
	s.TLS, s.Authority = true, someAuthority
	unterminated := strings.TrimSuffix(yamlPod, "\n")

	stream, problems := inject.Inject(manifest.Split("f.yaml", []byte(unterminated)), s)
	if len(problems) > 0 {
		t.Fatal(problems)
	}

	injected := whole(slices.Collect(stream.Texts(bindings(stream, ids))))
	other := "---\nkind: Deployment\nmetadata: {name: ca-pem, annotations: {injector.tyk.io/emitted: \"yes\"}}\n"
	for name, c := range map[string]struct{ text, want string }{
		"as it was":                      {injected, unterminated},
		"with something behind it":       {injected + "---\na: b\n", unterminated + "\n---\na: b\n"},
		"with comments behind it":        {injected + "# end\n", unterminated},
		"what carries a copied mark":     {other, other},
		"injected, and then added to it": {injected + other, unterminated + "\n" + other},
	} {
		back, problems := inject.Uninject(manifest.Split("f.yaml", []byte(c.text)))
		if len(problems) > 0 {
			t.Fatal(name, problems)
		}
		same(t, name, c.want, whole(slices.Collect(back.Texts(nil))))
	}
}
