package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"strings"

	"github.com/tykmesh/tykmesh/inject/display"
)

// Standard output of diff, of dry runs and of tables is read by people, in CI in the log of a job. A diff has to hold the lines of manifests as they
// are, or patch(1) could not apply it, and GitHub Actions would take some of them for commands: those that begin, after blanks, with two colons, and
// those with ##[ in them. Between ::stop-commands::TOKEN and ::TOKEN:: it takes none, whatever the syntax; patch(1) passes over both lines.
//
// Manifests that inject prints are not bracketed: whatever reads them, kubectl or a file, would get lines that are no YAML, and no log shows them.

// inLog says that what a run prints is read by people. In a job of GitHub Actions it gives no commands then.
func (r *report) inLog() {
	if r.target.github {
		r.out.token = rand.Text()
	}
}

// inBrackets reports whether the report comes before standard output. The runner reads both streams at once, standard error first: what comes there
// behind the opening bracket could be read before the closing one, and would not count.
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

// diffWriter returns where a diff goes. For patch(1) every byte of it counts; on a terminal it is safe to look at.
func (r *report) diffWriter(w io.Writer) io.Writer {
	if isTerminal(r.out.to) {
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

// diffName returns the name of a file as the head of a diff has it: one that is not safe to show in quotes, as GNU diff writes it and patch reads it.
func diffName(name string) string {
	if display.Line(name) == name {
		return name
	}
	var b strings.Builder
	for _, c := range []byte(name) {
		switch {
		case c < ' ' || c >= 0x7f || c == '#':
			fmt.Fprintf(&b, `\%03o`, c)
		case c == '"' || c == '\\':
			b.WriteString(`\` + string(c))
		default:
			b.WriteByte(c)
		}
	}
	return `"` + b.String() + `"`
}
