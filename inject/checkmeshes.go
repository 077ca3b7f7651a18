package inject

import (
	"slices"

	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// otherMesh is a service mesh that leads the calls of a pod to a proxy of its own.
type otherMesh struct {
	name       string
	containers []string            // that its injector adds
	asks       map[string][]string // annotations and labels of a pod or its namespace that ask for it, by their values; nil is any value
}

// otherMeshes are the meshes whose rules and tykmesh's cannot both have a pod's calls. A container
// named envoy is no sign of one: apps have such containers too. Cilium and Traefik Mesh have no
// sidecars.
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
	{"AWS App Mesh", []string{"proxyinit"}, map[string][]string{
		"appmesh.k8s.aws/sidecarInjectorWebhook": {"enabled"},
	}},
	{"NGINX Service Mesh", []string{"nginx-mesh-sidecar", "nginx-mesh-init"}, map[string][]string{"injector.nsm.nginx.com/auto-inject": {"true"}}},
}

// sign says that a pod has the proxy of another mesh, or that a pod or its namespace asks for that
// proxy or declines it.
type sign struct {
	mesh     string
	text     string // "container istio-proxy"
	declines bool
	at       manifest.Place
}

// signs returns what metadata say of other meshes, and the spec of a pod, which may be nil. Each
// mesh has one sign at most.
func signs(d *manifest.Document, meta, spec *manifest.Node) (found []sign) {
	for _, m := range otherMeshes {
		if s := m.contained(d, spec); s != nil {
			found = append(found, *s)
		} else if s := m.asked(d, meta); s != nil {
			found = append(found, *s)
		}
	}

	return found
}

// contained returns the sign of a mesh among a pod's containers, or nil.
func (m otherMesh) contained(d *manifest.Document, spec *manifest.Node) *sign {
	for _, list := range []string{"containers", "initContainers"} {
		for _, c := range spec.Get(list).Items() {
			if name := c.Get("name"); slices.Contains(m.containers, name.Text()) {
				return &sign{mesh: m.name, text: "container " + keep(name), at: d.PlaceOf(name)}
			}
		}
	}

	return nil
}

// asked returns the sign of a mesh that labels and annotations are. One that asks wins over one
// that declines.
func (m otherMesh) asked(d *manifest.Document, meta *manifest.Node) (found *sign) {
	for _, of := range []struct{ key, word string }{{"labels", "label"}, {"annotations", "annotation"}} {
		for k, v := range meta.Get(of.key).Entries() {
			values, known := m.asks[k.Text()]
			if !known || v.Text() == "" {
				continue
			}
			s := &sign{mesh: m.name, text: of.word + " " + keep(k) + ": " + keep(v), at: d.PlaceOf(k)}
			if values == nil || slices.Contains(values, v.Text()) {
				return s
			}

			s.declines, found = true, s
		}
	}

	return found
}

// led reports whether rules lead the calls of pods to their sidecar. Without rules another
// mesh is no harm.
func (o *target) led(s Settings) bool {
	return s.Sidecar == nil || slices.Contains(names(o.addition.added()), sidecar.RulesName)
}

// checkMeshes looks for pods that join the mesh and have the proxy of another one, or get it. A
// pod's own word counts before its namespace's.
func (c *checks) checkMeshes() {
	for _, p := range c.facts.pods {
		if !p.led {
			continue
		}

		own := make(map[string]bool)
		for _, s := range p.signs {
			if own[s.mesh] = true; !s.declines {
				c.warnMesh(&p.known, s.at, s, "")
			}
		}

		n := c.spaces[p.namespace]
		if n == nil {
			continue
		}

		for _, s := range n.meshes {
			if own[s.mesh] || s.declines {
				continue
			}
			about := p.known
			about.accepts = slices.Concat(p.accepts, n.accepts)
			c.warnMesh(&about, p.place, s, " of namespace "+p.namespace+" ("+s.at.Position().String()+")")
		}
	}
}

// warnMesh warns of pods that are on two meshes.
func (c *checks) warnMesh(about *known, at manifest.Place, s sign, of string) {
	c.warn(about, RuleMesh, at, "%s%s: the pods are also on %s, which redirects the same calls to its own proxy; use one mesh", s.text, of, s.mesh)
}
