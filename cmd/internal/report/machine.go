package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"github.com/tykmesh/tykmesh/cmd/internal/files"
)

// machine writes the report for machines: to standard error, or to a file.
type machine struct {
	format  Format
	stderr  io.Writer
	events  []Event // before the end of the run
	written bool    // to standard error
	lost    bool    // the file cannot be written
}

// note adds an event, and writes it at once to a live report.
func (m *machine) note(e Event) {
	m.events = append(m.events, e)
	if m.format.live {
		_ = m.format.handler.Write(m.stderr, []Event{e}) // the end of the report would fail too, and that is reported
	}
}

// all returns the events of a run, of which closing are the last.
func (m *machine) all(closing []Event) []Event { return append(slices.Clone(m.events), closing...) }

// end writes the report to standard error, if that is for machines. A run can fail after that:
// then end writes the events that are missing.
func (m *machine) end(closing []Event) error {
	if !m.format.onStderr() {
		return nil
	}

	events := closing
	switch {
	case m.written:
		events = slices.DeleteFunc(closing, func(e Event) bool { return e.Type == TypeObject || e.Type == TypeStep })
	case !m.format.live:
		events = m.all(closing)
	}

	m.written = true

	return m.format.handler.Write(m.stderr, events)
}

// save writes the report to its file, if it has one: for machines, or the lines for users.
func (m *machine) save(closing []Event, lines *text) error {
	if m.format.File == "" || m.lost {
		return nil
	}

	var b bytes.Buffer
	if m.format.handler == nil {
		lines.writeAll(&b)
	} else if err := m.format.handler.Write(&b, m.all(closing)); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}

	if err := files.Replace(m.format.File, b.Bytes()); err != nil {
		m.lost = true
		return fmt.Errorf("writing the report: %w", err)
	}

	return nil
}
