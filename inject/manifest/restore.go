package manifest

import (
	"cmp"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// Restore and Empty write recorded texts into a document that kubectl may have printed anew since.
// Block style may have become brackets, YAML may have become JSON, and the other way round. If the
// text has another meaning there, they write its value instead.

// restored returns the text that Restore writes, and its tree.
//
// Errors: a text that cannot be read, or only with anchors of the document that it came from.
func (d *Document) restored(e Restore) (text string, want *Node, err error) {
	n := e.Node
	switch {
	case d.json && !json.Valid([]byte(e.Text)):
		err = errRecorded
	case n.Flow:
		text = e.Text
		want, err = d.recorded(inBrackets(e.Text))
	default:
		text = indent(e.Text, d.margin(n))
		want, err = d.inBlock(e.Text)
	}

	if err == nil {
		return text, want, nil
	}

	// The text has another meaning here, so its value is written.
	if want, err = d.inBlock(e.Text); err != nil {
		want, err = entryOf(inBrackets(e.Text))
	}

	if err != nil {
		return "", nil, err
	}

	v, err := want.value()
	if err != nil {
		return "", nil, err
	}

	b, column := &block{layout: d.layoutAt(n)}, 0
	if n.parent.bracketed(d) {
		b, _, column = d.flowBlock(n.parent, true)
	}

	b.flow(v, column, true)

	return b.String(), nodeOf(v), nil
}

// emptied returns the text that Empty writes after the colon, and its tree.
//
// Errors: a text that cannot be read.
func (d *Document) emptied(e Empty) (text string, want *Node, err error) {
	want, err = d.recorded(`{"k":` + e.Text + "\n }")
	fits := e.Node.parent.Flow || deeper(e.Text, d.column(e.Node.parent))
	if d.json {
		fits = json.Valid([]byte(e.Text))
	}

	if err != nil || fits {
		return e.Text, want, err
	}

	v, err := want.value()
	if err != nil {
		return "", nil, err
	}

	return " " + d.layoutAt(e.Node).scalar(v, true), nodeOf(v), nil
}

// deeper reports whether a value after a colon begins on the same line, or is indented by more than
// a column.
func deeper(text string, column int) bool {
	for i, line := range strings.Split(text, "\n") {
		content := strings.TrimLeft(line, " ")
		if !isBlank(line) && strings.TrimLeft(content, "\t")[0] != '#' {
			return i == 0 || len(line)-len(content) > column
		}
	}
	return true
}

var errRecorded = errors.New("its record cannot be read back")

// inBrackets returns a text as the value of an entry in brackets.
func inBrackets(text string) string { return `{"k": ` + text + "}" }

// inBlock returns the tree of a text in block style.
func (d *Document) inBlock(text string) (*Node, error) {
	column := len("- k") + strings.Count(text, "\t") // a tab stands for one column less, see dedent
	return d.recorded("k:\n" + strings.Repeat(" ", column) + indent(text, column) + "\n")
}

// recorded returns the value of the only entry of a mapping. The anchors of the document come
// first, because the value may hold an alias.
func (d *Document) recorded(text string) (*Node, error) {
	if d.json {
		return entryOf(text)
	}

	anchors := ""
	for n := range d.root.all() {
		if name := n.anchor(); name != "" {
			anchors += "&" + name + " ~, "
		}
	}

	return entryOf("- [" + anchors + "~]\n- " + text)
}

// entryOf returns the value of the only entry of a mapping, which may be the second item of a list.
func entryOf(text string) (*Node, error) {
	root, err := (&Document{File: "recorded text", Line: 1, Text: []byte(text)}).Root()
	if items := root.Items(); len(items) == 2 {
		root = items[1]
	}
	if err != nil || root.Kind != Mapping || len(root.Content) != 2 {
		return nil, errRecorded
	}

	return root.Content[1], nil
}

// value returns the value of a node, as one of the types that Map documents.
//
// Errors: an alias, whose anchor is missing; a number out of range.
func (n *Node) value() (v any, err error) {
	child := func(c *Node) any {
		v, wrong := c.value()
		err = cmp.Or(err, wrong)
		return v
	}

	switch n.Kind {
	case Alias:
		return nil, errors.New("its record holds an alias")
	case Mapping:
		m := Map{}
		for k, c := range n.own() {
			m = append(m, Entry{k.Value, child(c)})
		}
		return m, err

	case Sequence:
		l := List{}
		for _, c := range n.Content {
			l = append(l, child(c))
		}
		return l, err
	}

	switch i, ok := n.Int(); n.Tag {
	case "!!null":
		return nil, nil
	case "!!bool":
		return n.IsTrue(), nil
	case "!!int":
		if !ok {
			return nil, errRecorded
		}
		return i, nil
	case "!!float":
		return strconv.ParseFloat(n.Value, 64)
	}

	return n.Value, nil
}
