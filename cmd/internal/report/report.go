// Package report tells users and machines what a run does.
//
//	a command ──> Run ──Event──┬──> text: lines on standard error, and one that shows progress
//	                           └──> Handler: JSON lines, GitHub commands, SARIF, KRM results
//
// A command tells its [Run] about diagnostics, objects, planned steps and ended ones. Each of them
// is an [Event]. The text handler shows it at once, as text.go describes. A [Handler] writes the
// events in another format, and makes all texts safe to show. Standard output also passes through
// the run, so that nothing is printed unless everything has succeeded.
package report

import (
	"io"
	"slices"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Handler writes a report in one format. The last event is the summary, unless the report is
// written event by event.
type Handler interface {
	Write(w io.Writer, events []Event) error
}

// Severities of diagnostics.
const (
	Error   = "error"
	Warning = "warning"
)

// Diagnostic is an error or a warning. Findings in manifests, in the configuration and of servers
// all become one before they are reported.
type Diagnostic struct {
	Code     string // "" for a diagnostic without a code
	Severity string
	Pos      manifest.Position // Line is 0 for a diagnostic without a place in its file
	Object   string            // "document 12 (Deployment shop/web)"
	Message  string
	Hints    []string
}

// Event returns the diagnostic as an event.
func (d Diagnostic) Event() Event {
	return Event{
		Type: TypeProblem, Severity: d.Severity, Rule: d.Code, File: d.Pos.File, Line: d.Pos.Line, Column: d.Pos.Column,
		Object: d.Object, Message: d.Message, Hints: d.Hints,
	}
}

// String returns the diagnostic as a line of text.
func (d Diagnostic) String() string { return d.Event().String() }

// Failure holds the reasons why a run failed.
type Failure struct {
	Diagnostics []Diagnostic
	Steps       []string // how far the run came: "done: create API echo-mesh"
	Hints       []string // the next things to try
}

// refused reports whether the run refused its manifests: then each diagnostic has a code.
func (f Failure) refused() bool { return len(f.Diagnostics) > 0 && f.Diagnostics[0].Code != "" }

// events returns the diagnostics for machines. The first one also gets the hints that no diagnostic
// has.
func (f Failure) events() (events []Event) {
	for _, d := range f.Diagnostics {
		events = append(events, d.Event())
	}

	for _, hint := range f.Hints {
		if len(events) > 0 && !slices.ContainsFunc(events, func(e Event) bool { return slices.Contains(e.Hints, hint) }) {
			events[0].Hints = append(slices.Clip(events[0].Hints), hint)
		}
	}

	return events
}
