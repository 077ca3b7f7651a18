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

// absent is the reason for a step that makes something for the first time. It goes without saying.
const absent = "not there yet"

// steps are those of a plan, and how far the run has come.
type steps struct {
	planned []Event
	ended   map[stepKey]string // status
	did     map[stepKey]string // action
	running []Event            // the newest one last
	counts  map[string]int     // of the summary; nil before there is a plan
}

// stepKey identifies a step of a plan.
type stepKey struct{ kind, service, name, id string }

func keyOf(s Event) stepKey { return stepKey{s.Kind, s.Service, s.Name, s.ID} }

// Planned notes the steps of a plan, and the number of things that stay as they are.
func (r *Run) Planned(planned []Event, kept int) {
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

// Action returns the participle of an action, in a dry run the infinitive.
func (r *Run) Action(action string) string {
	if r.config.Dry {
		return "to " + action
	}
	return past[action]
}

// StepText returns a text about a step as it was done, with its reasons if it changed something.
func (r *Run) StepText(s Event) string {
	s = r.steps.cameTo(s)
	text := fmt.Sprintf("%s %s %s", s.Kind, s.Name, r.Action(s.Action))
	if len(s.Reasons) > 0 && s.Reasons[0] != absent {
		text += " (" + strings.Join(r.Reasons(s.Reasons), "; ") + ")"
	}
	return text
}

// Reasons returns as many reasons as fit on a line. If there are more, it prefers those about
// values that are lost.
func (r *Run) Reasons(all []string) []string {
	const most = 6
	if len(all) <= most || r.verbose != nil {
		return all
	}
	var shown []string
	for _, reason := range all {
		if strings.Contains(reason, " -> ") && len(shown) < most {
			shown = append(shown, reason)
		}
	}

	return append(shown, fmt.Sprintf("%d more, which -v shows", len(all)-len(shown)))
}

// TookEffect returns the number of steps that are done, or in a dry run would be.
func (r *Run) TookEffect(planned []Event) (n int) {
	for _, s := range planned {
		if r.config.Dry || r.steps.ended[keyOf(s)] == StatusDone {
			n++
		}
	}
	return n
}

// Counts returns texts with the number of steps of each kind and action, as they were done.
func (r *Run) Counts(planned []Event) (texts []string) {
	type group struct{ kind, action string }
	counts := map[group]int{}
	for _, s := range planned {
		counts[group{s.Kind, r.steps.cameTo(s).Action}]++
	}

	for _, g := range []group{
		{"API", "create"}, {"API", "update"}, {"API", "delete"}, {"certificate", "issue"}, {"record", "confirm"},
	} {
		if n := counts[g]; n > 0 {
			texts = append(texts, fmt.Sprintf("%s %s", Plural(n, g.kind), r.Action(g.action)))
		}
	}

	return texts
}
