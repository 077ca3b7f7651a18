package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/tykmesh/tykmesh/inject/display"
)

// table writes rows whose cells are below each other. A cell holds what servers say, and is made safe to show before its width counts.
type table struct{ *tabwriter.Writer }

func newTable(w io.Writer) table { return table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)} }

// row adds a row. What cannot be written, flush says.
func (t table) row(cells ...string) {
	for i, cell := range cells {
		cells[i] = display.Line(cell)
	}
	fmt.Fprintln(t.Writer, strings.Join(cells, "\t"))
}

func (t table) flush() error { return t.Flush() }
