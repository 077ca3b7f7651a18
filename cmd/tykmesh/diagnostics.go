package main

import (
	"errors"
	"slices"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
	reports "github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject"
)

// Packages have errors of their own kinds: inject.Problem, config.Finding, and plain errors with
// hints. Here they all become diagnostics.

// problemOf returns a finding in manifests as a diagnostic.
func problemOf(severity string, p inject.Problem) reports.Diagnostic {
	d := reports.Diagnostic{Code: p.Rule, Severity: severity, Pos: p.Pos, Object: p.Object, Message: p.Msg}
	if hint := ruleHint(p.Rule); hint != "" {
		d.Hints = []string{hint}
	}
	return d
}

// findingOf returns a finding in the configuration as a diagnostic.
func findingOf(severity string, f config.Finding) reports.Diagnostic {
	d := reports.Diagnostic{Severity: severity, Pos: f.Pos}
	if f.Hint != "" {
		d.Hints = []string{f.Hint}
	}

	f.Pos.File, f.Pos.Line = "", 0
	d.Message = f.String()

	return d
}

// diagnosticsOf returns a diagnostic for each error that a run failed with. The first one also gets
// the hints about all of them.
func diagnosticsOf(err error) (all []reports.Diagnostic) {
	refused, wrong := refusal(nil), config.Error(nil)
	switch {
	case errors.As(err, &refused):
		for _, p := range refused {
			all = append(all, problemOf(reports.Error, p))
		}
	case errors.As(err, &wrong):
		for _, f := range wrong {
			all = append(all, findingOf(reports.Error, f))
		}
	default:
		for _, f := range faultsOf(err) {
			all = append(all, reports.Diagnostic{Severity: reports.Error, Message: f.line, Hints: f.hints()})
		}
	}

	for _, hint := range hintsFor(err) {
		if len(all) > 0 && !slices.ContainsFunc(all, func(d reports.Diagnostic) bool { return slices.Contains(d.Hints, hint) }) {
			all[0].Hints = append(all[0].Hints, hint)
		}
	}

	return all
}
