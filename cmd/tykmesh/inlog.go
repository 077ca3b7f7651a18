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

// diff, dry runs and tables print for readers, in CI into the log of a job. A diff holds the lines
// of manifests as they are, or patch(1) could not apply it. GitHub Actions takes some of them for
// commands: a line that begins, after blanks, with two colons, and ##[ anywhere. Between
// ::stop-commands::TOKEN and ::TOKEN:: it takes none; patch(1) passes over both lines.
//
// Manifests that inject prints are not bracketed. They go to kubectl or into a file, which would
// get lines that are no YAML, and into no log.

// inLog brackets what a run prints, in a job of GitHub Actions.
func (r *report) inLog() {
	if r.target.github {
		r.out.token = rand.Text()
	}
}

// inBrackets reports whether the report comes before standard output. The runner reads both streams
// at once, standard error first: a command could come between the brackets, and would not count.
func (r *report) inBrackets() bool { return r.out != nil && r.out.token != "" }

// opening returns the bracket before a text of a printer that has one to write.
func (p *printer) opening() string {
	if p.token == "" || p.begun {
		return ""
	}
	return "::stop-commands::" + p.token + "\n"
}

// close writes the bracket behind what was printed.
func (p *printer) close() error {
	if p.token == "" || !p.begun {
		return nil
	}
	_, err := fmt.Fprintf(p, "::%s::\n", p.token)
	return err
}

// diffWriter returns where a diff goes: as it is to patch(1), safe to look at to a terminal.
func (r *report) diffWriter(w io.Writer) io.Writer {
	if files.IsTerminal(r.out.to) {
		return screenWriter{w}
	}
	return w
}

// screenWriter makes lines safe for a terminal, each Write whole ones. Tabs do no harm there.
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
