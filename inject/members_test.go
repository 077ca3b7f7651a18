package inject_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

func members(text string, s inject.Settings) string {
	found, problems := inject.Members(manifest.Split("app.yaml", []byte(text)), s)
	var lines []string
	for _, m := range found {
		lines = append(lines, fmt.Sprintf("%s %s %s", m.Pos, m.Object, m.Service))
	}

	for _, p := range problems {
		lines = append(lines, p.Error())
	}

	return strings.Join(lines, "\n")
}

func TestMembers(t *testing.T) {
	const meshed = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata:
      labels: {app: %s}
      annotations: {%s}
    spec:
      hostNetwork: true # could not be injected, and can be taken off
`

	deployment := func(app, annotations string) string { return fmt.Sprintf(meshed, app, annotations) }
	for _, c := range []struct{ name, text, want string }{
		{"asks", deployment("web", `injector.tyk.io/inject: "yes"`), "app.yaml:1:1 document 1 (Deployment shop/web) shop/web"},
		{"is injected", deployment("web", "injector.tyk.io/status: Injected"), "app.yaml:1:1 document 1 (Deployment shop/web) shop/web"},
		{"both", deployment("web", `injector.tyk.io/inject: "yes", injector.tyk.io/status: injected`), "app.yaml:1:1 document 1 (Deployment shop/web) shop/web"},
		{"declines", deployment("web", `injector.tyk.io/inject: "no"`), ""},
		{"other text", deployment("web", "a: b"), ""},
		{"no name", deployment("Web", "injector.tyk.io/status: injected"),
			`app.yaml:7:21: document 1 (Deployment shop/web): label app: "Web" is not a valid Service name; use lower case letters, digits and dashes, a letter first, 63 at most`},
		{"system", strings.Replace(deployment("web", `injector.tyk.io/inject: "yes"`), "shop", "kube-system", 1), ""},
		{"Service", "kind: Service\nmetadata: {name: web, annotations: {injector.tyk.io/status: injected}}\n", ""},
		{"broken", "injector.tyk.io: [", "app.yaml:1:18: document 1: this [ is not closed; close it with ]"},
		{"other place", "kind: Farm\nmetadata: {name: f}\nspec: {pods: {metadata: {labels: {app: web}, annotations: {injector.tyk.io/status: injected}}}}\n",
			"app.yaml:1:1 document 1 (Farm blog/f) blog/web"},
		{"list, own namespace", "kind: List\nitems:\n- kind: Pod\n  metadata: {name: web, labels: {app: web}, annotations: {injector.tyk.io/inject: \"true\"}}\n  spec: {}\n",
			"app.yaml:3:3 document 1 (Pod blog/web) blog/web"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, members(c.text, inject.Settings{Namespace: "blog"})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A member is found by the label that named it, also when it has others.
func TestMembersByLabel(t *testing.T) {
	const text = `{apiVersion: v1, kind: Pod, metadata: {name: a, labels: {app: x, app.kubernetes.io/name: web}, annotations: {injector.tyk.io/status: injected}}, spec: {}}
---
{apiVersion: v1, kind: Pod, metadata: {name: b, labels: {app: x}, annotations: {injector.tyk.io/status: injected}}, spec: {}}
`
	got := members(text, inject.Settings{ServiceLabels: []string{"app.kubernetes.io/name", "app"}})
	if want := "app.yaml:1:1 document 1 (Pod default/a) default/web\napp.yaml:3:1 document 2 (Pod default/b) default/x"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// checkMembers: whatever inject registers, delete finds, in the manifest before injection and
// after.
func checkMembers(t *testing.T, stream *inject.Stream, before, after []*manifest.Document, s inject.Settings) {
	t.Helper()
	for when, docs := range map[string][]*manifest.Document{"before": before, "after": after} {
		found, _ := inject.Members(docs, s)
		known := make(map[inject.Service]bool)
		for _, m := range found {
			known[m.Service] = true
		}

		for _, o := range stream.Objects {
			if w := o.Workload(); w != nil && o.Outcome == inject.Injected && !known[w.Service] {
				t.Errorf("%s: %s is injected, and no member %s injection", o, w.Service, when)
			}
		}
	}
}
