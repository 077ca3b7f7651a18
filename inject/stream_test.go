package inject_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// A stream as a release of many services has it: of each a workload, a Service, a ConfigMap and an Ingress, with comments, and a List, a
// custom resource and a comment between them now and then. Two in three services are on the mesh.

// services writes a stream of n services, the same one for the same n.
func services(n int) []byte {
	s := streamWriter{random: rand.New(rand.NewPCG(1, uint64(n)))}
	for i := range n {
		s.service(i)
	}
	return s.out.Bytes()
}

type streamWriter struct {
	out    bytes.Buffer
	random *rand.Rand
}

func (s *streamWriter) service(i int) {
	name := fmt.Sprintf("%s-%d", s.pick("basket", "billing", "catalogue", "identity", "mailer", "pricing", "reviews", "shipping"), i)
	meshed := i%3 != 2
	s.workload(name, meshed)
	s.document("v1", "Service", name, serviceText, s.annotations(meshed, "  "), name, s.pick("", "    - {name: metrics, port: 9090}\n"))
	s.document("v1", "ConfigMap", name, configText, "", strings.Repeat("    a line of the settings of "+name+"\n", s.random.IntN(20)))
	s.document("networking.k8s.io/v1", "Ingress", name, ingressText, "", name, name)
	switch i % 25 {
	case 5:
		s.out.WriteString("---\n# the services of the second team follow\n")
	case 10:
		s.document("example.com/v1", "Dashboard", name, "spec:\n  panels:\n%s", "", strings.Repeat("    - {title: requests, width: 12, query: 'rate(requests[5m])'}\n", 60))
	case 15:
		fmt.Fprintf(&s.out, "---\napiVersion: v1\nkind: List\nitems:\n")
		var inner streamWriter
		inner.random = s.random
		inner.workload(name+"-l", meshed)
		lines := strings.Split(strings.TrimSuffix(inner.out.String(), "\n"), "\n")[2:]
		fmt.Fprintf(&s.out, "- %s\n", strings.Join(lines, "\n  "))
	}
}

const (
	serviceText = "spec:\n  selector:\n    app: %s\n  ports:\n    - name: http # the public one\n      port: 80\n      targetPort: http\n%s"
	configText  = "data:\n  LEVEL: info\n  MODE: \"0755\"\n  settings.yaml: |\n    # not a comment of the manifest\n    listen: 8080\n%s"
	ingressText = "spec:\n  rules:\n  - host: %s.example.com\n    http:\n      paths:\n      - path: /\n        pathType: Prefix\n        backend: {service: {name: %s, port: {number: 80}}}\n"
)

// document writes one object; the text is behind its metadata.
func (s *streamWriter) document(version, kind, name, text, annotations string, args ...any) {
	fmt.Fprintf(&s.out, "---\n# Source: release/templates/%s.yaml\napiVersion: %s\nkind: %s\nmetadata:\n  name: %s\n%s", kind, version, kind, name, annotations)
	fmt.Fprintf(&s.out, text, args...)
}

func (s *streamWriter) annotations(meshed bool, indent string) string {
	text := indent + "annotations:\n" + indent + "  prometheus.io/scrape: \"true\" # keep the quotes\n"
	if meshed {
		text += indent + "  injector.tyk.io/inject: \"true\"\n"
	}
	return text
}

func (s *streamWriter) workload(name string, meshed bool) {
	kind := s.pick("Deployment", "Deployment", "Deployment", "StatefulSet", "DaemonSet")
	s.document("apps/v1", kind, name, "spec:\n  selector:\n    matchLabels:\n      app: %s\n  template:\n    metadata:\n      labels:\n        app: %s\n%s    spec:\n%s",
		"  labels:\n    app: "+name+"\n", name, name, s.annotations(meshed, "      "), s.pick("", "      serviceAccountName: "+name+"\n"))
	s.out.WriteString("      containers:\n")
	for c := range 1 + s.random.IntN(3) {
		s.container(fmt.Sprintf("%s-c%d", name, c), c)
	}
	fmt.Fprintf(&s.out, "      volumes:\n      - name: settings\n        configMap:\n          name: %s\n", name)
}

func (s *streamWriter) container(name string, i int) {
	fmt.Fprintf(&s.out, "      - name: %s\n        image: registry.example.com/shop/%s:v%d.%d%s\n", name, name, s.random.IntN(9), s.random.IntN(50), s.pick("", " # pinned"))
	fmt.Fprintf(&s.out, "        ports:\n        - name: %s\n          containerPort: %d\n        env:\n", []string{"http", "debug", "admin"}[i], 80+i*9000)
	for v := range s.random.IntN(9) {
		s.out.WriteString(s.pick(
			fmt.Sprintf("        - name: PLAIN_%d\n          value: \"yes\"\n", v),
			fmt.Sprintf("        - {name: FLOW_%d, value: 'it''s'}\n", v),
			fmt.Sprintf("        - name: SECRET_%d\n          valueFrom:\n            secretKeyRef:\n              name: %s\n              key: k%d\n", v, name, v)))
	}
	s.out.WriteString("        - name: LAST\n          value: x\n        resources:\n          requests:\n            cpu: 100m\n            memory: 64Mi\n          limits: {cpu: \"2\", memory: 1Gi}\n")
	s.out.WriteString(s.pick("", "        livenessProbe:\n          httpGet:\n            path: /healthz\n            port: http\n          initialDelaySeconds: 5\n",
		"        command: [\"/bin/sh\", \"-c\"]\n        args:\n        - |\n          set -e\n          # not a comment of the manifest\n          exec /app --mode=production\n"))
	s.out.WriteString("        volumeMounts:\n        - mountPath: /etc/settings\n          name: settings\n")
}

func (s *streamWriter) pick(texts ...string) string { return texts[s.random.IntN(len(texts))] }

// profiles are settings for the tests by the name that an archive gives.
func profile(name string) inject.Settings {
	gateway := manifest.Map{
		{Key: "name", Value: "tyk-mesh"},
		{Key: "image", Value: "tykio/tyk-gateway:v5.8.1"},
		{Key: "ports", Value: manifest.List{manifest.Map{{Key: "containerPort", Value: int64(8080)}}}},
		{Key: "env", Value: manifest.List{
			manifest.Map{{Key: "name", Value: "TYK_GW_LISTENPORT"}, {Key: "value", Value: "8080"}},
			manifest.Map{{Key: "name", Value: "TYK_GW_SECRET"}, {Key: "valueFrom", Value: manifest.Map{
				{Key: "secretKeyRef", Value: manifest.Map{{Key: "name", Value: "tyk"}, {Key: "key", Value: "secret"}}}}}},
		}},
		{Key: "command", Value: manifest.List{"/opt/tyk-gateway/tyk", "--conf=/etc/tyk/tyk.conf"}},
	}
	mountOf := func(name, path string) manifest.Map {
		return manifest.Map{{Key: "name", Value: name}, {Key: "mountPath", Value: path}}
	}
	redirect := manifest.Map{
		{Key: "name", Value: "run-iptables"},
		{Key: "image", Value: "example.com/iptables:1"},
		{Key: "args", Value: manifest.List{"set -e\niptables -t nat -A PREROUTING -p tcp --dport 80 -j REDIRECT\n"}},
		{Key: "securityContext", Value: manifest.Map{{Key: "privileged", Value: true}}},
	}
	s := inject.Settings{MeshHosts: []string{"mesh", "mesh.local", "localhost"}, Containers: []manifest.Map{gateway}, InitContainers: []manifest.Map{redirect}}
	switch name {
	case "": // an init container that fills the folder of certificates, as the guide has it
		s.InitContainers[0] = redirect.With("volumeMounts", manifest.List{mountOf("ca-pem", "/tmp/ca-pem"), mountOf("ssl-certs", "/tmp/ssl-certs")})
	case "plain": // none that does
	case "two": // two sidecars, the first with tags and trusted folders and a mount of its own
		tagged := gateway.With("env", manifest.List{
			manifest.Map{{Key: "name", Value: "TYK_GW_DBAPPCONFOPTIONS_TAGS"}, {Key: "value", Value: "edge"}},
			manifest.Map{{Key: "name", Value: "SSL_CERT_DIR"}, {Key: "value", Value: "/certs"}},
		})
		s.Containers = []manifest.Map{tagged, {{Key: "name", Value: "log"}, {Key: "image", Value: "example.com/log:1"}, {Key: "volumeMounts", Value: manifest.List{mountOf("ssl-certs", "/ssl")}}}}
	case "builtin", "native", "nft": // the built-in sidecar: in a container, in an init container, with a file of rules
		s = inject.Settings{MeshHosts: s.MeshHosts, Sidecar: &inject.Sidecar{
			Gateway: sidecar.Gateway{
				Image: sidecar.DefaultImage, UID: sidecar.DefaultUID, Dashboard: "http://dashboard.tyk:3000", Redis: sidecar.Redis{Addresses: []string{"redis.tyk:6379"}},
				Resources: sidecar.Resources{CPU: sidecar.DefaultCPU, Memory: sidecar.DefaultMemory, MemoryLimit: sidecar.DefaultMemoryLimit},
			},
			Rules: sidecar.Rules{Intercept: sidecar.All}, RulesImage: sidecar.DefaultRulesImage, RulesTool: sidecar.IPTables, Native: name == "native",
		}}
		if name == "nft" {
			s.Sidecar.RulesTool, s.Sidecar.Rules.Intercept = sidecar.NFT, sidecar.Mesh
		}
	case "bare": // nothing but a sidecar, and no names
		s = inject.Settings{Containers: []manifest.Map{{{Key: "name", Value: "proxy"}, {Key: "image", Value: "example.com/proxy:1"}}}}
	case "requests": // a sidecar that says what it needs, and a native one that may use no more
		amounts := manifest.Map{{Key: "cpu", Value: "50m"}, {Key: "memory", Value: "96Mi"}}
		s.Containers = []manifest.Map{gateway.With("resources", manifest.Map{{Key: "requests", Value: amounts}})}
		native := manifest.Map{{Key: "name", Value: "log"}, {Key: "image", Value: "example.com/log:1"}, {Key: "restartPolicy", Value: "Always"}}
		s.InitContainers = append(s.InitContainers, native.With("resources", manifest.Map{{Key: "limits", Value: amounts}}))
	default:
		panic("no profile " + name)
	}
	return s
}

// ids are a binding whose ids a YAML reader would take for numbers, were they not quoted.
var ids = inject.Binding{InboundID: "5e0000000000000000000001", MeshID: "610000000000000000000002"}

// bindings gives every service of a stream the same ids.
func bindings(s *inject.Stream, b inject.Binding) map[inject.Service]inject.Binding {
	all := make(map[inject.Service]inject.Binding)
	for _, w := range s.Workloads() {
		all[w.Service] = b
	}
	return all
}
