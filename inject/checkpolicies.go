package inject

import (
	"slices"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// policy is a NetworkPolicy.
type policy struct {
	known
	labels          []pair          // that the pods must have
	selector        labels.Selector // those and whatever else is asked of them; nil where that is nothing
	ingress, egress traffic
}

// traffic is what a policy says of one direction.
type traffic struct {
	limited bool // it lets only some of it through, but some
	at      manifest.Place
	rules   []ports // of each rule; a rule without ports lets all of them through
}

// ports are the ports of a rule.
type ports []policyPort

// policyPort is a port, or a range of them; "" is every port.
type policyPort struct {
	port string // a number or a name
	end  int64  // of a range, else 0
}

// newPolicy reads a NetworkPolicy; nil where its selector is one that Kubernetes refuses.
func newPolicy(d *manifest.Document, node *manifest.Node, k known) *policy {
	spec := node.Get("spec")
	wanted, err := labelSelector(spec.Get("podSelector"))
	if err != nil {
		return nil
	}

	p := &policy{known: k, labels: pairs(spec.Get("podSelector", "matchLabels"))}
	if len(spec.Get("podSelector", "matchExpressions").Items()) > 0 {
		p.selector = wanted
	}

	var types []string
	for _, t := range spec.Get("policyTypes").Items() {
		types = append(types, t.Text())
	}

	if types == nil {
		types = []string{"Ingress", "Egress"} // the latter only where there are rules for it, which is what counts here
	}

	if slices.Contains(types, "Ingress") {
		p.ingress = newTraffic(d, spec.Get("ingress"))
	}

	if slices.Contains(types, "Egress") {
		p.egress = newTraffic(d, spec.Get("egress"))
	}

	return p
}

// newTraffic reads the rules of a direction. A policy without any rule blocks everything on
// purpose, so it is not limited in this sense.
func newTraffic(d *manifest.Document, rules *manifest.Node) (t traffic) {
	for _, rule := range rules.Items() {
		t.limited, t.at = true, d.PlaceOf(rules)
		var allowed ports
		for _, p := range rule.Get("ports").Items() {
			if protocol := p.Get("protocol").Text(); protocol != "" && protocol != "TCP" {
				allowed = append(allowed, policyPort{port: protocol})
				continue
			}
			end, _ := p.Get("endPort").Int()
			allowed = append(allowed, policyPort{number(p.Get("port")), end})
		}

		t.rules = append(t.rules, allowed)
	}

	return t
}

// labelSelector reads a selector as Kubernetes writes it.
//
// Errors: those of metav1.LabelSelectorAsSelector.
func labelSelector(n *manifest.Node) (labels.Selector, error) {
	s := metav1.LabelSelector{MatchLabels: set(pairs(n.Get("matchLabels")))}
	for _, e := range n.Get("matchExpressions").Items() {
		r := metav1.LabelSelectorRequirement{Key: keep(e.Get("key")), Operator: metav1.LabelSelectorOperator(keep(e.Get("operator")))}
		for _, v := range e.Get("values").Items() {
			r.Values = append(r.Values, keep(v))
		}
		s.MatchExpressions = append(s.MatchExpressions, r)
	}

	return metav1.LabelSelectorAsSelector(&s)
}

// set returns labels in the form that Kubernetes' own selectors take.
func set(all []pair) labels.Set {
	out := make(labels.Set, len(all))
	for _, l := range all {
		out[l.key] = l.value
	}
	return out
}

// checkPolicies looks for pods that join the mesh whose sidecars cannot be reached, or cannot reach
// others. Traffic passes if any policy allows it.
func (c *checks) checkPolicies() {
	c.checkTraffic(func(p *policy) traffic { return p.ingress }, func(p *policy, w *workloadPods) {
		c.breaks(&p.known, RulePolicy, p.ingress.at, "spec.ingress: no caller can reach port %d, where the sidecar of %s listens; allow this port", sidecar.Port, w)
	})
	c.checkTraffic(func(p *policy) traffic { return p.egress }, func(p *policy, w *workloadPods) {
		c.warn(&p.known, RulePolicy, p.egress.at, "spec.egress: %s cannot reach port %d, where the sidecars of other services listen; allow this port", w, sidecar.Port)
	})
}

func (c *checks) checkTraffic(of func(*policy) traffic, found func(*policy, *workloadPods)) {
	reached := make(map[*workloadPods]bool)
	for _, p := range c.facts.policies {
		if t := of(p); t.limited && c.passes(t) {
			for w := range c.targets(p) {
				reached[w] = true
			}
		}
	}

	for _, p := range c.facts.policies {
		if t := of(p); !t.limited || c.passes(t) {
			continue
		}

		for w := range c.targets(p) {
			if !reached[w] {
				found(p, w)
				break
			}
		}
	}
}

// targets returns the pods on the mesh that a policy selects.
func (c *checks) targets(p *policy) func(func(*workloadPods) bool) {
	return func(yield func(*workloadPods) bool) {
		for w := range c.pods.selected(p.namespace, p.labels) {
			if w.joins() && (p.selector == nil || p.selector.Matches(set(w.labels))) && !yield(w) {
				return
			}
		}
	}
}

// passes reports whether a rule lets the sidecar's port through.
func (c *checks) passes(t traffic) bool {
	return slices.ContainsFunc(t.rules, func(allowed ports) bool {
		return len(allowed) == 0 || slices.ContainsFunc(allowed, c.isOpen)
	})
}

func (c *checks) isOpen(p policyPort) bool {
	first, err := strconv.ParseInt(p.port, 10, 64)
	if err == nil && p.end > 0 {
		return first <= sidecar.Port && sidecar.Port <= p.end
	}
	return p.port == "" || c.isSidecar(p.port)
}
