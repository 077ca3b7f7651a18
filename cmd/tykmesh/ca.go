package main

import (
	"cmp"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/cmd/internal/exit"
	"github.com/tykmesh/tykmesh/cmd/internal/prose"
)

func newCACmd(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ca",
		Short: "Set up the mesh's certificate authority",
		Long:  pki.Help,
		Example: "  tykmesh ca init > ca.yaml\n" +
			"  tykmesh ca rotate              # how far a rotation is, and what to do now\n" +
			"  tykmesh ca token               # a key for the tokens of callers, in standalone mode",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}

	cmd.AddCommand(newCAInitCmd(p), newCARotateCmd(p), newCATokenCmd(p))
	return cmd
}

// commands returns the command lines to type next, for the CA in a directory and with the
// configuration of this run.
func (g configFlags) commands(program, dir string) pki.Commands {
	line := func(command string) string { return g.line(program, command) }

	return pki.Commands{
		Rotate: line("ca rotate --dir " + shellWord(dir)),
		Check:  line("check"), Renew: line("certs renew"), Inject: line("inject"),
		Word: shellWord,
	}
}

// line returns a command line with the configuration of this run.
func (g configFlags) line(program, command string) string {
	if g.config != "" {
		command += " --config " + shellWord(g.config)
	}
	return program + " " + command
}

// shellWord returns a path as one word of a shell.
func shellWord(path string) string { return prose.ShellWord(path) }

// advisedError is an error with a hint.
type advisedError struct {
	error
	hint   string
	status int // with which the program ends; 0 means that of the error
}

// advise returns an error with a hint.
func advise(err error, hint string) error { return &advisedError{error: err, hint: hint} }

func (e *advisedError) Unwrap() error { return e.error }

// ExitCode returns the status with which the program ends.
func (e *advisedError) ExitCode() int { return cmp.Or(e.status, exit.Of(e.error)) }

// Hint returns what to do.
func (e *advisedError) Hint() string { return e.hint }
