package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/exit"
	"github.com/tykmesh/tykmesh/cmd/internal/prose"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// exitStatuses explains the exit statuses.
var exitStatuses = []struct {
	status int
	text   string
}{
	{exit.Done, "done, also when there was nothing to do"},
	{exit.Failed, "failed; nothing on standard output"},
	{exit.Usage, "usage or configuration"},
	{exit.Changes, "`diff`: something is to be registered, or with `--manifests` a manifest would change; `check`: something is not ready; `certs list --expiring`: some certificates expire; `status -f`: there are errors"},
	{exit.Denied, "the Dashboard or the issuer rejected the credentials"},
	{exit.Incomplete, "incomplete: some remote steps are done, some are not; the report lists both; run it again"},
	{exit.Interrupted, "interrupted"},
}

// exitOrder is the text below exitStatuses.
const exitOrder = "If several apply, 130 wins over 5, 5 over 4, 4 over 1. Standard output is empty unless the status is 0 or 3. Exceptions: a KRM function prints\n" +
	"its list on every status, and config view prints the valid part of the configuration."

// newTopics returns the help pages that are not about a command.
func newTopics() []*cobra.Command {
	return []*cobra.Command{
		newTopic("annotations", "Annotations of manifests", writeAnnotations),
		newTopic("keys", "Keys of the configuration", writeKeys),
		newTopic("sidecar", "Environment variables of the sidecar", writeSidecar),
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
	fmt.Fprint(w, "Errors and warnings carry a code. tykmesh help CODE explains one: its meaning, an example, the remedy.\n\n")
	for _, r := range inject.Rules {
		fmt.Fprintf(w, "  %s  %s\n", r.Rule, r.Text)
	}
}

func writeAnnotations(w io.Writer) {
	fmt.Fprint(w, "These belong on the pod template of a workload, or on a Pod, unless the text says otherwise. Values are strings: quote true and numbers.\n\n")
	for _, a := range inject.Annotations {
		if !a.Written {
			writeAnnotation(w, a)
		}
	}

	fmt.Fprint(w, "\ninject writes these, and uninject removes them:\n\n")
	for _, a := range inject.Annotations {
		if a.Written {
			writeAnnotation(w, a)
		}
	}
}

func writeKeys(w io.Writer) {
	fmt.Fprint(w, "tykmesh config init prints a file with all keys. The environment wins over the file: TYKMESH_TYK_URL sets Tyk.url. Lists and mappings\n"+
		"have no variable. A secret may be file:PATH or env:NAME.\n\n")
	for _, k := range config.Keys() {
		text := k.Text
		if k.Secret {
			text += " (secret)"
		}
		if k.Default != "" {
			text += " (default: " + k.Default + ")"
		}

		writeItem(w, k.Name, keyColumns, text)
	}
}

func writeSidecar(w io.Writer) {
	fmt.Fprint(w, "The built-in sidecar gets these variables, as far as the configuration asks for them. Sidecar.env sets others, or other values.\n\n")
	for _, v := range sidecar.Environment() {
		writeItem(w, v.Name, variableColumns, v.Reason)
	}
}

// Columns of the names of annotations, keys and variables, and of the text beside them.
const annotationColumns, keyColumns, variableColumns, textColumns = 38, 26, 50, 100

func writeAnnotation(w io.Writer, a inject.Annotation) {
	writeItem(w, a.Key, annotationColumns, a.Text)
}

// writeItem prints a name in so many columns, and its text beside it.
func writeItem(w io.Writer, name string, columns int, text string) {
	for line := range prose.Lines(prose.Plain(text), textColumns) {
		fmt.Fprintf(w, "  %-*s %s\n", columns, name, line)
		name = ""
	}
}
