package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/tykmesh/tykmesh/cmd/internal/files"
)

// machines writes the reports of a run: one to standard error, unless that is for users, and others
// to files.
type machines struct {
	stderr io.Writer
	live   Format    // of standard error
	begun  bool      // the report is on standard error
	saved  []*saving // the reports in files
	events []Event   // before the end of the run
}

// saving is a report in a file.
type saving struct {
	Format
	file files.File
	lost bool // the file cannot be written
}

// newMachines opens the reports.
func newMachines(c Config) (*machines, error) {
	m := &machines{stderr: c.Stderr, live: c.Formats.onStderr()}
	for _, f := range c.Formats {
		if f.File == "" {
			continue
		}

		file, err := openReport(f.File, c.Environ)
		if err != nil {
			return nil, err
		}
		m.saved = append(m.saved, &saving{Format: f, file: file})
	}

	return m, nil
}

// note adds an event, and writes it at once to a live report.
func (m *machines) note(e Event) {
	m.events = append(m.events, e)
	if m.live.live {
		_ = m.live.handler.Write(m.stderr, []Event{e}) // the end of the report would fail too, and that is reported
	}
}

// all returns the events of a run, of which closing are the last.
func (m *machines) all(closing []Event) []Event { return append(slices.Clone(m.events), closing...) }

// written reports whether standard error has its report. For users the lines are all of it.
func (m *machines) written() bool { return m.begun || m.live.handler == nil }

// end writes the report to standard error, if that is for machines. A run can fail after that:
// then end writes the events that are missing.
func (m *machines) end(closing []Event) error {
	if m.live.handler == nil {
		return nil
	}

	events := closing
	switch {
	case m.begun:
		events = slices.DeleteFunc(closing, func(e Event) bool { return e.Type == TypeObject || e.Type == TypeStep })
	case !m.live.live:
		events = m.all(closing)
	}

	m.begun = true

	return m.live.handler.Write(m.stderr, events)
}

// save writes the reports to their files: those for machines, and the lines for users. failed is
// the error of the run; nil without one. A report does not overwrite the file that it protects.
func (m *machines) save(closing []Event, lines *text, failed error) error {
	var protected *files.OverwriteError

	isProtected := errors.As(failed, &protected)
	for _, s := range m.saved {
		file, ok := files.FileTarget(files.ReportFlag, s.File)
		if s.lost || isProtected && ok && file.Same(protected.Target) {
			continue
		}

		if err := m.saveOne(s, closing, lines); err != nil {
			s.lost = true
			return fmt.Errorf("writing the report: %w", err)
		}
	}

	return nil
}

func (m *machines) saveOne(s *saving, closing []Event, lines *text) error {
	var b bytes.Buffer
	if s.handler == nil {
		lines.writeAll(&b)
	} else if err := s.handler.Write(&b, m.all(closing)); err != nil {
		return err
	}

	return s.file.Write(b.Bytes())
}
