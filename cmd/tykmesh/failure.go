package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	reports "github.com/tykmesh/tykmesh/cmd/internal/report"
)

// printError prints the reasons why a run failed: each refusal with its position, other errors
// behind "error:", then the steps that are done and those that are not, and hints.
func printError(w io.Writer, err error) {
	var refused refusal
	if errors.As(err, &refused) {
		for _, p := range refused {
			fmt.Fprintln(w, problemOf(reports.Error, p).Entry().String())
		}

		fmt.Fprintf(w, "error: %s: nothing was changed and nothing is printed\n", plural(len(refused), "problem"))
		for _, rule := range rulesOf(refused) {
			if hint := ruleHint(rule); hint != "" {
				fmt.Fprintf(w, "hint: %s\n", hint)
			}
		}

		printHints(w, err)

		return
	}

	for _, line := range errorLines(err) {
		fmt.Fprintf(w, "error: %s\n", line)
	}

	var incomplete *mesh.Incomplete
	if errors.As(err, &incomplete) && incomplete.Partial() {
		printSteps(w, "done", incomplete.Done)
		printSteps(w, "not done", incomplete.NotDone)
		printSteps(w, "unknown", incomplete.Unknown)
	}

	if late := (*unprintedError)(nil); errors.As(err, &late) {
		printSteps(w, statusDone, late.done)
	}

	if missing := (*unregisteredError)(nil); errors.As(err, &missing) {
		for _, s := range missing.steps {
			fmt.Fprintf(w, "to do: %s\n", s)
		}
	}

	printHints(w, err)
}

func printHints(w io.Writer, err error) {
	for _, hint := range hintsFor(err) {
		fmt.Fprintf(w, "hint: %s\n", hint)
	}
}

func printSteps(w io.Writer, what string, steps []mesh.Step) {
	for _, s := range steps {
		fmt.Fprintf(w, "%s: %s %s %s\n", what, s.Action, s.Kind, s.Name)
	}
}

// settingError returns an error about a key, found when its value was used.
func settingError(c config.Config, key string, err error) error {
	return c.Fail(key, err, strings.Join(hintsFor(err), "; "))
}

// leftWarning returns the warning about n replaced certificates that could not be deleted, with the
// reason of the first.
func leftWarning(n int, reason error) string {
	var partial *mesh.PartialError
	var unproved *mesh.UnprovedError
	switch {
	case errors.As(reason, &partial):
		return fmt.Sprintf("%s kept: %v, and another API may use them; %s", plural(n, "replaced certificate"), partial, mesh.RightKey)
	case errors.As(reason, &unproved):
		return fmt.Sprintf("%s kept: %v; %s", plural(n, "replaced certificate"), unproved, mesh.RightKey)
	}

	return fmt.Sprintf("%s could not be deleted: %v; no API uses them; the next run or tykmesh certs prune deletes them",
		plural(n, "replaced certificate"), reason)
}
