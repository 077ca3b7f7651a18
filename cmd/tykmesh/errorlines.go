package main

import (
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
)

// fault is one of the errors that an error joins, and its line.
type fault struct {
	line string
	err  error // for hints; nil without hints
}

// faultsOf returns the errors that an error joins. A line break in a foreign text does not start a
// new fault.
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

// wrapped returns the faults of an error that repeats the text of another behind its own words.
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

// hints returns the next things to try.
func (f fault) hints() []string {
	if f.err == nil {
		return nil
	}
	return hintsFor(f.err)
}
