package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/files"
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
	entries []reportEntry
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
		err = r.target.format(r.process.stderr, r.rest(nil))
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
		err = r.target.format(r.process.stderr, r.rest(nil))
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
			r.printf("%s", objectEntry(o).line())
		}
	}

	printError(r.errors, err)
	if r.list != nil && !r.out.begun {
		_ = writeResourceList(r.process.stdout, r.list.Text, results(r.all(err))) // standard error has the error already
	}

	if r.target.err == nil { // otherwise err is this error
		if saveErr := r.save(err); saveErr != nil {
			printError(r.errors, saveErr)
		}
	}

	if r.target.onStderr() {
		_ = r.target.format(r.process.stderr, r.rest(err)) // an error here cannot be reported anywhere
	}

	return printedError{err}
}

// save writes the report to its file, if it has one.
func (r *report) save(err error) error {
	if r.target.file == "" {
		return nil
	}

	var b bytes.Buffer
	if r.target.format == nil {
		b.Write(r.lines.Bytes())
		lines := display.Lines(&b)
		for _, line := range r.last {
			fmt.Fprintln(lines, line)
		}
	} else if err := r.target.format(&b, r.all(err)); err != nil {
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
func (r *report) note(e reportEntry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = append(r.entries, e)
	if r.target.live {
		_ = r.target.format(r.process.stderr, []reportEntry{e}) // the end of the report would fail too, and that is reported
	}
}

// lastly adds a line that is written after the output.
func (r *report) lastly(format string, args ...any) {
	r.last = append(r.last, fmt.Sprintf(format, args...))
}

func (r *report) warn(text string) {
	r.note(reportEntry{Type: typeProblem, Severity: severityWarning, Message: text})
	r.printf("warning: %s", text)
}

// warnOf warns of an error that does not end the run, with its hints.
func (r *report) warnOf(err error) {
	r.warn(strings.Join(append([]string{err.Error()}, hintsFor(err)...), "; "))
}

func (r *report) warnings(ws []inject.Problem) {
	for _, w := range ws {
		e := problemEntry(severityWarning, w)
		r.note(e)
		r.printf("%s", e.line())
	}
}

func (r *report) findings(fs []config.Finding) {
	for _, f := range fs {
		r.note(findingEntry(severityWarning, f))
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
func (r *report) all(err error) []reportEntry {
	return append(slices.Clone(r.entries), r.closing(err)...)
}

// rest returns the entries of all that are not written yet.
func (r *report) rest(err error) []reportEntry {
	switch {
	case r.written:
		return slices.DeleteFunc(r.closing(err), func(e reportEntry) bool { return e.Type == typeObject || e.Type == typeStep })
	case r.target.live:
		return r.closing(err)
	}
	return r.all(err)
}

// closing returns the last entries of a run.
func (r *report) closing(err error) (out []reportEntry) {
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

	summary := reportEntry{Type: typeSummary, Command: r.command, DryRun: r.dry, Steps: r.steps.count(err != nil), Exit: &r.exit}
	if err != nil {
		out = append(out, r.known(errorEntries(err))...)
		code := exitCode(err)
		summary.Exit = &code
	} else if len(r.last) > 0 {
		summary.Message = r.last[len(r.last)-1]
	}

	return append(out, summary)
}

// known adds to problems the fields of their objects.
func (r *report) known(problems []reportEntry) []reportEntry {
	byTitle := make(map[string]*inject.Object, len(r.objects))
	for _, o := range r.objects {
		byTitle[o.Pos.File+"\n"+o.String()] = o
	}

	for i, p := range problems {
		if o := byTitle[p.File+"\n"+p.Object]; o != nil {
			p.Document, p.APIVersion, p.Kind, p.Namespace, p.Name = o.Document, o.APIVersion, o.Kind, o.Namespace, o.Name
			problems[i] = p
		}
	}

	return problems
}

// errorEntries returns an entry for each error of a run with its own hints. The first entry also
// gets the hints about all of them.
func errorEntries(err error) (out []reportEntry) {
	refused, wrong := refusal(nil), config.Error(nil)
	switch {
	case errors.As(err, &refused):
		for _, p := range refused {
			out = append(out, problemEntry(severityError, p))
		}
	case errors.As(err, &wrong):
		for _, f := range wrong {
			out = append(out, findingEntry(severityError, f))
		}
	default:
		for _, f := range faultsOf(err) {
			out = append(out, reportEntry{Type: typeProblem, Severity: severityError, Message: f.line, Hints: f.hints()})
		}
	}

	for _, hint := range hintsFor(err) {
		if len(out) > 0 && !slices.ContainsFunc(out, func(e reportEntry) bool { return slices.Contains(e.Hints, hint) }) {
			out[0].Hints = append(out[0].Hints, hint)
		}
	}

	return out
}
