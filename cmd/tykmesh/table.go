package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/tykmesh/tykmesh/inject/display"
)

// table writes rows with aligned cells. A cell may hold text from servers, which is made safe to
// show before the table measures its width.
type table struct {
	columns *tabwriter.Writer
	err     error
}

func newTable(w io.Writer) *table { return &table{columns: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)} }

// row adds a row. flush returns its write error.
func (t *table) row(cells ...string) {
	for i, cell := range cells {
		cells[i] = display.Line(cell)
	}
	_, err := fmt.Fprintln(t.columns, strings.Join(cells, "\t"))
	t.err = cmp.Or(t.err, err)
}

func (t *table) flush() error { return cmp.Or(t.err, t.columns.Flush()) }
