package phase

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/cmd/internal/apply"
	"github.com/tykmesh/tykmesh/cmd/internal/exit"
	"github.com/tykmesh/tykmesh/cmd/internal/explain"
)

// stalledError ends a run if no step finishes within the time of --timeout.
type stalledError struct{ limit time.Duration }

func (e *stalledError) Error() string {
	return fmt.Sprintf("no step has finished for %s", e.limit)
}

// Is lets callers that ask for a deadline find one.
func (e *stalledError) Is(target error) bool { return target == context.DeadlineExceeded }

// ExitCode returns the exit status of a failed run.
func (*stalledError) ExitCode() int { return exit.Failed }

// Hint returns flags to try.
func (*stalledError) Hint() string {
	return "is a server slow, or behind a firewall? -v shows the requests, --timeout waits longer"
}

// interruptedError is the error of a run that a signal ended.
type interruptedError struct{}

func (interruptedError) Error() string { return "interrupted" }

// ExitCode returns the status that shells expect after an interrupt: 128 and the number of SIGINT.
func (interruptedError) ExitCode() int { return exit.Interrupted }

// endedError is the error of a run that ended early: the cause, and the error that followed.
type endedError struct {
	cause, err error
	signal     error // the cause of the context, if it was a signal; nil after a stall
}

// Error returns the reason why the run ended, and on further lines the errors before it. After a
// stall it names the interrupted calls, because a server did not answer them. After a signal it
// does not: the user knows why the run stopped.
func (e *endedError) Error() string { return strings.Join(e.Lines(), "\n") }

// Lines returns a line for each reason.
func (e *endedError) Lines() []string {
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

// brokenOff separates the calls that failed because the run ended from other errors.
func (e *endedError) brokenOff() (waiting, failed []string) {
	var incomplete *apply.Incomplete
	if errors.As(e.err, &incomplete) && len(incomplete.Errors) == 0 {
		return nil, nil // its text only repeats that the run ended
	}

	ends := []error{e.cause, context.Canceled, context.DeadlineExceeded}
	if e.signal != nil {
		ends = append(ends, e.signal)
	}

	for _, line := range explain.Lines(e.err) {
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
	var incomplete *apply.Incomplete
	return errors.As(e.err, &incomplete) && incomplete.Partial()
}

func (e *endedError) Unwrap() []error { return []error{e.cause, e.err} }

// ExitCode returns 130 after a signal, else the status of the error: 5 if steps are done.
func (e *endedError) ExitCode() int {
	if code := exit.Of(e.cause); code != exit.Failed {
		return code
	}
	return exit.Of(e.err)
}
