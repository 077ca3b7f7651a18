package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
)

// Signals end the process at once, as the operating system has it, except in two phases: while
// servers are asked, where the run first reports what is done, and while files are replaced, which
// takes milliseconds and would leave temporary files.

// endings returns the signals of Ctrl-C, of a supervisor, and of a terminal that closes. A signal
// that the caller ignores stays ignored, as nohup wants it.
func endings() []os.Signal {
	return slices.DeleteFunc([]os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}, signal.Ignored)
}

// untilSignal returns a context that ends with the first signal. A second one ends the process.
func untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, endings()...)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// holdSignals ignores the first signal until release is called. A second one ends the process.
func holdSignals() (release func()) {
	_, release = untilSignal(context.Background())
	return release
}

// interruptedError is a run that a signal ended.
type interruptedError struct{}

func (interruptedError) Error() string { return "interrupted" }

// ExitCode returns the status that shells expect after an interrupt: 128 and the number of SIGINT.
func (interruptedError) ExitCode() int { return exitInterrupted }

// print writes the output of a run.
func (r *report) print(write output) error {
	err := write()
	if r.out != nil {
		err = cmp.Or(err, r.out.close())
	}
	if err != nil {
		return &unprintedError{err, r.course.done()}
	}

	return nil
}

// printer is standard output.
type printer struct {
	to    io.Writer
	begun bool   // something may have been printed
	token string // of the brackets around the output, for a log in which lines may be commands; "" for none
}

func (p *printer) Write(text []byte) (int, error) {
	opening := p.opening()
	p.begun = true

	whole := text
	if opening != "" {
		whole = append([]byte(opening), text...)
	}

	n, err := p.to.Write(whole)
	if err != nil {
		return max(0, n-len(opening)), fmt.Errorf("writing to standard output: %w", err)
	}

	return len(text), nil
}

// unprintedError is a run that has done its remote work and could not print its output.
type unprintedError struct {
	error
	done []mesh.Step
}

func (e *unprintedError) Unwrap() error { return e.error }

// Hint tells the user that nothing is lost.
func (e *unprintedError) Hint() string {
	if len(e.done) > 0 {
		return "run it again: it registers nothing twice"
	}
	var own interface{ Hint() string }
	if errors.As(e.error, &own) {
		return own.Hint()
	}

	return ""
}
