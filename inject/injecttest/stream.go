// Package injecttest writes manifests as large installations have them, for benchmarks. It is for
// tests alone.
package injecttest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
)

// Stream is the manifests of a release of many services. Each service has a workload, a Service, a
// ConfigMap and an Ingress, with comments. Now and then there is a List, a custom resource and its
// definition, a document of comments alone, and a ConfigMap of nearly the maximum size. The checks
// of the built-in sidecar report nothing about it.
type Stream struct {
	Text      []byte
	Workloads int // that are to be injected, each the only one of its service
}

// NewStream writes a stream of n services; the same arguments give the same stream. of5 of every
// five services are on the mesh.
func NewStream(n, of5 int) Stream {
	w := &writer{random: rand.New(rand.NewPCG(1, uint64(n)))}
	w.document("v1", "Namespace", "mart", "", "")
	for i := range n {
		w.service(i, i%5 < of5)
	}
	return Stream{Text: w.out.Bytes(), Workloads: w.workloads}
}

type writer struct {
	out       bytes.Buffer
	random    *rand.Rand
	workloads int
}

var words = []string{"basket", "billing", "catalogue", "identity", "mailer", "pricing", "reviews", "shipping"}

func (w *writer) service(i int, meshed bool) {
	name := fmt.Sprintf("%s-%d", w.pick(words...), i)
	w.workload(name, meshed)
	w.document("v1", "Service", name, w.annotations(meshed, "  "), serviceText, name, w.pick("", "    - {name: admin, port: 8081}\n"))

	settings := 1 + w.random.IntN(20)
	if i%200 == 199 {
		settings = 20_000
	}

	w.document("v1", "ConfigMap", name, "", configText, strings.Repeat("    the settings of a service\n", settings))
	w.document("networking.k8s.io/v1", "Ingress", name, fmt.Sprintf(toSidecars, name), ingressText, name)
	switch i % 25 {
	case 5:
		w.out.WriteString("---\n# The services of another team follow.\n# Ask them first.\n")
	case 10:
		w.list(name+"-listed", meshed)
	case 15:
		w.document("apiextensions.k8s.io/v1", "CustomResourceDefinition", fmt.Sprintf("panels%d.example.com", i), "", definitionText, i, fields(40))
		w.document("example.com/v1", fmt.Sprint("Panel", i), name, "", "spec:\n  shown: yes\n  mode: 0755\n  queries:\n%s",
			strings.Repeat("    - {title: requests, width: 12, query: 'rate(requests[5m])'}\n", 30))
	}
}

const (
	serviceText = `spec:
  selector:
    app: %s
  ports:
    - name: http # the public one
      port: 80
      targetPort: http
%s`
	configText = `data:
  LEVEL: info
  MODE: "0755"
  settings.yaml: |
    # not a comment of the manifest
    listen: 8080
%s`
	toSidecars = `  annotations:
    nginx.ingress.kubernetes.io/backend-protocol: HTTPS
    nginx.ingress.kubernetes.io/upstream-vhost: %s.mart
`
	ingressText = `spec:
  rules:
  - host: %[1]s.example.com
    http:
      paths:
      - path: /
        pathType: Prefix
        backend: {service: {name: %[1]s, port: {number: 8080}}}
`
	definitionText = `spec:
  group: example.com
  names: {kind: Panel%[1]d, plural: panels%[1]d}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties:
%[2]s`
)

// fields writes n fields of a definition's schema.
func fields(n int) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, "                field%d:\n                  type: string\n                  description: 'what it is for, at some length'\n", i)
	}
	return out.String()
}

// document writes one object; the text is behind its metadata.
func (w *writer) document(version, kind, name, metadata, text string, args ...any) {
	fmt.Fprintf(&w.out, "---\n# Source: release/templates/%s.yaml\napiVersion: %s\nkind: %s\nmetadata:\n  name: %s\n", kind, version, kind, name)
	if kind != "Namespace" {
		w.out.WriteString("  namespace: mart\n")
	}
	w.out.WriteString(metadata)
	fmt.Fprintf(&w.out, text, args...)
}

func (w *writer) annotations(meshed bool, indent string) string {
	text := indent + "annotations:\n" + indent + "  prometheus.io/scrape: \"true\" # keep the quotes\n"
	if meshed {
		text += indent + "  injector.tyk.io/inject: \"true\"\n"
	}
	return text
}

// list writes a workload into a List.
func (w *writer) list(name string, meshed bool) {
	inner := writer{random: w.random}
	inner.workload(name, meshed)
	w.workloads += inner.workloads
	lines := strings.Split(strings.TrimSuffix(inner.out.String(), "\n"), "\n")[2:]
	fmt.Fprintf(&w.out, "---\napiVersion: v1\nkind: List\nitems:\n- %s\n", strings.Join(lines, "\n  "))
}

const workloadText = `spec:
%[2]s  selector:
    matchLabels:
      app: %[1]s
  template:
    metadata:
      labels:
        app: %[1]s
        tier: backend
%[3]s    spec:
%[4]s      containers:
%[5]s      volumes:
      - name: settings
        configMap:
          name: %[1]s
`

func (w *writer) workload(name string, meshed bool) {
	if meshed {
		w.workloads++
	}

	kind, replicas := "Deployment", w.pick("  replicas: 3\n", "  replicas: 2   # the autoscaler's\n")
	switch w.random.IntN(10) {
	case 0:
		kind, replicas = "StatefulSet", replicas+"  serviceName: "+name+"\n"
	case 1:
		kind, replicas = "DaemonSet", ""
	}

	var containers strings.Builder
	for c := range 1 + w.random.IntN(3) {
		containers.WriteString(w.container(fmt.Sprintf("%s-c%d", name, c), c))
	}

	w.document("apps/v1", kind, name, "  labels: {app: "+name+", team: shop}\n", workloadText,
		name, replicas, w.annotations(meshed, "      "), w.pick("", "      serviceAccountName: "+name+"\n", spread), containers.String())
}

const spread = `      tolerations:
      - key: dedicated
        operator: Equal
        value: api
        effect: NoSchedule
      affinity:
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
          - weight: 100
            podAffinityTerm:
              topologyKey: kubernetes.io/hostname
              labelSelector: {matchLabels: {tier: backend}}
`

const containerText = `      - name: %[1]s
        image: registry.example.com/shop/%[1]s:v%[2]d%[3]s
        ports:
%[4]s%[5]s        volumeMounts:
        - mountPath: /etc/settings
          name: settings
        env:
        - name: LAST
          value: "1e3"
`

// container writes one of a pod's; the first is the service.
func (w *writer) container(name string, i int) string {
	ports := []string{httpPorts, "        - containerPort: 9080\n", "        - containerPort: 18080\n"}[i]
	text := fmt.Sprintf(containerText, name, w.random.IntN(50), w.pick("", " # pinned"), ports, w.pick("", resources)+w.pick(probe, command))
	for v := range w.random.IntN(9) {
		text += fmt.Sprintf(w.pick(plainVariable, flowVariable, secretVariable), v)
	}
	return text
}

const (
	httpPorts = `        - name: http
          containerPort: 80
        - name: admin
          containerPort: 8081
          protocol: TCP
`
	resources = `        resources:
          requests:
            cpu: 100m
            memory: 64Mi
          limits: {cpu: "2", memory: 1Gi}
`
	probe = `        # It answers before it is ready.
        livenessProbe:
          tcpSocket:
            port: 80
          initialDelaySeconds: 5
`
	command = `        command: ["/bin/sh", "-c"]
        args:
        - |
          set -e
          # not a comment of the manifest
          exec /app --mode=production
`
	plainVariable  = "        - name: PLAIN_%d\n          value: \"yes\"\n"
	flowVariable   = "        - {name: FLOW_%d, value: 'it''s'}\n"
	secretVariable = "        - name: SECRET_%[1]d\n          valueFrom:\n            secretKeyRef:\n              name: credentials\n              key: k%[1]d\n"
)

func (w *writer) pick(texts ...string) string { return texts[w.random.IntN(len(texts))] }
