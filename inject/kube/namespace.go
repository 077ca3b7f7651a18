package kube

import (
	"cmp"
	"slices"

	podsecurity "k8s.io/pod-security-admission/api"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Namespace is a Namespace of the stream.
type Namespace struct {
	*Meta
	Enforced Security // the level that its label asks for; "" where it asks for none
	At       manifest.Place
	Meshes   []MeshSign // for its pods
}

func addNamespace(f *Facts, o Object) *Meta {
	meta := o.Node.Get("metadata")
	_, label := meta.Get("labels").Entry(podsecurity.EnforceLevelLabel)
	n := &Namespace{Meta: f.meta(o), At: o.Document.PlaceOf(cmp.Or(label, o.Node)), Meshes: meshSigns(o.Document, meta, nil)}
	if level, err := podsecurity.ParseLevel(Text(label)); err == nil {
		n.Enforced = Security(level)
	}

	f.namespaces[n.Name] = n
	return n.Meta
}

// otherMesh is a service mesh that leads the calls of a pod to a proxy of its own.
type otherMesh struct {
	name       string
	containers []string            // that its injector adds
	asks       map[string][]string // annotations and labels of a pod or its namespace that ask for it, by their values; nil is any value
}

// otherMeshes are the meshes that redirect the calls of their pods. A container named envoy is no
// sign of one: apps have such containers too. Cilium and Traefik Mesh have no sidecars.
var otherMeshes = []otherMesh{
	{"Istio", []string{"istio-proxy", "istio-init", "istio-validation"}, map[string][]string{
		"sidecar.istio.io/inject": {"true", "y", "yes", "on"}, "istio-injection": {"enabled"}, "istio.io/rev": nil,
	}},
	{"Istio (ambient)", nil, map[string][]string{"istio.io/dataplane-mode": {"ambient"}}},
	{"Linkerd", []string{"linkerd-proxy", "linkerd-init", "linkerd-network-validator"}, map[string][]string{"linkerd.io/inject": {"enabled", "ingress"}}},
	{"Consul", []string{"consul-dataplane", "consul-connect-inject-init", "consul-connect-envoy-sidecar"}, map[string][]string{
		"consul.hashicorp.com/connect-inject": {"true"},
	}},
	{"Kuma", []string{"kuma-sidecar", "kuma-init"}, map[string][]string{"kuma.io/sidecar-injection": {"enabled", "true"}}},
	{"Open Service Mesh", []string{"osm-init"}, map[string][]string{"openservicemesh.io/sidecar-injection": {"enabled", "yes", "true"}}},
	{"AWS App Mesh", []string{"proxyinit"}, map[string][]string{"appmesh.k8s.aws/sidecarInjectorWebhook": {"enabled"}}},
	{"NGINX Service Mesh", []string{"nginx-mesh-sidecar", "nginx-mesh-init"}, map[string][]string{"injector.nsm.nginx.com/auto-inject": {"true"}}},
}

// MeshSign says that a pod has the proxy of another mesh, or that a pod or its namespace asks for
// that proxy or declines it.
type MeshSign struct {
	Mesh     string
	Text     string // "container istio-proxy"
	Declines bool
	At       manifest.Place
}

// meshSigns returns the signs of other meshes in metadata, and in the spec of a pod, which may be
// nil. Each mesh has one at most.
func meshSigns(d *manifest.Document, meta, spec *manifest.Node) (found []MeshSign) {
	for _, m := range otherMeshes {
		if s := cmp.Or(m.contained(d, spec), m.asked(d, meta)); s != nil {
			found = append(found, *s)
		}
	}
	return found
}

// contained returns the sign of a mesh among a pod's containers, or nil.
func (m otherMesh) contained(d *manifest.Document, spec *manifest.Node) *MeshSign {
	for _, list := range []string{"containers", "initContainers"} {
		for _, c := range spec.Get(list).Items() {
			if name := c.Get("name"); slices.Contains(m.containers, name.Text()) {
				return &MeshSign{Mesh: m.name, Text: "container " + Text(name), At: d.PlaceOf(name)}
			}
		}
	}
	return nil
}

// asked returns the sign of a mesh that labels and annotations are. One that asks wins over one
// that declines.
func (m otherMesh) asked(d *manifest.Document, meta *manifest.Node) (found *MeshSign) {
	for _, of := range []struct{ key, word string }{{"labels", "label"}, {"annotations", "annotation"}} {
		for k, v := range meta.Get(of.key).Entries() {
			values, known := m.asks[k.Text()]
			if !known || v.Text() == "" {
				continue
			}

			s := &MeshSign{Mesh: m.name, Text: of.word + " " + Text(k) + ": " + Text(v), At: d.PlaceOf(k)}
			if values == nil || slices.Contains(values, v.Text()) {
				return s
			}

			s.Declines, found = true, s
		}
	}

	return found
}
