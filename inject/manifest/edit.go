package manifest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// Edit is a change of a document's tree: one of Insert, Put, Replace, Remove, Restore and Empty.
type Edit interface {
	// target returns the node that changes.
	target() *Node
	// splice adds the changes of the text to the editor.
	splice(*editor) *EditError
}

type (
	// Insert adds items to a sequence: at its end, or at its beginning with First. A null or an
	// empty sequence gets its first ones.
	Insert struct {
		Into  *Node
		Items List
		First bool
	}
	// Put adds entries to a mapping: after the entry with the key After, before the entry whose key
	// is the node Before, or at the end if both are zero. The mapping must not have the keys yet.
	Put struct {
		Into    *Node
		After   string
		Before  *Node
		Entries Map
	}
	// Replace replaces the value of an entry, an item, or, by a string, the key of an entry.
	Replace struct {
		Node  *Node
		Value any
	}
	// Remove deletes an item of a sequence or, given its key's node, an entry of a mapping.
	Remove struct {
		Node *Node
	}
	// Restore replaces a node by a text that Source returned.
	Restore struct {
		Node *Node
		Text string
	}
	// Empty deletes all items of a collection that is an entry's value, and writes a text that
	// Behind returned after the key.
	Empty struct {
		Node *Node
		Text string
	}
)

func (e Insert) target() *Node  { return e.Into }
func (e Put) target() *Node     { return e.Into }
func (e Replace) target() *Node { return e.Node }
func (e Remove) target() *Node  { return e.Node }
func (e Restore) target() *Node { return e.Node }
func (e Empty) target() *Node   { return e.Node }

// EditError is a place of a document that cannot be edited, and the reason.
type EditError struct {
	Pos  Position
	Msg  string
	Edit int // index of the edit in Apply's arguments; AllEdits if no single edit is at fault
}

// AllEdits stands for all edits instead of an index.
const AllEdits = -1

// Error returns position and reason on one line.
func (e *EditError) Error() string { return e.Pos.String() + ": " + e.Msg }

// EditErrors holds all reasons why edits cannot be made.
type EditErrors []*EditError

// Error returns one line for each reason.
func (es EditErrors) Error() string {
	return errors.Join(es.Unwrap()...).Error()
}

// Unwrap returns each reason.
func (es EditErrors) Unwrap() []error {
	var out []error
	for _, e := range es {
		out = append(out, e)
	}
	return out
}

// Apply returns a patch that makes the edits and leaves every other byte as it is. It does not
// change the document. It has parsed the patched text, whose tree is the document's with the edits
// made. A node may stand in several places, by aliases or merge keys. An edit of it is made once,
// and must be asked for at each place.
//
// Errors: EditErrors for an edit that cannot be made, would reach a place that does not ask for
// it, or would change anything else.
func (d *Document) Apply(edits ...Edit) (Patch, error) {
	if len(edits) == 0 {
		return nil, nil
	}
	if lines := d.lineStarts(); len(lines) != bytes.Count(d.Text, []byte{'\n'})+1 {
		return nil, EditErrors{d.refuse(edits[0].target(), "cannot be edited: the document has line breaks other than LF and CR LF")}
	}

	united, failed := d.unite(edits)

	ed := &editor{Document: d, removed: make(map[*Node]bool), recorded: make(map[*Node]*Node)}
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
		err = ed.verify(patch.Apply(d.Text), united)
	}

	if err != nil {
		return nil, EditErrors{err}
	}

	return patch, nil
}

func (d *Document) refuse(n *Node, format string, args ...any) *EditError {
	return &EditError{Pos: d.PositionOf(n), Msg: fmt.Sprintf(format, args...), Edit: AllEdits}
}

// Source returns the text of a node, for Restore. Outside of brackets, the other lines are relative
// to the first, so that the text fits at another depth. ok is false if a tab makes that impossible,
// for a block scalar, whose text depends on the text after it, for a value that is left out, and
// for bytes that are not UTF-8.
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

// margin returns the column to which the lines of a node in block style are relative: its own, or
// for a scalar that of its line, because the key before it can become longer.
func (d *Document) margin(n *Node) int {
	if n.Kind == Scalar {
		return d.lineIndent(n.start())
	}
	return d.lineColumn(n.start())
}

// Behind returns the text from the colon of an entry to the end of its value, for Empty.
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
	if at != unknown {
		at = d.skipSpace(at)
	}
	if at == unknown || d.byteAt(at) != ':' {
		return unknown
	}

	return at + 1
}

// isKey reports whether a node is the key of an entry.
func (n *Node) isKey() bool {
	return n.parent != nil && n.parent.Kind == Mapping && n.index()%2 == 0
}

// index returns the index of a node in its parent; -1 for the root.
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

// splice is a Splice with its rank among those at the same offset: deeper nodes come first, then
// earlier edits.
type splice struct {
	Splice
	depth int
	order int
}

// replaces returns 1 for a splice that deletes text, else 0: insertions at its beginning come
// first.
func (s splice) replaces() int { return min(1, s.To-s.From) }

type editor struct {
	*Document
	removed  map[*Node]bool  // nodes of Remove edits
	recorded map[*Node]*Node // trees of the texts that Restore and Empty write
	splices  []splice
	order    int
}

// replace adds a splice. The depth is that of the collection to which the text belongs.
func (ed *editor) replace(from, to int, text string, depth int) {
	ed.splices = append(ed.splices, splice{Splice{from, to, text}, depth, ed.order})
}

// patch returns the splices in order.
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

// trimEnd extends a deletion of lines at the end of a text without a final line break: the line
// break before them is deleted too.
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
