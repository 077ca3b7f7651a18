package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/signals"
)

// stalledError ends a run in which no step has finished for the time of --timeout.
type stalledError struct{ limit time.Duration }

func (e *stalledError) Error() string {
	return fmt.Sprintf("no step has finished for %s", e.limit)
}

// Is lets callers that ask for a deadline find one.
func (e *stalledError) Is(target error) bool { return target == context.DeadlineExceeded }

// ExitCode is that of a failed run.
func (*stalledError) ExitCode() int { return exitFailed }

// Hint says what to change.
func (*stalledError) Hint() string {
	return "is a server slow, or behind a firewall? -v shows the requests, --timeout waits longer"
}

// watch guards the remote phase of a run: it ends the phase at a signal, and when no step finishes.
type watch struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	ignore context.CancelFunc // ends the catching of signals
	timer  *time.Timer
	limit  time.Duration
}

// watchProgress returns a context that ends with the first signal, and when progress was not called
// for limit.
func watchProgress(ctx context.Context, limit time.Duration) (context.Context, *watch) {
	ctx, ignore := signals.Until(ctx)
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watch{ctx: ctx, cancel: cancel, ignore: ignore, limit: limit}
	w.timer = time.AfterFunc(limit, func() { cancel(&stalledError{limit}) })
	return ctx, w
}

// progress starts the time anew.
func (w *watch) progress() { w.timer.Reset(w.limit) }

func (w *watch) stop() {
	w.timer.Stop()
	w.ignore()
	w.cancel(nil)
}

// interrupted reports whether a signal came.
func (w *watch) interrupted() bool {
	cause := context.Cause(w.ctx)
	return cause != nil && !errors.As(cause, new(*stalledError))
}

// explain puts the reason for which the context ended before what failed because of it.
func (w *watch) explain(err error) error {
	cause := context.Cause(w.ctx)
	if cause == nil {
		return err
	}
	ended := &endedError{cause: cause, err: err}
	if w.interrupted() {
		ended.cause, ended.signal = interruptedError{}, cause
	}

	return ended
}

// endedError is a run that ended early: why, and how far it came.
type endedError struct {
	cause, err error
	signal     error // what the context said of an interruption; nil after a stall
}

// Error says why the run ended, and on lines of their own what had failed before. What a stall
// broke off is named, because some server did not answer it; whoever interrupts a run knows why it
// stopped.
func (e *endedError) Error() string { return strings.Join(e.lines(), "\n") }

func (e *endedError) lines() []string {
	waiting, failed := e.brokenOff()
	text := e.cause.Error()
	switch {
	case e.signal == nil && len(waiting) > 0:
		text += "; still waiting for: " + strings.Join(waiting, "; ")
	case e.signal != nil && !e.partial():
		text += "; nothing was changed"
	}

	return append([]string{text}, failed...)
}

// brokenOff tells what failed because the run ended from what failed by itself.
func (e *endedError) brokenOff() (waiting, failed []string) {
	var incomplete *mesh.Incomplete
	if errors.As(e.err, &incomplete) && len(incomplete.Errors) == 0 {
		return nil, nil // its text says once more that the run ended
	}

	ends := []error{e.cause, context.Canceled, context.DeadlineExceeded}
	if e.signal != nil {
		ends = append(ends, e.signal)
	}

	for _, line := range errorLines(e.err) {
		what := ": " + line
		for _, end := range ends {
			what = strings.TrimSuffix(what, ": "+end.Error())
		}

		switch {
		case what == ": "+line:
			failed = append(failed, line)
		case what != "":
			waiting = append(waiting, what[len(": "):])
		}
	}

	return waiting, failed
}

func (e *endedError) partial() bool {
	var incomplete *mesh.Incomplete
	return errors.As(e.err, &incomplete) && incomplete.Partial()
}

func (e *endedError) Unwrap() []error { return []error{e.cause, e.err} }

// ExitCode is 130 after an interruption, else that of what failed: 5 where something is done.
func (e *endedError) ExitCode() int {
	if code := exitCode(e.cause); code != exitFailed {
		return code
	}
	return exitCode(e.err)
}
