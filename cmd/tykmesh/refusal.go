package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// refusal is everything for which a stream is refused, each with its place.
type refusal []inject.Problem

func (r refusal) Error() string { return fmt.Sprintf("%d problems", len(r)) }

// skippableError is a refusal of nothing but what could pass through as it is.
type skippableError struct{ error }

func (e skippableError) Unwrap() error { return e.error }

// Hint is how.
func (skippableError) Hint() string {
	return "with --on-skip warn, what cannot be edited passes through as it is"
}

// skippable adds a hint to a refusal. Whoever made a mistake in YAML wants to mend it, and needs
// none.
func skippable(err error) error {
	var refused refusal
	has := func(f func(inject.Rule) bool) bool {
		return slices.ContainsFunc(refused, func(p inject.Problem) bool { return f(p.Rule) })
	}
	if !errors.As(err, &refused) || has(func(r inject.Rule) bool { return !r.Skips() }) || !has(func(r inject.Rule) bool { return r != inject.RuleSyntax }) {
		return err
	}

	return skippableError{err}
}

// refuse makes one error of problems, in the order of the input; nil where there are none.
func refuse(docs []*manifest.Document, problems ...[]inject.Problem) error {
	all := slices.Concat(problems...)
	if len(all) == 0 {
		return nil
	}
	inject.SortProblems(docs, all)
	return refusal(slices.CompactFunc(all, func(a, b inject.Problem) bool { return a == b }))
}
