package kube

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// TestPortKinds holds the table against the golden of the checks in which Services lose their
// ports: each row has an object there that breaks.
func TestPortKinds(t *testing.T) {
	text, err := os.ReadFile("../../testdata/inject/checks-references.txtar")
	if err != nil {
		t.Fatal(err)
	}
	older, err := os.ReadFile("../../testdata/inject/checks-ingress.txtar")
	if err != nil {
		t.Fatal(err)
	}

	golden := string(text) + string(older)
	for _, k := range append(slices.Clone(portKinds), portKind{groups: []string{"monitoring.coreos.com"}, kind: "ServiceMonitor"}) {
		if !regexp.MustCompile(`error \S+ document \d+ \(`+k.kind+` `).MatchString(golden) || kinds[k.kind].add == nil {
			t.Errorf("no %s breaks", k.kind)
		}
		for _, group := range k.groups {
			if !strings.Contains(golden, "kind: "+k.kind+"\napiVersion: "+group+"/") {
				t.Errorf("there is no %s of group %s", k.kind, group)
			}
		}
	}
}

// TestReferences reads a port of a Service at each place of each row.
func TestReferences(t *testing.T) {
	for _, k := range portKinds {
		for i, p := range k.places {
			text := filled(k, p)
			objects, err := Objects(manifest.Split("f.yaml", text)[0])
			if err != nil {
				t.Fatal(err)
			}

			facts := NewFacts(Reader{Namespace: "own"})
			facts.Add(objects[0])
			if len(facts.Referrers) != 1 || len(facts.Referrers[0].References) != 1 {
				t.Fatalf("%s, place %d: read %+v", k.kind, i, facts.Referrers)
			}

			ref, namespace := facts.Referrers[0].References[0], "own"
			if p.namespace != nil {
				namespace = "other"
			}
			at := text[ref.At.Position().Column-1:]
			if ref.Service != "web" || ref.Namespace != namespace || ref.Port != "8181" || !bytes.HasPrefix(at, []byte("8181")) {
				t.Errorf("%s, place %d: read %+v at %.10s", k.kind, i, ref, at)
			}
		}
	}
}

// filled returns an object with a Service and its port at a place.
func filled(k portKind, p place) []byte {
	o := map[string]any{"apiVersion": k.groups[0] + "/v1", "kind": k.kind}
	put(o, p.service, "web")
	put(o, p.port, 8181)
	if p.namespace != nil {
		put(o, p.namespace, "other")
	}

	text, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}

	return text
}

// put puts a value at a path, with one item for a *. It returns the node, which may be new.
func put(n any, path []string, value any) any {
	switch {
	case len(path) == 0:
		return value
	case path[0] == every:
		list, _ := n.([]any)
		if list == nil {
			list = make([]any, 1)
		}
		list[0] = put(list[0], path[1:], value)
		return list
	}

	m, _ := n.(map[string]any)
	if m == nil {
		m = make(map[string]any)
	}
	m[path[0]] = put(m[path[0]], path[1:], value)

	return m
}

// TestServiceOfHost says which hosts of Istio are Services.
func TestServiceOfHost(t *testing.T) {
	for host, want := range map[string]string{
		"web": "web.own", "web.mart": "web.mart", "web.mart.svc": "web.mart", "web.mart.svc.cluster.local": "web.mart",
		"web.example.com": ".", "web.mart.svcs": ".", "": ".own",
	} {
		if service, namespace := serviceOfHost(host, "own"); service+"."+namespace != want {
			t.Errorf("%q: got %s.%s, want %s", host, service, namespace, want)
		}
	}
}

// TestPublic says which Services callers outside of the cluster reach.
func TestPublic(t *testing.T) {
	for spec, want := range map[string]string{
		"{type: LoadBalancer}": "type: LoadBalancer", "{type: NodePort, externalIPs: [192.0.2.1]}": "type: NodePort", "{externalIPs: [192.0.2.1]}": "externalIPs",
		"{type: ClusterIP, externalIPs: []}": "", "{type: ExternalName}": "", "{}": "",
	} {
		objects, err := Objects(manifest.Split("f.yaml", []byte("apiVersion: v1\nkind: Service\nspec: "+spec+"\n"))[0])
		if err != nil {
			t.Fatal(err)
		}
		if s := NewFacts(Reader{}).AddService(objects[0]); s.Public != want {
			t.Errorf("%s: got %q, want %q", spec, s.Public, want)
		}
	}
}
