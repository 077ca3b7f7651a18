package manifest

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// fast reads YAML of the forms that nearly all manifests have: block style, brackets on one line,
// plain scalars of one line, quotes without escapes, literals. It gives up on any other text, valid
// or not, and leaves it to the parser.
//
// It exists for its speed: it takes a tenth of the parser's time, and without it inject of 1,000
// services takes half as much CPU again. FuzzFast compares its trees with the parser's, and the
// result of an edit is always read by the parser.
type fast struct {
	text     string
	at       int
	depth    int     // of collections within each other
	nodes    []Node  // allocated, not used yet
	stack    []*Node // children of the open collections
	children []*Node // allocated, not used yet
}

// giveUp is the value of the panic that ends the reading. It never leaves readFast.
type giveUp struct{}

// readFast returns the tree of the document; ok is false where that takes the parser.
func (d *Document) readFast() (root *Node, ok bool) {
	if bytes.ContainsFunc(d.Text, isUnusual) {
		return nil, false
	}

	f := &fast{text: string(d.Text)}
	defer func() {
		if r := recover(); r != nil {
			if r != (giveUp{}) {
				panic(r)
			}
			root, ok = nil, false
		}
	}()

	column := f.content()
	if column == 0 && strings.HasPrefix(f.text[f.at:], "---") {
		f.at += len("---")
		f.restOfLine()
		column = f.content()
	}

	if column < 0 {
		return nil, false
	}

	root = f.block(nil, column)

	return root, f.at == len(f.text)
}

// isUnusual reports whether a character is not printable, or a tab, or a line break other than LF.
func isUnusual(r rune) bool {
	return r != '\n' && (r < ' ' || r > '~' && (r == utf8.RuneError || !unicode.IsPrint(r)))
}

// expect gives up unless ok.
func (f *fast) expect(ok bool) {
	if !ok {
		panic(giveUp{})
	}
}

// peek returns the byte at an offset from here; a line break at the end.
func (f *fast) peek(by int) byte {
	if f.at+by < len(f.text) {
		return f.text[f.at+by]
	}
	return '\n'
}

// endsAt reports whether white space stands at an offset from here.
func (f *fast) endsAt(by int) bool { return f.peek(by) == ' ' || f.peek(by) == '\n' }

func (f *fast) spaces() {
	for f.peek(0) == ' ' {
		f.at++
	}
}

// content goes to the next line that is neither blank nor a comment, and returns its indentation;
// -1 at the end. It is called at the beginning of a line.
func (f *fast) content() int {
	for f.at < len(f.text) {
		start := f.at
		f.spaces()
		if c := f.peek(0); c == '\n' || c == '#' {
			f.skipLine()
			continue
		}

		f.expect(f.at > start || f.peek(0) != '%' && !strings.HasPrefix(f.text[f.at:], "..."))

		return f.at - start
	}

	return -1
}

func (f *fast) skipLine() {
	if i := strings.IndexByte(f.text[f.at:], '\n'); i >= 0 {
		f.at += i + 1
		return
	}
	f.at = len(f.text)
}

// restOfLine passes white space, a comment and the line break.
func (f *fast) restOfLine() {
	start := f.at
	f.spaces()
	f.expect(f.peek(0) == '\n' || f.peek(0) == '#' && f.at > start)
	f.skipLine()
}

// node begins a node here.
func (f *fast) node(parent *Node, kind Kind, tag string) *Node {
	if len(f.nodes) == 0 {
		f.nodes = make([]Node, 64)
	}
	n := &f.nodes[0]
	f.nodes = f.nodes[1:]
	n.parent, n.Kind, n.Tag, n.begins, n.ends = parent, kind, tag, int32(f.at), unknown
	return n
}

// collect makes the nodes on the stack from base on the children of a collection.
func (f *fast) collect(n *Node, base int) *Node {
	found := f.stack[base:]
	if len(f.children) < len(found) {
		f.children = make([]*Node, max(64, len(found)))
	}

	n.Content, f.children = f.children[:len(found):len(found)], f.children[len(found):]
	copy(n.Content, found)
	f.stack = f.stack[:base]
	f.depth--

	_, second := twice(n)
	f.expect(second == nil)

	return n
}

// enter counts collections within each other, because the stack of the program has an end.
func (f *fast) enter() (base int) {
	f.depth++
	f.expect(f.depth < 1000)
	return len(f.stack)
}

func (f *fast) isDash() bool { return f.peek(0) == '-' && f.endsAt(1) }

// block reads a mapping or a sequence whose first entry is here, in the given column.
func (f *fast) block(parent *Node, column int) *Node {
	base := f.enter()
	n := f.node(parent, Mapping, "!!map")
	if f.isDash() {
		n.Kind, n.Tag = Sequence, "!!seq"
	}

	for {
		f.expect(f.isDash() == (n.Kind == Sequence))
		if n.Kind == Sequence {
			f.item(n, column)
		} else {
			f.key(n)
			f.value(n, column, true)
		}

		start := f.at
		next := f.content()
		f.expect(next <= column)
		if next == column && (n.Kind == Mapping || f.isDash() || parent == nil || parent.Kind != Mapping) {
			continue
		}

		if next >= 0 { // the line belongs to a collection around this one
			f.at = start
		}

		return f.collect(n, base)
	}
}

// item reads an item of a sequence.
func (f *fast) item(n *Node, column int) {
	dash := f.at
	f.at++
	f.spaces()
	if f.peek(0) != '\n' && (f.isDash() || f.isKey()) {
		f.stack = append(f.stack, f.block(n, column+f.at-dash))
		return
	}

	f.at = dash + 1
	f.value(n, column, false)
}

// isKey reports whether a key stands here. Keys of unusual characters make scalar give up.
func (f *fast) isKey() bool {
	start := f.at
	defer func() { f.at = start }()
	if c := f.peek(0); c == '"' || c == '\'' {
		f.quoted()
	} else {
		f.word()
	}

	return f.peek(0) == ':' && f.endsAt(1)
}

// word passes characters that can stand anywhere in a plain scalar, and have no meaning there.
func (f *fast) word() {
	for c := f.peek(0); c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_./-+$", c) >= 0; c = f.peek(0) {
		f.at++
	}
}

// key reads a key and its colon.
func (f *fast) key(n *Node) {
	k := f.node(n, Scalar, "!!str")
	if c := f.peek(0); c == '"' || c == '\'' {
		k.Value, k.style = f.quoted(), quoted
	} else {
		f.word()
		f.plain(k)
	}

	k.Flow = n.Flow
	f.stack = append(f.stack, k)
	f.expect(f.peek(0) == ':' && f.endsAt(1) && f.at < k.start()+1000) // YAML 1.2 section 7.4.2 allows keys of 1024 characters
	f.at++
}

// plain gives a plain scalar the text up to here.
func (f *fast) plain(n *Node) {
	n.Value = f.text[n.begins:f.at]
	f.expect(n.Value != "" && n.Value != "-")
	n.Tag = plainTag(n.Value)
}

// value reads the value behind a colon or a dash: on the same line, or as a block on the next
// lines.
func (f *fast) value(n *Node, column int, compact bool) {
	behind := f.at
	f.spaces()
	switch c := f.peek(0); {
	case c == '|':
		f.stack = append(f.stack, f.literal(n, column))
		return
	case c != '\n' && (c != '#' || f.at == behind):
		f.stack = append(f.stack, f.scalar(n))
		f.restOfLine()
		return
	}

	f.skipLine()
	start := f.at
	next := f.content()
	if next > column || next == column && compact && f.isDash() {
		f.expect(f.isDash() || f.isKey())
		f.stack = append(f.stack, f.block(n, next))
		return
	}

	f.at = behind
	f.stack = append(f.stack, f.node(n, Scalar, "!!null"))
	f.at = start
}
