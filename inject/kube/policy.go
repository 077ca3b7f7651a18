package kube

import (
	"iter"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Policy is a NetworkPolicy.
type Policy struct {
	*Meta
	Ingress, Egress Traffic

	labels   []Label         // that the pods must have
	selector labels.Selector // those and whatever else is asked of them; nil where that is nothing
}

// Traffic is what a policy says of one direction.
type Traffic struct {
	Limited bool // it lets only some of it through, but some
	At      manifest.Place
	Rules   [][]PolicyPort // the ports of each rule; a rule without ports lets all of them through
}

// PolicyPort is a port, or a range of them; "" is every port.
type PolicyPort struct {
	Port string // a number or a name
	End  int64  // of a range, else 0
}

// addPolicy reads a NetworkPolicy, but none with a selector that Kubernetes refuses.
func addPolicy(f *Facts, o Object) *Meta {
	addProvided(f, o)

	spec := o.Node.Get("spec")
	selector, err := labelSelector(spec.Get("podSelector"))
	if err != nil {
		return nil
	}

	p := &Policy{Meta: f.meta(o), labels: labelsOf(spec.Get("podSelector", "matchLabels"))}
	if len(spec.Get("podSelector", "matchExpressions").Items()) > 0 {
		p.selector = selector
	}

	var types []string
	for _, t := range spec.Get("policyTypes").Items() {
		types = append(types, t.Text())
	}

	if types == nil {
		types = []string{"Ingress", "Egress"} // the latter only where there are rules for it, which is what counts here
	}

	if slices.Contains(types, "Ingress") {
		p.Ingress = newTraffic(o.Document, spec.Get("ingress"))
	}

	if slices.Contains(types, "Egress") {
		p.Egress = newTraffic(o.Document, spec.Get("egress"))
	}

	f.Policies = append(f.Policies, p)
	return p.Meta
}

// newTraffic reads the rules of a direction. A policy without any rule blocks everything on
// purpose, so it is not limited in this sense.
func newTraffic(d *manifest.Document, rules *manifest.Node) (t Traffic) {
	for _, rule := range rules.Items() {
		t.Limited, t.At = true, d.PlaceOf(rules)
		var allowed []PolicyPort
		for _, p := range rule.Get("ports").Items() {
			if protocol := Text(p.Get("protocol")); protocol != "" && protocol != "TCP" {
				allowed = append(allowed, PolicyPort{Port: protocol})
				continue
			}
			end, _ := p.Get("endPort").Int()
			allowed = append(allowed, PolicyPort{keptNumber(p.Get("port")), end})
		}

		t.Rules = append(t.Rules, allowed)
	}

	return t
}

// labelSelector reads a selector as Kubernetes writes it.
//
// Errors: those of metav1.LabelSelectorAsSelector.
func labelSelector(n *manifest.Node) (labels.Selector, error) {
	s := metav1.LabelSelector{MatchLabels: labelSet(labelsOf(n.Get("matchLabels")))}
	for _, e := range n.Get("matchExpressions").Items() {
		r := metav1.LabelSelectorRequirement{Key: Text(e.Get("key")), Operator: metav1.LabelSelectorOperator(Text(e.Get("operator")))}
		for _, v := range e.Get("values").Items() {
			r.Values = append(r.Values, Text(v))
		}
		s.MatchExpressions = append(s.MatchExpressions, r)
	}

	return metav1.LabelSelectorAsSelector(&s)
}

// labelSet returns labels in the form that Kubernetes' own selectors take.
func labelSet(all []Label) labels.Set {
	out := make(labels.Set, len(all))
	for _, l := range all {
		out[l.Key] = l.Value
	}
	return out
}

// Under returns the pods that a policy selects.
func (f *Facts) Under(p *Policy) iter.Seq[*Pods] {
	return func(yield func(*Pods) bool) {
		for w := range f.Selected(p.Namespace, p.labels) {
			if (p.selector == nil || p.selector.Matches(labelSet(w.Labels))) && !yield(w) {
				return
			}
		}
	}
}
