package main

import (
	"context"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/inject/display"
)

// completionTime is how long a shell waits for what a server has to say before somebody goes on
// typing.
const completionTime = 3 * time.Second

// completes reports whether it is a shell that asks, on behalf of somebody who types (cobra's
// hidden command).
func completes(args []string) bool {
	return len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd)
}

// addCompletions says for each flag of a command, and of those below it, what may follow. Without
// it a shell offers files.
func addCompletions(cmd *cobra.Command) {
	for _, below := range cmd.Commands() {
		addCompletions(below)
	}

	if cmd.ValidArgsFunction == nil && !cmd.HasSubCommands() {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}

	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Value.Type() != "bool" {
			_ = cmd.RegisterFlagCompletionFunc(f.Name, completionOf(f)) // there is such a flag, and this is its only completion
		}
	})
}

// completionOf is what may follow a flag.
func completionOf(f *pflag.Flag) cobra.CompletionFunc {
	switch f.Name {
	case "filename":
		return extensions("yaml", "yml", "json")
	case "config":
		return extensions("yaml", "yml")
	case "local", "dir", "from":
		return only(cobra.ShellCompDirectiveFilterDirs)
	case "root-key":
		return only(cobra.ShellCompDirectiveDefault)
	case "namespace", "mesh-namespace", "allow-namespace":
		return namespaces
	case "on-skip":
		return words("fail\trefuse the stream", "warn\tlet it through and say so", "ignore\tlet it through")
	case "report":
		return words("json\tan object a line", "github\tworkflow commands", "sarif\tfor code scanning")
	case "output":
		if f.DefValue == "" { // a file
			return extensions("yaml", "yml", "json")
		}
		return words(f.DefValue, formatJSON)
	case "algo":
		return words("rsa", "ecdsa")
	case "size":
		return words("2048\trsa", "3072\trsa", "4096\trsa", "256\tecdsa", "384\tecdsa", "521\tecdsa")
	case "step":
		return words("1", "2", "3")
	case "expiring", "renew-before":
		return words("7d", "30d", "90d")
	}

	return cobra.NoFileCompletions
}

func extensions(list ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(list, cobra.ShellCompDirectiveFilterFileExt)
}

func words(list ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp)
}

func only(directive cobra.ShellCompDirective) cobra.CompletionFunc {
	return cobra.FixedCompletions(nil, directive)
}

// namespaces returns those of the cluster that kubectl talks to; none where there is no kubectl, or
// no cluster.
func namespaces(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
	defer cancel()
	list, err := exec.CommandContext(ctx, "kubectl", "get", "namespaces", "-o", "name").Output()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return shownNames(strings.Fields(strings.ReplaceAll(string(list), "namespace/", ""))), cobra.ShellCompDirectiveNoFileComp
}

// shownNames returns those names that a shell can show as they are.
func shownNames(names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return display.Line(name) != name })
}

// services completes names of what is on the mesh, as the flags so far say where to look, and
// further names.
func (o *options) services(p process, settingsOf func(config.Config, options) (mesh.Settings, error), further ...string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, typed []string, _ string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
		defer cancel()
		p, o := p, *o
		p.stderr, o.now = io.Discard, p.now
		report, err := newReport(p, cmd.Name(), options{quiet: true})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}

		there, err := look(ctx, p, o, settingsOf, report)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}

		defer there.close()
		names := append(slices.Clone(further), namesOf(there.snapshot)...)
		isTyped := func(name string) bool { return slices.Contains(typed, name) }

		return shownNames(slices.DeleteFunc(names, isTyped)), cobra.ShellCompDirectiveNoFileComp
	}
}

// namesOf returns the names of the services on the mesh.
func namesOf(snapshot *mesh.Snapshot) (names []string) {
	for _, svc := range snapshot.Services() {
		names = append(names, svc.String())
	}
	return names
}
