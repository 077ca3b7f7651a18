package manifest

import (
	"bytes"
	"strings"
)

// insertFlow writes items, or entries of a mapping, into brackets: before a child that is there, or
// behind it. Each stands on a line of its own if the children there do, but entries before another
// one stand on its line.
func (ed *editor) insertFlow(beside *Node, before bool, children List) *EditError {
	n, at := beside.parent, beside.start()
	if !before {
		at = ed.end(beside)
	}

	if at == unknown {
		return ed.refuse(beside, "cannot find where this value ends")
	}

	b, gap, column := ed.flowBlock(n, !before || n.Kind == Sequence)
	for _, c := range children {
		if !before {
			b.WriteString("," + gap)
		}

		b.flow(c, column, true)
		if before {
			b.WriteString("," + gap)
		}
	}

	ed.replace(at, at, b.String(), n.depth()+1)

	return nil
}

// flowBlock returns a block that writes values into brackets, perhaps on lines of their own as the
// entries there, the gap between two of them, and the column of the first.
func (d *Document) flowBlock(n *Node, ownLines bool) (b *block, gap string, column int) {
	b = &block{layout: d.layoutAt(n)}
	open, first := d.content(n), n.Content[0].start()
	column = d.lineIndent(first)
	switch {
	case ownLines && open < first && bytes.IndexByte(d.Text[open:first], '\n') >= 0:
		b.step = max(1, column-d.lineIndent(n.start()))
		gap = b.newline + strings.Repeat(" ", column)
	case !b.json:
		gap = " "
	}

	return b, gap, column
}
