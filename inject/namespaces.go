package inject

import (
	"cmp"
	"maps"
	"slices"

	podsecurity "k8s.io/pod-security-admission/api"

	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// Need is what a namespace must have for the pods that are injected, and what the stream does not
// show that it has.
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

// provided is an object that pods take something from.
type provided struct{ kind, namespace, name string }

// provides notes an object that pods take something from, if it is one.
func (f *facts) provides(obj object, s Settings) {
	p := provided{obj.kind, namespaceOf(obj.node, s.Namespace), keep(obj.node.Get("metadata", "name"))}
	if p.kind == "Secret" && p.name == sidecar.Secret || p.kind == "ConfigMap" && p.name == sidecar.Authority {
		if f.provided == nil {
			f.provided = make(map[provided]bool)
		}
		f.provided[p] = true
	}
}

// looser reports whether a level of Pod Security allows what another one does not.
func (s Security) looser(than Security) bool {
	return s != "" && than != "" && podsecurity.CompareLevels(podsecurity.Level(s), podsecurity.Level(than)) < 0
}

// checkNamespaces looks for namespaces that refuse pods for what is added to them: the refusal
// would only show in the events of a ReplicaSet.
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

// newNeed is what all pods of a namespace take from it.
func (c *checks) newNeed(ns string) *Need {
	return &Need{
		Namespace: ns,
		Secret:    c.settings.Sidecar != nil && !c.facts.provided[provided{"Secret", ns, sidecar.Secret}],
		Authority: c.settings.TLS && !c.facts.provided[provided{"ConfigMap", ns, sidecar.Authority}],
	}
}
