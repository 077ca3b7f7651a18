package inject_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

const billing = `apiVersion: apps/v1
kind: Deployment
metadata: {name: billing}
spec:
  selector: {matchLabels: {app: billing}}
  template:
    metadata:
      labels: {app: billing}
      annotations: {injector.tyk.io/inject: "true"}
    spec:
      containers:
      - {name: app, image: example.com/app:1, ports: [{containerPort: 3000}]}
`

const invoices = `---
apiVersion: v1
kind: Service
metadata:
  name: invoices
  annotations: {injector.tyk.io/inject: "true"}
spec:
  selector: {app: billing}
  ports: [{name: http, port: 80, targetPort: 3000}]
`

// TestOutdatedCertificate shows that a Service which is added behind an injected workload needs
// another Certificate: inject says so, and Reinject makes it.
func TestOutdatedCertificate(t *testing.T) {
	s := profile("standalone-issuer")
	first, ok := injectText([]byte(billing), s)
	if !ok {
		t.Fatal("not injected")
	}

	grown := func() []*manifest.Document { return manifest.Split("f.yaml", append(slices.Clone(first), invoices...)) }
	stream, problems := inject.Inject(grown(), s)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if len(stream.Warnings) != 1 || !strings.Contains(stream.Warnings[0].Msg, "does not name invoices.default.svc") {
		t.Errorf("these are the warnings: %v", stream.Warnings)
	}

	stream, problems = inject.Reinject(grown(), s)
	if len(problems) > 0 || len(stream.Warnings) > 0 {
		t.Fatal(problems, stream.Warnings)
	}

	want, ok := injectText([]byte(billing+invoices), s)
	same(t, "reinject", string(want), whole(slices.Collect(stream.Texts(nil))))
	if !ok || !strings.Contains(string(want), "- invoices.default.svc") {
		t.Errorf("the Certificate does not name the new Service:\n%s", want)
	}
}
