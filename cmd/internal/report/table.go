package report

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tykmesh/tykmesh/inject/display"
)

// Column is a column of a table.
type Column struct {
	Title string
	Wide  bool                    // -o wide shows it, and -o table does not
	Style func(cell string) Style // colours a cell on a terminal; nil for none
}

// Columns returns columns that differ in their titles alone.
func Columns(titles ...string) (columns []Column) {
	for _, title := range titles {
		columns = append(columns, Column{Title: title})
	}
	return columns
}

// WideColumns returns columns that only -o wide shows.
func WideColumns(titles ...string) (columns []Column) {
	for _, title := range titles {
		columns = append(columns, Column{Title: title, Wide: true})
	}
	return columns
}

// Table writes rows with aligned cells, and lines between them. A text may come from servers: it is
// made safe to show before the table measures it, and gets its colour after that.
type Table struct {
	wide    bool // shows all columns
	colours bool

	text    bytes.Buffer
	columns []Column
	rows    [][]string
}

// Head begins a table with these columns. Their titles are its first row, if there are any.
func (t *Table) Head(columns ...Column) {
	t.flush()
	t.columns = columns
	titled := func(c Column) bool { return c.Title != "" }
	if !slices.ContainsFunc(columns, titled) {
		return
	}

	titles := make([]string, len(columns))
	for i, c := range columns {
		titles[i] = c.Title
	}
	t.Row(titles...)
}

// Row adds a row with a cell for each column.
func (t *Table) Row(cells ...string) {
	row := make([]string, 0, len(cells))
	for i, cell := range cells {
		if !t.columns[i].Wide || t.wide {
			row = append(row, display.Line(cell))
		}
	}

	t.rows = append(t.rows, row)
}

// Line adds a line below the rows.
func (t *Table) Line(format string, args ...any) {
	t.flush()
	line := display.Line(fmt.Sprintf(format, args...))
	if t.colours {
		line = coloured(line)
	}
	t.print(line)
}

// Gap adds an empty line.
func (t *Table) Gap() {
	t.flush()
	t.print("")
}

// flush writes the rows.
func (t *Table) flush() {
	const gap = 2 // between columns
	var shown []Column
	for _, c := range t.columns {
		if !c.Wide || t.wide {
			shown = append(shown, c)
		}
	}

	widths := make([]int, len(shown))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}

	for _, row := range t.rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(t.cell(shown[i], cell))
			if i < len(row)-1 {
				line.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+gap))
			}
		}
		t.print(line.String())
	}

	t.rows = nil
}

// cell returns a cell in its colour.
func (t *Table) cell(c Column, text string) string {
	switch {
	case !t.colours:
		return text
	case text == c.Title:
		return Bold.Paint(text)
	case c.Style == nil:
		return text
	}
	return c.Style(text).Paint(text)
}

func (t *Table) print(line string) { t.text.WriteString(line + "\n") }
