package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/inject"
)

// course is a plan and how far it has come.
type course struct {
	steps   []mesh.Step
	ended   map[stepKey]string // status
	did     map[stepKey]mesh.Action
	running []mesh.Step    // the newest one last
	counts  map[string]int // of the summary; nil before there is a plan
	left    []error        // why replaced certificates were not deleted
	unkept  []error        // what the Dashboard does not keep of APIs
}

// stepKey tells the steps of a plan apart.
type stepKey struct {
	kind    mesh.Kind
	service inject.Service
	role    mesh.Role
	name    string
	id      string
}

func keyOf(s mesh.Step) stepKey { return stepKey{s.Kind, s.Service, s.Role, s.Name, s.ID} }

// What the summary counts besides the steps of each action that are done.
const (
	countPlanned = "planned"
	countKept    = "kept"
	countNotDone = "notDone"
	countUnknown = "unknown"
)

// planned notes what is to be done, and how many things are left as they are.
func (r *report) planned(steps []mesh.Step, kept int) {
	r.course = course{steps: steps, ended: map[stepKey]string{}, did: map[stepKey]mesh.Action{}, counts: map[string]int{
		countPlanned: len(steps), countKept: kept, countNotDone: 0, countUnknown: 0,
	}}
	for _, done := range past {
		r.course.counts[done] = 0
	}

	for _, s := range steps {
		r.note(planEntry(s))
	}
}

// event notes what has happened to a step, and shows on a terminal how far the run has come.
func (r *report) event(e mesh.Event) {
	c := &r.course
	c.running = slices.DeleteFunc(c.running, func(s mesh.Step) bool { return keyOf(s) == keyOf(e.Step) })
	switch e.Kind {
	case mesh.Started:
		c.running = append(c.running, e.Step)
	case mesh.Done:
		r.ended(statusDone, e)
	case mesh.Failed:
		r.ended(statusNotDone, e)
	case mesh.Unclear:
		r.ended(statusUnknown, e)
	case mesh.Left:
		r.ended(statusNotDone, e)
		if e.Err != nil {
			c.left = append(c.left, e.Err)
		}
	case mesh.Unkept:
		c.unkept = append(c.unkept, e.Err)
	case mesh.Waiting: // machines need not hear of it
	}

	text := fmt.Sprintf("%s %d/%d", doing[r.command], e.Finished, e.Total)
	if e.Kind == mesh.Waiting {
		text += fmt.Sprintf(": gateways load what has changed, %.0f s yet", e.Wait.Seconds())
	} else if n := len(c.running); n > 0 {
		text += fmt.Sprintf(": %s %s", c.running[n-1].Kind, c.running[n-1].Name)
	}

	r.progress(text)
}

// ended notes how a step ended.
func (r *report) ended(status string, e mesh.Event) {
	r.course.ended[keyOf(e.Step)] = status
	r.course.did[keyOf(e.Step)] = e.Step.Action

	entry := stepEntry(status, e.Step)
	// What the end of the run broke off says no more than that the run ended.
	if e.Err != nil && !errors.Is(e.Err, context.Canceled) {
		entry.Error = e.Err.Error()
	}

	r.note(entry)
}

// leftBehind warns of what the Dashboard does not keep, and of replaced certificates that could not
// be deleted: the run has done its work all the same.
func (r *report) leftBehind() {
	for _, err := range r.course.unkept {
		r.warn(err.Error())
	}
	if left := r.course.left; len(left) > 0 {
		r.warn(leftWarning(len(left), left[0]))
	}
}

// deleted returns the replaced certificates of a plan that the run has deleted, or in a dry run
// would delete.
func (r *report) deleted(plan *mesh.Plan) (steps []mesh.Step) {
	for _, s := range plan.Replaced {
		if r.dry || r.course.ended[keyOf(s)] == statusDone {
			steps = append(steps, s)
		}
	}
	return steps
}

// done returns the steps of the plan that are done, in its order.
func (c *course) done() (steps []mesh.Step) {
	for _, s := range c.steps {
		if c.ended[keyOf(s)] == statusDone {
			steps = append(steps, c.cameTo(s))
		}
	}
	return steps
}

// cameTo returns a step as it went: an API that was to be created may have been there.
func (c *course) cameTo(s mesh.Step) mesh.Step {
	if did := c.did[keyOf(s)]; did != "" && did != s.Action {
		s.Action, s.Reasons = did, []string{"it was there, and the listing did not show it"}
	}
	return s
}

// untouched returns the entries of the steps that a failed run did not come to.
func (c *course) untouched() (entries []reportEntry) {
	for _, s := range c.steps {
		if c.ended[keyOf(s)] == "" {
			entries = append(entries, stepEntry(statusNotDone, s))
		}
	}
	return entries
}

// count is what the summary says of the steps; nil where there was no plan.
func (c *course) count(failed bool) map[string]int {
	counts := maps.Clone(c.counts)
	for _, s := range c.steps {
		switch status := c.ended[keyOf(s)]; {
		case status == statusDone:
			counts[past[c.cameTo(s).Action]]++
		case status == statusUnknown:
			counts[countUnknown]++
		case failed, status == statusNotDone:
			counts[countNotDone]++
		}
	}

	return counts
}
