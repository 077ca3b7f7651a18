package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
)

// interruptedError is a run that a signal ended.
type interruptedError struct{}

func (interruptedError) Error() string { return "interrupted" }

// ExitCode is what shells expect after an interrupt: 128 and the number of SIGINT.
func (interruptedError) ExitCode() int { return exitInterrupted }

// errInterruptedEarly returns an interruption of a run that has not asked a server for anything
// yet.
func errInterruptedEarly() error { return fmt.Errorf("%w; nothing was changed", interruptedError{}) }

// await is what f returns, unless ctx ends before: finished is false then. f is for what no context
// ends, like a read from a pipe that nobody writes to. It is left to itself then, and must touch
// nothing that anybody else uses.
func await[T any](ctx context.Context, f func() (T, error)) (value T, finished bool, err error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, true, r.err
	case <-ctx.Done():
		return value, false, nil
	}
}

// uninterrupted is what f reads or works out, unless ctx ends before. What has been read until then
// does not count: whoever writes to a pipe was probably interrupted too, in the middle of a
// manifest.
func uninterrupted[T any](ctx context.Context, f func() (T, error)) (T, error) {
	value, _, err := await(ctx, f)
	if ctx.Err() != nil {
		var none T
		return none, errInterruptedEarly()
	}
	return value, err
}

// print writes what a run has made, or nothing if ctx has ended.
func (r *report) print(ctx context.Context, write output) error {
	done := r.course.done()
	if ctx.Err() != nil && len(done) == 0 {
		return errInterruptedEarly()
	}
	if ctx.Err() != nil {
		return &unprintedError{interruptedError{}, done}
	}

	err := write()
	if !errors.As(err, new(interruptedError)) && r.out != nil {
		err = cmp.Or(err, r.out.close())
	}

	if err != nil {
		return &unprintedError{err, done}
	}

	return nil
}

// printer is standard output as long as a run is not interrupted: a pipe that nobody empties does
// not hold it up.
type printer struct {
	ctx   context.Context
	to    io.Writer
	begun bool   // something may have been printed
	token string // of the brackets around what is printed, for a log in which lines may be commands; "" for none
}

// Write leaves text to the write that goes on when ctx ends: whoever gets an error must not change
// it.
func (p *printer) Write(text []byte) (int, error) {
	opening := p.opening()
	p.begun = true

	whole := text
	if opening != "" {
		whole = append([]byte(opening), text...)
	}

	n, finished, err := await(p.ctx, func() (int, error) { return p.to.Write(whole) })
	if !finished {
		err = interruptedError{}
	}

	if err != nil {
		return max(0, n-len(opening)), fmt.Errorf("writing to standard output: %w", err)
	}

	return len(text), nil
}

// unprintedError is a run that has done its remote work and could not print what comes of it.
type unprintedError struct {
	error
	done []mesh.Step
}

func (e *unprintedError) Unwrap() error { return e.error }

// Hint says that nothing is lost.
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
