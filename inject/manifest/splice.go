package manifest

import (
	"bytes"
	"strings"
)

func (e Insert) splice(ed *editor) *EditError {
	n := e.Into
	switch {
	case n.IsNull() || len(n.Content) == 0:
		return ed.fill(n, e.Items)
	case n.Kind != Sequence:
		return ed.refuse(n, "a %s where a list is expected", n.Kind)
	case n.bracketed(ed.Document) && e.First:
		return ed.insertFlow(n.Content[0], true, e.Items)
	case n.bracketed(ed.Document):
		return ed.insertFlow(n.Content[len(n.Content)-1], false, e.Items)
	}

	column := ed.column(n)

	at, err := ed.after(n, n.Content[len(n.Content)-1], column+1)
	if e.First {
		at, err = ed.inFront(n)
	}

	if err != nil {
		return err
	}

	ed.insertLines(n, at, column, e.Items)

	return nil
}

// inFront returns the offset after the line of a list's key, before the comments on its first item.
func (ed *editor) inFront(n *Node) (int, *EditError) {
	colon := ed.colon(n)
	if colon == unknown || ed.nextLine(colon) > ed.begin(n.Content[0]) {
		return 0, ed.refuse(n, "cannot write in front of a list that begins on the line of something else")
	}
	return ed.nextLine(colon), nil
}

func (e Put) splice(ed *editor) *EditError {
	n := e.Into
	if n.Kind != Mapping || len(n.Content) == 0 {
		return ed.refuse(n, "a mapping with entries is expected, not %s", n.Describe())
	}
	if e.Before != nil {
		return ed.putBefore(e.Before, e.Entries)
	}

	last := n.Content[len(n.Content)-1]
	column := ed.column(n)

	comments := column // at the end, comments at the mapping's own depth belong to it
	if e.After != "" {
		if _, last = n.Entry(e.After); last == nil {
			return ed.refuse(n, "no entry %s to write behind", e.After)
		}
		comments = column + 1
	}

	if n.Flow {
		return ed.insertFlow(last, false, e.Entries.items())
	}

	at, err := ed.after(n, last, comments)
	if err != nil {
		return err
	}

	ed.insertLines(n, at, column, e.Entries)

	return nil
}

// putBefore writes entries before another one.
func (ed *editor) putBefore(key *Node, entries Map) *EditError {
	n := key.parent
	if n.Flow {
		return ed.insertFlow(key, true, entries.items())
	}

	column := ed.column(n)
	if ed.lineColumn(key.start()) != column {
		return ed.refuse(key, "cannot write in front of an explicit key")
	}

	b := block{layout: ed.layoutAt(n)}
	b.entries(entries, column)
	b.line(column)
	ed.replace(key.start(), key.start(), b.String(), key.depth())

	return nil
}

func (e Replace) splice(ed *editor) *EditError {
	n := e.Node
	end := ed.end(n)
	if end == unknown {
		return ed.refuse(n, "cannot find where this value ends")
	}

	b := block{layout: ed.layoutAt(n)}

	m, isMap := e.Value.(Map)
	switch {
	case n.isKey():
		b.json = b.json || n.style == quoted && ed.Text[end-1] == '"'
		b.WriteString(b.key(e.Value.(string)))
	case isMap && n.Kind == Mapping && !n.Flow:
		b.entries(m, ed.column(n))
	default:
		b.step = 0
		b.flow(e.Value, 0, n.Flow)
	}

	text := b.String()
	if end == n.start() && end == ed.colon(n) {
		text = " " + text // nothing stood behind the colon
	}

	ed.replace(n.start(), end, text, n.depth())

	return nil
}

func (e Remove) splice(ed *editor) *EditError {
	n := e.Node
	i := n.index()
	if i < 0 {
		return ed.refuse(n, "the root cannot be removed")
	}

	last, step := n, 1
	if n.parent.Kind == Mapping {
		last, step = n.parent.Content[i+1], 2
	}

	end := ed.end(last)
	if end == unknown {
		return ed.refuse(n, "cannot find where this value ends")
	}
	if !n.parent.Flow {
		return ed.removeLines(n, i, step, end)
	}

	from := n.start()
	switch {
	case ed.keepsBefore(n.parent, i, step):
		from = ed.end(n.parent.Content[i-1])
	case i+step < len(n.parent.Content):
		end = n.parent.Content[i+step].start()
	default: // no entry stays for a trailing comma to follow
		if comma := ed.skipSpace(end); ed.byteAt(comma) == ',' {
			end = comma + 1
		}
	}

	if from == unknown {
		return ed.refuse(n, "cannot find where the value before ends")
	}

	ed.replace(from, end, "", n.depth())

	return nil
}

// removeLines deletes the child with the index i of a block collection. The child ends at an offset
// and takes step nodes. If a first child shares its line with dashes, the next one takes its place,
// or the comment before that:
//
//	before               after          before                 after
//	- env: []            - image: a     - env: []              -   # an image
//	  image: a                            # an image             image: a
//	                                      image: a
func (ed *editor) removeLines(n *Node, i, step, end int) *EditError {
	begin := ed.begin(n)
	from, to, ok := ed.wholeLines(begin, end)
	if next := i + step; next < len(n.parent.Content) && ed.dashed(n.parent) && !ed.keepsBefore(n.parent, i, step) {
		_, to, ok = ed.wholeLines(from, end)
		from = begin
		if follows := ed.begin(n.parent.Content[next]); isBlank(string(ed.Text[to:follows])) {
			to = follows
		}
	}

	if !ok {
		return ed.refuse(n, "shares its line with something else")
	}

	ed.replace(from, to, "", n.depth())

	return nil
}

// dashed reports whether a block collection begins after the dash of an item.
func (ed *editor) dashed(n *Node) bool {
	first := ed.begin(n.Content[0])
	before := ed.Text[ed.lineStart(first):first]
	return bytes.IndexByte(before, '-') >= 0 && len(bytes.Trim(before, " -")) == 0
}

// keepsBefore reports whether a child before this one stays. The comma before the deleted child
// goes then, else the comma after it.
func (ed *editor) keepsBefore(n *Node, child, step int) bool {
	for i := 0; i < child; i += step {
		if !ed.removed[n.Content[i]] {
			return true
		}
	}
	return false
}

func (e Restore) splice(ed *editor) *EditError {
	end := ed.end(e.Node)
	if end == unknown {
		return ed.refuse(e.Node, "cannot find where this value ends")
	}
	text, want, err := ed.restored(e)
	if err != nil {
		return ed.refuse(e.Node, "cannot be edited: %v", err)
	}
	ed.recorded[e.Node] = want
	ed.replace(e.Node.start(), end, text, e.Node.depth())

	return nil
}

func (e Empty) splice(ed *editor) *EditError {
	n := e.Node
	colon, end, ok := ed.behind(n)
	if !ok {
		return ed.refuse(n, "cannot find where this value begins or ends")
	}

	text, want, err := ed.emptied(e)
	if err != nil {
		return ed.refuse(n, "cannot be edited: %v", err)
	}

	ed.recorded[n] = want
	if n.bracketed(ed.Document) {
		ed.replace(colon, end, text, n.depth())
		return nil
	}

	from, to, ok := ed.wholeLines(ed.begin(n.Content[0]), end)
	if !ok || from < colon {
		return ed.refuse(n, "shares its line with something else")
	}

	ed.replace(colon, colon, text, n.depth())
	ed.replace(from, to, "", n.depth())

	return nil
}

// fill writes the first items of an empty collection that is an entry's value: in brackets if its
// parent is, else on lines of their own.
func (ed *editor) fill(n *Node, values List) *EditError {
	colon, end, ok := ed.behind(n)
	if !ok {
		return ed.refuse(n, "cannot find where this empty value stands")
	}

	if n.parent.Flow {
		b := block{layout: ed.layoutAt(n.parent)}
		if colon == n.start() {
			b.WriteByte(' ')
		}
		b.flow(values, ed.lineIndent(n.start()), true)
		ed.replace(n.start(), end, b.String(), n.depth())
		return nil
	}

	at, err := ed.after(n.parent, n, len(ed.Text))
	if err != nil {
		return err
	}

	ed.replace(colon, end, "", n.depth())
	ed.insertLines(n.parent, at, ed.column(n.parent)+ed.layoutAt(n.parent).list, values)

	return nil
}

// after returns the offset after the line on which a child of a block collection ends, and after
// the comment lines that follow it and are indented by at least the given column: they belong to
// the child.
func (ed *editor) after(n, child *Node, column int) (int, *EditError) {
	end := ed.end(child)
	if end == unknown {
		return 0, ed.refuse(child, "cannot find where this value ends")
	}

	stop := ed.lineEnd(end)
	if rest := strings.TrimLeft(string(ed.Text[end:stop]), " \t"); rest != "" && rest[0] != '#' {
		return 0, ed.refuse(n, "something stands behind the value on its line")
	}

	at := stop
	for line := ed.nextLine(stop); line < len(ed.Text); line = ed.nextLine(line) {
		indent := ed.indent(line)
		switch text := strings.TrimSpace(string(ed.Text[line:ed.lineEnd(line)])); {
		case text == "":
		case text[0] == '#' && indent >= column:
			at = ed.lineEnd(line)
		default:
			return ed.nextLine(at), nil
		}
	}

	return ed.nextLine(at), nil
}

// insertLines writes the children of a Map or a List as whole lines in the style of a node. They
// begin at the beginning of a line, or at the end of a text without a final line break.
func (ed *editor) insertLines(n *Node, at, column int, children any) {
	b := block{layout: ed.layoutAt(n)}
	if at > 0 && ed.Text[at-1] != '\n' {
		b.oneLine = true // a literal at the end of a text would lose its last line break
		b.line(column)
		b.children(children, column)
	} else {
		b.spaces(column)
		b.children(children, column)
		b.WriteString(b.newline)
	}

	ed.replace(at, at, b.String(), n.depth()+1)
}

// wholeLines returns the range of the lines between two offsets; ok is false if there is other text
// on them.
func (ed *editor) wholeLines(from, to int) (start, end int, ok bool) {
	start, end = ed.lineStart(from), ed.nextLine(to)
	before, behind := string(ed.Text[start:from]), strings.TrimLeft(string(ed.Text[to:end]), " \t\r\n")
	ok = strings.Trim(before, " ") == "" && (behind == "" || behind[0] == '#')
	return start, end, ok
}

// begin returns the offset of a child of a block collection: an item begins at its dash.
func (ed *editor) begin(n *Node) int {
	if n.parent.Kind != Sequence || n.parent.Flow {
		return n.start()
	}
	return bytes.LastIndexByte(ed.Text[:n.start()], '-')
}
