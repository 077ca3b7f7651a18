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

// report tells people on standard error what was done: a line for each object that carries an
// annotation of ours, then a summary. With
// --report it tells machines the same, there or in a file.
type report struct {
	mu      sync.Mutex
	process process
	verbose *slog.Logger // nil unless -v
	line    *progressLine
	people  io.Writer // of the lines that -q leaves out; each Write is a line, and is made safe to show
	errors  io.Writer // of those that it does not, likewise
	command string
	dry     bool // nothing is done, everything would be
	due     bool // something had to be done
	exit    int  // the status of a run that does not fail
	steps   progress
	target  reportTarget
	targets []files.Target // the files that the run writes
	entries []reportEntry
	objects []*inject.Object
	list    *manifest.Document // what a KRM function was given; nil where this is none
	out     *printer           // standard output
	trusted string             // the file with the CAs that pods are to trust, as people type it
	lines   bytes.Buffer       // what people would see, for a report of texts
	last    []string           // lines for people that come after standard output
	told    bool               // machines have been told all but an error of writing standard output
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

// verboseHandler writes for whom standard error is for.
func verboseHandler(w io.Writer, target reportTarget) slog.Handler {
	all := &slog.HandlerOptions{Level: slog.LevelDebug}
	if target.live {
		return slog.NewJSONHandler(display.JSON(w), all)
	}
	return slog.NewTextHandler(display.Lines(w), all)
}

// output writes what a run has made: for standard output, or to files.
type output func() error

// run does the work of a command and reports it. Reports in files come before the output, so that
// nothing is printed where they fail; what people are to read comes after it, where it is seen.
func (r *report) run(work func() (output, error)) error {
	write, err := work()
	r.line.stop() // before standard output, which may be the same terminal
	if err == nil {
		err = r.save(nil)
	}

	if err == nil && r.target.onStderr() && r.inBrackets() {
		r.told = true
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

	if r.target.onStderr() && !r.told {
		err = r.target.format(r.process.stderr, r.rest(nil))
	}

	if err == nil && r.exit != exitDone {
		err = printedError{statusError(r.exit)}
	}

	return err
}

// fail reports an error, unless that is left to whoever gets it.
func (r *report) fail(err error) error {
	for _, o := range r.objects { // what else is wrong can be put right in one go
		if o.Outcome != inject.Injected && o.Warning {
			r.printf("%s", objectEntry(o).line())
		}
	}

	printError(r.errors, err)
	if r.list != nil && !r.out.begun {
		_ = writeResourceList(r.process.stdout, r.list.Text, results(r.all(err))) // what matters is on standard error
	}

	if r.target.err == nil { // else err says so
		if saveErr := r.save(err); saveErr != nil {
			printError(r.errors, saveErr)
		}
	}

	if r.target.onStderr() {
		_ = r.target.format(r.process.stderr, r.rest(err)) // there is nowhere left to say that this failed
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

// printedError is an error that people have been told already.
type printedError struct{ error }

func (e printedError) Unwrap() error { return e.error }

// statusError is an exit status that is no failure.
type statusError int

func (s statusError) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// ExitCode returns the status.
func (s statusError) ExitCode() int { return int(s) }

func (r *report) printf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.people, format+"\n", args...)
}

// progress shows on a terminal what the run is doing.
func (r *report) progress(text string) { r.line.show(text) }

// note adds an entry to what machines are told, at once where they listen.
func (r *report) note(e reportEntry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = append(r.entries, e)
	if r.target.live {
		_ = r.target.format(r.process.stderr, []reportEntry{e}) // the end of the report would fail too, and is heeded
	}
}

// lastly keeps a line until the output has been written.
func (r *report) lastly(format string, args ...any) {
	r.last = append(r.last, fmt.Sprintf(format, args...))
}

func (r *report) warn(text string) {
	r.note(reportEntry{Type: typeProblem, Severity: severityWarning, Message: text})
	r.printf("warning: %s", text)
}

// warnOf warns of an error that does not end the run, with what to do about it.
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

// asked and signed are what -v shows of a request to the Dashboard, and to CFSSL.
func (r *report) asked(q dashboard.Request) {
	r.debug("dashboard", "method", q.Method, "path", q.Path, "status", q.Status, "ms", q.Duration.Milliseconds(), "attempt", q.Attempt)
}

func (r *report) signed(q ca.Call) {
	r.debug("cfssl", "server", q.Server, "op", q.Op, "status", q.Status, "ms", q.Duration.Milliseconds())
}

func (r *report) debug(msg string, args ...any) {
	if r.verbose == nil {
		return
	}

	r.mu.Lock() // the report's own lines go to the same stream
	defer r.mu.Unlock()
	r.verbose.Debug(msg, args...)
}

// finished is what a command has done to an object.
var finished = map[string]string{"inject": "injected", "diff": "injected", "register": "registered", "uninject": "uninjected"}

// doing is what a command does as long as it applies its plan.
var doing = map[string]string{"inject": "registering", "register": "registering", "delete": "deleting", "certs renew": "renewing", "certs prune": "pruning"}

// all returns the entries of a run that ends with an error, or with none.
func (r *report) all(err error) []reportEntry {
	return append(slices.Clone(r.entries), r.closing(err)...)
}

// rest is what of all has not been written yet.
func (r *report) rest(err error) []reportEntry {
	switch {
	case r.told:
		return slices.DeleteFunc(r.closing(err), func(e reportEntry) bool { return e.Type == typeObject || e.Type == typeStep })
	case r.target.live:
		return r.closing(err)
	}
	return r.all(err)
}

// closing returns the entries that come when a run is over.
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

// known says of problems which objects they are about.
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

// errorEntries returns what a run failed of: each error with its own hints, the first with those
// about all of them.
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
