package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// at returns the place of an annotation, or that of the service without it.
func (s *Service) at(annotation manifest.Position) manifest.Position {
	if annotation.Line > 0 {
		return annotation
	}
	return s.Pos
}

// arrow shows a change.
func arrow(from, to any) string { return fmt.Sprintf("%v -> %v", from, to) }

// grouped returns the outages as problems: one by one, or as one for each kind that many services
// share. What differs in text or hint is not of one kind.
func grouped(all []outage) (problems []inject.Problem) {
	type kind struct{ what, fails, hint string }
	groups := make(map[kind][]outage)
	var kinds []kind
	for _, o := range all {
		k := kind{o.what, o.fails, o.hint}
		if groups[k] == nil {
			kinds = append(kinds, k)
		}
		groups[k] = append(groups[k], o)
	}

	for _, k := range kinds {
		step := 1
		if len(groups[k]) > mostOutages {
			step = len(groups[k])
		}
		for some := range slices.Chunk(groups[k], step) {
			problems = append(problems, problemOf(some))
		}
	}

	sortProblems(problems)

	return problems
}

// problemOf returns outages of one kind as a problem at the first of them.
func problemOf(some []outage) inject.Problem {
	first := some[0]
	alike := !slices.ContainsFunc(some, func(o outage) bool { return o.change != first.change })

	var names []string
	for _, o := range some[:min(len(some), mostOutages)] {
		name := o.service.Service.String()
		if !alike {
			name += " (" + o.change + ")"
		}
		names = append(names, name)
	}

	subject, what := "service "+names[0], first.what
	if len(some) > 1 {
		subject = "services " + strings.Join(names, ", ")
	}
	if more := len(some) - len(names); more > 0 {
		subject += fmt.Sprintf(" and %d more", more)
	}
	if alike {
		what += " (" + first.change + ")"
	}

	p := first.service.problem(inject.RuleOutage, first.pos, "%s: %s; %s", subject, what, first.fails)
	p.Hint = first.hint

	return p
}
