package explain

import (
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
)

// Fault is one of the errors that an error joins, and its line.
type Fault struct {
	Line string
	Err  error // for hints; nil without hints
}

// Faults returns the errors that an error joins. A line break in a foreign text does not start a
// new fault.
func Faults(err error) (all []Fault) {
	var within []error
	switch e := err.(type) { //nolint:errorlint // each layer in turn
	case config.Error:
		for _, f := range e {
			all = append(all, Fault{Line: f.String()})
		}
		return all
	case interface{ Lines() []string }:
		for _, line := range e.Lines() {
			all = append(all, Fault{Line: line})
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
		all = append(all, Faults(inner)...)
	}

	if len(all) == 0 || strings.Join(texts, "\n") != err.Error() {
		return []Fault{{err.Error(), err}}
	}

	return all
}

// wrapped returns the faults of an error that repeats the text of another behind its own words.
func wrapped(err, inner error) []Fault {
	if inner == nil {
		return []Fault{{err.Error(), err}}
	}
	words, ok := strings.CutSuffix(err.Error(), inner.Error())
	all := Faults(inner)
	if !ok || len(all) < 2 {
		return []Fault{{err.Error(), err}}
	}
	all = slices.Clone(all)
	all[0].Line = words + all[0].Line

	return all
}

// Lines returns the lines of an error.
func Lines(err error) (lines []string) {
	for _, f := range Faults(err) {
		lines = append(lines, f.Line)
	}
	return lines
}

// hints returns the next things to try.
func (f Fault) hints() []string {
	if f.Err == nil {
		return nil
	}
	return Hints(f.Err)
}
