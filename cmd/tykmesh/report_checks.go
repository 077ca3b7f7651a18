package main

import "github.com/tykmesh/tykmesh/inject"

// mostFindings is how many findings of one rule people are told of: a stream without its Services has one for each workload.
const mostFindings = 5

// checked reports what the checks across the stream found and did not refuse: to machines all of it, to people what they read, and what to
// do about it.
func (r *report) checked(stream *inject.Stream) {
	count := make(map[inject.Rule]int)
	for _, w := range stream.Warnings {
		r.note(problemEntry(severityWarning, w))
		if count[w.Rule]++; count[w.Rule] <= mostFindings || r.verbose != nil {
			r.printf("warning: %s", w.Error())
		}
	}
	for _, rule := range rulesOf(stream.Warnings) {
		if more := count[rule] - mostFindings; more > 0 && r.verbose == nil {
			r.printf("warning: %d more of %s, which -v shows", more, rule)
		}
		if hint := ruleHint(rule); hint != "" {
			r.printf("hint: %s", hint)
		}
	}
	for _, p := range stream.Accepted {
		r.debug("accepted", "rule", string(p.Rule), "at", p.Pos.String(), "object", p.Object, "finding", p.Msg)
	}
}
