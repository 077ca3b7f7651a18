package manifest

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Edit is a change of a document's tree: one of Append, Prepend, Put, Replace, Rename, Remove,
// Restore and Empty.
type Edit interface {
	// target is the node that the edit is about.
	target() *Node
	// splice adds what the edit changes in the text.
	splice(*editor) *EditError
}

type (
	// Append adds values at the end of a sequence. A null or an empty sequence gets its first ones.
	Append struct {
		To     *Node
		Values List
	}
	// Prepend adds values in front of those that a sequence has; else it is Append.
	Prepend struct {
		To     *Node
		Values List
	}
	// Put adds entries to a mapping: behind the entry with the key After, in front of the one that
	// has the key's node Before, or at the end where both are zero. The caller has made sure that
	// the mapping has none of the keys.
	Put struct {
		Into    *Node
		After   string
		Before  *Node
		Entries Map
	}
	// Replace puts a value in the place of an entry's value or of an item.
	Replace struct {
		Node  *Node
		Value any
	}
	// Rename changes the key of an entry. Key is the key's node.
	Rename struct {
		Key  *Node
		Name string
	}
	// Remove takes an item out of a sequence, or, by its key's node, an entry out of a mapping.
	Remove struct {
		Node *Node
	}
	// Restore writes a text in the place of a node: one that Source returned.
	Restore struct {
		Node *Node
		Text string
	}
	// Empty takes all items out of a collection that is an entry's value, and writes a text behind
	// its key: one that Behind returned.
	Empty struct {
		Node *Node
		Text string
	}
)

func (e Append) target() *Node  { return e.To }
func (e Prepend) target() *Node { return e.To }
func (e Put) target() *Node     { return e.Into }
func (e Replace) target() *Node { return e.Node }
func (e Rename) target() *Node  { return e.Key }
func (e Remove) target() *Node  { return e.Node }
func (e Restore) target() *Node { return e.Node }
func (e Empty) target() *Node   { return e.Node }

// EditError says which place of a document cannot be edited, and why.
type EditError struct {
	Pos  Position
	Msg  string
	Edit int // which of Apply's edits cannot be made; AllEdits where it is none of them alone
}

// AllEdits is no edit's index.
const AllEdits = -1

// Error is position and reason, one line.
func (e *EditError) Error() string { return e.Pos.String() + ": " + e.Msg }

// EditErrors are all reasons why edits cannot be made.
type EditErrors []*EditError

// Error returns one line for each reason.
func (es EditErrors) Error() string {
	var lines []string
	for _, e := range es {
		lines = append(lines, e.Error())
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns each reason.
func (es EditErrors) Unwrap() []error {
	var out []error
	for _, e := range es {
		out = append(out, e)
	}
	return out
}

// Apply returns what the edits change in the document's text; every other byte stays as it is. The
// document is not changed. The edited text has been parsed, and its tree is the document's with the
// edits made. Where a node stands in several places, by aliases or merge keys, an edit is made once
// that is asked for at each of them. Errors: EditErrors where that does not hold, or where an edit
// would reach a place that does not ask for it.
func (d *Document) Apply(edits ...Edit) (Patch, error) {
	if len(edits) == 0 {
		return nil, nil
	}
	if lines := d.lineStarts(); len(lines) != bytes.Count(d.Text, []byte{'\n'})+1 {
		return nil, EditErrors{d.refuse(edits[0].target(), "cannot be edited: the document has line breaks other than LF and CR LF")}
	}

	united, failed := d.unite(edits)

	ed := &editor{Document: d, removed: make(map[*Node]bool)}
	for _, e := range united {
		if r, ok := e.Edit.(Remove); ok {
			ed.removed[r.Node] = true
		}
	}

	for _, e := range united {
		ed.order = e.index
		if err := e.splice(ed); err != nil {
			err.Edit = e.index
			failed = append(failed, err)
		}
	}

	if len(failed) > 0 {
		return nil, failed
	}

	patch, err := ed.patch()
	if err == nil {
		err = d.verify(patch.Apply(d.Text), united)
	}

	if err != nil {
		return nil, EditErrors{err}
	}

	return patch, nil
}

func (d *Document) refuse(n *Node, format string, args ...any) *EditError {
	return &EditError{Pos: d.PositionOf(n), Msg: fmt.Sprintf(format, args...), Edit: AllEdits}
}

// Source returns the text that a node is written as, for Restore. Outside of brackets, lines behind
// the first are relative to the first, so that it can be written at another depth; ok is false
// where a tab makes that impossible, for a block scalar, whose text depends on what follows it, for
// a value that is not written out, and for bytes that are no UTF-8, which no string can hold.
func (d *Document) Source(n *Node) (text string, ok bool) {
	end := d.end(n)
	if end == unknown || n.style == literal || n.Kind == Scalar && n.style == plain && n.Value == "" {
		return "", false
	}
	text = string(d.Text[n.start():end])
	if n.Flow || !utf8.ValidString(text) {
		return text, utf8.ValidString(text)
	}

	return dedent(text, d.margin(n))
}

// margin is what the lines of a node in block style are relative to: its own column, but for a
// scalar that of its line, because the key in front of it can become longer.
func (d *Document) margin(n *Node) int {
	if n.Kind == Scalar {
		return d.lineIndent(n.start())
	}
	return d.lineColumn(n.start())
}

// Behind returns what stands behind the colon of an entry up to the end of its value.
func (d *Document) Behind(value *Node) (text string, ok bool) {
	colon, end, ok := d.behind(value)
	if !ok {
		return "", false
	}
	text = string(d.Text[colon:end])
	return text, utf8.ValidString(text)
}

func (d *Document) behind(value *Node) (colon, end int, ok bool) {
	colon, end = d.colon(value), d.end(value)
	return colon, end, colon != unknown && colon <= end
}

// colon returns the offset behind the colon before an entry's value.
func (d *Document) colon(value *Node) int {
	i := value.index()
	if i < 0 || value.parent.Kind != Mapping {
		return unknown
	}

	at := d.end(value.parent.Content[i-1])
	if at == unknown {
		return unknown
	}

	at = d.skipSpace(at)
	if at >= len(d.Text) || d.Text[at] != ':' {
		return unknown
	}

	return at + 1
}

// index is where a node stands in its parent; -1 for the root.
func (n *Node) index() int {
	if n.parent == nil {
		return -1
	}
	return slices.Index(n.parent.Content, n)
}

// depth counts the collections around a node.
func (n *Node) depth() int {
	depth := 0
	for at := n.parent; at != nil; at = at.parent {
		depth++
	}
	return depth
}

// splice is a Splice under way. Several may stand at one offset: what belongs to a deeper node
// comes first, then what was asked for first.
type splice struct {
	Splice
	depth int
	order int
}

// replaces is 1 for a splice that takes text away: what is only inserted at its beginning comes
// first.
func (s splice) replaces() int { return min(1, s.To-s.From) }

type editor struct {
	*Document
	removed map[*Node]bool // nodes of Remove edits
	splices []splice
	order   int
}

// replace notes that a range of the text becomes another text. depth is that of the collection that
// the text belongs to.
func (ed *editor) replace(from, to int, text string, depth int) {
	ed.splices = append(ed.splices, splice{Splice{from, to, text}, depth, ed.order})
}

// patch puts the splices in order.
func (ed *editor) patch() (Patch, *EditError) {
	slices.SortStableFunc(ed.splices, func(a, b splice) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.replaces(), b.replaces()), cmp.Compare(b.depth, a.depth), cmp.Compare(a.order, b.order))
	})
	ed.trimEnd()

	patch, at := make(Patch, len(ed.splices)), 0
	for i, s := range ed.splices {
		if s.From < at || s.To < s.From || s.To > len(ed.Text) {
			return nil, &EditError{Pos: ed.Position(min(s.From, len(ed.Text))), Msg: "two changes meet here", Edit: AllEdits}
		}
		patch[i], at = s.Splice, s.To
	}

	return patch, nil
}

// trimEnd lets lines that go from the end of a text without a final line break take the line break
// before them along.
func (ed *editor) trimEnd() {
	start, first := len(ed.Text), -1
	if start == 0 || ed.Text[start-1] == '\n' {
		return
	}
	for i := len(ed.splices) - 1; i >= 0 && ed.splices[i].Text == "" && ed.splices[i].To == start; i-- {
		start, first = ed.splices[i].From, i
	}

	if first >= 0 && start > 0 && ed.Text[start-1] == '\n' {
		ed.splices[first].From = len(bytes.TrimSuffix(ed.Text[:start-1], []byte{'\r'}))
	}
}
