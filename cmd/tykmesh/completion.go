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

// newCompletionCmd returns the command that prints the completion of a shell. It takes the place of
// that of cobra.
func newCompletionCmd() *cobra.Command {
	scripts := map[string]func(*cobra.Command, io.Writer) error{
		"bash":       func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) },
		"zsh":        (*cobra.Command).GenZshCompletion,
		"fish":       func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) },
		"powershell": (*cobra.Command).GenPowerShellCompletionWithDesc,
	}

	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print the completion for bash, zsh, fish or powershell",
		Long: "completion prints a script for SHELL: bash, zsh, fish or powershell. The shell then completes commands, flags, their values, topics of help, " +
			"and services on the mesh. bash needs its package bash-completion, and zsh runs compinit first.\n\n" +
			"kubectl tykmesh is completed by kubectl's own completion, if a link to tykmesh in PATH is called kubectl_complete-tykmesh.",
		Example: "  # For this session, or as a line of ~/.bashrc or ~/.zshrc\n" +
			"  source <(tykmesh completion bash)\n" +
			"  source <(tykmesh completion zsh)\n" +
			"  # For every session\n" +
			"  tykmesh completion bash > /etc/bash_completion.d/tykmesh\n" +
			"  tykmesh completion zsh > \"${fpath[1]}/_tykmesh\"\n" +
			"  tykmesh completion fish > ~/.config/fish/completions/tykmesh.fish\n" +
			"  tykmesh completion powershell >> $PROFILE",
		DisableFlagsInUseLine: true,
		ValidArgsFunction:     completeShells,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && scripts[args[0]] != nil {
				return scripts[args[0]](cmd.Root(), cmd.OutOrStdout())
			}
			return &usageError{msg: "completion needs one shell: bash, zsh, fish or powershell", command: cmd.CommandPath()}
		},
	}
}

// completeShells completes the argument of completion.
func completeShells(cmd *cobra.Command, typed []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(typed) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return words("bash", "zsh", "fish", "powershell")(cmd, typed, begun)
}

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
	case "filename", "output-file":
		return extensions("yaml", "yml", "json")
	case "config":
		return extensions("yaml", "yml")
	case "local", "dir", "from", "kustomize":
		return only(cobra.ShellCompDirectiveFilterDirs)
	case "root-key":
		return only(cobra.ShellCompDirectiveDefault)
	case "namespace", "mesh-namespace", "allow-namespace":
		return namespaces
	case "on-skip":
		return words("fail\trefuse the stream", "warn\tlet it through and say so", "ignore\tlet it through")
	case "report":
		return reportFormats()
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
	for _, f := range report.Known {
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
