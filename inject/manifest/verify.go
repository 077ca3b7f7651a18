package manifest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// verify parses an edited text and compares its tree with the expected one: the document's with the
// edits made. No wrong text leaves this package.
func (ed *editor) verify(out []byte, edits []asked) *EditError {
	d := ed.Document
	edited := &Document{File: d.File, Number: d.Number, Line: d.Line, Text: out}
	got, err := edited.decode()
	if e := (*SyntaxError)(nil); errors.As(err, &e) { // its place is one in the result
		return d.refuse(edits[0].target(), "cannot be edited: the result would not be readable (%s)", e.Msg)
	}

	if err := d.becomesJSON(edited); err != nil {
		return err
	}

	x := expectation{editor: ed, changed: map[*Node]bool{}, edits: map[*Node][]Edit{}}
	for _, e := range edits {
		n := e.target()
		x.edits[n] = append(x.edits[n], e.Edit)
		for at := n; at != nil; at = at.parent {
			x.changed[at] = true
		}
	}

	want := x.tree(d.root)
	if x.failed != nil {
		return d.refuse(edits[0].target(), "cannot be edited: %v", x.failed)
	}
	if path, differs := differ(want, got); differs {
		return d.refuse(edits[0].target(), "internal error: the edit would change document%s; please report it with the manifest", path)
	}

	return nil
}

// becomesJSON refuses an edit after which the document is JSON and was not before. Restore writes
// JSON into JSON, so it could not restore the document.
func (d *Document) becomesJSON(edited *Document) *EditError {
	if d.json || !edited.json {
		return nil
	}
	at := max(0, jsonStart(d.Text))
	if _, err := readJSON(d.Text, at); err != nil {
		at = err.at
	}

	return &EditError{Pos: d.Position(at), Msg: "cannot be edited: the document is JSON except for this; write this as JSON too", Edit: AllEdits}
}

// expectation builds the tree that a document should have after its edits. It shares unchanged
// subtrees with the document.
type expectation struct {
	*editor
	changed map[*Node]bool
	edits   map[*Node][]Edit
	failed  error
}

func (x *expectation) tree(n *Node) *Node {
	if !x.changed[n] {
		return n
	}

	out := &Node{Kind: n.Kind, Tag: n.Tag, Value: n.Value, link: n.link, parent: n.parent, Content: make([]*Node, 0, 2*len(n.Content))}

	for i, c := range n.Content {
		key := c // of the entry; an item itself
		if n.Kind == Mapping {
			key = n.Content[i-i%2]
		}

		if c == key {
			out.Content = append(out.Content, x.put(n, func(p Put) bool { return p.Before == key })...)
		}
		if !x.removed[key] {
			out.Content = append(out.Content, x.tree(c))
		}
		if c != key && key.Value != "" {
			out.Content = append(out.Content, x.put(n, func(p Put) bool { return p.Before == nil && p.After == key.Value })...)
		}
	}

	out.Content = append(out.Content, x.put(n, func(p Put) bool { return p.Before == nil && p.After == "" })...)
	for _, e := range x.edits[n] {
		x.apply(out, e)
	}

	if _, second := twice(out); second != nil {
		x.failed = fmt.Errorf("the result would have the key %q twice", second.Text())
	}

	return out
}

// put returns the entries that edits add at one place of a mapping.
func (x *expectation) put(n *Node, here func(Put) bool) (content []*Node) {
	for _, e := range x.edits[n] {
		if p, ok := e.(Put); ok && here(p) {
			content = append(content, nodeOf(p.Entries).Content...)
		}
	}
	return content
}

func (x *expectation) apply(n *Node, e Edit) {
	switch e := e.(type) {
	case Insert: // into a sequence, or into a null that becomes one
		items, at := nodeOf(e.Items), len(n.Content)
		if e.First {
			at = 0
		}
		n.Kind, n.Tag, n.Value = Sequence, items.Tag, ""
		n.Content = slices.Insert(n.Content, at, items.Content...)

	case Replace:
		*n = *nodeOf(e.Value)
	case Restore, Empty:
		*n = *x.recorded[e.target()]
	}
}

// nodeOf returns the tree of a value.
func nodeOf(v any) *Node {
	switch v := v.(type) {
	case nil:
		return &Node{Tag: "!!null"}
	case bool:
		return &Node{Tag: "!!bool", Value: strconv.FormatBool(v)}
	case int64:
		return &Node{Tag: "!!int", Value: strconv.FormatInt(v, 10)}
	case float64:
		return &Node{Tag: "!!float", Value: layout{}.scalar(v, false)}
	case string:
		return &Node{Tag: "!!str", Value: v}
	case Map:
		n := &Node{Kind: Mapping, Tag: "!!map", Content: make([]*Node, 0, 2*len(v))}
		for _, e := range v {
			n.Content = append(n.Content, nodeOf(e.Key), nodeOf(e.Value))
		}
		return n

	case List:
		n := &Node{Kind: Sequence, Tag: "!!seq", Content: make([]*Node, 0, len(v))}
		for _, item := range v {
			n.Content = append(n.Content, nodeOf(item))
		}
		return n
	}

	panic("manifest: a value of a type that Map does not document")
}
