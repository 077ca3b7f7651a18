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
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject/display"
)

// completionTime limits how long completion waits for a server.
const completionTime = 3 * time.Second

// completes reports whether a shell runs the program to complete words (cobra's hidden command).
func completes(args []string) bool {
	return len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd)
}

// addCompletions adds a completion to each flag of a command and of the commands below it. Without
// one a shell offers files.
func addCompletions(cmd *cobra.Command) {
	for _, below := range cmd.Commands() {
		addCompletions(below)
	}

	if cmd.ValidArgsFunction == nil && !cmd.HasSubCommands() {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}

	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		f.Usage = strings.ReplaceAll(f.Usage, "`", "") // which mark the name of a value for help alone
		if f.Value.Type() != "bool" {
			_ = cmd.RegisterFlagCompletionFunc(f.Name, completionOf(f)) // it fails only for an unknown flag or a second completion
		}
	})
}

// completionOf returns the completion of a flag's value.
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
		return reportFormats()
	case "output-file":
		return extensions("yaml", "yml", "json")
	case outputFlag:
		return words(f.Annotations[outputFlag]...)
	case colourFlag:
		return words(colourAuto, colourAlways, colourNever)
	case "mode":
		return words(config.ModeDashboard, config.ModeStandalone+"\tno Dashboard")
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

// reportFormats completes the formats of --report.
func reportFormats() cobra.CompletionFunc {
	var formats []string
	for _, f := range report.Formats {
		formats = append(formats, f.Name+"\t"+f.Use)
	}
	return words(formats...)
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

// namespaces completes the namespaces of the cluster of kubectl's context.
func namespaces(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
	defer cancel()
	list, err := exec.CommandContext(ctx, "kubectl", "get", "namespaces", "-o", "name").Output()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return shownNames(strings.Fields(strings.ReplaceAll(string(list), "namespace/", ""))), cobra.ShellCompDirectiveNoFileComp
}

// shownNames returns the names without control characters.
func shownNames(names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return display.Line(name) != name })
}

// completeServices completes the names of the services on the mesh, as the flags so far find them,
// and further names.
func (g *serverFlags) completeServices(c *command, of settingsOf, further ...string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, typed []string, _ string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
		defer cancel()
		r, err := report.New(report.Config{Command: cmd.Name(), Stdout: io.Discard, Stderr: io.Discard, Quiet: true})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}

		there, err := look(ctx, c.process, *g, of, r)
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
func namesOf(snapshot *plan.Snapshot) (names []string) {
	for _, svc := range snapshot.Services() {
		names = append(names, svc.String())
	}
	return names
}
