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
const exitOrder = "If several apply, 130 wins over 5, 5 over 4, 4 over 1. Standard output is empty unless the status is 0 or 3. Exceptions: a KRM function prints " +
	"its list on every status, and config view prints the valid part of the configuration."

// newTopics returns the help pages that are not about a command.
func newTopics(stdout any) []*cobra.Command {
	return []*cobra.Command{
		newTopic(stdout, "annotations", "Annotations of manifests", (*helpPage).annotations),
		newTopic(stdout, "codes", "Codes of errors and warnings", (*helpPage).codes),
		newTopic(stdout, "exit", "Exit statuses", (*helpPage).exitStatuses),
		newTopic(stdout, "keys", "Keys of the configuration", (*helpPage).keys),
		newTopic(stdout, "sidecar", "Environment variables of the sidecar", (*helpPage).sidecar),
	}
}

// newTopic returns a help page, which write fills.
func newTopic(stdout any, name, short string, write func(*helpPage)) *cobra.Command {
	cmd := &cobra.Command{Use: name, Short: short}
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		p := newPage(stdout)
		write(p)
		_, _ = io.WriteString(cmd.OutOrStdout(), p.String()) // which remembers an error
	})

	return cmd
}

func (p *helpPage) exitStatuses() {
	for _, e := range exitStatuses {
		p.item(fmt.Sprintf("%3d", e.status), 7, prose.Plain(e.text))
	}
	p.WriteByte('\n')
	p.text(exitOrder)
}

func (p *helpPage) codes() {
	p.text("Errors and warnings carry a code. tykmesh help CODE explains one: its meaning, an example, the remedy.\n\n")
	for _, r := range inject.Rules {
		p.item(string(r.Rule), 10, r.Text)
	}
}

func (p *helpPage) annotations() {
	p.text("These belong on the pod template of a workload, or on a Pod, unless the text says otherwise. Values are strings: quote true and numbers.\n\n")
	for _, a := range inject.Annotations {
		if !a.Written {
			p.entry(a.Key, a.Text)
		}
	}

	p.WriteByte('\n')
	p.text("inject writes these, and uninject removes them:\n\n")
	for _, a := range inject.Annotations {
		if a.Written {
			p.entry(a.Key, a.Text)
		}
	}
}

func (p *helpPage) keys() {
	p.text("tykmesh config init prints a file with all keys. The environment wins over the file: TYKMESH_TYK_URL sets Tyk.url. Lists and mappings " +
		"have no variable. A secret may be file:PATH or env:NAME.\n\n")
	for _, k := range config.Keys() {
		text := k.Text
		if k.Secret {
			text += " (secret)"
		}
		if k.Default != "" {
			text += " (default: " + k.Default + ")"
		}

		p.item(k.Name, 29, prose.Plain(text))
	}
}

func (p *helpPage) sidecar() {
	p.text("The built-in sidecar gets these variables, as far as the configuration asks for them. Sidecar.env sets others, or other values.\n\n")
	for _, v := range sidecar.Environment() {
		p.entry(v.Name, v.Reason)
	}
}

// entry adds a long name, and below it its text.
func (p *helpPage) entry(name, text string) {
	p.item(name, 6, prose.Plain(text))
}
