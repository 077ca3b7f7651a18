package dashboard

import (
	"maps"
	"slices"
	"strings"
)

// Path is the place of a leaf: the keys of the objects that lead to it. Unlike a path of
// [Definition.Set], it never leads into an array, and its keys may contain dots.
type Path []string

// String returns the keys joined by dots; dots within keys are escaped.
func (p Path) String() string {
	escaped := make([]string, len(p))
	for i, key := range p {
		escaped[i] = pathEscape.Replace(key)
	}
	return strings.Join(escaped, ".")
}

var pathEscape = strings.NewReplacer(`\`, `\\`, `.`, `\.`)

// splitPath takes such a string apart.
func splitPath(s string) (p Path) {
	var key strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			key.WriteByte(s[i])
		case s[i] == '.':
			p = append(p, key.String())
			key.Reset()
		default:
			key.WriteByte(s[i])
		}
	}

	return append(p, key.String())
}

// Leaf returns the value at a path, and reports whether there is one.
func (d Definition) Leaf(p Path) (any, bool) { return findAt(map[string]any(d), p) }

// Leaves returns the paths of the leaves that the value at a path consists of. For a path that goes
// into an array it returns the path of the array.
func (d Definition) Leaves(below Path) []Path {
	var node any = map[string]any(d)
	for i, key := range below {
		object, ok := node.(map[string]any)
		if !ok {
			return []Path{below[:i]}
		}
		node = object[key]
	}

	object, ok := node.(map[string]any)
	if !ok || len(object) == 0 {
		return []Path{below}
	}

	var leaves []Path
	for _, key := range slices.Sorted(maps.Keys(object)) {
		leaves = append(leaves, d.Leaves(append(slices.Clone(below), key))...)
	}

	return leaves
}
