package manifest

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// reader makes a tree of Nodes of the parser's. All nodes are one allocation.
type reader struct {
	doc      *Document
	text     string
	nodes    []Node
	children []*Node
	anchored map[*yaml.Node]*Node // for aliases
	err      error                // an anchor that contains itself

	// The place of the last node, from which the next one is searched, because a document may be
	// one long line.
	line, column, at int
}

// convert returns the tree of Nodes that has the meaning of the parser's.
func (d *Document) convert(tree *yaml.Node) (*Node, error) {
	n := count(tree)
	r := &reader{doc: d, text: string(d.Text), nodes: make([]Node, n), children: make([]*Node, n-1)}
	root := r.node(tree, nil, false)

	return root, r.err
}

// count returns the number of nodes in a tree.
func count(y *yaml.Node) int {
	n := 1
	for _, c := range y.Content {
		n += count(c)
	}
	return n
}

func (r *reader) node(y *yaml.Node, parent *Node, flow bool) *Node {
	n := &r.nodes[0]
	r.nodes = r.nodes[1:]
	at := r.offset(y.Line, y.Column)
	*n = Node{Kind: kinds[y.Kind], Flow: flow || y.Style&yaml.FlowStyle != 0, parent: parent, begins: int32(at), ends: unknown}
	if n.Kind == Alias {
		r.alias(n, y)
		return n
	}

	n.Tag = intern(y.ShortTag())
	if n.Kind == Scalar {
		n.Value, n.style = r.share(at, y.Value), styleOf(y.Style)
	}
	if size := len(y.Content); size > 0 {
		n.Content, r.children = r.children[:size:size], r.children[size:]
	}
	for i, c := range y.Content {
		n.Content[i] = r.node(c, n, n.Flow)
	}

	if y.Anchor != "" { // after the children: an alias inside its own anchor has no finite tree
		n.link = &link{anchor: strings.Clone(y.Anchor)}
		if r.anchored == nil {
			r.anchored = make(map[*yaml.Node]*Node)
		}
		r.anchored[y] = n
	}

	return n
}

func (r *reader) alias(n *Node, y *yaml.Node) {
	target := r.anchored[y.Alias]
	if target == nil {
		r.err = &SyntaxError{Pos: r.doc.PositionOf(n), Msg: "anchor " + y.Value + " contains itself; write the value out"}
		return
	}
	target.aliased = true
	n.Value, n.link = strings.Clone(y.Value), &link{target: target}
}

func (r *reader) offset(line, column int) int {
	if line != r.line || column < r.column {
		r.line, r.column, r.at = line, 1, r.doc.offset(line, 1)
	}
	r.at = r.doc.forward(r.at, column-r.column)
	r.column = column
	return r.at
}

// share returns a value as a part of the text, if it stands there unchanged, so that it is not
// copied.
func (r *reader) share(at int, value string) string {
	for _, from := range [...]int{at, at + 1} {
		if end := from + len(value); end <= len(r.text) && r.text[from:end] == value {
			return r.text[from:end]
		}
	}
	return value
}

// twice returns the two nodes of a key that a mapping has twice.
func twice(n *Node) (first, second *Node) {
	if n.Kind != Mapping {
		return nil, nil
	}

	const few = 16 // up to this number, comparing keys is faster than filling a map
	var seen map[string]*Node
	if len(n.Content) > 2*few {
		seen = make(map[string]*Node, len(n.Content)/2)
	}

	for i := 0; i < len(n.Content); i += 2 {
		k := n.Content[i].Resolve()
		if k.Kind != Scalar {
			continue
		}

		if seen != nil {
			if first, ok := seen[k.Value]; ok && first.Resolve().Tag == k.Tag {
				return first, n.Content[i]
			}
			seen[k.Value] = n.Content[i]
			continue
		}

		for j := 0; j < i; j += 2 {
			if first := n.Content[j].Resolve(); first.Kind == Scalar && first.Value == k.Value && first.Tag == k.Tag {
				return n.Content[j], n.Content[i]
			}
		}
	}

	return nil, nil
}

func styleOf(s yaml.Style) style {
	switch {
	case s&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		return quoted
	case s&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return literal
	}
	return plain
}

// intern returns a tag, the common ones without a copy.
func intern(tag string) string {
	for _, common := range [...]string{"!!str", "!!map", "!!seq", "!!int", "!!bool", "!!null"} {
		if tag == common {
			return common
		}
	}
	return strings.Clone(tag)
}
