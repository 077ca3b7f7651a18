package manifest

import (
	"bytes"
	"strings"
)

// insertFlow writes values, a List or a Map, after an entry in brackets: each on a line of its own
// if the entries there are.
func (ed *editor) insertFlow(n, before *Node, values any) *EditError {
	at := ed.end(before)
	if at == unknown {
		return ed.refuse(before, "cannot find where this value ends")
	}

	b, gap, column := ed.flowBlock(n)

	separate := func() { b.WriteByte(','); b.WriteString(gap) }
	switch values := values.(type) {
	case List:
		for _, v := range values {
			separate()
			b.flow(v, column)
		}
	case Map:
		for _, entry := range values {
			separate()
			b.WriteString(b.key(entry.Key) + ":")
			if !b.json || b.step > 0 {
				b.WriteByte(' ')
			}
			b.flow(entry.Value, column)
		}
	}

	ed.replace(at, at, b.String(), n.depth()+1)

	return nil
}

// insertFlowBefore writes items before the first one in brackets.
func (ed *editor) insertFlowBefore(n *Node, values List) *EditError {
	b, gap, column := ed.flowBlock(n)
	for _, v := range values {
		b.flow(v, column)
		b.WriteByte(',')
		b.WriteString(gap)
	}

	first := n.Content[0].start()
	ed.replace(first, first, b.String(), n.depth()+1)

	return nil
}

// flowBlock returns a block that writes values into brackets in the style of the entries there, the
// gap between two of them, and the column of the first.
func (ed *editor) flowBlock(n *Node) (b *block, gap string, column int) {
	b = &block{layout: ed.layoutAt(n)}
	first := n.Content[0].start()
	column = ed.lineIndent(first)
	switch ownLine := ed.content(n)+1 < first && bytes.Contains(ed.Text[ed.content(n):first], []byte{'\n'}); {
	case ownLine:
		b.step = max(1, column-ed.lineIndent(n.start()))
		return b, b.newline + strings.Repeat(" ", column), column
	case b.json:
		return b, "", column
	}

	return b, " ", column
}
