package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/tykmesh/tykmesh/inject/display"
)

// Table writes rows with aligned cells. A cell may hold text from servers, which is made safe to
// show before the table measures its width.
type Table struct {
	columns *tabwriter.Writer
	err     error
}

// NewTable returns a table that is written to w.
func NewTable(w io.Writer) *Table { return &Table{columns: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)} }

// Row adds a row. Flush returns its write error.
func (t *Table) Row(cells ...string) {
	for i, cell := range cells {
		cells[i] = display.Line(cell)
	}
	_, err := fmt.Fprintln(t.columns, strings.Join(cells, "\t"))
	t.err = cmp.Or(t.err, err)
}

// Flush writes the rows.
func (t *Table) Flush() error { return cmp.Or(t.err, t.columns.Flush()) }
