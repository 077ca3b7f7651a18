package inject

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/checks"
	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// annotationAccept is ours: warnings that the owner of an object has seen and accepts, as codes
// with commas. It asks for nothing to be injected.
const annotationAccept = "injector.tyk.io/accept"

// acceptable returns the rules whose warnings can be accepted: those of the checks, those of the
// objects that namespaces need, which the cluster may have, and those of a plan.
func acceptable() (rules []Rule) {
	for _, c := range checks.All {
		rules = append(rules, Rule(c.Code))
	}
	rules = append(rules, RuleTrust, RuleSecret, RuleSize, RuleCalls, RuleRelay)
	slices.Sort(rules)

	return rules
}

// ParseAccepted reads the code of a rule whose warnings can be accepted.
//
// Errors: any other text; the error lists those that there are.
func ParseAccepted(code string) (Rule, error) {
	rules := acceptable()
	if slices.Contains(rules, Rule(code)) {
		return Rule(code), nil
	}

	codes := make([]string, len(rules))
	for i, r := range rules {
		codes[i] = string(r)
	}

	return "", fmt.Errorf("%q is not the code of a warning that can be accepted; write %s", code, strings.Join(codes, ", "))
}

// noteAccepted notes the rules that the annotations of an object accept, and those in other
// metadata of it, which may be nil.
func (in *injection) noteAccepted(object kube.Object, about *kube.Meta, other *manifest.Node) {
	own := object.Node.Get("metadata")
	for i, meta := range []*manifest.Node{own, other} {
		_, value := meta.Get("annotations").Entry(annotationAccept)
		if value == nil || i > 0 && other == own {
			continue
		}

		refuse := func(format string, args ...any) {
			in.unacceptable = append(in.unacceptable, newTarget(object, about).problem(RuleAnnotation, value, format, args...))
		}
		if !value.IsString() {
			refuse("annotation %s: must be a string, not %s; put it in quotes", annotationAccept, value.Describe())
			continue
		}

		for code := range strings.SplitSeq(value.Text(), ",") {
			r, err := ParseAccepted(strings.TrimSpace(code))
			if err != nil {
				refuse("annotation %s: %v", annotationAccept, err)
				continue
			}
			in.accepted[about] = append(in.accepted[about], r)
		}
	}
}

// acceptsOf reports whether the user accepts the warnings of a rule about pods, there or at their
// namespace.
func (in *injection) acceptsOf(p *kube.Pods, rule Rule) bool {
	n := in.facts.NamespaceOf(p.Meta)
	return in.accepts(p.Meta, string(rule)) || n != nil && in.accepts(n.Meta, string(rule))
}

// accepts reports whether the user accepts the warnings of a code about an object.
func (in *injection) accepts(about *kube.Meta, code string) bool {
	return slices.Contains(in.accepted[about], Rule(code)) || slices.Contains(in.settings.Accept, Rule(code))
}
