package manifest

import (
	"fmt"
	"strconv"
	"strings"
)

// verify parses an edited text and compares its tree with the document's, on which the edits were made: whatever went wrong in the
// text, it does not leave this package.
func (d *Document) verify(out []byte, edits []Edit) error {
	got, err := (&Document{File: d.File, Number: d.Number, Line: d.Line, Text: out}).Root()
	if err != nil {
		return d.refuse(edits[0].target(), "cannot be edited: the result would not be readable (%v)", err)
	}
	x := expectation{Document: d, changed: map[*Node]bool{}, edits: map[*Node][]Edit{}}
	for _, e := range edits {
		n := e.target()
		x.edits[n] = append(x.edits[n], e)
		for at := n; at != nil; at = at.parent {
			x.changed[at] = true
		}
	}
	want := x.tree(d.root)
	if x.failed != nil {
		return d.refuse(edits[0].target(), "cannot be edited: %v", x.failed)
	}
	if n := differ(want, got); n != nil {
		pos := edits[0].target()
		return d.refuse(pos, "cannot be edited: in the result %s would not mean what it should", place(n))
	}
	return nil
}

// place names a node by the keys that lead to it.
func place(n *Node) string {
	path := ""
	for at := n; at.parent != nil; at = at.parent {
		i := at.index()
		switch {
		case i < 0:
		case at.parent.Kind == Sequence:
			path = "[" + strconv.Itoa(i) + "]" + path
		case i%2 == 1:
			path = "." + at.parent.Content[i-1].Value + path
		}
	}
	if path == "" {
		return "the document"
	}
	return path
}

// expectation builds the tree that a document should have after its edits; subtrees without a change are shared with the document's.
type expectation struct {
	*Document
	changed map[*Node]bool
	edits   map[*Node][]Edit
	failed  error
}

func (x *expectation) tree(n *Node) *Node {
	if !x.changed[n] {
		return n
	}
	out := &Node{Kind: n.Kind, Tag: n.Tag, Value: n.Value, Anchor: n.Anchor, parent: n.parent}
	step := 1
	if n.Kind == Mapping {
		step = 2
	}
	for i := 0; i < len(n.Content); i += step {
		if x.removed(n.Content[i]) {
			continue
		}
		for _, c := range n.Content[i : i+step] {
			out.Content = append(out.Content, x.tree(c))
		}
		if step == 2 && n.Content[i].Value != "" {
			out.Content = append(out.Content, x.put(n, n.Content[i].Value)...)
		}
	}
	out.Content = append(out.Content, x.put(n, "")...)
	for _, e := range x.edits[n] {
		x.apply(out, e)
	}
	return out
}

func (x *expectation) removed(n *Node) bool {
	for _, e := range x.edits[n] {
		if _, ok := e.(Remove); ok {
			return true
		}
	}
	return false
}

// put returns the entries that are to follow the entry of a mapping with the given key.
func (x *expectation) put(n *Node, after string) (content []*Node) {
	for _, e := range x.edits[n] {
		if p, ok := e.(Put); ok && p.After == after {
			content = append(content, nodeOf(p.Entries).Content...)
		}
	}
	return content
}

func (x *expectation) apply(n *Node, e Edit) {
	switch e := e.(type) {
	case Append:
		values := nodeOf(e.Values)
		n.Kind, n.Tag, n.Value = Sequence, values.Tag, ""
		n.Content = append(n.Content, values.Content...)
	case Replace:
		*n = *nodeOf(e.Value)
	case Rename:
		n.Value = e.Name
	case Restore:
		column := max(1, x.lineColumn(e.Node.start))
		*n = *x.parsed("key:\n" + strings.Repeat(" ", column) + indent(e.Text, column) + "\n")
	case Empty:
		*n = *x.parsed(`{"key":` + e.Text + "\n}")
	}
}

// parsed is the value of the only entry of a mapping.
func (x *expectation) parsed(text string) *Node {
	root, err := (&Document{File: "recorded text", Line: 1, Text: []byte(text)}).Root()
	if err != nil {
		x.failed = fmt.Errorf("reading back what was recorded: %w", err)
	}
	if root == nil || len(root.Content) != 2 {
		return nodeOf(nil)
	}
	return root.Content[1]
}

// nodeOf is the tree of a value.
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
		n := &Node{Kind: Mapping, Tag: "!!map"}
		for _, e := range v {
			n.Content = append(n.Content, nodeOf(e.Key), nodeOf(e.Value))
		}
		return n
	case List:
		n := &Node{Kind: Sequence, Tag: "!!seq"}
		for _, item := range v {
			n.Content = append(n.Content, nodeOf(item))
		}
		return n
	}
	panic("manifest: a value that is none of those that Map documents")
}

// differ returns a node of want that got has otherwise, nil where the trees are equal. How scalars are written does not count, nor
// does the text of a null.
func differ(want, got *Node) *Node {
	if want == nil || got == nil {
		if want == got {
			return nil
		}
		return &Node{}
	}
	if want.Kind != got.Kind || want.Tag != got.Tag || want.Anchor != got.Anchor || len(want.Content) != len(got.Content) ||
		want.Value != got.Value && want.Tag != "!!null" {
		return got
	}
	for i := range want.Content {
		if n := differ(want.Content[i], got.Content[i]); n != nil {
			return n
		}
	}
	return nil
}
