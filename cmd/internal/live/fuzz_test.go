package live_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tykmesh/tykmesh/cmd/internal/live"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// smallList is a mesh of one service.
const smallList = `apiVersion: v1
items:
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web, namespace: shop}
  spec:
    template:
      metadata:
        labels: {app: web}
      spec:
        containers:
        - name: tyk-mesh
          ports: [{name: tyk-sidecar, containerPort: 8080}]
          volumeMounts:
          - {name: a, mountPath: /etc/tykmesh/mesh}
          - {name: b, mountPath: /etc/tykmesh/tls}
        volumes:
        - {name: a, configMap: {name: web-tykmesh-0123456789}}
        - {name: b, secret: {secretName: web-tykmesh}}
- apiVersion: v1
  data:
    apis-inbound.json: |
      {"listen_port": 8080, "protocol": "https"}
    apis-mesh-http.json: |
      "https://$1.svc:8080$2"
  kind: ConfigMap
  metadata:
    name: web-tykmesh-0123456789
    namespace: shop
- apiVersion: v1
  data:
    other: YQ==
  kind: Secret
  metadata:
    name: web-tykmesh
    namespace: shop
- apiVersion: v1
  kind: Service
  metadata: {name: web, namespace: shop}
  spec:
    selector: {app: web}
    ports: [{port: 8080}]
kind: List
metadata:
  resourceVersion: ""
`

// Whatever the text, Read ends; and a list in kubectl's own form, which is read item by item, says
// the same as when it is read as a whole.
func FuzzRead(f *testing.F) {
	f.Add([]byte(smallList))
	f.Add([]byte("apiVersion: v1\nitems:\n- kind: Secret\n  apiVersion: v1\n  metadata: {name: x-tykmesh}\n- a\nkind: List\n"))
	f.Add([]byte("apiVersion: v1\nitems:\n- &a {kind: ConfigMap}\n- *a\nkind: List\n"))
	f.Add([]byte("apiVersion: v1\nitems:\n- kind: |\n\n- b: \"\n- c\"\nkind: List\nmetadata:\n  name: |\n    kind: List\n"))

	f.Fuzz(func(t *testing.T, text []byte) {
		whole := slices.Concat([]byte("# whole\n"), text)
		want, unparsed := live.Read(manifest.Split("x", whole), now)
		if len(unparsed) > 0 || bytes.Contains(text, []byte("\n---")) || bytes.Contains(text, []byte("\n...")) {
			return // where a list is cut by errors, both tell of one
		}

		got, unparsed := live.Read(manifest.Split("x", text), now)
		if len(unparsed) > 0 {
			t.Fatalf("read by items: %v", unparsed[0].Err)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(live.Service{}, live.Mesh{}), cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}
