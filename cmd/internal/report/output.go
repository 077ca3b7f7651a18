package report

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/inject/display"
)

// In CI, the output of diff, dry runs and tables goes into the log of a job. A diff must hold the
// lines of manifests unchanged, or patch(1) could not apply it. GitHub Actions runs commands in a
// log: lines that begin, after blanks, with two colons, and ##[ anywhere. Between the brackets
// ::stop-commands::TOKEN and ::TOKEN:: it runs none. patch(1) ignores both lines.
//
// Manifests that inject prints get no brackets, because kubectl or a file reads them, not a log.

// output is standard output.
type output struct {
	to    io.Writer
	begun bool   // something may have been printed
	token string // of the brackets around the output, for a log in which lines may be commands; "" for none
}

// InLog adds the brackets to the output of a run, in a job of GitHub Actions.
func (r *Run) InLog() {
	if slices.ContainsFunc(r.config.Formats, func(f Format) bool { return f.handler == GitHub{} }) {
		r.out.token = rand.Text()
	}
}

// inBrackets reports whether the report must be written before standard output. The runner reads
// both streams at once: a command of the report between the brackets would be ignored.
func (o *output) inBrackets() bool { return o.token != "" }

func (o *output) Write(text []byte) (int, error) {
	opening := o.opening()
	o.begun = true

	whole := text
	if opening != "" {
		whole = append([]byte(opening), text...)
	}

	n, err := o.to.Write(whole)
	if err != nil {
		return max(0, n-len(opening)), fmt.Errorf("writing to standard output: %w", err)
	}

	return len(text), nil
}

// opening returns the bracket before the first text; "" without one.
func (o *output) opening() string {
	if o.token == "" || o.begun {
		return ""
	}
	return "::stop-commands::" + o.token + "\n"
}

// close writes the closing bracket.
func (o *output) close() error {
	if o.token == "" || !o.begun {
		return nil
	}
	_, err := fmt.Fprintf(o, "::%s::\n", o.token)
	return err
}

// WriteDiff writes a diff to standard output: unchanged for patch(1), made safe for a terminal.
func (r *Run) WriteDiff(diff []byte) error {
	if files.IsTerminal(r.out.to) {
		diff = safeLines(diff)
	}
	_, err := r.out.Write(diff)
	return err
}

// safeLines returns lines that are safe for a terminal. Tabs are harmless.
func safeLines(text []byte) []byte {
	var b bytes.Buffer
	for line := range bytes.Lines(text) {
		for i, part := range strings.Split(strings.TrimRight(string(line), "\r\n"), "\t") {
			if i > 0 {
				b.WriteByte('\t')
			}
			b.WriteString(display.Line(part))
		}
		b.WriteByte('\n')
	}

	return b.Bytes()
}

// answer returns the handler that answers with the list of a KRM function.
func (r *Run) answer(list []byte) KRM { return KRM{Name: files.StdinName, List: list} }

// AnswerFunction makes the run that of a KRM function: if it fails, it prints the list with its
// errors.
func (r *Run) AnswerFunction(list []byte) { r.list = list }

// WriteList writes the list of a KRM function with the results of the run.
func (r *Run) WriteList(list []byte) error {
	return r.answer(list).Write(r.out, r.machine.all(r.closing(nil)))
}
