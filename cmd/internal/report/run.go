package report

import (
	"cmp"
	"errors"
	"io"
	"log/slog"
	"sync"

	"github.com/tykmesh/tykmesh/cmd/internal/exit"
	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/cmd/internal/overview"
)

// Config describes a run to its report.
type Config struct {
	Command        string // with the name of its group: "certs renew"
	Doing, Done    string // its verb while it applies a plan, and the participle of its objects
	Stdout, Stderr io.Writer
	Formats        Formats
	Quiet, Verbose bool
	Dumb           bool     // the terminal cannot show progress
	Dry            bool     // steps are only planned
	Environ        []string // tells the job of a CI system that the run is part of
	Colours        Colours

	Explain func(error) Failure
}

// Run is the report of a run. Its methods may be called at the same time.
type Run struct {
	Targets files.Targets // the files that the run writes
	Exit    int           // the status of a run that does not fail
	Plan    *Plan         // empty before there is one

	config  Config
	mu      sync.Mutex // of lines and events, which may go to the same stream
	text    *text
	machine *machines
	verbose *slog.Logger // nil unless -v
	out     *output
	objects func() []Event       // the annotated ones of the manifests
	list    []byte               // the list of a KRM function; nil for other runs
	mesh    func() overview.Mesh // that reports show
}

// New starts the report of a run.
//
// Errors: *files.TargetError if the report's file cannot be written.
func New(c Config) (*Run, error) {
	all, err := newMachines(c)
	if err != nil {
		return nil, &files.TargetError{Flag: files.ReportFlag, Err: err}
	}

	r := &Run{config: c, text: newText(c), machine: all, out: &output{to: c.Stdout}, objects: func() []Event { return nil }, mesh: func() overview.Mesh { return overview.Mesh{} }}
	r.Plan = &Plan{run: r}
	if c.Verbose {
		r.verbose = slog.New(c.Formats.onStderr().logHandler(c.Stderr))
	}

	return r, nil
}

// Stdout returns standard output. Writing begins only after everything has succeeded.
func (r *Run) Stdout() io.Writer { return r.out }

// Output writes the output of a run: to standard output, or to files.
type Output func() error

// Do does the work of a command and reports it. A report in a file is written before the output, so
// that nothing is printed if it fails. Lines for the user come after the output, where they are
// seen.
func (r *Run) Do(work func() (Output, error)) error {
	write, err := work()
	r.text.line.stop() // standard output may be the same terminal
	if err == nil {
		err = r.machine.save(r.closing(nil), r.text, nil)
	}

	if err == nil && r.out.inBrackets() {
		err = r.machine.end(r.closing(nil))
	}

	if err == nil && write != nil {
		err = r.print(write)
	}

	if err != nil {
		return r.fail(err)
	}

	r.text.end()
	if !r.machine.written() {
		err = r.machine.end(r.closing(nil))
	}

	if err == nil && r.Exit != exit.Done {
		err = PrintedError{exit.Status(r.Exit)}
	}

	return err
}

// fail reports an error.
func (r *Run) fail(err error) error {
	for _, o := range r.objects() { // so that the user can correct everything at once
		if o.Outcome != "" && o.Severity != "" {
			r.Printf("%s", o)
		}
	}

	r.text.failure(r.config.Explain(err))
	if r.list != nil && !r.out.begun {
		_ = r.answer(r.list).Write(r.out.to, r.machine.all(r.closing(err))) // standard error has the error already
	}

	if saveErr := r.machine.save(r.closing(err), r.text, err); saveErr != nil {
		r.text.failure(r.config.Explain(saveErr))
	}

	_ = r.machine.end(r.closing(err)) // an error here cannot be reported anywhere

	return PrintedError{err}
}

// print writes the output of the run.
func (r *Run) print(write Output) error {
	if err := cmp.Or(write(), r.out.close()); err != nil {
		return r.Plan.Unprinted(err)
	}
	return nil
}

// PrintedError is an error that is printed already.
type PrintedError struct{ error }

func (e PrintedError) Unwrap() error { return e.error }

// UnprintedError is the error of a run that did its remote work but could not print its output.
type UnprintedError struct {
	Err   error
	Done  []string // the steps that are done
	again string   // the effect of another run, as a clause
}

// Unprinted returns the error of a run whose output could not be printed.
func (p *Plan) Unprinted(err error) error { return &UnprintedError{err, p.Done(), p.Again} }

func (e *UnprintedError) Error() string { return e.Err.Error() }

func (e *UnprintedError) Unwrap() error { return e.Err }

// Hint explains that nothing is lost.
func (e *UnprintedError) Hint() string {
	if len(e.Done) > 0 {
		return "run it again: " + cmp.Or(e.again, "it registers nothing twice")
	}
	var own interface{ Hint() string }
	if errors.As(e.Err, &own) {
		return own.Hint()
	}

	return ""
}

// closing returns the last events of a run; none without a report for machines.
func (r *Run) closing(err error) (out []Event) {
	if !r.config.Formats.forMachines() && r.list == nil {
		return nil
	}

	if err != nil {
		out = r.Plan.untouched()
	}

	for _, o := range r.objects() {
		switch {
		case o.Outcome != "":
			o.Change = ""
		case err != nil:
			o.Outcome, o.Change = "not "+r.config.Done, ""
		default:
			o.Outcome = r.Finished()
		}

		out = append(out, o)
	}

	summary := Event{Type: TypeSummary, Command: r.config.Command, DryRun: r.config.Dry, Steps: r.Plan.count(err != nil), Exit: &r.Exit}
	if err != nil {
		out = append(out, r.onObjects(r.config.Explain(err).events())...)
		summary.Exit = new(exit.Of(err))
	} else {
		summary.Message = r.text.summary()
	}

	summary.mesh = r.shown(err)

	return append(out, summary)
}

// onObjects adds to diagnostics the fields of the objects that they are about.
func (r *Run) onObjects(diagnostics []Event) []Event {
	byTitle := make(map[string]Event)
	for _, o := range r.objects() {
		byTitle[o.File+"\n"+o.Object] = o
	}

	for i := range diagnostics {
		d := &diagnostics[i]
		o := byTitle[d.File+"\n"+d.Object]
		d.Document, d.APIVersion, d.Kind, d.Namespace, d.Name = o.Document, o.APIVersion, o.Kind, o.Namespace, o.Name
	}

	return diagnostics
}
