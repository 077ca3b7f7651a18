package explain

import (
	"errors"
	"fmt"
	"slices"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Refusal holds the reasons why a stream is refused, each with its position.
type Refusal []inject.Problem

func (r Refusal) Error() string { return fmt.Sprintf("%d problems", len(r)) }

// skippableError is a refusal of objects that could all pass through unchanged.
type skippableError struct{ error }

func (e skippableError) Unwrap() error { return e.error }

// Hint returns the flag that lets them pass.
func (skippableError) Hint() string {
	return "with --on-skip warn, objects that cannot be edited pass through unchanged"
}

// Skippable adds a hint to a refusal. Mistakes in YAML need no hint: the user wants to correct
// them.
func Skippable(err error) error {
	var refused Refusal
	has := func(f func(inject.Rule) bool) bool {
		return slices.ContainsFunc(refused, func(p inject.Problem) bool { return f(p.Rule) })
	}
	if !errors.As(err, &refused) || has(func(r inject.Rule) bool { return !r.Skips() }) || !has(func(r inject.Rule) bool { return r != inject.RuleSyntax }) {
		return err
	}

	return skippableError{err}
}

// Refuse joins problems into one error, in the order of the input; nil if there is no problem.
func Refuse(docs []*manifest.Document, problems ...[]inject.Problem) error {
	all := slices.Concat(problems...)
	if len(all) == 0 {
		return nil
	}
	inject.SortProblems(docs, all)
	return Refusal(slices.CompactFunc(all, func(a, b inject.Problem) bool { return a == b }))
}
