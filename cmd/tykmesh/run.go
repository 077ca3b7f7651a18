package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/exit"
	"github.com/tykmesh/tykmesh/cmd/internal/explain"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject/display"
)

// process holds the things that the operating system gives a program.
type process struct {
	name           string // "tykmesh", or "kubectl tykmesh" for a plugin of kubectl
	args, environ  []string
	stdin          io.Reader
	stdout, stderr io.Writer
	now            func() time.Time // the clock; nil is the system's
}

// run runs the command that the arguments name and returns the exit status.
func run(ctx context.Context, p process) int {
	if p.now == nil {
		p.now = time.Now
	}

	root := newRootCmd(p)
	root.SetArgs(p.args)
	root.SetIn(p.stdin)
	out := &checkedWriter{to: p.stdout}
	root.SetOut(out)
	root.SetErr(p.stderr)

	err := root.ExecuteContext(ctx)
	if err == nil && out.err != nil {
		err = fmt.Errorf("writing to standard output: %w", out.err)
	}

	if err == nil {
		return exit.Done
	}

	if !errors.As(err, new(report.PrintedError)) {
		explain.Failure(err).Print(display.Lines(p.stderr))
	}

	return exit.Of(err)
}

// checkedWriter remembers a write error, because help and completions of cobra do not report one.
type checkedWriter struct {
	to  io.Writer
	err error
}

func (c *checkedWriter) Write(text []byte) (int, error) {
	n, err := c.to.Write(text)
	c.err = cmp.Or(c.err, err)
	return n, err
}

func newRootCmd(p process) *cobra.Command {
	root := &cobra.Command{
		Use:   "tykmesh",
		Short: "Put Kubernetes workloads on a Tyk service mesh",
		Long: "tykmesh prints Kubernetes manifests with a Tyk Gateway as a sidecar in every annotated pod. " +
			"It registers their APIs and certificates with a Tyk Dashboard, or in standalone mode writes them into the manifests.",
		Example: "  # Try it: no server, no configuration\n" +
			"  tykmesh inject --local ./mesh -f app.yaml\n" +
			"  # Write a configuration; for a mesh without a Dashboard, add --mode standalone\n" +
			"  tykmesh config init > tykmesh.yaml\n" +
			"  kubectl apply -f <(tykmesh inject -f app.yaml)",
		SilenceErrors: true, SilenceUsage: true,
		Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: p.name},
		Args:        noArgs,
		RunE:        func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Version:     ownVersion(),
	}

	root.SetVersionTemplate("tykmesh {{.Version}}\n")
	root.Flags().Bool("version", false, "print the version") // cobra's own would take -v, which is --verbose elsewhere

	root.SetFlagErrorFunc(flagError)
	root.SetHelpFunc(helpFunc(p.stdout))
	root.AddCommand(newInjectCmd(p), newUninjectCmd(p), newDiffCmd(p), newRegisterCmd(p), newDeleteCmd(p), newStatusCmd(p), newCheckCmd(p),
		newCACmd(p), newCertsCmd(p), newConfigCmd(p), newHelmCmd(p), newCompletionCmd(), newVersionCmd(p))
	root.AddCommand(newTopics(p.stdout)...)
	refuseUnknownTopics(root, p.stdout)
	callAs(root, p.name)
	tidyHelp(root)
	if completes(p.args) {
		addCompletions(root)
	}

	return root
}

// callAs replaces the program's name in the examples of a command, and of the commands below it.
func callAs(cmd *cobra.Command, name string) {
	cmd.Example = strings.ReplaceAll(cmd.Example, "tykmesh ", name+" ")
	for _, below := range cmd.Commands() {
		callAs(below, name)
	}
}
