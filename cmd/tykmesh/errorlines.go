package main

import (
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
)

// fault is one of the errors that an error is made of, and its line.
type fault struct {
	line string
	err  error // for hints; nil where the line is all there is
}

// faultsOf returns what an error is made of. Lines come from errors alone: a line break in a
// foreign text makes none.
func faultsOf(err error) (all []fault) {
	var within []error
	switch e := err.(type) { //nolint:errorlint // each layer in turn
	case config.Error:
		for _, f := range e {
			all = append(all, fault{line: f.String()})
		}
		return all
	case interface{ lines() []string }:
		for _, line := range e.lines() {
			all = append(all, fault{line: line})
		}
		return all
	case interface{ Unwrap() []error }:
		within = e.Unwrap()
	case interface{ Unwrap() error }:
		return wrapped(err, e.Unwrap())
	}

	texts := make([]string, len(within))
	for i, inner := range within {
		texts[i] = inner.Error()
		all = append(all, faultsOf(inner)...)
	}

	if len(all) == 0 || strings.Join(texts, "\n") != err.Error() {
		return []fault{{err.Error(), err}}
	}

	return all
}

// wrapped returns the faults of an error that says what another says, behind words of its own or
// none.
func wrapped(err, inner error) []fault {
	if inner == nil {
		return []fault{{err.Error(), err}}
	}
	words, ok := strings.CutSuffix(err.Error(), inner.Error())
	all := faultsOf(inner)
	if !ok || len(all) < 2 {
		return []fault{{err.Error(), err}}
	}
	all = slices.Clone(all)
	all[0].line = words + all[0].line

	return all
}

// errorLines returns the lines of an error.
func errorLines(err error) (lines []string) {
	for _, f := range faultsOf(err) {
		lines = append(lines, f.line)
	}
	return lines
}

// hints returns what to do about a fault.
func (f fault) hints() []string {
	if f.err == nil {
		return nil
	}
	return hintsFor(f.err)
}
