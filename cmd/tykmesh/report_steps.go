package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	reports "github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject"
)

// progress is a plan and how far it has come.
type progress struct {
	steps   []mesh.Step
	ended   map[stepKey]string // status
	did     map[stepKey]mesh.Action
	running []mesh.Step    // the newest one last
	counts  map[string]int // of the summary; nil before there is a plan
	left    []error        // why replaced certificates were not deleted
	unkept  []error        // values of APIs that the Dashboard does not keep
}

// stepKey identifies a step of a plan.
type stepKey struct {
	kind    mesh.Kind
	service inject.Service
	role    mesh.Role
	name    string
	id      string
}

func keyOf(s mesh.Step) stepKey { return stepKey{s.Kind, s.Service, s.Role, s.Name, s.ID} }

// The counts of the summary, beside those of each action that is done.
const (
	countPlanned = "planned"
	countKept    = "kept"
	countNotDone = "notDone"
	countUnknown = "unknown"
)

// planned notes the steps of a plan, and the number of things that stay as they are.
func (r *report) planned(steps []mesh.Step, kept int) {
	r.steps = progress{steps: steps, ended: map[stepKey]string{}, did: map[stepKey]mesh.Action{}, counts: map[string]int{
		countPlanned: len(steps), countKept: kept, countNotDone: 0, countUnknown: 0,
	}}
	for _, done := range past {
		r.steps.counts[done] = 0
	}

	for _, s := range steps {
		r.note(planEntry(s))
	}
}

// event notes an event of a step, and shows on a terminal how far the run has come.
func (r *report) event(e mesh.Event) {
	p := &r.steps
	p.running = slices.DeleteFunc(p.running, func(s mesh.Step) bool { return keyOf(s) == keyOf(e.Step) })
	switch e.Kind {
	case mesh.Started:
		p.running = append(p.running, e.Step)
	case mesh.Done:
		r.ended(statusDone, e)
	case mesh.Failed:
		r.ended(statusNotDone, e)
	case mesh.Unclear:
		r.ended(statusUnknown, e)
	case mesh.Left:
		r.ended(statusNotDone, e)
		if e.Err != nil {
			p.left = append(p.left, e.Err)
		}
	case mesh.Unkept:
		p.unkept = append(p.unkept, e.Err)
	case mesh.Waiting: // only a terminal shows it
	}

	text := fmt.Sprintf("%s %d/%d", doing[r.command], e.Finished, e.Total)
	if e.Kind == mesh.Waiting {
		text += fmt.Sprintf(": gateways load the changes, %.0f s left", e.Wait.Seconds())
	} else if n := len(p.running); n > 0 {
		text += fmt.Sprintf(": %s %s", p.running[n-1].Kind, p.running[n-1].Name)
	}

	r.progress(text)
}

// ended notes how a step ended.
func (r *report) ended(status string, e mesh.Event) {
	r.steps.ended[keyOf(e.Step)] = status
	r.steps.did[keyOf(e.Step)] = e.Step.Action

	entry := stepEntry(status, e.Step)
	// A step that the end of the run interrupted only repeats that the run ended.
	if e.Err != nil && !errors.Is(e.Err, context.Canceled) {
		entry.Error = e.Err.Error()
	}

	r.note(entry)
}

// leftBehind warns of values that the Dashboard does not keep, and of replaced certificates that
// could not be deleted. The run has succeeded all the same.
func (r *report) leftBehind() {
	for _, err := range r.steps.unkept {
		r.warn(err.Error())
	}
	if left := r.steps.left; len(left) > 0 {
		r.warn(leftWarning(len(left), left[0]))
	}
}

// deleted returns the replaced certificates of a plan that the run has deleted, or in a dry run
// would delete.
func (r *report) deleted(plan *mesh.Plan) (steps []mesh.Step) {
	for _, s := range plan.Steps() {
		if s.Replaces() && r.isDeleted(s) {
			steps = append(steps, s)
		}
	}
	return steps
}

// isDeleted reports whether the run has deleted a thing, or in a dry run would delete it.
func (r *report) isDeleted(s mesh.Step) bool {
	return r.dry || r.steps.ended[keyOf(s)] == statusDone
}

// done returns the steps of the plan that are done, in its order.
func (p *progress) done() (steps []mesh.Step) {
	for _, s := range p.steps {
		if p.ended[keyOf(s)] == statusDone {
			steps = append(steps, p.cameTo(s))
		}
	}
	return steps
}

// cameTo returns a step as it was done: instead of creating an API the run may have updated it.
func (p *progress) cameTo(s mesh.Step) mesh.Step {
	if did := p.did[keyOf(s)]; did != "" && did != s.Action {
		s.Action, s.Reasons = did, []string{"it existed already, but the listing did not show it"}
	}
	return s
}

// untouched returns the entries of the steps that a failed run did not reach.
func (p *progress) untouched() (entries []reports.Entry) {
	for _, s := range p.steps {
		if p.ended[keyOf(s)] == "" {
			entries = append(entries, stepEntry(statusNotDone, s))
		}
	}
	return entries
}

// count returns the counts of the summary; nil if there was no plan.
func (p *progress) count(failed bool) map[string]int {
	counts := maps.Clone(p.counts)
	for _, s := range p.steps {
		switch status := p.ended[keyOf(s)]; {
		case status == statusDone:
			counts[past[p.cameTo(s).Action]]++
		case status == statusUnknown:
			counts[countUnknown]++
		case failed, status == statusNotDone:
			counts[countNotDone]++
		}
	}

	return counts
}
