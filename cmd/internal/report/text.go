package report

import (
	"bytes"
	"fmt"
	"io"

	"github.com/tykmesh/tykmesh/inject/display"
)

// This file and progress.go are the whole of what users see, apart from help:
//
//	stderr  at once   warnings, files that are left out, hints; with -v requests
//	        meanwhile on a terminal one line, redrawn in place: the current step. It is gone before
//	                  anything else is printed. A short run shows none
//	        ?         delete and certs prune list their steps and ask, on a terminal only
//	stdout  once      the output, after all remote work: manifests, a diff, a table, a document
//	stderr  last      a line for each object or service, needs of namespaces, the summary
//	        or        "error:" lines, then "done:" and "not done:" steps, then "hint:" lines
//
// -q hides all lines but errors and the question. --report FORMAT replaces them by a report in that
// format on standard error; with =FILE they stay. text=FILE gets all of them, also with -q.

// text writes the report for users.
type text struct {
	line   *progressLine
	lines  io.Writer    // lines that -q hides; each Write is a line, and is made safe to show
	errors io.Writer    // lines that -q does not hide, likewise
	copied bytes.Buffer // all of them, for text=FILE
	last   []string     // lines that are written after standard output
	hints  []string     // about findings, that were printed: each once a run
}

func newText(c Config) *text {
	t := &text{line: newProgressLine(c)}
	var lines, errors io.Writer = t.line, t.line
	if c.Formats.onStderr().handler != nil {
		lines, errors = io.Discard, io.Discard
	}

	if c.Quiet {
		lines = io.Discard
	}

	t.lines, t.errors = display.Lines(io.MultiWriter(lines, &t.copied)), display.Lines(io.MultiWriter(errors, &t.copied))

	return t
}

// end writes the lines that come after standard output.
func (t *text) end() {
	for _, line := range t.last {
		fmt.Fprintln(t.lines, line)
	}
}

// writeAll writes all lines of a run, before the last ones are shown.
func (t *text) writeAll(b *bytes.Buffer) {
	b.Write(t.copied.Bytes())
	lines := display.Lines(b)
	for _, line := range t.last {
		fmt.Fprintln(lines, line)
	}
}

// summary returns the last line; "" without one.
func (t *text) summary() string {
	if len(t.last) == 0 {
		return ""
	}
	return t.last[len(t.last)-1]
}

func (t *text) failure(f Failure) { f.Print(t.errors) }

// Print writes the reasons why a run failed: the diagnostics, the steps that are done and those
// that are not, and hints. Each Write is a line.
func (f Failure) Print(w io.Writer) {
	for _, d := range f.Diagnostics {
		fmt.Fprintln(w, d)
	}

	if f.refused() {
		fmt.Fprintf(w, "error: %s: nothing was changed and nothing is printed\n", Plural(len(f.Diagnostics), "problem"))
	}

	for _, step := range f.Steps {
		fmt.Fprintln(w, step)
	}

	for _, hint := range f.Hints {
		fmt.Fprintf(w, "hint: %s\n", hint)
	}
}

// Verb returns a participle, in a dry run with "would be".
func (r *Run) Verb(done string) string {
	if r.config.Dry {
		return "would be " + done
	}
	return done
}

// Finished returns the participle of the command, in a dry run with "would be".
func (r *Run) Finished() string { return r.Verb(r.config.Done) }

// Plural returns a number of things: "1 API", "2 APIs".
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
