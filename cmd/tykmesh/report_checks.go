package main

import (
	reports "github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject"
)

// mostFindings is the number of findings of one rule that a terminal shows: a stream without its
// Services has one for each workload.
const mostFindings = 5

// checked reports the warnings of the checks across the stream: all of them to machines, and the
// first few with hints to the user.
func (r *report) checked(stream *inject.Stream) {
	count := make(map[inject.Rule]int)
	for _, w := range stream.Warnings {
		e := problemOf(reports.Warning, w).Entry()
		r.note(e)
		if count[w.Rule]++; count[w.Rule] <= mostFindings || r.verbose != nil {
			r.printf("%s", e.String())
		}
	}

	for _, rule := range rulesOf(stream.Warnings) {
		if more := count[rule] - mostFindings; more > 0 && r.verbose == nil {
			r.printf("warning %s: %d more, which -v shows", rule, more)
		}
		if hint := ruleHint(rule); hint != "" {
			r.printf("hint: %s", hint)
		}
	}

	for _, p := range stream.Accepted {
		r.debug("accepted", "rule", string(p.Rule), "at", p.Pos.String(), "object", p.Object, "finding", p.Msg)
	}
}
