package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/files"
	reports "github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/display"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// report is the report of a run: on standard error a line for each annotated object, then a
// summary. With --report, machines get the same there or in a file.
type report struct {
	mu      sync.Mutex
	process process
	verbose *slog.Logger // nil unless -v
	line    *progressLine
	people  io.Writer // lines that -q hides; each Write is a line, and is made safe to show
	errors  io.Writer // lines that -q does not hide, likewise
	command string
	dry     bool // steps are only planned
	due     bool // there was something to do
	exit    int  // the status of a run that does not fail
	steps   progress
	target  reportTarget
	targets []files.Target // the files that the run writes
	entries []reports.Entry
	objects []*inject.Object
	list    *manifest.Document // the list of a KRM function; nil for other runs
	out     *printer           // standard output
	trusted string             // the file with the CAs that pods must trust, as a word of a shell
	lines   bytes.Buffer       // the lines for the user, for --report text=FILE
	last    []string           // lines for the user, written after standard output
	written bool               // the report for machines is written, but for an error of standard output
}

// newReport starts the report of a command.
func newReport(p process, command string, o options) (*report, error) {
	target, err := parseReport(o.report)
	if err != nil {
		return nil, &usageError{err.Error(), p.name + " " + command}
	}

	if target.file != "" {
		if err := files.CheckWritable(target.file); err != nil {
			return nil, &targetError{reportFlag, err}
		}
	}

	r := &report{process: p, command: command, target: target, dry: o.dryRun, line: newProgressLine(p, o, target)}
	r.people, r.errors = r.line, r.line
	if target.onStderr() {
		r.people, r.errors = io.Discard, io.Discard
	}

	if o.quiet {
		r.people = io.Discard
	}

	r.people, r.errors = display.Lines(io.MultiWriter(r.people, &r.lines)), display.Lines(io.MultiWriter(r.errors, &r.lines))
	if o.verbose {
		r.verbose = slog.New(verboseHandler(p.stderr, target))
	}

	return r, nil
}

// verboseHandler returns the handler of -v: JSON if standard error is for machines.
func verboseHandler(w io.Writer, target reportTarget) slog.Handler {
	all := &slog.HandlerOptions{Level: slog.LevelDebug}
	if target.live {
		return slog.NewJSONHandler(display.JSON(w), all)
	}
	return slog.NewTextHandler(display.Lines(w), all)
}

// output writes the output of a run: to standard output, or to files.
type output func() error

// run does the work of a command and reports it. A report in a file is written before the output,
// so that nothing is printed if it fails. Lines for the user come after the output, where they are
// seen.
func (r *report) run(work func() (output, error)) error {
	write, err := work()
	r.line.stop() // standard output may be the same terminal
	if err == nil {
		err = r.save(nil)
	}

	if err == nil && r.target.onStderr() && r.inBrackets() {
		r.written = true
		err = r.target.handler.Write(r.process.stderr, r.rest(nil))
	}

	if err == nil && write != nil {
		err = r.print(write)
	}

	if err != nil {
		return r.fail(err)
	}

	for _, line := range r.last {
		fmt.Fprintln(r.people, line)
	}

	if r.target.onStderr() && !r.written {
		err = r.target.handler.Write(r.process.stderr, r.rest(nil))
	}

	if err == nil && r.exit != exitDone {
		err = printedError{statusError(r.exit)}
	}

	return err
}

// fail reports an error.
func (r *report) fail(err error) error {
	for _, o := range r.objects { // so that the user can correct everything at once
		if o.Outcome != inject.Injected && o.Warning {
			r.printf("%s", objectEntry(o).String())
		}
	}

	printError(r.errors, err)
	if r.list != nil && !r.out.begun {
		_ = r.answer().Write(r.process.stdout, r.all(err)) // standard error has the error already
	}

	if r.target.err == nil { // otherwise err is this error
		if saveErr := r.save(err); saveErr != nil {
			printError(r.errors, saveErr)
		}
	}

	if r.target.onStderr() {
		_ = r.target.handler.Write(r.process.stderr, r.rest(err)) // an error here cannot be reported anywhere
	}

	return printedError{err}
}

// save writes the report to its file, if it has one.
func (r *report) save(err error) error {
	if r.target.file == "" {
		return nil
	}

	var b bytes.Buffer
	if r.target.handler == nil {
		b.Write(r.lines.Bytes())
		lines := display.Lines(&b)
		for _, line := range r.last {
			fmt.Fprintln(lines, line)
		}
	} else if err := r.target.handler.Write(&b, r.all(err)); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}

	r.target.err = files.Replace(r.target.file, b.Bytes())
	if r.target.err != nil {
		return fmt.Errorf("writing the report: %w", r.target.err)
	}

	return nil
}

// printedError is an error that is printed already.
type printedError struct{ error }

func (e printedError) Unwrap() error { return e.error }

// statusError is an exit status without a failure.
type statusError int

func (s statusError) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// ExitCode returns the status.
func (s statusError) ExitCode() int { return int(s) }

func (r *report) printf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.people, format+"\n", args...)
}

// progress shows on a terminal the current step of the run.
func (r *report) progress(text string) { r.line.show(text) }

// note adds an entry to the report for machines, and writes it at once to a live report.
func (r *report) note(e reports.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = append(r.entries, e)
	if r.target.live {
		_ = r.target.handler.Write(r.process.stderr, []reports.Entry{e}) // the end of the report would fail too, and that is reported
	}
}

// diagnose adds a diagnostic to the report for machines. It returns the entry, which prints as a
// line.
func (r *report) diagnose(d reports.Diagnostic) reports.Entry {
	e := d.Entry()
	r.note(e)
	return e
}

// lastly adds a line that is written after the output.
func (r *report) lastly(format string, args ...any) {
	r.last = append(r.last, fmt.Sprintf(format, args...))
}

func (r *report) warn(text string) {
	r.diagnose(reports.Diagnostic{Severity: reports.Warning, Message: text})
	r.printf("warning: %s", text)
}

// warnOf warns of an error that does not end the run, with its hints.
func (r *report) warnOf(err error) {
	r.warn(strings.Join(append([]string{err.Error()}, hintsFor(err)...), "; "))
}

func (r *report) warnings(ws []inject.Problem) {
	for _, w := range ws {
		r.printf("%s", r.diagnose(problemOf(reports.Warning, w)))
	}
}

func (r *report) findings(fs []config.Finding) {
	for _, f := range fs {
		r.diagnose(findingOf(reports.Warning, f))
		r.printf("warning: %s", f)
	}
}

// asked and signed log a request to the Dashboard, and to the issuer, for -v.
func (r *report) asked(q dashboard.Request) {
	r.debug("dashboard", "method", q.Method, "path", q.Path, "status", q.Status, "ms", q.Duration.Milliseconds(), "attempt", q.Attempt)
}

func (r *report) signed(q ca.Call) {
	r.debug(q.Issuer, "server", q.Server, "op", q.Op, "status", q.Status, "ms", q.Duration.Milliseconds())
}

func (r *report) debug(msg string, args ...any) {
	if r.verbose == nil {
		return
	}

	r.mu.Lock() // other lines go to the same stream
	defer r.mu.Unlock()
	r.verbose.Debug(msg, args...)
}

// finished is the participle of a command, for its objects.
var finished = map[string]string{"inject": "injected", "diff": "injected", "register": "registered", "uninject": "uninjected"}

// doing is the verb of a command while it applies its plan.
var doing = map[string]string{"inject": "registering", "register": "registering", "delete": "deleting", "certs renew": "renewing", "certs prune": "pruning"}

// all returns the entries of a run; err is nil for a run without an error.
func (r *report) all(err error) []reports.Entry {
	return append(slices.Clone(r.entries), r.closing(err)...)
}

// rest returns the entries of all that are not written yet.
func (r *report) rest(err error) []reports.Entry {
	switch {
	case r.written:
		return slices.DeleteFunc(r.closing(err), func(e reports.Entry) bool { return e.Type == reports.TypeObject || e.Type == reports.TypeStep })
	case r.target.live:
		return r.closing(err)
	}
	return r.all(err)
}

// closing returns the last entries of a run.
func (r *report) closing(err error) (out []reports.Entry) {
	if err != nil {
		out = r.steps.untouched()
	}

	for _, o := range r.objects {
		e := objectEntry(o)
		switch {
		case o.Outcome != inject.Injected:
		case err != nil:
			e.Outcome = "not " + finished[r.command]
		default:
			e.Outcome, e.Change = r.verb(finished[r.command]), o.Change
		}

		out = append(out, e)
	}

	summary := reports.Entry{Type: reports.TypeSummary, Command: r.command, DryRun: r.dry, Steps: r.steps.count(err != nil), Exit: &r.exit}
	if err != nil {
		out = append(out, r.entriesOf(diagnosticsOf(err))...)
		code := exitCode(err)
		summary.Exit = &code
	} else if len(r.last) > 0 {
		summary.Message = r.last[len(r.last)-1]
	}

	return append(out, summary)
}

// entriesOf returns diagnostics as entries, with the fields of the objects that they are about.
func (r *report) entriesOf(all []reports.Diagnostic) (entries []reports.Entry) {
	byTitle := make(map[string]*inject.Object, len(r.objects))
	for _, o := range r.objects {
		byTitle[o.Pos.File+"\n"+o.String()] = o
	}

	for _, d := range all {
		e := d.Entry()
		if o := byTitle[e.File+"\n"+e.Object]; o != nil {
			e.Document, e.APIVersion, e.Kind, e.Namespace, e.Name = o.Document, o.APIVersion, o.Kind, o.Namespace, o.Name
		}
		entries = append(entries, e)
	}

	return entries
}
