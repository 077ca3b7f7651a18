package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/explain"
	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
)

// command is a command with all that its groups of flags bring along: rules, and the files that it
// reads and writes.
type command struct {
	*cobra.Command
	process process
	verbs   verbs

	report   *reportFlags // nil without such flags, like the next ones
	output   *fileFlags
	dryRun   *bool
	noisy    *bool // --verbose
	timeout  *time.Duration
	rules    []func() []flagRule
	rewrites bool                      // the files of manifests, with -i
	guards   []func(*report.Run) error // refuse to overwrite a file that the run reads
	after    func(*report.Run)         // is called when the output is written completely; nil for nothing
}

// verbs are those of a command: its verb while it applies a plan, and the participle of its
// objects.
type verbs struct{ doing, done string }

// work does the work of a command after its flags have been checked. The output that it returns is
// written at the end.
type work func(context.Context, process, *report.Run) (report.Output, error)

// newCommand returns a command that does a work.
func newCommand(p process, cmd *cobra.Command, do work) *command {
	c := &command{Command: cmd, process: p}
	cmd.RunE = func(*cobra.Command, []string) error { return c.run(do) }
	return c
}

// flagRule is a rule that flags must not break, and its message.
type flagRule struct {
	broken bool
	msg    string
}

// check refuses values without a meaning.
func (c *command) check() error {
	for _, rules := range c.rules {
		for _, rule := range rules() {
			if rule.broken {
				return &usageError{msg: rule.msg, command: c.CommandPath()}
			}
		}
	}

	if given(c.noisy) && c.report != nil && c.report.quiet {
		return &usageError{msg: "--quiet and --verbose exclude each other", command: c.CommandPath()}
	}

	return nil
}

// given reports whether a flag is there and set.
func given(flag *bool) bool { return flag != nil && *flag }

// run checks the flags, does the work and reports it.
func (c *command) run(do work) error {
	if err := c.check(); err != nil {
		return err
	}

	p := c.process
	var file *files.Output
	if c.output != nil && c.output.file != "" {
		var err error
		if file, err = c.output.newOutput(); err != nil {
			return err
		}
		p.stdout = file.Text()
	}

	r, err := c.newReport(p)
	if err != nil {
		return err
	}

	p.stdout = r.Stdout()

	return r.Do(func() (report.Output, error) {
		if err := c.guard(r); err != nil {
			return nil, err
		}
		write, err := do(c.Context(), p, r)
		if err != nil || write == nil {
			return nil, err
		}

		return func() error { return c.write(r, write, file) }, nil
	})
}

// write writes the output, and the file of --output-file; nil without one.
func (c *command) write(r *report.Run, write report.Output, file *files.Output) error {
	if err := write(); err != nil {
		return err
	}

	if file != nil {
		if err := file.Write(); err != nil {
			return err
		}
	}

	if c.after != nil {
		c.after(r)
	}

	return nil
}

// newReport starts the report of a run, which knows the files that the run writes.
func (c *command) newReport(p process) (*report.Run, error) {
	flags := c.report
	if flags == nil {
		flags = &reportFlags{}
	}

	name := strings.TrimPrefix(c.CommandPath(), c.Root().CommandPath()+" ") // with the name of its group: "certs renew"
	formats, err := report.ParseFormats(flags.reports, func() report.SARIF { return explain.SARIF(ownVersion()) })
	if err != nil {
		return nil, &usageError{msg: err.Error(), command: p.name + " " + name}
	}

	r, err := report.New(report.Config{
		Command: name, Doing: c.verbs.doing, Done: c.verbs.done, Stdout: p.stdout, Stderr: p.stderr, Formats: formats, Environ: p.environ,
		Quiet: flags.quiet, Verbose: given(c.noisy), Dumb: slices.Contains(p.environ, "TERM=dumb"), Dry: given(c.dryRun), Explain: explain.Failure,
	})
	if err != nil {
		return nil, err
	}

	r.Targets.AddStream(files.StandardOutput, c.process.stdout)
	r.Targets.AddStream(files.StandardError, p.stderr)
	if c.output != nil {
		r.Targets.AddFile(files.OutputFlag, c.output.file)
	}
	for _, file := range formats.Files() {
		r.Targets.AddFile(files.ReportFlag, file)
	}

	return r, nil
}

// guard refuses a run that would overwrite its own input, or write two things into one file.
func (c *command) guard(r *report.Run) error {
	if err := r.Targets.CheckTwins(); err != nil {
		return err
	}

	for _, check := range c.guards {
		if err := check(r); err != nil {
			return err
		}
	}

	return nil
}
