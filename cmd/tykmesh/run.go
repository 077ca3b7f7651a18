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

	"github.com/tykmesh/tykmesh/inject/display"
)

// process is what the operating system gives a program.
type process struct {
	name           string // how the user calls it: "tykmesh", or "kubectl tykmesh"
	args, environ  []string
	stdin          io.Reader
	stdout, stderr io.Writer
	now            func() time.Time // the clock; nil is the system's
}

// The exit statuses. Each error says its own (ExitCode).
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitChanges     = 3
	exitDenied      = 4
	exitIncomplete  = 5
	exitInterrupted = 130
)

// run returns the program: it does what the arguments say and returns the exit status.
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
		return exitDone
	}

	if !errors.As(err, new(toldError)) {
		printError(display.Lines(p.stderr), err)
	}

	return exitCode(err)
}

// checkedWriter remembers that something could not be written: help and completions of cobra do not
// say so.
type checkedWriter struct {
	to  io.Writer
	err error
}

func (c *checkedWriter) Write(text []byte) (int, error) {
	n, err := c.to.Write(text)
	c.err = cmp.Or(c.err, err)
	return n, err
}

// exitCode returns the status that an error asks for.
func exitCode(err error) int {
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	return exitFailed
}

func newRootCmd(p process) *cobra.Command {
	root := &cobra.Command{
		Use:   "tykmesh",
		Short: "Put Kubernetes workloads on a Tyk service mesh",
		Long: "tykmesh reads Kubernetes manifests, registers the APIs and certificates of what is annotated in them with the Tyk Dashboard,\n" +
			"and prints the manifests with a sidecar gateway in every annotated pod.",
		Example: "  kubectl apply -f <(tykmesh inject -f app.yaml)\n" +
			"  tykmesh config init > tykmesh.yaml             # with it, and without any server:\n" +
			"  tykmesh inject --local ./mesh -f app.yaml",
		SilenceErrors: true, SilenceUsage: true,
		Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: p.name},
		Args:        noArgs,
		RunE:        func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}

	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(newInjectCmd(p), newUninjectCmd(p), newDiffCmd(p), newRegisterCmd(p), newDeleteCmd(p), newStatusCmd(p), newCheckCmd(p),
		newCACmd(p), newCertsCmd(p), newConfigCmd(p), newHelmCmd(p), newVersionCmd(p))
	root.AddCommand(newTopics()...)
	refuseUnknownTopics(root)
	callAs(root, p.name)
	if completes(p.args) {
		addCompletions(root)
	}

	return root
}

// callAs makes the examples of a command, and of those below it, call the program as the user does.
func callAs(cmd *cobra.Command, name string) {
	cmd.Example = strings.ReplaceAll(cmd.Example, "tykmesh ", name+" ")
	for _, below := range cmd.Commands() {
		callAs(below, name)
	}
}
