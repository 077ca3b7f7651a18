package manifest

import (
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Kind is the kind of a node.
type Kind uint8

// The kinds of nodes.
const (
	Scalar Kind = iota
	Mapping
	Sequence
	Alias
)

// String returns the kind's name as errors use it.
func (k Kind) String() string {
	return [...]string{"scalar", "mapping", "sequence", "alias"}[k]
}

// Node is a node of a document's tree with its place in the text. It keeps little more than edits
// and comparisons need, because a long stream has hundreds of thousands of nodes.
type Node struct {
	Kind    Kind
	style   style
	Flow    bool    // a collection in brackets, or a scalar or alias inside of one
	aliased bool    // some alias stands for this node
	begins  int32   // offset of the first byte, properties (anchor, tag) included
	ends    int32   // offset behind the last byte, or unknown
	Tag     string  // resolved and short: !!str, !!int, ...; "" for an alias
	Value   string  // of a scalar, decoded; the anchor's name for an alias
	Content []*Node // items; for a mapping key, value, key, value, ...

	parent *Node
	link   *link // nil for nearly all nodes
}

// link holds an anchor or an alias, which tie nodes together across the tree.
type link struct {
	anchor string // the name after &
	target *Node  // of an alias: the node for which it stands
}

func (n *Node) start() int { return int(n.begins) }

// anchor returns the name after &; "" for a node without an anchor.
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

// Resolve returns the node itself or, for an alias, the node for which it stands.
func (n *Node) Resolve() *Node {
	if n != nil && n.Kind == Alias {
		return n.link.target
	}
	return n
}

// own iterates over the keys and values that stand in a mapping itself; over none of another node.
func (n *Node) own() iter.Seq2[*Node, *Node] {
	return func(yield func(k, v *Node) bool) {
		for i := 0; n.Kind == Mapping && i < len(n.Content) && yield(n.Content[i], n.Content[i+1]); i += 2 {
		}
	}
}

// Entries iterates over the keys and values of a mapping as readers see them: its own entries, then
// those that merge keys (<<, the YAML 1.1 type "merge") add.
func (n *Node) Entries() iter.Seq2[*Node, *Node] {
	return func(yield func(k, v *Node) bool) {
		n := n.Resolve()
		if n == nil {
			return
		}

		merges := false
		for k, v := range n.own() {
			if k.isMerge() {
				merges = true
			} else if !yield(k, v) {
				return
			}
		}

		if merges {
			n.merged(yield)
		}
	}
}

// merged iterates over the entries that merge keys add to a mapping.
func (n *Node) merged(yield func(k, v *Node) bool) {
	known := make(map[string]bool)
	for _, m := range n.layers(make(map[*Node]bool)) {
		for k, v := range m.own() {
			if k.isMerge() || known[k.Text()] {
				continue
			}
			known[k.Text()] = true
			if m != n && !yield(k, v) {
				return
			}
		}
	}
}

// layers returns the mappings that merge keys combine, in order of precedence; each once, because
// exponentially many paths may lead to one.
func (n *Node) layers(seen map[*Node]bool) (out []*Node) {
	n = n.Resolve()
	if seen[n] {
		return nil
	}

	seen[n] = true
	if n.Kind == Mapping {
		out = append(out, n)
	}
	for k, v := range n.own() {
		if k.isMerge() {
			out = append(out, v.layers(seen)...)
		}
	}
	for _, item := range n.Items() {
		out = append(out, item.layers(seen)...)
	}

	return out
}

func (n *Node) isMerge() bool {
	n = n.Resolve()
	return n.Kind == Scalar && n.Tag == tagMerge
}

// Entry returns the key and the value node of a mapping's entry; nil if n is not a mapping or has
// no such key.
func (n *Node) Entry(key string) (k, v *Node) {
	for k, v := range n.Entries() {
		if k.Text() == key {
			return k, v
		}
	}
	return nil, nil
}

// Get returns the value at a path of keys, through aliases; nil if it is missing.
func (n *Node) Get(path ...string) *Node {
	n = n.Resolve()
	for _, key := range path {
		_, n = n.Entry(key)
		n = n.Resolve()
	}
	return n
}

// Parent returns the collection that holds a node in the text; nil for the root.
func (n *Node) Parent() *Node { return n.parent }

// PathFrom returns the path to a node from one that contains it: spec.containers[0].name. It is ""
// for the node itself.
func (n *Node) PathFrom(top *Node) string {
	var steps []string
	for ; n != top && n.parent != nil; n = n.parent {
		i := n.index()
		if n.parent.Kind == Sequence {
			steps = append(steps, fmt.Sprintf("[%d]", i))
		} else {
			steps = append(steps, "."+n.parent.Content[i-i%2].Text())
		}
	}

	slices.Reverse(steps)
	return strings.TrimPrefix(strings.Join(steps, ""), ".")
}

// Items returns the items of a sequence; nil for any other node.
func (n *Node) Items() []*Node {
	if n = n.Resolve(); n == nil || n.Kind != Sequence {
		return nil
	}
	return n.Content
}

// lastLeaf returns the node that stands last in a tree and holds no others.
func (n *Node) lastLeaf() *Node {
	for len(n.Content) > 0 {
		n = n.Content[len(n.Content)-1]
	}
	return n
}

// all iterates over a node and all nodes in it, in the order of the text.
func (n *Node) all() iter.Seq[*Node] {
	return func(yield func(*Node) bool) { n.visit(yield) }
}

func (n *Node) visit(yield func(*Node) bool) bool {
	return yield(n) && !slices.ContainsFunc(n.Content, func(c *Node) bool { return !c.visit(yield) })
}

// HoldsAlias reports whether a node is or contains an alias.
func (n *Node) HoldsAlias() bool {
	return n.Kind == Alias || slices.ContainsFunc(n.Content, (*Node).HoldsAlias)
}

// Anchored reports whether a node has or contains an anchor.
func (n *Node) Anchored() bool {
	return n.anchor() != "" || slices.ContainsFunc(n.Content, (*Node).Anchored)
}

// IsNull reports whether n is nil or a null.
func (n *Node) IsNull() bool {
	n = n.Resolve()
	return n == nil || n.Kind == Scalar && n.Tag == "!!null"
}

// IsString reports whether n is a string to every Kubernetes reader. Readers of YAML 1.1, such as
// kubectl, read yes and on without quotes as a bool.
func (n *Node) IsString() bool {
	n = n.Resolve()
	return n != nil && n.Kind == Scalar && n.Tag == "!!str" && (n.style != plain || !bool11.MatchString(n.Value))
}

// IsTrue reports whether n is the bool true to some Kubernetes reader.
func (n *Node) IsTrue() bool {
	n = n.Resolve()
	if n == nil || n.Kind != Scalar || n.style != plain || n.Tag != "!!bool" && n.Tag != "!!str" {
		return false
	}
	switch strings.ToLower(n.Value) {
	case "true", "y", "yes", "on":
		return true
	}

	return false
}

// Int returns the value of an integer in any base; ok is false for any other node.
func (n *Node) Int() (value int64, ok bool) {
	n = n.Resolve()
	if n == nil || n.Tag != "!!int" {
		return 0, false
	}
	value, err := strconv.ParseInt(strings.ReplaceAll(n.Value, "_", ""), 0, 64)
	return value, err == nil
}

// bool11 matches the words that are bools in YAML 1.1 and strings in YAML 1.2.
var bool11 = regexp.MustCompile(`^([yYnN]|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)$`)

// Text returns the value of a scalar of any type; "" for any other node.
func (n *Node) Text() string {
	if n = n.Resolve(); n == nil || n.Kind != Scalar {
		return ""
	}
	return n.Value
}

// Describe returns the type and the value of a node, for errors: "a mapping", "bool true".
func (n *Node) Describe() string {
	n = n.Resolve()
	switch {
	case n.IsNull():
		return "null"
	case n.Kind == Scalar && n.Tag == "!!str" && !n.IsString():
		return "bool " + n.Value
	case n.Kind == Scalar:
		return strings.TrimLeft(n.Tag, "!") + " " + n.Value
	}

	return "a " + n.Kind.String()
}
