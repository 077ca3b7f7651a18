package report

import (
	"fmt"
	"io"
	"slices"

	"github.com/tykmesh/tykmesh/inject/display"
)

// The formats that every list has: values of --output.
const (
	FormatTable = "table"
	FormatWide  = "wide" // the table with further columns
	FormatName  = "name" // names alone, for the arguments of other commands
	FormatJSON  = "json"
	FormatYAML  = "yaml"
)

// ListFormats are the formats of every list. The first one is the default.
var ListFormats = []string{FormatTable, FormatWide, FormatName, FormatJSON, FormatYAML}

// List holds the things that a command lists, in each of its formats.
type List struct {
	Document any                                // of json and yaml
	Names    []string                           // of name
	Table    func(*Table)                       // of table and wide
	Further  map[string]func(w io.Writer) error // formats that this list alone has
}

// Output returns the output of a run that prints the list.
func (r *Run) Output(l List, format string) Output {
	w := r.Stdout()
	switch format {
	case FormatJSON:
		return func() error { return WriteDocument(w, l.Document) }
	case FormatYAML:
		return func() error { return WriteYAML(w, l.Document) }
	case FormatName:
		return func() error { return writeNames(w, l.Names) }
	}
	if write := l.Further[format]; write != nil {
		return func() error { return write(w) }
	}

	r.InLog()

	return func() error {
		t := &Table{wide: format == FormatWide, colours: r.config.Colours.Stdout}
		l.Table(t)
		t.flush()
		_, err := w.Write(t.text.Bytes())

		return err
	}
}

// writeNames writes a name a line, each once.
func writeNames(w io.Writer, names []string) error {
	lines := display.Lines(w)
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			continue
		}
		if _, err := fmt.Fprintln(lines, name); err != nil {
			return err
		}
	}

	return nil
}
