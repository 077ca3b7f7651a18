package phase

import (
	"context"

	"github.com/tykmesh/tykmesh/cmd/internal/apply"
	"github.com/tykmesh/tykmesh/cmd/internal/explain"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject"
)

// Apply applies a plan and reports its events.
//
// Errors: those of apply.Run, explained.
func (p *Phase) Apply(ctx context.Context, todo *plan.Plan, remote mesh.Remote) (map[inject.Service]inject.Binding, error) {
	f := &follower{phase: p}
	bindings, err := apply.Run(ctx, todo, remote, f.event)
	if err != nil {
		return nil, p.Explain(err)
	}

	f.leftBehind()

	return bindings, nil
}

// CarryOut applies a plan whose output is printed afterwards.
//
// Errors: those of Apply; the run was interrupted although all steps are done.
func (p *Phase) CarryOut(ctx context.Context, todo *plan.Plan, remote mesh.Remote) (map[inject.Service]inject.Binding, error) {
	bindings, err := p.Apply(ctx, todo, remote)
	if err == nil && p.interrupted() {
		err = p.InterruptedAtEnd()
	}
	return bindings, err
}

// InterruptedAtEnd returns the error of an interrupted run whose steps are all done: it prints no
// manifest.
func (p *Phase) InterruptedAtEnd() error {
	return p.report.Plan.Unprinted(interruptedError{})
}

// follower reports the events of a plan that is applied.
type follower struct {
	phase  *Phase
	left   []error // why replaced certificates were not deleted
	unkept []error // values of APIs that the Dashboard does not keep
}

// endings are the statuses of steps by the events that end them.
var endings = map[apply.EventKind]string{
	apply.Done: report.StatusDone, apply.Failed: report.StatusNotDone, apply.Left: report.StatusNotDone, apply.Unclear: report.StatusUnknown,
}

// event reports an event of a step.
func (f *follower) event(e apply.Event) {
	f.phase.Progress()
	step := Steps(e.Step)[0]
	if status, ended := endings[e.Kind]; ended {
		f.phase.report.Plan.Ended(status, step, e.Err)
	}

	switch {
	case e.Kind == apply.Started:
		f.phase.report.Plan.Started(step)
	case e.Kind == apply.Left && e.Err != nil:
		f.left = append(f.left, e.Err)
	case e.Kind == apply.Unkept:
		f.unkept = append(f.unkept, e.Err)
	}

	f.phase.report.Plan.Reached(e.Finished, e.Total, e.Wait)
}

// leftBehind warns of values that the Dashboard does not keep, and of replaced certificates that
// could not be deleted. The run has succeeded all the same.
func (f *follower) leftBehind() {
	for _, err := range f.unkept {
		f.phase.report.Warn("%v", err)
	}
	if len(f.left) > 0 {
		f.phase.report.Warn("%s", explain.LeftBehind(len(f.left), f.left[0]))
	}
}

// Steps returns steps as events of a report.
func Steps(steps ...plan.Step) (events report.Steps) {
	for _, s := range steps {
		e := report.Event{
			Action: string(s.Action), Kind: string(s.Kind), Name: s.Name, ID: s.ID, Record: s.Record,
			Reasons: s.Reasons, Shared: s.Shared, Renewal: s.Renewal, Replaced: s.Replaced,
		}
		if s.Service != (inject.Service{}) {
			e.Service = s.Service.String()
		}
		for _, c := range s.Changes {
			e.Changes = append(e.Changes, report.Change(c))
		}
		events = append(events, e)
	}

	return events
}
