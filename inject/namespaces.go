package inject

import (
	"cmp"
	"maps"
	"slices"

	podsecurity "k8s.io/pod-security-admission/api"

	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// Need lists the things that a namespace must have for the injected pods, and that the stream does
// not contain.
type Need struct {
	Namespace string
	Secret    bool     // the Secret of the sidecars (sidecar.Secret)
	Authority bool     // the ConfigMap of the CA (sidecar.Authority)
	Security  Security // a level of Pod Security that is looser than what its pods met before; "" where none is

	implicit bool // some of the pods do not say that they are in the namespace
}

// namespace is a Namespace of the stream.
type namespace struct {
	known
	enforced Security // the level that its label asks for; "" where it asks for none
	at       manifest.Place
	meshes   []sign // of other meshes, for its pods
}

func newNamespace(d *manifest.Document, node *manifest.Node, k known) *namespace {
	_, label := node.Get("metadata", "labels").Entry(podsecurity.EnforceLevelLabel)
	n := &namespace{known: k, at: d.PlaceOf(at(label, node)), meshes: signs(d, node.Get("metadata"), nil)}
	if level, err := podsecurity.ParseLevel(keep(label)); err == nil {
		n.enforced = Security(level)
	}
	return n
}

// provided is a Secret or ConfigMap that pods of the mesh use.
type provided struct{ kind, namespace, name string }

// provides notes an object if pods of the mesh use it.
func (f *facts) provides(obj object, s Settings) {
	p := provided{obj.kind, namespaceOf(obj.node, s.Namespace), keep(obj.node.Get("metadata", "name"))}
	if p.kind == "Secret" && p.name == sidecar.Secret || p.kind == "ConfigMap" && p.name == sidecar.Authority {
		if f.provided == nil {
			f.provided = make(map[provided]bool)
		}
		f.provided[p] = true
	}
}

// looser reports whether a level of Pod Security allows more than another.
func (s Security) looser(than Security) bool {
	return s != "" && than != "" && podsecurity.CompareLevels(podsecurity.Level(s), podsecurity.Level(than)) < 0
}

// checkNamespaces looks for namespaces that reject pods because of the additions. Without this
// check the user would find the reason only in the events of a ReplicaSet.
func (c *checks) checkNamespaces() {
	needs := make(map[string]*Need)
	for _, p := range c.facts.pods {
		if p.object == nil || p.object.Outcome != Injected {
			continue
		}

		if needs[p.namespace] == nil {
			needs[p.namespace] = c.newNeed(p.namespace)
		}

		need := needs[p.namespace]
		need.implicit = need.implicit || p.implicit
		o := p.object
		n := c.spaces[p.namespace]
		switch {
		case !o.After.looser(o.Before):
		case n == nil || n.enforced == "":
			need.Security = cmp.Or(need.Security, o.After)
			if o.After.looser(need.Security) {
				need.Security = o.After
			}
		case o.After.looser(n.enforced) && !o.Before.looser(n.enforced):
			c.breaks(&p.known, RuleSecurity, p.place, "Pod Security: namespace %s enforces level %s (%s), and the injected pods violate it: %s",
				p.namespace, n.enforced, n.at.Position(), o.loosened[n.enforced])
		}
	}

	for _, name := range slices.Sorted(maps.Keys(needs)) {
		c.Needs = append(c.Needs, *needs[name])
	}
}

// newNeed returns the needs that all pods of a namespace share.
func (c *checks) newNeed(ns string) *Need {
	return &Need{
		Namespace: ns,
		Secret:    c.settings.Sidecar != nil && !c.facts.provided[provided{"Secret", ns, sidecar.Secret}],
		Authority: c.settings.TLS && !c.facts.provided[provided{"ConfigMap", ns, sidecar.Authority}],
	}
}
