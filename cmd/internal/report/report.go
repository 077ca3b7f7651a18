// Package report writes reports for machines.
//
//	Diagnostic ─┐
//	object, plan, step, summary ──> Entry ──Handler──> JSON lines, GitHub commands, SARIF, KRM results
//
// A report is a list of entries. A [Handler] writes it in one format, and makes all texts safe to
// show. The package knows nothing of commands: the caller decides about entries and their order.
package report

import (
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/display"
	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Severities of diagnostics.
const (
	Error   = "error"
	Warning = "warning"
)

// Diagnostic is an error or a warning. Findings in manifests, in the configuration and of servers
// all become one before they are reported.
type Diagnostic struct {
	Code     inject.Rule // "" for a diagnostic without a code
	Severity string
	Pos      manifest.Position // the zero Position for a diagnostic without one
	Object   string            // "document 12 (Deployment shop/web)"
	Message  string
	Hints    []string
}

// Entry returns the diagnostic as an entry.
func (d Diagnostic) Entry() Entry {
	return Entry{
		Type: TypeProblem, Severity: d.Severity, Rule: d.Code, File: d.Pos.File, Line: d.Pos.Line, Column: d.Pos.Column,
		Object: d.Object, Message: d.Message, Hints: d.Hints,
	}
}

// Types of entries.
const (
	TypePlan    = "plan"
	TypeObject  = "object"
	TypeProblem = "problem"
	TypeStep    = "step"
	TypeSummary = "summary"
)

// Entry is an entry of a report: a line of --report json. Empty fields are left out.
type Entry struct {
	Type     string      `json:"type"` // plan, object, problem, step or summary
	Severity string      `json:"severity,omitempty"`
	Rule     inject.Rule `json:"rule,omitempty"`
	File     string      `json:"file,omitempty"`
	Line     int         `json:"line,omitempty"`
	Column   int         `json:"column,omitempty"` // in characters, from 1

	// Of an object.
	Document   int    `json:"document,omitempty"`
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind,omitempty"` // also of a step: API, certificate or record
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name,omitempty"` // also of a step: the slug, the first host, or the record's id
	Outcome    string `json:"outcome,omitempty"`
	Change     string `json:"change,omitempty"`
	// The level of Pod Security that its pods meet, before and after injection.
	Before kube.Security `json:"podSecurityBefore,omitempty"`
	After  kube.Security `json:"podSecurityAfter,omitempty"`

	Object  string   `json:"object,omitempty"` // of a problem: "document 12 (Deployment shop/web)"
	Message string   `json:"message,omitempty"`
	Hints   []string `json:"hints,omitempty"`

	// Of a planned step, and of its end.
	Status  string   `json:"status,omitempty"` // of an ended step
	Action  string   `json:"action,omitempty"`
	Service string   `json:"service,omitempty"`
	ID      string   `json:"id,omitempty"`
	Record  string   `json:"record,omitempty"`  // of a certificate
	Reasons []string `json:"reasons,omitempty"` // of a planned step, like changes
	Changes []Change `json:"changes,omitempty"`
	Error   string   `json:"error,omitempty"`

	// Of the summary.
	Command string         `json:"command,omitempty"`
	DryRun  bool           `json:"dryRun,omitempty"`
	Steps   map[string]int `json:"steps,omitempty"` // how many were planned, and how they ended; nil without a plan
	Exit    *int           `json:"exit,omitempty"`
}

// Change is a field of an API definition that an update changes. Secrets are not shown.
type Change struct {
	Path string `json:"path"`
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

// Text returns the entry as a text for the user, without its position.
func (e Entry) Text() string {
	text := e.Message
	if e.Type == TypeObject {
		text = e.Outcome + ": " + text
	}

	if e.Object != "" {
		text = e.Object + ": " + text
	}

	return text
}

// String returns the entry as a line of text: position, object, severity with code, message.
//
//	app.yaml:137:9: document 12 (Deployment shop/web): error TM0005: annotation ...
func (e Entry) String() string {
	var parts []string
	if e.Line > 0 {
		parts = append(parts, manifest.Position{File: e.File, Line: e.Line, Column: e.Column}.String())
	}

	if e.Object != "" {
		parts = append(parts, e.Object)
	}

	if e.Severity != "" {
		parts = append(parts, strings.TrimSpace(e.Severity+" "+string(e.Rule)))
	}

	if e.Type == TypeObject {
		parts = append(parts, e.Outcome)
	}

	return strings.Join(append(parts, e.Message), ": ")
}

// shown returns the entry with safe texts. Names stay unchanged, for programs that look for them:
// JSON escapes them.
func (e Entry) shown() Entry {
	e.Object, e.Message, e.Error = display.Line(e.Object), display.Line(e.Message), display.Line(e.Error)
	e.Hints, e.Reasons = Shown(e.Hints), Shown(e.Reasons)
	e.Changes = slices.Clone(e.Changes)
	for i, c := range e.Changes {
		e.Changes[i] = Change{display.Line(c.Path), display.Line(c.From), display.Line(c.To)}
	}

	return e
}

// Shown returns texts that are safe to show, each on one line.
func Shown(texts []string) (out []string) {
	for _, text := range texts {
		out = append(out, display.Line(text))
	}
	return out
}

// noticed returns the errors and warnings.
func noticed(entries []Entry) (out []Entry) {
	for _, e := range entries {
		if e.Severity != "" {
			out = append(out, e)
		}
	}
	return out
}
