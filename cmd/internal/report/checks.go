package report

import "strings"

// Checks are diagnostics about the parts that a run needs: the output of check. The severity of
// each is a status, the object is the part.
type Checks []Diagnostic

// statusFailed is the status of a part that is not ready.
const statusFailed = "failed"

// statusStyles are the styles of statuses, those of package check.
var statusStyles = map[string]Style{"ok": Green, Warning: Yellow, statusFailed: Red, "skipped": Dim}

// Failed returns the parts that are not ready.
func (c Checks) Failed() (parts []string) {
	for _, d := range c {
		if d.Severity == statusFailed {
			parts = append(parts, d.Object)
		}
	}
	return parts
}

// List returns the parts as a list. Its names are those of parts that are not ready.
func (c Checks) List() List { return List{Document: c.document(), Names: c.Failed(), Table: c.table} }

// table writes a line for each part, with further lines and hints below it.
func (c Checks) table(t *Table) {
	status := Column{Style: func(cell string) Style { return statusStyles[cell] }}
	detail := Column{Style: func(cell string) Style {
		if strings.HasPrefix(cell, "hint: ") {
			return Cyan
		}
		return Plain
	}}
	t.Head(status, Column{}, detail)
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
}

// document returns the parts as a document for JSON.
func (c Checks) document() any {
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
