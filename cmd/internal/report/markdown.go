package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/tykmesh/tykmesh/cmd/internal/exit"
	"github.com/tykmesh/tykmesh/cmd/internal/overview"
)

// Markdown writes the report as a text for the summary of a job, a comment or a wiki: the events,
// and the mesh as far as the command shows one.
type Markdown struct{ Rules []RuleText }

// shown is the part of a Markdown report that no event holds.
type shown struct {
	mesh overview.Mesh
	at   repository
}

// Show shows the mesh in reports that can show one. The mesh is made at the end of the run.
func (r *Run) Show(mesh func() overview.Mesh) { r.mesh = mesh }

// Shows reports whether a report shows the mesh.
func (r *Run) Shows() bool {
	return slices.ContainsFunc(r.config.Formats, func(f Format) bool { _, is := f.handler.(Markdown); return is })
}

// shown returns the mesh and the outcome of the run; nil if no report shows them.
func (r *Run) shown(err error) *shown {
	if !r.Shows() {
		return nil
	}

	m := r.mesh()
	m.Title = "tykmesh " + r.config.Command
	switch {
	case err != nil:
		m.Verdict, m.Summary = "failed", r.reached(err)
	case r.Exit == exit.Changes:
		m.Verdict, m.Summary = cmp.Or(m.Verdict, "there is something to do"), r.text.summary()
	case r.config.Dry:
		m.Verdict, m.Summary = "dry run", r.text.summary()
	default:
		m.Verdict, m.Summary = cmp.Or(m.Verdict, "done"), r.text.summary()
	}

	return &shown{m, newRepository(r.config.Environ)}
}

// reached returns how far a failed run came.
func (r *Run) reached(err error) string {
	if f := r.config.Explain(err); f.refused() {
		return Plural(len(f.Diagnostics), "problem") + ": nothing was changed and nothing is printed"
	}
	if len(r.Plan.Steps) == 0 {
		return ""
	}

	return fmt.Sprintf("%d of %s done", len(r.Plan.Done()), Plural(len(r.Plan.Steps), "step"))
}

// Write writes the report.
func (h Markdown) Write(w io.Writer, events []Event) error {
	var (
		m  overview.Mesh
		at repository
	)
	if s := events[len(events)-1].mesh; s != nil {
		m, at = s.mesh, s.at
	}

	m.Codes = make(map[string]string)
	for _, r := range h.Rules {
		m.Codes[r.Code] = r.Short
	}

	ended := make(map[stepKey]Event)
	for _, e := range events {
		if e.Type == TypeStep {
			ended[keyOf(e)] = e
		}
	}

	for _, e := range events {
		place := overview.Place{File: e.File, Line: e.Line, Link: at.link(e.File, e.Line)}
		switch e.Type {
		case TypePlan:
			m.Changes = append(m.Changes, changeOf(e, ended[keyOf(e)]))
		case TypeProblem:
			m.Findings = append(m.Findings, overview.Finding{Severity: e.Severity, Code: e.Rule, Message: e.Message, Place: place, Object: e.Object, Hints: e.Hints})
		case TypeObject:
			m.Objects = append(m.Objects, objectOf(e, place))
		}
	}

	return overview.Markdown(w, m)
}

// changeOf returns a planned step, as it ended.
func changeOf(planned, end Event) overview.Change {
	c := overview.Change{
		Action: cmp.Or(end.Action, planned.Action), Kind: planned.Kind, Name: planned.Name, Service: planned.Service,
		Status: end.Status, Reasons: planned.Reasons,
	}
	if end.Error != "" {
		c.Reasons = append(slices.Clip(c.Reasons), end.Error)
	}

	return c
}

// objectOf returns an object of the manifests, with its code if it surprises.
func objectOf(e Event, place overview.Place) overview.Object {
	o := overview.Object{Name: e.Object, Outcome: e.Outcome, Text: cmp.Or(e.Change, e.Message), Place: place}
	if e.Name != "" {
		o.Name = fmt.Sprintf("%s %s/%s", e.Kind, e.Namespace, e.Name)
	}
	if e.Rule != "" {
		o.Text += " (" + e.Rule + ")"
	}

	return o
}
