package report

import (
	"bufio"
	"encoding/json"
	"io"

	"github.com/tykmesh/tykmesh/inject/display"
)

// JSON writes one object per line.
type JSON struct{}

func (JSON) Write(w io.Writer, events []Event) error {
	b := bufio.NewWriter(w)
	enc := json.NewEncoder(display.JSON(b))
	enc.SetEscapeHTML(false)
	for _, e := range events {
		if err := enc.Encode(e.shown()); err != nil {
			return err
		}
	}

	return b.Flush()
}

// WriteDocument writes a value as indented JSON: the output of a command, not a report.
func WriteDocument(w io.Writer, doc any) error {
	enc := json.NewEncoder(display.JSON(w))
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}
