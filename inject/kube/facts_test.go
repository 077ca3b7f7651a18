package kube_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// TestFacts reads a stream in which objects refer to each other, and follows these references.
func TestFacts(t *testing.T) {
	const stream = `{kind: List, apiVersion: v1, items: [
  {apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}},
  {apiVersion: v1, kind: Service, metadata: {name: bare, namespace: shop}, spec: {ports: [{port: 80}]}},
]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {metadata: {labels: {app: web, tier: front}}, spec: {containers: [{name: web, ports: [{name: http, containerPort: 3000}]}]}}}
---
{apiVersion: batch/v1, kind: Job, metadata: {name: load, namespace: shop}, spec: {template: {metadata: {labels: {app: load}}, spec: {containers: [{name: load}, {name: istio-proxy}]}}}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: front, namespace: shop}, spec: {podSelector: {matchExpressions: [{key: tier, operator: Exists}]}}}
---
{apiVersion: v1, kind: Secret, metadata: {name: wanted, namespace: shop}}
---
{apiVersion: example.com/v1, kind: Secret, metadata: {name: wanted, namespace: other}}
`

	facts := kube.NewFacts(kube.Reader{Namespace: "shop", Wanted: []kube.Ref{{Kind: "Secret", Name: "wanted"}}})
	for _, d := range manifest.Split("stream.yaml", []byte(stream)) {
		objects, err := kube.Objects(d)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			facts.AddAll(o)
		}
	}

	web := facts.Service("shop", "web")
	behind := slices.Collect(facts.Behind(web))
	if len(behind) != 1 || behind[0].Title() != "document 2 (Deployment shop/web)" || !behind[0].Implicit {
		t.Fatalf("pods behind the Service: %v", behind)
	}
	if number := behind[0].Target(web.Ports[0]); number != "3000" {
		t.Errorf("port 80 leads to port %q of the pods", number)
	}

	if found := slices.Collect(facts.Behind(facts.Service("shop", "bare"))); len(found) > 0 {
		t.Errorf("a Service without a selector leads to %v", found)
	}
	if found := slices.Collect(facts.Under(facts.Policies[0])); !slices.Equal(found, behind) {
		t.Errorf("pods under the policy: %v", found)
	}

	if signs := facts.Pods[1].Meshes; len(signs) != 1 || signs[0].Mesh != "Istio" || !strings.HasPrefix(signs[0].At.Position().String(), "stream.yaml:11:") {
		t.Errorf("signs of other meshes: %+v", signs)
	}
	if !facts.Provides("shop", facts.Wanted[0]) || facts.Provides("other", facts.Wanted[0]) {
		t.Error("the Secret is not found, or another kind of the same name is")
	}
}
