package manifest

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// quick reads YAML as nearly all manifests are written: block style with brackets that stay on
// their line, plain scalars of one line, quotes with few escapes, literals; LF; no anchors, tags,
// tabs, complex or odd keys. It gives up on anything else, and on whatever is not YAML, for which
// the parser is asked. It takes a tenth of the parser's time. That it never reads anything else
// than the parser does is shown by FuzzQuick; and an edit that is based on its tree is compared
// with what the parser reads of the result.
type quick struct {
	text     string
	at       int
	depth    int     // of collections within each other
	nodes    []Node  // the rest of those that were allocated last
	stack    []*Node // children of the collections under way
	children []*Node // the rest of the room for them
}

// giveUp is what quick panics with: it is thrown from deep within, and never leaves readQuick.
type giveUp struct{}

// readQuick returns the tree of the document; ok is false where that takes the parser.
func (d *Document) readQuick() (root *Node, ok bool) {
	if !isOrdinary(d.Text) {
		return nil, false
	}

	q := &quick{text: string(d.Text)}
	defer func() {
		if r := recover(); r != nil {
			if r != (giveUp{}) {
				panic(r)
			}
			root, ok = nil, false
		}
	}()

	if bytes.HasPrefix(d.Text, byteOrderMark) {
		q.at = len(byteOrderMark)
	}

	column := q.content()
	if column == 0 && strings.HasPrefix(q.text[q.at:], "---") {
		q.at += len("---")
		q.restOfLine()
		column = q.content()
	}

	if column < 0 {
		return nil, false
	}

	root = q.block(nil, column)
	if q.content() >= 0 {
		return nil, false
	}

	return root, true
}

// isOrdinary reports whether a text has only characters that mean the same to everybody, and only
// LF between its lines.
func isOrdinary(text []byte) bool {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= ' ' && c < 0x7f || c == '\n' || c == '\t':
		case c < utf8.RuneSelf:
			return false
		default:
			r, n := utf8.DecodeRune(text[i:])
			if r == utf8.RuneError || notPrintable(r) && i > 0 || r >= 0x80 && r < 0xa0 || r == '\u2028' || r == '\u2029' {
				return false
			}
			i += n - 1
		}
	}

	return true
}

func (q *quick) fail() { panic(giveUp{}) }

// peek returns the byte at an offset from here; a line break at the end.
func (q *quick) peek(by int) byte {
	if q.at+by < len(q.text) {
		return q.text[q.at+by]
	}
	return '\n'
}

// content goes to the next line that says something and returns its indentation; -1 at the end. It
// is called at the beginning of a line.
func (q *quick) content() int {
	for q.at < len(q.text) {
		start := q.at
		for q.peek(0) == ' ' {
			q.at++
		}

		switch c := q.peek(0); {
		case c == '\t' || c == '%' && q.at == start:
			q.fail()
		case c == '\n' || c == '#':
			q.skipLine()
			continue
		case q.at == start && c == '.' && isMarker([]byte(q.text[q.at:min(len(q.text), q.at+4)]), "..."):
			q.at += len("...")
			q.restOfLine()
			if q.content() >= 0 {
				q.fail()
			}
			return -1
		}

		return q.at - start
	}

	return -1
}

func (q *quick) skipLine() {
	if i := strings.IndexByte(q.text[q.at:], '\n'); i >= 0 {
		q.at += i + 1
		return
	}
	q.at = len(q.text)
}

// restOfLine passes white space and a comment behind a value, and the line break.
func (q *quick) restOfLine() {
	start := q.at
	for q.peek(0) == ' ' {
		q.at++
	}

	if c := q.peek(0); c != '\n' && (c != '#' || q.at == start) {
		q.fail()
	}

	q.skipLine()
}

// enter counts collections within each other, because the stack has an end; leave is its inverse.
func (q *quick) enter() {
	if q.depth++; q.depth > 1000 {
		q.fail()
	}
}

func (q *quick) leave() { q.depth-- }

// node begins a node at an offset.
func (q *quick) node(parent *Node, at int) *Node {
	if len(q.nodes) == 0 {
		q.nodes = make([]Node, 64)
	}
	n := &q.nodes[0]
	q.nodes = q.nodes[1:]
	n.parent, n.begins, n.ends = parent, int32(at), unknown
	return n
}

// collect makes what was stacked since base the children of a collection.
func (q *quick) collect(n *Node, base int) *Node {
	found := q.stack[base:]
	if len(q.children) < len(found) {
		q.children = make([]*Node, max(64, len(found)))
	}

	n.Content, q.children = q.children[:len(found):len(found)], q.children[len(found):]
	copy(n.Content, found)
	q.stack = q.stack[:base]
	if _, second := twice(n); second != nil {
		q.fail()
	}

	return n
}

// block reads a mapping or a sequence whose first entry is here, in the given column.
func (q *quick) block(parent *Node, column int) *Node {
	q.enter()
	defer q.leave()
	n, base := q.node(parent, q.at), len(q.stack)
	n.Kind, n.Tag = Mapping, "!!map"

	entry := q.entry
	if q.isDash() {
		n.Kind, n.Tag = Sequence, "!!seq"
		entry = q.item
	}

	for {
		if q.isDash() != (n.Kind == Sequence) {
			q.fail()
		}

		entry(n, column)
		start := q.at

		next := q.content()
		if next > column {
			q.fail()
		}

		compact := next == column && n.Kind == Sequence && parent != nil && parent.Kind == Mapping && !q.isDash()
		if next < column || compact { // the line belongs to a collection around this one
			q.at = start
			return q.collect(n, base)
		}
	}
}

func (q *quick) isDash() bool { return q.peek(0) == '-' && (q.peek(1) == ' ' || q.peek(1) == '\n') }

// entry reads a key of a mapping and its value.
func (q *quick) entry(n *Node, column int) {
	q.key(n)
	if q.peek(0) != ':' || q.peek(1) != ' ' && q.peek(1) != '\n' {
		q.fail()
	}
	q.at++
	q.value(n, column, true)
}

// item reads an item of a sequence.
func (q *quick) item(n *Node, column int) {
	dash := q.at
	q.at++
	for q.peek(0) == ' ' {
		q.at++
	}

	if q.peek(0) != '\n' && q.peek(0) != '#' && (q.isDash() || q.isKey()) {
		q.stack = append(q.stack, q.block(n, column+q.at-dash))
		return
	}

	q.at = dash + 1
	q.value(n, column, false)
}

// isKey reports whether a key stands here. What else looks like one makes scalar give up.
func (q *quick) isKey() bool {
	start := q.at
	defer func() { q.at = start }()
	if c := q.peek(0); c == '"' || c == '\'' {
		q.quoted()
	} else {
		for isWord(q.peek(0)) {
			q.at++
		}
	}

	return q.peek(0) == ':' && (q.peek(1) == ' ' || q.peek(1) == '\n')
}

// isWord reports whether a byte can stand anywhere in a plain scalar, and means nothing there.
func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '/' || c == '-' || c == '+' || c == '$'
}

func (q *quick) key(n *Node) {
	start := q.at
	k := q.node(n, start)
	if c := q.peek(0); c == '"' || c == '\'' {
		k.Value, k.Tag, k.style = q.quoted(), "!!str", quoted
	} else {
		for isWord(q.peek(0)) {
			q.at++
		}

		if q.at == start || q.text[start] == '-' && q.at == start+1 {
			q.fail()
		}

		k.Value = q.text[start:q.at]
		k.Tag = plainTag(k.Value)
	}

	if q.at-start > 1000 { // a key has no more than 1024 characters, YAML 1.2 section 7.4.2
		q.fail()
	}

	q.stack = append(q.stack, k)
}

// value reads what stands behind a colon or a dash: on the same line, or as a block on the next
// ones.
func (q *quick) value(n *Node, column int, compact bool) {
	behind := q.at
	for q.peek(0) == ' ' {
		q.at++
	}

	if c := q.peek(0); c != '\n' && (c != '#' || q.at == behind) {
		q.stack = append(q.stack, q.scalar(n, column))
		return
	}

	q.skipLine()
	start := q.at

	next := q.content()
	if next > column || next == column && compact && q.isDash() {
		if !q.isDash() && !q.isKey() {
			q.fail()
		}
		q.stack = append(q.stack, q.block(n, next))
		return
	}

	q.at = start
	empty := q.node(n, behind)
	empty.Tag = "!!null"
	q.stack = append(q.stack, empty)
}
