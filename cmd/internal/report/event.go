package report

import (
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/display"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Types of events.
const (
	TypePlan    = "plan"
	TypeObject  = "object"
	TypeProblem = "problem"
	TypeStep    = "step"
	TypeSummary = "summary"
)

// Event is one thing that a run reports: a line of --report json. Empty fields are left out.
type Event struct {
	Type     string `json:"type"` // plan, object, problem, step or summary
	Severity string `json:"severity,omitempty"`
	Rule     string `json:"rule,omitempty"`
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"` // in characters, from 1

	// Of an object.
	Document   int    `json:"document,omitempty"`
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind,omitempty"` // also of a step: API, certificate or record
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name,omitempty"`    // also of a step: the slug, the first host, or the record's id
	Outcome    string `json:"outcome,omitempty"` // "" if the run does its work on the object
	Change     string `json:"change,omitempty"`  // that this work makes
	// The level of Pod Security that its pods meet, before and after injection.
	Before string `json:"podSecurityBefore,omitempty"`
	After  string `json:"podSecurityAfter,omitempty"`

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
	Renewal bool     `json:"renewal,omitempty"` // only the age of a certificate that is still valid asks for it
	// Of a planned step, for texts.
	Shared   bool `json:"-"` // of an API: only the certificate of the mesh changes
	Replaced bool `json:"-"` // of a deletion: another certificate replaces this one

	Subject string `json:"-"` // of a warning about a thing with several: with what their messages begin

	// Of the summary.
	Command string         `json:"command,omitempty"`
	DryRun  bool           `json:"dryRun,omitempty"`
	Steps   map[string]int `json:"steps,omitempty"` // how many were planned, and how they ended; nil without a plan
	Exit    *int           `json:"exit,omitempty"`

	mesh *shown // of the summary, for reports that show a mesh; else nil
}

// Change is a field of an API definition that an update changes. Secrets are not shown.
type Change struct {
	Path string `json:"path"`
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

// Text returns the event as a text for the user, without its position.
func (e Event) Text() string {
	text := e.Message
	if e.Type == TypeObject {
		text = e.Outcome + ": " + text
	}

	if e.Object != "" {
		text = e.Object + ": " + text
	}

	return text
}

// String returns the event as a line of text. A code is looked up by its place, so the place comes
// first. Without a code the severity comes first.
//
//	app.yaml:137:9: document 12 (Deployment shop/web): error TM0005: annotation ...
//	warning: tykmesh.yaml:3:7: Tyk.url: ...
func (e Event) String() string {
	severity := ""
	if e.Severity != "" {
		severity = strings.TrimSpace(e.Severity + " " + e.Rule)
	}

	parts := []string{e.place(), e.Object, severity}
	switch {
	case e.Type == TypeObject:
		parts = append(parts, e.Outcome)
	case e.Rule == "":
		parts = []string{severity, e.place(), e.Object}
	}

	parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" })

	return strings.Join(append(parts, e.Message), ": ")
}

// place returns the position of the event; "" without one.
func (e Event) place() string {
	if e.Line > 0 {
		return manifest.Position{File: e.File, Line: e.Line, Column: e.Column}.String()
	}
	return e.File
}

// shown returns the event with safe texts. Names stay unchanged, for programs that look for them:
// JSON escapes them.
func (e Event) shown() Event {
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
func noticed(events []Event) (out []Event) {
	for _, e := range events {
		if e.Severity != "" {
			out = append(out, e)
		}
	}
	return out
}
