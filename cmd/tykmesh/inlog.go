package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
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

// inLog adds the brackets to the output of a run, in a job of GitHub Actions.
func (r *report) inLog() {
	if r.target.github {
		r.out.token = rand.Text()
	}
}

// inBrackets reports whether the report must be written before standard output. The runner reads
// both streams at once: a command of the report between the brackets would be ignored.
func (r *report) inBrackets() bool { return r.out != nil && r.out.token != "" }

// opening returns the bracket before the first text; "" without one.
func (p *printer) opening() string {
	if p.token == "" || p.begun {
		return ""
	}
	return "::stop-commands::" + p.token + "\n"
}

// close writes the closing bracket.
func (p *printer) close() error {
	if p.token == "" || !p.begun {
		return nil
	}
	_, err := fmt.Fprintf(p, "::%s::\n", p.token)
	return err
}

// diffWriter returns the writer of a diff: unchanged for patch(1), made safe for a terminal.
func (r *report) diffWriter(w io.Writer) io.Writer {
	if files.IsTerminal(r.out.to) {
		return screenWriter{w}
	}
	return w
}

// screenWriter makes lines safe for a terminal. Each Write gets whole lines. Tabs are harmless.
type screenWriter struct{ to io.Writer }

func (s screenWriter) Write(text []byte) (int, error) {
	var b strings.Builder
	for line := range bytes.Lines(text) {
		for i, part := range strings.Split(strings.TrimRight(string(line), "\r\n"), "\t") {
			if i > 0 {
				b.WriteByte('\t')
			}
			b.WriteString(display.Line(part))
		}
		b.WriteByte('\n')
	}

	if _, err := io.WriteString(s.to, b.String()); err != nil {
		return 0, err
	}

	return len(text), nil
}
