package manifest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// asked is an edit with its index among those of Apply.
type asked struct {
	Edit
	index int
}

// unite returns the edits to make. A node with an anchor stands in several places. An edit that is
// asked for at all of them is made once, at the anchor:
//
//	containers:                          containers:
//	- env: &env [{name: A}]     asks     - env: &env [{name: A}, {name: B}]
//	- env: *env                 asks     - env: *env
//
// The same goes for entries that a mapping and its merge keys (<<) ask for.
//
// Errors: an edit that would show at a place at which it is not asked for.
func (d *Document) unite(edits []Edit) (united []asked, failed EditErrors) {
	resolved := resolve(edits)
	byNode := make(map[*Node][]asked) // of nodes that stand in several places
	for i, e := range resolved {
		if isShared(e) {
			byNode[e.target()] = append(byNode[e.target()], asked{e, i})
		}
	}

	var p places
	for i, e := range resolved {
		err := d.refuseAnchored(e)
		var alike []asked
		if isShared(e) && err == nil {
			alike = slices.DeleteFunc(slices.Clone(byNode[e.target()]), func(o asked) bool { return !reflect.DeepEqual(o.Edit, e) })
			if p.aliases == nil {
				p = newPlaces(d.root)
			}
			if len(alike) < p.of(e.target()) {
				err = d.refuseShared(edits, i, alike, p)
			}
		}

		switch {
		case err != nil:
			err.Edit = i
			failed = append(failed, err)
		case len(alike) == 0 || alike[0].index == i:
			united = append(united, asked{e, i})
		}
	}

	return united, failed
}

// resolve returns the edits with anchored nodes in place of aliases, for edits of a node's
// children.
func resolve(edits []Edit) []Edit {
	out := slices.Clone(edits)
	puts := make(map[*Node][]Put) // by the anchored mapping
	for i, e := range edits {
		switch e := e.(type) {
		case Insert:
			e.Into = e.Into.Resolve()
			out[i] = e
		case Put:
			e.Into = e.Into.Resolve()
			out[i] = e
			if e.Into.aliased {
				puts[e.Into] = append(puts[e.Into], e)
			}
		}
	}

	for i, e := range out {
		if e, ok := e.(Put); ok && len(puts) > 0 {
			out[i] = e.merged(puts)
		}
	}

	return out
}

// merged returns the edit that adds the same entries to a mapping that is merged into e's; e if
// there is no such edit.
func (e Put) merged(puts map[*Node][]Put) Put {
	for _, base := range e.Into.layers(make(map[*Node]bool)) {
		for _, p := range puts[base] {
			there := e
			if there.Into = base; reflect.DeepEqual(there, p) {
				return p
			}
		}
	}

	return e
}

// isShared reports whether an edit shows in several places.
func isShared(e Edit) bool {
	for at := e.target(); at != nil; at = at.parent {
		if at.aliased {
			return true
		}
	}
	return false
}

// refuseAnchored returns an error for an edit that would delete an anchor that has aliases.
func (d *Document) refuseAnchored(e Edit) *EditError {
	switch e.(type) {
	case Insert, Put:
		return nil
	}

	for n := range e.target().all() {
		if n.aliased {
			return d.refuse(n, "cannot be edited: the anchor &%s stands in other places too; write it out there", n.anchor())
		}
	}

	return nil
}

// refuseShared returns an error that names the places at which an edit is not asked for.
func (d *Document) refuseShared(edits []Edit, i int, alike []asked, p places) *EditError {
	n := edits[i].target()
	if n.Kind == Alias {
		return d.refuse(n, "cannot be edited: it is the alias *%s; write the value out here", n.Value)
	}

	top := n
	for !top.aliased {
		top = top.parent
	}

	var others []string
	for _, a := range p.aliases[top] {
		if !slices.ContainsFunc(alike, func(o asked) bool { return edits[o.index].target() == a }) {
			others = append(others, fmt.Sprintf("line %d (%s)", d.PositionOf(a).Line, a.PathFrom(d.root)))
		}
	}

	switch more := len(others) - 3; {
	case more > 0:
		others = append(others[:3], fmt.Sprintf("%d more places", more))
	case len(others) == 0: // each alias asks, and stands in several places itself
		others = []string{"other places"}
	}

	return d.refuse(n, "cannot be edited: the anchor &%s stands in %s too, and this change is not for every place; write the value out there instead of *%s",
		top.anchor(), strings.Join(others, ", "), top.anchor())
}

// places counts in how many places nodes of a tree stand, with aliases followed.
type places struct {
	aliases map[*Node][]*Node // by the nodes for which they stand
	counted map[*Node]int
}

func newPlaces(root *Node) places {
	p := places{make(map[*Node][]*Node), make(map[*Node]int)}
	for n := range root.all() {
		if n.Kind == Alias {
			p.aliases[n.Resolve()] = append(p.aliases[n.Resolve()], n)
		}
	}

	return p
}

// of returns the number of places at which a node stands. There can be exponentially many, so the
// count has a maximum.
func (p places) of(n *Node) int {
	const many = 1 << 20
	if n == nil {
		return 1
	}
	if count, ok := p.counted[n]; ok {
		return count
	}

	count := p.of(n.parent)
	for _, a := range p.aliases[n] {
		count = min(many, count+p.of(a.parent))
	}

	p.counted[n] = count

	return count
}
