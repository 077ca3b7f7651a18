package report

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// The statuses of ended steps.
const (
	StatusDone    = "done"
	StatusNotDone = "not done"
	StatusUnknown = "unknown"
)

// The counts of the summary, beside those of each action that is done.
const (
	countPlanned = "planned"
	countKept    = "kept"
	countNotDone = "notDone"
	countUnknown = "unknown"
)

// past is the participle of each action.
var past = map[string]string{"create": "created", "update": "updated", "issue": "issued", "confirm": "confirmed", "delete": "deleted"}

// steps are those of a plan, and how far the run has come.
type steps struct {
	planned Steps
	ended   map[stepKey]string // status
	did     map[stepKey]string // action
	running []Event            // the newest one last
	counts  map[string]int     // of the summary; nil before there is a plan
}

// stepKey identifies a step of a plan.
type stepKey struct{ kind, service, name, id string }

func keyOf(s Event) stepKey { return stepKey{s.Kind, s.Service, s.Name, s.ID} }

// Planned notes the steps of a plan, and the number of things that stay as they are.
func (r *Run) Planned(planned Steps, kept int) {
	r.steps = steps{planned: planned, ended: map[stepKey]string{}, did: map[stepKey]string{}, counts: map[string]int{
		countPlanned: len(planned), countKept: kept, countNotDone: 0, countUnknown: 0,
	}}
	for _, done := range past {
		r.steps.counts[done] = 0
	}

	for _, s := range planned {
		s.Type = TypePlan
		r.note(s)
	}
}

// Started notes that a step has begun.
func (r *Run) Started(s Event) { r.steps.running = append(r.steps.running, s) }

// Ended notes how a step ended, and why.
func (r *Run) Ended(status string, s Event, why error) {
	p := &r.steps
	p.running = slices.DeleteFunc(p.running, func(other Event) bool { return keyOf(other) == keyOf(s) })
	p.ended[keyOf(s)], p.did[keyOf(s)] = status, s.Action

	s = stepEvent(status, s)
	// A step that the end of the run interrupted only repeats that the run ended.
	if why != nil && !errors.Is(why, context.Canceled) {
		s.Error = why.Error()
	}

	r.note(s)
}

// stepEvent returns the end of a step, without the reasons and changes of its plan.
func stepEvent(status string, s Event) Event {
	s.Type, s.Status, s.Reasons, s.Changes = TypeStep, status, nil, nil
	return s
}

// Reached shows on a terminal how far the run has come. wait is the time that gateways still take
// to load the changes.
func (r *Run) Reached(finished, total int, wait time.Duration) {
	text := fmt.Sprintf("%s %d/%d", r.config.Doing, finished, total)
	if wait > 0 {
		text += fmt.Sprintf(": gateways load the changes, %.0f s left", wait.Seconds())
	} else if n := len(r.steps.running); n > 0 {
		text += fmt.Sprintf(": %s %s", r.steps.running[n-1].Kind, r.steps.running[n-1].Name)
	}

	r.Progress(text)
}

// Done returns the steps of the plan that are done, in its order, each as a text.
func (r *Run) Done() (done []string) {
	for _, s := range r.steps.planned {
		if r.steps.ended[keyOf(s)] == StatusDone {
			done = append(done, strings.Join([]string{r.steps.cameTo(s).Action, s.Kind, s.Name}, " "))
		}
	}
	return done
}

// cameTo returns a step as it was done: instead of creating an API the run may have updated it.
func (p *steps) cameTo(s Event) Event {
	if did := p.did[keyOf(s)]; did != "" && did != s.Action {
		s.Action, s.Reasons = did, []string{"it existed already, but the listing did not show it"}
	}
	return s
}

// untouched returns the events of the steps that a failed run did not reach.
func (p *steps) untouched() (events []Event) {
	for _, s := range p.planned {
		if p.ended[keyOf(s)] == "" {
			events = append(events, stepEvent(StatusNotDone, s))
		}
	}
	return events
}

// count returns the counts of the summary; nil if there was no plan.
func (p *steps) count(failed bool) map[string]int {
	counts := maps.Clone(p.counts)
	for _, s := range p.planned {
		switch status := p.ended[keyOf(s)]; {
		case status == StatusDone:
			counts[past[p.cameTo(s).Action]]++
		case status == StatusUnknown:
			counts[countUnknown]++
		case failed, status == StatusNotDone:
			counts[countNotDone]++
		}
	}

	return counts
}
