package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
)

// interruptedError is the error of a run that a signal ended.
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
		return &unprintedError{err, r.steps.done()}
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

// unprintedError is the error of a run that did its remote work but could not print its output.
type unprintedError struct {
	error
	done []mesh.Step
}

func (e *unprintedError) Unwrap() error { return e.error }

// Hint explains that nothing is lost.
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
