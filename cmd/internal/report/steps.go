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

// Steps are those of a plan, in order.
type Steps []Event

// where returns the steps that have a property. It copies no others: an event is large.
func (s Steps) where(has func(Event) bool) (found Steps) {
	for i := range s {
		if has(s[i]) {
			found = append(found, s[i])
		}
	}
	return found
}

// Of returns the steps of a service; "" is the mesh.
func (s Steps) Of(service string) (own Steps) {
	for i := range s { // not by where, which passes each step: runs ask for every service
		if s[i].Service == service {
			own = append(own, s[i])
		}
	}
	return own
}

// CertificateLast returns the steps of a service with its certificate behind its APIs, which users
// look for.
func (s Steps) CertificateLast() Steps {
	if len(s) == 0 || s[0].Kind == "API" {
		return s
	}
	return slices.Concat(s[1:], s[:1])
}

// String returns "4 APIs, 1 certificate, 1 record"; tokens come after certificates.
func (s Steps) String() string {
	var parts []string
	for _, kind := range []string{"API", "certificate", "token", "record"} {
		if n := len(s.where(func(e Event) bool { return e.Kind == kind })); n > 0 {
			parts = append(parts, Plural(n, kind))
		}
	}
	return strings.Join(parts, ", ")
}

// Plan holds the steps of a run, and how far they have come.
type Plan struct {
	Steps Steps
	Again string // the effect of another run after one without output; "" if it registers nothing twice

	run     *Run
	ended   map[stepKey]string // status
	did     map[stepKey]string // action
	running []Event            // the newest one last
	counts  map[string]int     // of the summary; nil before there is a plan
}

// stepKey identifies a step of a plan.
type stepKey struct{ kind, service, name, id string }

func keyOf(s Event) stepKey { return stepKey{s.Kind, s.Service, s.Name, s.ID} }

// Planned notes the steps of a plan, and the number of things that stay as they are.
func (r *Run) Planned(steps Steps, kept int) {
	r.Plan = &Plan{Steps: steps, run: r, ended: map[stepKey]string{}, did: map[stepKey]string{}, counts: map[string]int{
		countPlanned: len(steps), countKept: kept, countNotDone: 0, countUnknown: 0,
	}}
	for _, done := range past {
		r.Plan.counts[done] = 0
	}

	for _, s := range steps {
		s.Type = TypePlan
		r.note(s)
	}
}

// Started notes that a step has begun.
func (p *Plan) Started(s Event) { p.running = append(p.running, s) }

// Ended notes how a step ended, and why.
func (p *Plan) Ended(status string, s Event, why error) {
	p.running = slices.DeleteFunc(p.running, func(other Event) bool { return keyOf(other) == keyOf(s) })
	p.ended[keyOf(s)], p.did[keyOf(s)] = status, s.Action

	s = stepEvent(status, s)
	// A step that the end of the run interrupted only repeats that the run ended.
	if why != nil && !errors.Is(why, context.Canceled) {
		s.Error = why.Error()
	}

	p.run.note(s)
}

// stepEvent returns the end of a step, without the reasons and changes of its plan.
func stepEvent(status string, s Event) Event {
	s.Type, s.Status, s.Reasons, s.Changes, s.Renewal = TypeStep, status, nil, nil, false
	return s
}

// Reached shows on a terminal how far the run has come. wait is the time that gateways still take
// to load the changes.
func (p *Plan) Reached(finished, total int, wait time.Duration) {
	text := fmt.Sprintf("%s %d/%d", p.run.config.Doing, finished, total)
	if wait > 0 {
		text += fmt.Sprintf(": gateways load the changes, %.0f s left", wait.Seconds())
	} else if n := len(p.running); n > 0 {
		text += fmt.Sprintf(": %s %s", p.running[n-1].Kind, p.running[n-1].Name)
	}

	p.run.Progress(text)
}

// isDone reports whether a step is done.
func (p *Plan) isDone(s Event) bool { return p.ended[keyOf(s)] == StatusDone }

// Done returns the steps that are done, in order, each as a text.
func (p *Plan) Done() (done []string) {
	for _, s := range p.Steps.where(p.isDone) {
		done = append(done, strings.Join([]string{p.cameTo(s).Action, s.Kind, s.Name}, " "))
	}
	return done
}

// cameTo returns a step as it was done: instead of creating an API the run may have updated it.
func (p *Plan) cameTo(s Event) Event {
	if did := p.did[keyOf(s)]; did != "" && did != s.Action {
		s.Action, s.Reasons = did, []string{"it existed already, but the listing did not show it"}
	}
	return s
}

// untouched returns the events of the steps that a failed run did not reach.
func (p *Plan) untouched() (events []Event) {
	for _, s := range p.Steps.where(func(s Event) bool { return p.ended[keyOf(s)] == "" }) {
		events = append(events, stepEvent(StatusNotDone, s))
	}
	return events
}

// count returns the counts of the summary; nil if there was no plan.
func (p *Plan) count(failed bool) map[string]int {
	counts := maps.Clone(p.counts)
	for _, s := range p.Steps {
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
