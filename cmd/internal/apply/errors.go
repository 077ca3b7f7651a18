package apply

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/dashboard"
)

// Exit statuses, as the command line documents them ("tykmesh help exit"). The highest in the order
// 130, 5, 4, 1 wins.
const (
	exitFailed       = 1
	exitUnauthorized = 4
	exitIncomplete   = 5
	exitInterrupted  = 130
)

// StepError is one remote operation that failed.
type StepError struct {
	Op     string // "creating"
	Kind   string // "API"
	Object string // "echo-mesh"; "" for a listing
	Err    error
}

// Error returns the operation, its object and the cause, once even if the adapter names the
// operation too.
func (e *StepError) Error() string {
	what, why := strings.TrimSpace(e.Op+" "+e.Kind+" "+e.Object), e.Err.Error()
	if strings.HasPrefix(why, what) {
		return why
	}
	return what + ": " + strings.TrimPrefix(why, e.Op+" "+e.Kind+": ")
}

// Unwrap returns the adapter's error.
func (e *StepError) Unwrap() error { return e.Err }

// ExitCode returns 4 if the credentials were refused, else 1.
func (e *StepError) ExitCode() int {
	if unauthorized(e.Err) {
		return exitUnauthorized
	}
	return exitFailed
}

// stepError wraps an error; it returns nil for a nil err.
func stepError(op, kind, object string, err error) error {
	if err == nil {
		return nil
	}
	return &StepError{Op: op, Kind: kind, Object: object, Err: err}
}

func unauthorized(err error) bool {
	return errors.Is(err, dashboard.ErrUnauthorized) || errors.Is(err, ca.ErrUnauthorized)
}

func isNotFound(err error) bool { return errors.Is(err, dashboard.ErrNotFound) }

// failures are several errors at once.
type failures struct {
	errs  []error
	cause error // of the context's end, or nil
}

// joinErrors joins errors; it returns nil if errs holds none.
func joinErrors(ctx context.Context, errs []error) error {
	f := &failures{}
	for _, err := range errs {
		if err != nil {
			f.errs = append(f.errs, err)
		}
	}

	if len(f.errs) == 0 {
		return nil
	}
	f.cause = context.Cause(ctx)

	return f
}

// Error returns a line for each error.
func (f *failures) Error() string {
	lines := make([]string, len(f.errs))
	for i, err := range f.errs {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns all errors.
func (f *failures) Unwrap() []error { return f.errs }

// ExitCode returns the highest exit status of the errors.
func (f *failures) ExitCode() int {
	if code := interruption(f.cause); code != 0 {
		return code
	}
	for _, err := range f.errs {
		if unauthorized(err) {
			return exitUnauthorized
		}
	}

	return exitFailed
}

// interruption returns the exit status of the end of a context: the one that the cause has, if it
// has one, else 130; 0 for a deadline and for a context that goes on.
func interruption(cause error) int {
	var coded interface{ ExitCode() int }
	switch {
	case cause == nil || errors.Is(cause, context.DeadlineExceeded):
		return 0
	case errors.As(cause, &coded):
		if code := coded.ExitCode(); code == exitInterrupted {
			return code
		}
		return 0
	}

	return exitInterrupted
}

// Incomplete is the error of a run that failed, with the fate of each step: done, not done, or
// unknown. Running it again finishes the work.
type Incomplete struct {
	Done, NotDone, Unknown []plan.Step
	Errors                 []error // *StepError, in the order of the plan

	wrote bool  // something was written, if only part of a step
	cause error // of the context's end, or nil
}

// Error returns a line for each error of a step.
func (e *Incomplete) Error() string {
	if len(e.Errors) == 0 {
		return fmt.Sprintf("registration ended early: %v", e.cause)
	}
	return (&failures{errs: e.Errors}).Error()
}

// Unwrap returns the errors of the steps.
func (e *Incomplete) Unwrap() []error { return e.Errors }

// Partial reports whether anything was written, or may have been.
func (e *Incomplete) Partial() bool { return e.wrote || len(e.Done) > 0 || len(e.Unknown) > 0 }

// ExitCode returns 130 after an interruption, 5 if anything was written or may have been, 4 if the
// credentials were refused, else 1.
func (e *Incomplete) ExitCode() int {
	if code := interruption(e.cause); code != 0 {
		return code
	}
	if e.Partial() {
		return exitIncomplete
	}
	return (&failures{errs: e.Errors}).ExitCode()
}
