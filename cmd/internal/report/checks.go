package report

import (
	"io"
	"strings"
)

// Checks are diagnostics about the parts that a run needs: the output of check. The severity of
// each is a status, the object is the part.
type Checks []Diagnostic

// statusFailed is the status of a part that is not ready.
const statusFailed = "failed"

// Failed returns the parts that are not ready.
func (c Checks) Failed() (parts []string) {
	for _, d := range c {
		if d.Severity == statusFailed {
			parts = append(parts, d.Object)
		}
	}
	return parts
}

// WriteTable writes a line for each part, with further lines and hints below it.
func (c Checks) WriteTable(w io.Writer) error {
	t := NewTable(w)
	for _, d := range c {
		lines := strings.Split(d.Message, "\n")
		t.Row(d.Severity, d.Object, lines[0])
		for _, line := range lines[1:] {
			t.Row("", "", line)
		}

		for _, hint := range d.Hints {
			t.Row("", "", "hint: "+hint)
		}
	}

	return t.Flush()
}

// Document returns the parts as a document for JSON.
func (c Checks) Document() any {
	type check struct {
		Part   string   `json:"part"`
		Status string   `json:"status"`
		Detail string   `json:"detail"`
		Hints  []string `json:"hints,omitempty"`
	}

	doc := struct {
		Ready  bool    `json:"ready"`
		Checks []check `json:"checks"`
	}{Ready: len(c.Failed()) == 0}
	for _, d := range c {
		detail := strings.Join(Shown(strings.Split(d.Message, "\n")), "\n")
		doc.Checks = append(doc.Checks, check{d.Object, d.Severity, detail, Shown(d.Hints)})
	}

	return doc
}
