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

// meshProxies are the containers that other service meshes add to pods to lead calls to a proxy of
// their own, with the names of the meshes. A container named envoy is no sign of one: apps have
// such containers too. Cilium and Traefik Mesh have no sidecars.
var meshProxies = map[string]string{
	"istio-proxy": "Istio", "istio-init": "Istio", "istio-validation": "Istio",
	"linkerd-proxy": "Linkerd", "linkerd-init": "Linkerd", "linkerd-network-validator": "Linkerd",
	"consul-dataplane": "Consul", "consul-connect-inject-init": "Consul", "consul-connect-envoy-sidecar": "Consul",
	"kuma-sidecar": "Kuma", "kuma-init": "Kuma", "osm-init": "Open Service Mesh", "proxyinit": "AWS App Mesh",
	"nginx-mesh-sidecar": "NGINX Service Mesh", "nginx-mesh-init": "NGINX Service Mesh",
}

// meshKeys are the annotations and labels of a pod or its namespace that ask for the proxy of
// another mesh, or decline it.
var meshKeys = map[string]struct {
	mesh string
	asks []string // values; nil is any value
}{
	istioSwitch:                              {"Istio", []string{"true", "y", "yes", "on"}},
	"istio-injection":                        {"Istio", []string{"enabled"}},
	istioRevision:                            {"Istio", nil},
	"istio.io/dataplane-mode":                {"Istio (ambient)", []string{"ambient"}},
	"linkerd.io/inject":                      {"Linkerd", []string{"enabled", "ingress"}},
	"consul.hashicorp.com/connect-inject":    {"Consul", []string{"true"}},
	"kuma.io/sidecar-injection":              {"Kuma", []string{"enabled", "true"}},
	"openservicemesh.io/sidecar-injection":   {"Open Service Mesh", []string{"enabled", "yes", "true"}},
	"appmesh.k8s.aws/sidecarInjectorWebhook": {"AWS App Mesh", []string{"enabled"}},
	"injector.nsm.nginx.com/auto-inject":     {"NGINX Service Mesh", []string{"true"}},
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
// nil. Each mesh has one: a container, else a key that asks, else one that declines.
func meshSigns(d *manifest.Document, meta, spec *manifest.Node) (found []MeshSign) {
	note := func(mesh, what string, n *manifest.Node, value string, declines bool) {
		i := slices.IndexFunc(found, func(s MeshSign) bool { return s.Mesh == mesh })
		s := MeshSign{mesh, what + " " + Text(n) + value, declines, d.PlaceOf(n)}
		switch {
		case i < 0:
			found = append(found, s)
		case found[i].Declines && !declines:
			found[i] = s
		}
	}

	for c := range Containers(spec) {
		if name := c.Get("name"); meshProxies[name.Text()] != "" && !isIstioGateway(spec) {
			note(meshProxies[name.Text()], "container", name, "", false)
		}
	}

	for _, of := range []struct{ field, word string }{{"labels", "label"}, {"annotations", "annotation"}} {
		for k, v := range meta.Get(of.field).Entries() {
			if key, ok := meshKeys[k.Text()]; ok && v.Text() != "" && !isOnlyRevision(meta, of.field, k.Text()) {
				note(key.mesh, of.word, k, ": "+Text(v), key.asks != nil && !slices.Contains(key.asks, v.Text()))
			}
		}
	}

	return found
}

// isIstioGateway reports whether Istio's proxy is all of a pod. Such a proxy is a gateway: it
// redirects no calls.
func isIstioGateway(spec *manifest.Node) bool {
	var names []string
	for c := range Containers(spec) {
		names = append(names, c.Get("name").Text())
	}
	return len(names) == 1 && names[0] == "istio-proxy"
}

// istioSwitch decides about pods, whatever revision they name (Istio documentation, Installing the
// Sidecar).
const istioSwitch, istioRevision = "sidecar.istio.io/inject", "istio.io/rev"

// isOnlyRevision reports whether a key of metadata is Istio's revision, and asks for no proxy: an
// annotation only says which revision made the object.
func isOnlyRevision(meta *manifest.Node, field, key string) bool {
	return key == istioRevision &&
		(field == "annotations" || meta.Get("labels", istioSwitch) != nil || meta.Get("annotations", istioSwitch) != nil)
}
