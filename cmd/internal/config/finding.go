package config

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Finding is an error or a warning about a configuration.
type Finding struct {
	Pos      manifest.Position // Line is 0 if there is no place in the file
	Variable string            // the environment variable, else ""
	Key      string            // "Injector.createRoutes", else ""
	Msg      string
	Hint     string // what to do, if Msg does not say it
}

// String returns place, key and message in one line.
func (f Finding) String() string {
	var parts []string
	switch {
	case f.Variable != "":
		parts = append(parts, "environment", f.Variable)
	case f.Pos.Line > 0:
		parts = append(parts, f.Pos.String())
	case f.Pos.File != "":
		parts = append(parts, f.Pos.File)
	}

	if f.Key != "" {
		parts = append(parts, f.Key)
	}

	return strings.Join(append(parts, f.Msg), ": ")
}

// Error holds all errors of a configuration, at least one. It contains no secret.
type Error []Finding

// Error returns one line for each finding.
func (e Error) Error() string {
	lines := make([]string, len(e))
	for i, f := range e {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// Hint returns the first hint of the findings, or "".
func (e Error) Hint() string {
	for _, f := range e {
		if f.Hint != "" {
			return f.Hint
		}
	}
	return ""
}

// ExitCode returns the exit status for usage and configuration.
func (Error) ExitCode() int { return 2 }

// inFileOrder sorts findings by place. Those without a place keep their order and follow the
// others.
func inFileOrder(fs []Finding) []Finding {
	slices.SortStableFunc(fs, compare)
	return fs
}

func compare(a, b Finding) int {
	if a.Pos.Line == 0 || b.Pos.Line == 0 {
		return cmp.Compare(b.Pos.Line, a.Pos.Line)
	}
	return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
}
