package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/prose"
	"github.com/tykmesh/tykmesh/inject"
)

// exitStatuses explains the exit statuses.
var exitStatuses = []struct {
	status int
	text   string
}{
	{exitDone, "done, also when there was nothing to do"},
	{exitFailed, "failed; nothing on standard output"},
	{exitUsage, "usage or configuration"},
	{exitChanges, "`diff`: there are changes; `check`: something is not ready; `certs list --expiring`: some are"},
	{exitDenied, "the Dashboard or the issuer refused the credentials"},
	{exitIncomplete, "incomplete: some remote steps are done, others are not; the report lists both; run it again"},
	{exitInterrupted, "interrupted"},
}

// exitOrder explains the rest.
const exitOrder = "If several apply, 130 wins over 5, 5 over 4, and 4 over 1. Standard output is empty unless the status is 0 or 3. Two exceptions: a KRM function\n" +
	"always answers with its list, and config view shows the values that it could read."

// newTopics returns the help pages that are not about a command.
func newTopics() []*cobra.Command {
	return []*cobra.Command{
		newTopic("annotations", "Annotations of manifests", writeAnnotations),
		newTopic("codes", "Codes of errors and warnings", writeCodes),
		newTopic("exit", "Exit statuses", writeExitStatuses),
	}
}

// newTopic returns a help page, which write prints.
func newTopic(name, short string, write func(io.Writer)) *cobra.Command {
	cmd := &cobra.Command{Use: name, Short: short}
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) { write(cmd.OutOrStdout()) })
	return cmd
}

func writeExitStatuses(w io.Writer) {
	for _, e := range exitStatuses {
		fmt.Fprintf(w, "%5d  %s\n", e.status, prose.Plain(e.text))
	}
	fmt.Fprintf(w, "\n%s\n", exitOrder)
}

func writeCodes(w io.Writer) {
	fmt.Fprint(w, "Errors and warnings carry a code. tykmesh help CODE explains it: the meaning, an example, the remedy.\n\n")
	for _, r := range inject.Rules {
		fmt.Fprintf(w, "  %s  %s\n", r.Rule, r.Text)
	}
}

func writeAnnotations(w io.Writer) {
	fmt.Fprint(w, "On the pod template of a workload, or on a Pod, unless the text says otherwise. Values are strings: quote true and numbers.\n\n")
	for _, a := range inject.Annotations {
		if !a.Written {
			writeAnnotation(w, a)
		}
	}

	fmt.Fprint(w, "\ninject writes these annotations, and uninject removes them:\n\n")
	for _, a := range inject.Annotations {
		if a.Written {
			writeAnnotation(w, a)
		}
	}
}

// annotationColumns and textColumns are the widths of keys and of the text beside them.
const annotationColumns, textColumns = 38, 100

func writeAnnotation(w io.Writer, a inject.Annotation) {
	key := a.Key
	for line := range prose.Lines(prose.Plain(a.Text), textColumns) {
		fmt.Fprintf(w, "  %-*s %s\n", annotationColumns, key, line)
		key = ""
	}
}
