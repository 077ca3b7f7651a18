package manifest

import (
	"strconv"

	"go.yaml.in/yaml/v3"
)

// tree is a node with its children: a Node, or a node of the YAML parser. The parser's tree of an
// edited text is compared as it is, because Nodes would take half as much memory again.
type tree interface {
	meaning() meaning
	child(i int) tree
}

// meaning is the meaning of a node without its children. No style changes it.
type meaning struct {
	kind          Kind
	tag           string // "" for an alias
	value, anchor string
	children      int
}

func (n *Node) meaning() meaning {
	return meaning{n.Kind, n.Tag, n.Value, n.anchor(), len(n.Content)}
}

func (n *Node) child(i int) tree { return n.Content[i] }

// parsed is a node of the YAML parser.
type parsed struct{ *yaml.Node }

// kinds holds the kinds of the parser's nodes.
var kinds = [...]Kind{yaml.ScalarNode: Scalar, yaml.MappingNode: Mapping, yaml.SequenceNode: Sequence, yaml.AliasNode: Alias}

func (p parsed) meaning() meaning {
	m := meaning{kind: kinds[p.Kind], value: p.Value, anchor: p.Anchor, children: len(p.Content)}
	if m.kind != Alias {
		m.tag = p.ShortTag()
	}
	return m
}

func (p parsed) child(i int) tree { return parsed{p.Content[i]} }

// differ compares two trees, and returns the path to the first difference. The style of scalars
// does not count, nor does the text of a null.
func differ(want, got tree) (path string, differs bool) {
	if want == nil || got == nil {
		return "", want != got
	}

	w, g := want.meaning(), got.meaning()
	if w.tag == "!!null" {
		g.value = w.value
	}
	if w != g {
		return "", true
	}

	for i := range w.children {
		path, differs := differ(want.child(i), got.child(i))
		switch {
		case !differs:
		case w.kind == Sequence:
			return "[" + strconv.Itoa(i) + "]" + path, true
		default:
			return "." + want.child(i-i%2).meaning().value + path, true
		}
	}

	return "", false
}
