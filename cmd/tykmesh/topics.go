package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/prose"
	"github.com/tykmesh/tykmesh/inject"
)

// exitStatuses are all exit statuses, in the order in which they are explained.
var exitStatuses = []struct {
	status int
	text   string
}{
	{exitDone, "done, also when there was nothing to do"},
	{exitFailed, "failed; nothing on standard output"},
	{exitUsage, "usage or configuration"},
	{exitChanges, "`diff`: there are changes; `check`: something is not ready; `certs list --expiring`: some are"},
	{exitDenied, "the Dashboard or CFSSL refused the credentials"},
	{exitIncomplete, "incomplete: some remote steps are done, some are not; the report lists both; run it again"},
	{exitInterrupted, "interrupted"},
}

// exitOrder is what exitStatuses do not say.
const exitOrder = "Of several, the highest in the order 130, 5, 4, 1 wins. On every one but 0 and 3, standard output is empty; a KRM function answers with its list all\n" +
	"the same, and config view shows what it could read."

// newTopics are pages of help, not commands.
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
	fmt.Fprint(w, "On the pod template of a workload, or on a Pod, where nothing else is said. Values are strings: put true, and numbers, in quotes.\n\n")
	for _, a := range inject.Annotations {
		if !a.Written {
			writeAnnotation(w, a)
		}
	}

	fmt.Fprint(w, "\nThese are written by inject and taken away by uninject:\n\n")
	for _, a := range inject.Annotations {
		if a.Written {
			writeAnnotation(w, a)
		}
	}
}

// annotationColumns are what keys need, and the text beside them.
const annotationColumns, textColumns = 38, 100

func writeAnnotation(w io.Writer, a inject.Annotation) {
	key := a.Key
	for line := range prose.Lines(prose.Plain(a.Text), textColumns) {
		fmt.Fprintf(w, "  %-*s %s\n", annotationColumns, key, line)
		key = ""
	}
}
