package main

import (
	"fmt"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	reports "github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject"
)

// The statuses of ended steps.
const (
	statusDone    = "done"
	statusNotDone = "not done"
	statusUnknown = "unknown"
)

// outcomes are the words for outcomes of objects, but for the outcome that is the command's own.
var outcomes = map[inject.Outcome]string{inject.LeftAlone: "left alone", inject.Skipped: "skipped", inject.Refused: "refused"}

func objectEntry(o *inject.Object) reports.Entry {
	e := reports.Entry{
		Type: reports.TypeObject, Rule: o.Rule, File: o.Pos.File, Line: o.Pos.Line, Column: o.Pos.Column, Document: o.Document,
		APIVersion: o.APIVersion, Kind: o.Kind, Namespace: o.Namespace, Name: o.Name,
		Outcome: outcomes[o.Outcome], Message: o.Reason, Object: o.String(), Before: o.Before, After: o.After,
	}
	if o.Warning {
		e.Severity = reports.Warning
	}

	if w := o.Workload(); w != nil && w.Service.App != "" {
		e.Service = w.Service.String()
	}

	return e
}

func planEntry(s mesh.Step) reports.Entry {
	e := stepEntry("", s)
	e.Type, e.Reasons = reports.TypePlan, s.Reasons
	for _, c := range s.Changes {
		e.Changes = append(e.Changes, reports.Change(c))
	}
	return e
}

func stepEntry(status string, s mesh.Step) reports.Entry {
	e := reports.Entry{Type: reports.TypeStep, Status: status, Action: string(s.Action), Kind: string(s.Kind), Name: s.Name, ID: s.ID, Record: s.Record}
	if s.Service != (inject.Service{}) {
		e.Service = s.Service.String()
	}
	return e
}

// reportTarget is the format and the destination of a report.
type reportTarget struct {
	handler reports.Handler // nil: text
	file    string          // "" is standard error
	live    bool            // each entry is written at once: JSON on standard error
	github  bool            // the run is in a job of GitHub Actions
	err     error           // of writing the file
}

// onStderr reports whether standard error is for machines.
func (t reportTarget) onStderr() bool { return t.handler != nil && t.file == "" }

// textFormat is the report for users.
const textFormat = "text"

// reportFormats are the formats for machines. Help, completion and errors list them from here.
var reportFormats = []struct {
	name, use string
	handler   func() reports.Handler
}{
	{"json", "an object a line", func() reports.Handler { return reports.JSON{} }},
	{"github", "workflow commands", func() reports.Handler { return reports.GitHub{} }},
	{"sarif", "for code scanning", func() reports.Handler { return newSARIF() }},
}

// reportFormatNames returns the names of the formats as words of a sentence.
func reportFormatNames() string {
	names := make([]string, len(reportFormats))
	for i, f := range reportFormats {
		names[i] = f.name
	}

	last := len(names) - 1

	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// parseReport reads the value of --report.
func parseReport(value string) (reportTarget, error) {
	name, file, hasFile := strings.Cut(value, "=")
	t := reportTarget{file: file}
	if name != "" && name != textFormat {
		for _, f := range reportFormats {
			if f.name == name {
				t.handler = f.handler()
			}
		}
		if t.handler == nil {
			return t, fmt.Errorf("--report: unknown format %q; use %s, %s", name, textFormat, reportFormatNames())
		}
	}

	if hasFile && file == "" {
		return t, fmt.Errorf("--report: no file after %s=", name)
	}

	switch t.handler.(type) {
	case reports.JSON:
		t.live = !hasFile
	case reports.GitHub:
		t.github = true
	}

	return t, nil
}

// newSARIF returns the handler of SARIF, with the explanations of all codes.
func newSARIF() reports.SARIF {
	handler := reports.SARIF{Version: ownVersion()}
	for _, r := range inject.Rules {
		text := codeTexts()[r.Rule]
		handler.Rules = append(handler.Rules, reports.RuleText{Code: r.Rule, Short: r.Text, Full: text.Means, Help: text.Fix + " " + acceptance(r.Rule)})
	}

	return handler
}
