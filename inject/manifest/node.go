package manifest

import "regexp"

// Kind tells what a node is.
type Kind uint8

// The kinds of nodes.
const (
	Scalar Kind = iota
	Mapping
	Sequence
	Alias
)

// String is the kind's name as errors use it.
func (k Kind) String() string {
	return [...]string{"scalar", "mapping", "sequence", "alias"}[k]
}

// Node is a node of a document's tree, with the place in the text that it was read from. It keeps what an edit and a comparison need, and
// little else, because a long stream has hundreds of thousands of them.
type Node struct {
	Kind    Kind
	Flow    bool    // a collection in brackets, or a scalar or alias inside of one
	Tag     string  // resolved and short: !!str, !!int, ...; "" for an alias
	Value   string  // of a scalar, decoded; the anchor's name for an alias
	Content []*Node // items; for a mapping key, value, key, value, ...

	style   style
	aliased bool  // some alias stands for this node
	begins  int32 // offset of the first byte, properties (anchor, tag) included
	ends    int32 // offset behind the last byte, or unknown
	parent  *Node
	link    *link // nil for nearly all
}

// link is what ties nodes together beyond the tree.
type link struct {
	anchor string // the name after &
	target *Node  // what an alias stands for
}

func (n *Node) start() int { return int(n.begins) }

// anchor is the name after &, "" where there is none.
func (n *Node) anchor() string {
	if n.link == nil {
		return ""
	}
	return n.link.anchor
}

type style uint8

const (
	plain style = iota
	quoted
	literal // or folded
)

const unknown = -1

// tagMerge is the tag of the key <<, of the YAML 1.1 type "merge".
const tagMerge = "!!merge"

// Resolve returns the node itself, or what it stands for where it is an alias.
func (n *Node) Resolve() *Node {
	if n != nil && n.Kind == Alias {
		return n.link.target
	}
	return n
}

// Entry returns the key and the value node of a mapping's entry; nil where n is not a mapping, or has no such key. An entry that a merge
// key (<<) brings in counts, behind the mapping's own ones.
func (n *Node) Entry(key string) (k, v *Node) {
	if n = n.Resolve(); n == nil || n.Kind != Mapping {
		return nil, nil
	}
	var merged *Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i].Resolve()
		switch {
		case k.Kind == Scalar && k.Tag == tagMerge:
			merged = n.Content[i+1].Resolve()
		case k.Kind == Scalar && k.Value == key:
			return n.Content[i], n.Content[i+1]
		}
	}
	if merged == nil {
		return nil, nil
	}
	for _, m := range append([]*Node{merged}, merged.Items()...) {
		if k, v := m.Entry(key); k != nil {
			return k, v
		}
	}
	return nil, nil
}

// Get walks down mappings by their keys, through aliases; nil where the path ends early.
func (n *Node) Get(path ...string) *Node {
	n = n.Resolve()
	for _, key := range path {
		_, n = n.Entry(key)
		n = n.Resolve()
	}
	return n
}

// Items returns what a sequence holds; nil for anything else.
func (n *Node) Items() []*Node {
	if n = n.Resolve(); n == nil || n.Kind != Sequence {
		return nil
	}
	return n.Content
}

// IsNull reports whether there is no node, or one that says null.
func (n *Node) IsNull() bool {
	n = n.Resolve()
	return n == nil || n.Kind == Scalar && n.Tag == "!!null"
}

// IsString reports whether n is a scalar that every Kubernetes reader takes for a string. Readers of YAML 1.1, kubectl among them, take a
// yes or an on without quotes for a bool.
func (n *Node) IsString() bool {
	n = n.Resolve()
	return n != nil && n.Kind == Scalar && n.Tag == "!!str" && (n.style != plain || !bool11.MatchString(n.Value))
}

// bool11 is what the type bool of YAML 1.1 has beyond that of YAML 1.2.
var bool11 = regexp.MustCompile(`^([yYnN]|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)$`)

// Text returns the value of a scalar, whatever its type; "" for anything else.
func (n *Node) Text() string {
	if n = n.Resolve(); n == nil || n.Kind != Scalar {
		return ""
	}
	return n.Value
}

// Describe names what the node holds, for errors: "a mapping", "!!bool true".
func (n *Node) Describe() string {
	n = n.Resolve()
	switch {
	case n.IsNull():
		return "null"
	case n.Kind == Scalar:
		return n.Tag[2:] + " " + n.Value
	}
	return "a " + n.Kind.String()
}
