package inject_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// neighbours are documents that the checks across a stream read, and that would select, name or
// scale most of what the archives have.
const neighbours = `kind: Deployment
apiVersion: apps/v1
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, ports: [{name: http, containerPort: 80}, {name: web, containerPort: 8081}]}]}
---
{kind: Pod, apiVersion: v1, metadata: {name: web, labels: {app: web}}, spec: {containers: [{name: web, ports: [{name: http, containerPort: 81}]}]}}
---
{kind: Service, apiVersion: v1, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 8080}]}}
---
{kind: Ingress, apiVersion: networking.k8s.io/v1, metadata: {name: web}, spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}}
---
{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: web}, spec: {podSelector: {}, ingress: [{ports: [{port: 80}]}]}}
---
{kind: HorizontalPodAutoscaler, apiVersion: autoscaling/v2, metadata: {name: web}, spec: {scaleTargetRef: {kind: Deployment, name: web}}}
---
{kind: MutatingWebhookConfiguration, apiVersion: admissionregistration.k8s.io/v1, metadata: {name: web}, webhooks: [{clientConfig: {service: {name: web, namespace: shop}}}]}
---
{kind: ServiceMonitor, apiVersion: monitoring.coreos.com/v1, metadata: {name: web}, spec: {selector: {}, namespaceSelector: {any: true}, endpoints: [{port: http}, {}]}}
---
{kind: VirtualService, apiVersion: networking.istio.io/v1, metadata: {name: web}, spec: {http: [{route: [{destination: {host: web}}, {destination: {host: web, port: {number: 80}}}]}]}}
---
{kind: Route, apiVersion: route.openshift.io/v1, metadata: {name: web}, spec: {to: {name: web}, port: {targetPort: 80}}}
---
{kind: Rollout, apiVersion: argoproj.io/v1alpha1, metadata: {name: web}, spec: {strategy: {canary: {stableService: web, canaryService: other, trafficRouting: {}}}}}
---
kind: Service
broken: [
`

// TestNeighbours shows that what is only read changes nothing: whatever stands beside annotated
// objects, they become the same.
func TestNeighbours(t *testing.T) {
	injected := 0
	for _, g := range lawGoldens(t) {
		injected += checkNeighbours(t, g.documents, []byte(neighbours), g.options.settings())
	}
	if injected < 100 {
		t.Fatalf("only %d objects were injected beside others", injected)
	}
}

func FuzzNeighbours(f *testing.F) {
	for _, g := range lawGoldens(f) {
		for _, in := range g.inputs {
			f.Add(in.Data, []byte(neighbours))
		}
	}

	f.Fuzz(func(t *testing.T, text, others []byte) {
		if len(text) > 4096 || len(others) > 4096 || bytes.Contains(others, []byte("injector.tyk.io")) || bytes.Contains(others, []byte("service.tyk.io")) {
			return
		}
		if slices.ContainsFunc(manifest.Split("others.yaml", others), func(d *manifest.Document) bool { return d.Encoded() != nil }) {
			return // refused wherever it stands
		}
		checkNeighbours(t, func() []*manifest.Document { return manifest.Split("f.yaml", text) }, others, profile("plain"))
	})
}

// checkNeighbours injects documents alone and between others, and returns how many objects were.
func checkNeighbours(t *testing.T, documents func() []*manifest.Document, others []byte, s inject.Settings) (injected int) {
	t.Helper()
	alone, problems := inject.Inject(documents(), s)
	before, behind := manifest.Split("before.yaml", others), manifest.Split("behind.yaml", others)

	beside, same := inject.Inject(slices.Concat(before, documents(), behind), s)
	if !slices.Equal(problems, same) {
		t.Fatalf("beside others these are the problems:\n%v\nand alone\n%v", same, problems)
	}

	if len(problems) > 0 {
		return 0
	}

	got, want := slices.Collect(beside.Texts(nil)), slices.Collect(alone.Texts(nil))
	if own := got[len(before) : len(got)-len(behind)]; !slices.EqualFunc(own, want, bytes.Equal) {
		t.Fatalf("beside others this comes of it:\n%s\nand alone\n%s", whole(own), whole(want))
	}

	for i, d := range slices.Concat(before, behind) {
		text := slices.Concat(got[:len(before)], got[len(got)-len(behind):])[i]
		if !bytes.Equal(text, d.Text) {
			t.Fatalf("what is only read became %q", text)
		}
	}

	for i, o := range alone.Objects {
		if b := beside.Objects[i]; o.Outcome != b.Outcome || o.Change != b.Change || o.Pos != b.Pos {
			t.Fatalf("beside others %s is %v: %s", o, b.Outcome, b.Change)
		}
		if o.Outcome == inject.Injected {
			injected++
		}
	}

	return injected
}
