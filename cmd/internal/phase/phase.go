// Package phase guards the remote phase of a run: the time in which servers are asked and changed.
//
//	Begin ──> ctx ends with the first signal, and if nothing progresses for a time
//	Apply ──> a plan is applied, and each of its events is told to the report
//	Explain ──> an error that follows from the end of ctx gets its cause
//	End ──> signals end the process again
package phase

import (
	"context"
	"errors"
	"time"

	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/cmd/internal/signals"
)

// Phase is the remote phase of a run. It ends early at a signal, and if no step finishes in time.
type Phase struct {
	report *report.Run
	ctx    context.Context
	cancel context.CancelCauseFunc
	ignore func() bool // ends the catching of signals, and reports whether one came
	timer  *time.Timer
	limit  time.Duration
}

// Begin returns a context that ends with the first signal, and if Progress is not called for limit.
func Begin(ctx context.Context, limit time.Duration, r *report.Run) (context.Context, *Phase) {
	ctx, ignore := signals.Until(ctx)
	ctx, cancel := context.WithCancelCause(ctx)
	p := &Phase{report: r, ctx: ctx, cancel: cancel, ignore: ignore, limit: limit}
	p.timer = time.AfterFunc(limit, func() { cancel(&stalledError{limit}) })
	return ctx, p
}

// Progress restarts the timer.
func (p *Phase) Progress() { p.timer.Reset(p.limit) }

// End ends the phase, and reports whether a signal came. None is lost between an earlier look and
// this one.
func (p *Phase) End() (interrupted bool) {
	p.timer.Stop()
	interrupted = p.interrupted()
	came := p.ignore()
	p.cancel(nil)

	return interrupted || came
}

// interrupted reports whether a signal came.
func (p *Phase) interrupted() bool {
	cause := context.Cause(p.ctx)
	return cause != nil && !errors.As(cause, new(*stalledError))
}

// Explain adds the reason why the context ended to an error that follows from it.
func (p *Phase) Explain(err error) error {
	cause := context.Cause(p.ctx)
	if cause == nil {
		return err
	}
	ended := &endedError{cause: cause, err: err}
	if p.interrupted() {
		ended.cause, ended.signal = interruptedError{}, cause
	}

	return ended
}
