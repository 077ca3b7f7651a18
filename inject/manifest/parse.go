package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// SyntaxError says where a document cannot be read, and why.
type SyntaxError struct {
	Pos Position
	Msg string
}

// Error is position and message, one line.
func (e *SyntaxError) Error() string { return e.Pos.String() + ": " + e.Msg }

// Root returns the tree of the document; nil where it has no content. It parses once. Errors: *SyntaxError, also for a duplicate
// key (YAML 1.2 section 3.2.1.1 forbids it, and readers differ on what it means).
func (d *Document) Root() (*Node, error) {
	if !d.read {
		d.read = true
		d.root, d.err = d.parse()
	}
	return d.root, d.err
}

func (d *Document) parse() (root *Node, err error) {
	defer func() {
		// The parser has been seen to panic on malformed input; no input may end the program.
		if r := recover(); r != nil {
			root, err = nil, &SyntaxError{Pos: d.Position(0), Msg: fmt.Sprint("cannot be parsed: ", r)}
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(d.Text))
	var tree yaml.Node
	if err := dec.Decode(&tree); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, d.syntaxError(err)
	}
	var more yaml.Node
	if err := dec.Decode(&more); err == nil {
		return nil, &SyntaxError{Pos: d.Position(d.offset(more.Line, more.Column)), Msg: "a second document without a --- line before it"}
	} else if !errors.Is(err, io.EOF) {
		return nil, d.syntaxError(err)
	}
	if len(tree.Content) != 1 {
		return nil, nil
	}
	r := reader{doc: d, text: string(d.Text), nodes: map[*yaml.Node]*Node{}}
	return r.node(tree.Content[0], nil, false)
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntaxError gives the parser's message the position in the file; the parser knows only the line in the document.
func (d *Document) syntaxError(err error) error {
	m := yamlLine.FindStringSubmatch(err.Error())
	pos := Position{File: d.File, Line: d.Line, Column: 1}
	if m == nil {
		return &SyntaxError{Pos: pos, Msg: err.Error()}
	}
	if line, err := strconv.Atoi(m[1]); err == nil && line > 0 {
		pos.Line += line - 1
	}
	return &SyntaxError{Pos: pos, Msg: strings.ReplaceAll(err.Error()[len(m[0]):], "\n", " ")}
}

// offset turns the parser's line and column, which counts characters, into an offset of Text.
func (d *Document) offset(line, column int) int {
	lines := d.lineStarts()
	if line < 1 || line > len(lines) {
		return len(d.Text)
	}
	at := lines[line-1]
	if at == 0 && bytes.HasPrefix(d.Text, byteOrderMark) {
		at = len(byteOrderMark)
	}
	for ; column > 1 && at < len(d.Text); column-- {
		at++
		for at < len(d.Text) && d.Text[at]&0xc0 == 0x80 {
			at++
		}
	}
	return at
}

// reader turns the parser's tree into ours.
type reader struct {
	doc   *Document
	text  string
	nodes map[*yaml.Node]*Node // those with an anchor, for their aliases
}

func (r *reader) node(y *yaml.Node, parent *Node, flow bool) (*Node, error) {
	n := &Node{Flow: flow || y.Style&yaml.FlowStyle != 0, Anchor: y.Anchor, parent: parent, stop: unknown}
	n.start = r.doc.offset(y.Line, y.Column)
	switch y.Kind {
	case yaml.AliasNode:
		n.Kind, n.Value = Alias, y.Value
		if n.target = r.nodes[y.Alias]; n.target == nil {
			return nil, &SyntaxError{Pos: r.doc.PositionOf(n), Msg: "anchor " + y.Value + " holds itself"}
		}
		n.target.aliased = true
		return n, nil
	case yaml.ScalarNode:
		n.Kind, n.Tag, n.Value, n.style = Scalar, intern(y.ShortTag()), r.share(n.start, y.Value), styleOf(y.Style)
	case yaml.MappingNode:
		n.Kind, n.Tag = Mapping, intern(y.ShortTag())
	case yaml.SequenceNode:
		n.Kind, n.Tag = Sequence, intern(y.ShortTag())
	default:
		return nil, &SyntaxError{Pos: r.doc.PositionOf(n), Msg: "not a YAML node"}
	}
	if len(y.Content) > 0 {
		n.Content = make([]*Node, len(y.Content))
	}
	for i, c := range y.Content {
		var err error
		if n.Content[i], err = r.node(c, n, n.Flow); err != nil {
			return nil, err
		}
	}
	if y.Anchor != "" { // only now: an alias inside of its own anchor has no finite tree
		r.nodes[y] = n
	}
	return n, r.unique(n)
}

// share avoids a copy of a value that stands in the text as it is.
func (r *reader) share(at int, value string) string {
	if end := at + len(value); end <= len(r.text) && r.text[at:end] == value {
		return r.text[at:end]
	}
	return value
}

// unique refuses a mapping that has a key twice.
func (r *reader) unique(n *Node) error {
	if n.Kind != Mapping {
		return nil
	}
	seen := make(map[string]*Node, len(n.Content)/2)
	for i := 0; i < len(n.Content); i += 2 {
		k := n.Content[i].Resolve()
		if k.Kind != Scalar {
			continue
		}
		if first, twice := seen[k.Value]; twice && first.Tag == k.Tag {
			return &SyntaxError{Pos: r.doc.PositionOf(n.Content[i]),
				Msg: fmt.Sprintf("key %q stands twice in one mapping, first at line %d", k.Value, r.doc.PositionOf(first).Line)}
		}
		seen[k.Value] = k
	}
	return nil
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

// intern keeps one copy of the common tags.
func intern(tag string) string {
	switch tag {
	case "!!str":
		return "!!str"
	case "!!map":
		return "!!map"
	case "!!seq":
		return "!!seq"
	case "!!int":
		return "!!int"
	case "!!bool":
		return "!!bool"
	case "!!null":
		return "!!null"
	}
	return strings.Clone(tag)
}
