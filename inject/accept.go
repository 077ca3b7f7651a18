package inject

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// annotationAccept is ours: findings that the owner of an object has seen and accepts, as codes
// with commas. It asks for nothing to be injected.
const annotationAccept = "injector.tyk.io/accept"

// acceptable are the rules whose findings can be accepted: the object may be meant as it is,
// because the stream does not show everything.
var acceptable = []Rule{RuleSelector, RuleTarget, RuleRoute, RuleIngress, RulePolicy, RuleScaler, RuleSecurity, RuleMesh, RuleQuota, RuleDomain}

// ParseAccepted reads the code of a rule whose findings can be accepted.
//
// Errors: any other text; the error lists those that there are.
func ParseAccepted(code string) (Rule, error) {
	if r := Rule(code); slices.Contains(acceptable, r) {
		return r, nil
	}
	known := make([]string, len(acceptable))
	for i, r := range acceptable {
		known[i] = string(r)
	}

	return "", fmt.Errorf("%q is not the code of a warning that can be accepted; write %s", code, strings.Join(known, ", "))
}

// accepted returns the rules that the annotations of an object accept, those of its pod template
// among them.
func accepted(d *manifest.Document, obj object, s Settings, metas ...*manifest.Node) (rules []Rule, problems []Problem) {
	for i, meta := range metas {
		_, value := meta.Get("annotations").Entry(annotationAccept)
		if value == nil || slices.Contains(metas[:i], meta) {
			continue
		}

		o := newTarget(d, obj, s.Namespace)
		if !value.IsString() {
			problems = append(problems, o.problem(RuleAnnotation, value, "annotation %s: must be a string, not %s; put it in quotes", annotationAccept, value.Describe()))
			continue
		}

		for code := range strings.SplitSeq(value.Text(), ",") {
			r, err := ParseAccepted(strings.TrimSpace(code))
			if err != nil {
				problems = append(problems, o.problem(RuleAnnotation, value, "annotation %s: %v", annotationAccept, err))
				continue
			}
			rules = append(rules, r)
		}
	}

	return rules, problems
}
