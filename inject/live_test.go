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

// TestLiveLaw shows the rest of L2: uninject takes back an object that was injected, applied and
// printed by kubectl get.
func TestLiveLaw(t *testing.T) {
	taken := 0
	for _, g := range lawGoldens(t) {
		t.Run(strings.TrimSuffix(filepath.Base(g.path), ".txtar"), func(t *testing.T) {
			profiles, listeners := slices.Compact([]string{g.options.Profile, "", "builtin"}), []bool{false, true}
			if testing.Short() {
				profiles, listeners = profiles[:1], listeners[1:]
			}

			for _, profile := range profiles {
				for _, tls := range listeners {
					o := g.options
					o.Profile, o.TLS = profile, tls
					s := o.settings()
					s.OnSkip = inject.SkipWarn
					taken += checkLive(t, g.documents, s)
				}
			}
		})
	}

	if taken < int(tries(800)) {
		t.Fatalf("only %d documents were taken back; the corpus is too small to show anything", taken)
	}
}

// printers are how kubectl get prints objects, beside what -o yaml prints of one.
var printers = map[string]func(any) ([]byte, error){
	"json": func(v any) ([]byte, error) { return json.MarshalIndent(v, "", "    ") },
	"yaml of several": func(v any) ([]byte, error) {
		return yaml.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": []any{v}, "metadata": map[string]any{"resourceVersion": ""}})
	},
}

// checkLive returns how many documents were injected and taken back.
func checkLive(t *testing.T, documents func() []*manifest.Document, s inject.Settings) (taken int) {
	t.Helper()
	docs := documents()
	stream, problems := inject.Inject(docs, s)
	if len(problems) > 0 {
		return 0
	}

	for i, out := range withoutAdded(stream, slices.Collect(stream.Texts(bindings(stream, ids)))) {
		was, err := stored(docs[i].Text)
		if err != nil || bytes.Equal(out, docs[i].Text) || bytes.Contains(docs[i].Text, []byte("injector.tyk.io/record")) {
			continue // kubectl does not read it, or this run did not inject it
		}

		injected, err := stored(out)
		if err != nil {
			t.Fatal(err)
		}

		same(t, "L2: as it was applied", was, takenBack(t, yaml.Marshal, injected))
		for name, printer := range printers {
			t.Run(name, func(t *testing.T) {
				same(t, "L2: as it runs", running(was), running(takenBack(t, printer, running(injected))))
			})
		}

		taken++
	}

	return taken
}

// stored returns the part of a document that Kubernetes keeps: the values, without order, comments
// and anchors.
func stored(text []byte) (v any, err error) {
	err = yaml.Unmarshal(text, &v)
	return v, err
}

// takenBack prints an object and takes it off the mesh.
func takenBack(t *testing.T, printer func(any) ([]byte, error), object any) any {
	t.Helper()
	text, err := printer(object)
	if err != nil {
		t.Fatal(err)
	}

	back, problems := inject.Uninject(manifest.Split("live.yaml", text))
	if len(problems) > 0 {
		t.Fatalf("uninject: %v\nof\n%s", problems[0], text)
	}

	v, err := stored(bytes.Join(slices.Collect(back.Texts(nil)), nil))
	if err != nil {
		t.Fatal(err)
	}

	if m, ok := v.(map[string]any); ok && m["metadata"] != nil && m["items"] != nil && m["kind"] == "List" {
		if meta := m["metadata"].(map[string]any); meta["resourceVersion"] == "" {
			return m["items"].([]any)[0]
		}
	}

	return v
}

// running returns an object as the API server completes it and as controllers leave it. kubectl's
// record of what was applied is one text, and the same for all: uninject leaves it alone.
func running(object any) any {
	switch o := object.(type) {
	case []any:
		out := make([]any, 0, len(o))
		for _, v := range o {
			out = append(out, running(v))
		}
		return out

	case map[string]any:
		out := make(map[string]any, len(o))
		for k, v := range o {
			out[k] = running(v)
		}
		complete(out)
		return out
	}

	return object
}

// complete adds what stands in running objects to one that is an object, a pod's spec or a
// Service's.
func complete(m map[string]any) {
	if _, isObject := m["kind"].(string); isObject {
		meta, _ := m["metadata"].(map[string]any)
		if meta == nil {
			return
		}

		lack(meta, `{"creationTimestamp": "2026-01-01T00:00:00Z", "generation": 1, "uid": "0", "resourceVersion": "1", "annotations": {},
			"managedFields": [{"apiVersion": "apps/v1", "fieldsV1": {"f:metadata": {"f:annotations": {"f:injector.tyk.io/status": {}}}}, "manager": "kubectl"}]}`)
		if annotations, ok := meta["annotations"].(map[string]any); ok {
			lack(annotations, `{"kubectl.kubernetes.io/last-applied-configuration": "{\"metadata\":{\"annotations\":{\"injector.tyk.io/record\":\"{}\"}}}\n"}`)
		}

		lack(m, `{"status": {"conditions": [{"status": "True", "type": "Ready"}], "containerStatuses": [{"name": "tyk-mesh"}]}}`)
		if spec, ok := m["spec"].(map[string]any); ok && m["kind"] == "Service" {
			lack(spec, `{"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "sessionAffinity": "None", "type": "ClusterIP"}`)
		}
	}

	containers, isPod := m["containers"].([]any)
	if isPod {
		lack(m, `{"dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler", "securityContext": {}, "terminationGracePeriodSeconds": 30}`)
	}

	first, _ := m["initContainers"].([]any)
	for _, c := range slices.Concat(containers, first) {
		if c, ok := c.(map[string]any); ok {
			lack(c, `{"imagePullPolicy": "Always", "resources": {}, "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}`)
		}
	}

	if ports, ok := m["ports"].([]any); ok {
		for _, p := range ports {
			if p, ok := p.(map[string]any); ok {
				lack(p, `{"protocol": "TCP"}`)
			}
		}
	}
}

// lack gives a mapping the entries that it does not have.
func lack(m map[string]any, entries string) {
	var more map[string]any
	if err := json.Unmarshal([]byte(entries), &more); err != nil {
		panic(err)
	}

	for k, v := range more {
		if m[k] == nil {
			m[k] = v
		}
	}
}
