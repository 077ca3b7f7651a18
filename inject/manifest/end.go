package manifest

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// end returns the offset after the last byte of a node. The parser does not tell it, so end finds
// it in the text, and only for the few nodes next to an edit. It returns unknown if the text does
// not agree with the tree; the edit is refused then.
func (d *Document) end(n *Node) int {
	if n.ends == unknown {
		n.ends = int32(d.findEnd(n))
	}
	return int(n.ends)
}

func (d *Document) findEnd(n *Node) int {
	at := d.content(n)
	switch {
	case n.Kind == Alias:
		return d.skipWord(at)
	case n.Kind == Scalar && n.style == literal:
		return d.literalEnd(n, at)
	case n.Kind == Scalar && n.style == quoted:
		return d.quotedEnd(at)
	case n.Kind == Scalar:
		return d.plainEnd(n, at)
	case n.bracketed(d):
		return d.bracketEnd(n, at)
	case len(n.Content) == 0:
		return unknown
	}

	return d.end(n.Content[len(n.Content)-1])
}

// bracketed reports whether a collection has brackets of its own. A pair like a: b in [a: b] has
// none.
func (n *Node) bracketed(d *Document) bool {
	c := d.byteAt(d.content(n))
	return n.Flow && (n.Kind == Mapping && c == '{' || n.Kind == Sequence && c == '[')
}

// content returns the offset of a node's own text, after its properties (an anchor, a tag).
func (d *Document) content(n *Node) int {
	at := n.start()
	if n.Kind == Alias {
		return at
	}

	last := at
	for at < len(d.Text) && (d.Text[at] == '&' || d.Text[at] == '!') {
		last = d.skipWord(at)
		at = d.skipSpace(last)
	}

	if n.Kind == Scalar && n.style == plain && n.Value == "" {
		return last // an empty value ends with its properties
	}

	return at
}

// skipWord returns the end of an anchor, an alias or a tag.
func (d *Document) skipWord(at int) int {
	for at < len(d.Text) && !strings.ContainsRune(" \t\r\n,[]{}", rune(d.Text[at])) {
		at++
	}
	return at
}

// skipSpace returns the offset after white space, line breaks and comments.
func (d *Document) skipSpace(at int) int {
	for at < len(d.Text) {
		switch c := d.Text[at]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			at++
		case c == '#' && (at == 0 || strings.ContainsRune(" \t\r\n", rune(d.Text[at-1]))):
			at = d.lineEnd(at)
		default:
			return at
		}
	}

	return at
}

// lineEnd returns the offset of the line break that ends the line of at, or the end of the text.
func (d *Document) lineEnd(at int) int {
	line, ended := bytes.CutSuffix(d.Text[at:d.nextLine(at)], []byte{'\n'})
	if ended {
		line = bytes.TrimSuffix(line, []byte{'\r'})
	}
	return at + len(line)
}

// nextLine returns the offset of the line after the one of at, or the end of the text.
func (d *Document) nextLine(at int) int { return at + lineLength(d.Text[at:]) }

// lineStart returns the offset of the line of at, after a byte order mark, which is not part of the
// line.
func (d *Document) lineStart(at int) int {
	start := d.lineStarts()[d.lineAt(at)]
	if start == 0 && bytes.HasPrefix(d.Text, byteOrderMark) && at >= len(byteOrderMark) {
		return len(byteOrderMark)
	}
	return start
}

// lineColumn returns the number of characters before an offset on its line. A document may be one
// long line, so the count continues from the last offset.
func (d *Document) lineColumn(at int) int {
	m, start := d.noted().last, d.lineStart(at)
	if m.line != start || m.at > at {
		m = mark{line: start, at: start}
	}

	m.column += utf8.RuneCount(d.Text[m.at:at])
	m.at = at
	d.last = m

	return m.column
}

func (d *Document) quotedEnd(at int) int {
	quote, double := d.byteAt(at), []byte("''")
	if quote != '"' && quote != '\'' {
		return unknown
	}

	for at++; at < len(d.Text); at++ {
		switch c := d.Text[at]; {
		case quote == '"' && c == '\\', quote == '\'' && bytes.HasPrefix(d.Text[at:], double):
			at++
		case c == quote:
			return at + 1
		}
	}

	return unknown
}

// byteAt returns the byte at an offset; a line break at the end.
func (d *Document) byteAt(at int) byte {
	if at < len(d.Text) {
		return d.Text[at]
	}
	return '\n'
}

// plainEnd returns the end of a plain scalar. It follows the value through the text: only white
// space differs, because line breaks are folded.
func (d *Document) plainEnd(n *Node, at int) int {
	value := n.Value
	for len(value) > 0 {
		if value[0] == ' ' || value[0] == '\n' || value[0] == '\t' {
			value = strings.TrimLeft(value, " \t\n")
			for at < len(d.Text) && strings.IndexByte(" \t\r\n", d.Text[at]) >= 0 {
				at++
			}
			continue
		}

		if at >= len(d.Text) || d.Text[at] != value[0] {
			return unknown
		}

		at, value = at+1, value[1:]
	}

	return at
}

// literalEnd returns the end of a block scalar, YAML 1.2 section 8.1: its lines are indented at
// least like its first one. With keep chomping (+) it includes the blank lines that follow.
func (d *Document) literalEnd(n *Node, at int) int {
	header, _, _ := strings.Cut(string(d.Text[at:d.lineEnd(at)]), "#")
	keep := strings.ContainsRune(header, '+')

	least, known := 1+d.outerIndent(n), false
	if i := strings.IndexAny(header, "123456789"); i >= 0 {
		least, known = least+int(header[i]-'0')-1, true
	}

	end := d.lineEnd(at)
	for line := d.nextLine(at); line < len(d.Text); line = d.nextLine(line) {
		indent, stop := d.indent(line), d.lineEnd(line)
		blank := line+indent >= stop
		if !blank && indent < least {
			break
		}
		if !blank || keep {
			end = stop
		}
		if !blank && !known {
			least, known = indent, true
		}
	}

	return end
}

// outerIndent returns the indentation of the collection around a node; -1 at the root.
func (d *Document) outerIndent(n *Node) int {
	if n.parent == nil {
		return -1
	}
	return d.column(n.parent)
}

// indent returns the number of spaces at the beginning of the line at an offset.
func (d *Document) indent(at int) int {
	i := at
	for i < len(d.Text) && d.Text[i] == ' ' {
		i++
	}
	return i - at
}

// column returns the indentation of a collection in block style: of its keys, or of its dashes.
func (d *Document) column(n *Node) int {
	at := d.content(n)
	if n.Kind == Mapping && len(n.Content) > 0 {
		at = n.Content[0].start()
		if before := bytes.TrimRight(d.Text[d.lineStart(at):at], " "); !n.Flow && bytes.HasSuffix(before, []byte{'?'}) {
			at = d.lineStart(at) + len(before) - 1 // an explicit key
		}
	}

	return d.lineColumn(at)
}

// bracketEnd returns the end of a flow collection. Only white space, comments and punctuation stand
// between its last child and its closing bracket.
func (d *Document) bracketEnd(n *Node, at int) int {
	closing := d.Text[at] + 2 // in ASCII
	at++
	if last := len(n.Content) - 1; last >= 0 {
		at = d.end(n.Content[last])
	}

	if at == unknown {
		return unknown
	}

	for at = d.skipSpace(at); at < len(d.Text); at = d.skipSpace(at + 1) {
		switch d.Text[at] {
		case closing:
			return at + 1
		case ',', ':':
		default:
			return unknown
		}
	}

	return unknown
}
