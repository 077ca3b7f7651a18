package inject_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// listStyles are ways to write the list of a KRM function, each with something behind the items.
var listStyles = map[string]func(t *testing.T, list map[string]any) []byte{
	"YAML": blockList,
	"YAML, items last": func(t *testing.T, list map[string]any) []byte {
		delete(list, "results")
		return blockList(t, list)
	},
	"YAML without a final line break": func(t *testing.T, list map[string]any) []byte {
		delete(list, "results")
		return bytes.TrimSuffix(blockList(t, list), []byte("\n"))
	},
	"YAML with CR LF": func(t *testing.T, list map[string]any) []byte {
		return bytes.ReplaceAll(blockList(t, list), []byte("\n"), []byte("\r\n"))
	},
	"JSON": func(t *testing.T, list map[string]any) []byte { return jsonList(t, list, "") },
	"JSON with indentation": func(t *testing.T, list map[string]any) []byte {
		return append(jsonList(t, list, "  "), '\n')
	},
}

func blockList(t *testing.T, list map[string]any) []byte {
	t.Helper()
	text, err := yaml.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func jsonList(t *testing.T, list map[string]any, indent string) []byte {
	t.Helper()
	text, err := json.Marshal(list)
	if err == nil && indent != "" {
		text, err = json.MarshalIndent(list, "", indent)
	}
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestListLaws shows the laws for the list of a KRM function: what inject adds to a stream it adds
// to the items, once, and uninject takes it back.
func TestListLaws(t *testing.T) {
	added := 0
	for _, g := range goldens(t) {
		items := itemsOf(g.documents())
		alone := strings.HasPrefix(g.options.Profile, "standalone")
		if len(items) == 0 || testing.Short() && !alone {
			continue
		}

		t.Run(strings.TrimSuffix(filepath.Base(g.path), ".txtar"), func(t *testing.T) {
			names := []string{"standalone-issuer", "builtin"}
			if alone {
				names = []string{g.options.Profile}
			}

			for _, name := range names {
				o := g.options
				o.Profile = name
				s := o.settings()
				s.OnSkip, s.List = inject.SkipWarn, true
				if s.TLS && s.Sidecar != nil && s.Authority == "" {
					s.Authority = someAuthority
				}
				for style, write := range listStyles {
					text := write(t, map[string]any{"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList", "items": items, "results": []any{}})
					t.Run(name+" in "+style, func(t *testing.T) { added += checkList(t, text, s) })
				}
			}
		})
	}

	if added < 200 {
		t.Fatalf("only %d objects were added; the corpus is too small to show anything", added)
	}
}

// itemsOf returns the objects of documents; none if a document cannot be written as JSON.
func itemsOf(docs []*manifest.Document) (items []any) {
	for _, d := range docs {
		var object map[string]any
		text, err := asJSON(d.Text)
		if err != nil || json.Unmarshal(text, &object) != nil {
			return nil
		}
		if object != nil {
			items = append(items, object)
		}
	}

	return items
}

// checkList returns how many objects were added to a list.
func checkList(t *testing.T, text []byte, s inject.Settings) (added int) {
	t.Helper()
	list := func() []*manifest.Document { return manifest.Split("list.yaml", text) }
	checkLaws(t, list, s)

	stream, problems := inject.Inject(list(), s)
	if len(problems) > 0 {
		return 0
	}

	out := slices.Collect(stream.Texts(bindings(stream, ids)))
	if len(out) != 1 {
		t.Fatalf("%d documents came out of one", len(out))
	}

	had, has := itemsIn(t, text), itemsIn(t, out[0])
	if len(has) != len(had)+stream.Emitted {
		t.Fatalf("%d items and %d added ones became %d", len(had), stream.Emitted, len(has))
	}

	s.List = false
	behind, problems := inject.Inject(list(), s)
	if len(problems) > 0 {
		t.Fatalf("behind the list: %v", problems[0])
	}

	want := []any{}
	for i, d := range slices.Collect(behind.Texts(bindings(behind, ids))) {
		if i > 0 {
			want = append(want, itemsOf(manifest.Split("added.yaml", d))...)
		}
	}

	unmark(want)
	unmark(has[len(had):])
	same(t, "the added items", want, has[len(had):])
	same(t, "L2: injecting again as if uninjected", string(out[0]), reinjected(t, out[0], s))

	return stream.Emitted
}

// unmark makes the marks of added objects alike: at the end of a file they tell how the file ended.
func unmark(items []any) {
	for _, i := range items {
		i.(map[string]any)["metadata"].(map[string]any)["annotations"].(map[string]any)["injector.tyk.io/emitted"] = "yes"
	}
}

func itemsIn(t *testing.T, text []byte) []any {
	t.Helper()
	var list struct{ Items []any }
	if err := yaml.Unmarshal(text, &list); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return list.Items
}

// reinjected returns a list after inject --reinject.
func reinjected(t *testing.T, text []byte, s inject.Settings) string {
	t.Helper()
	s.List = true
	stream, problems := inject.Reinject(manifest.Split("list.yaml", text), s)
	if len(problems) > 0 && problems[0].Rule == inject.RuleRecord { // the input has objects of the webhook
		return string(text)
	}
	if len(problems) > 0 {
		t.Fatalf("inject again: %v in\n%s", problems[0], text)
	}
	return whole(slices.Collect(stream.Texts(bindings(stream, ids))))
}

// TestListWithoutWorkloads shows that uninject leaves a list that is empty then.
func TestListWithoutWorkloads(t *testing.T) {
	text := "kind: ResourceList\napiVersion: config.kubernetes.io/v1\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: ca-pem\n    annotations: {injector.tyk.io/emitted: \"yes\"}\nresults: []\n"
	back, problems := inject.Uninject(manifest.Split("list.yaml", []byte(text)))
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	same(t, "the list", "kind: ResourceList\napiVersion: config.kubernetes.io/v1\nitems: []\nresults: []\n", whole(slices.Collect(back.Texts(nil))))
}

// TestItemsOfOthersStay shows that uninject leaves alone an object that carries the mark and is not
// one that inject adds, in the lists of kubectl get too.
func TestItemsOfOthersStay(t *testing.T) {
	const others = "- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: mine\n    annotations: {injector.tyk.io/emitted: \"yes\"}\n"
	const ours = "- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: echo-tykmesh-0123456789\n    annotations: {injector.tyk.io/emitted: \"yes\"}\n"
	back, problems := inject.Uninject(manifest.Split("list.yaml", []byte("apiVersion: v1\nkind: List\nitems:\n"+ours+others+ours)))
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	same(t, "the list", "apiVersion: v1\nkind: List\nitems:\n"+others, whole(slices.Collect(back.Texts(nil))))
	if back.Emitted != 2 {
		t.Errorf("%d objects were taken away", back.Emitted)
	}
}
