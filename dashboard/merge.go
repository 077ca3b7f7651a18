package dashboard

import (
	"maps"
	"slices"
)

// sets holds the fields whose arrays are sets: a merge adds members and keeps those that are there.
var sets = map[string]bool{"tags": true, "certificates": true}

// Merge returns d with the leaves of another definition; all other fields stay. A leaf is any value
// but an object, which asks only that an object is there; an array is one leaf, except that the
// sets at the top level gain the members of the leaf.
//
// Neither definition is changed; the result shares unchanged parts with both.
func (d Definition) Merge(leaves Definition) Definition {
	out := mergeObjects(d, leaves)
	for field := range sets {
		if mine, ok := leaves[field]; ok {
			out[field] = Union(Texts(d[field]), Texts(mine)...)
		}
	}
	return out
}

func mergeObjects(current, leaves map[string]any) map[string]any {
	out := maps.Clone(current)
	if out == nil {
		out = make(map[string]any, len(leaves))
	}

	for key, leaf := range leaves {
		object, ok := leaf.(map[string]any)
		if !ok {
			out[key] = leaf
			continue
		}
		held, _ := current[key].(map[string]any)
		out[key] = mergeObjects(held, object)
	}

	return out
}

// Includes reports whether merging leaves into d changes nothing that counts.
func (d Definition) Includes(leaves Definition) bool {
	for key, leaf := range leaves {
		if !sets[key] {
			if !includes(d[key], leaf) {
				return false
			}
			continue
		}

		held := Texts(d[key])
		if slices.ContainsFunc(Texts(leaf), func(member string) bool { return !slices.Contains(held, member) }) {
			return false
		}
	}

	return true
}

func includes(held, leaf any) bool {
	fields, ok := leaf.(map[string]any)
	if !ok {
		return Same(held, leaf)
	}

	object, _ := held.(map[string]any)
	if object == nil && !isZero(held) {
		return false // an object replaces it
	}

	for key, x := range fields {
		if !includes(object[key], x) {
			return false
		}
	}

	return true
}

// With returns d with a field at the top level; d is not changed.
func (d Definition) With(field string, v any) Definition {
	out := maps.Clone(d)
	out[field] = v
	return out
}

// Without returns d without the leaves at these paths, which are as [Path.String] writes them; d is
// not changed.
func (d Definition) Without(paths []string) Definition {
	out := map[string]any(d)
	for _, p := range paths {
		out = cut(out, splitPath(p))
	}
	return out
}

func cut(object map[string]any, path Path) map[string]any {
	out := maps.Clone(object)
	if len(path) == 1 {
		delete(out, path[0])
	} else if child, ok := object[path[0]].(map[string]any); ok {
		out[path[0]] = cut(child, path[1:])
	}
	return out
}

// WithoutEmpty returns d without empty collections and nulls, except those at these paths; d is not
// changed. They matter when an API is created, and say nothing about later edits.
func (d Definition) WithoutEmpty(except []Path) Definition {
	out := withoutEmpty(d)
	for _, path := range except {
		if v, ok := d.Leaf(path); ok {
			setAt(out, path, v)
		}
	}
	return out
}

func withoutEmpty(object map[string]any) map[string]any {
	out := make(map[string]any, len(object))
	for key, v := range object {
		switch v := v.(type) {
		case nil:
		case []any:
			if len(v) > 0 {
				out[key] = v
			}
		case map[string]any:
			if child := withoutEmpty(v); len(child) > 0 {
				out[key] = child
			}
		default:
			out[key] = v
		}
	}

	return out
}

// setAt sets a leaf, making the objects on the way.
func setAt(object map[string]any, path Path, v any) {
	for ; len(path) > 1; path = path[1:] {
		child, ok := object[path[0]].(map[string]any)
		if !ok {
			child = make(map[string]any)
			object[path[0]] = child
		}
		object = child
	}

	object[path[0]] = v
}

// Texts returns the non-empty strings of a JSON array.
func Texts(v any) (out []string) {
	list, _ := v.([]any)
	for _, x := range list {
		if s, _ := x.(string); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// Union returns a set of strings as a JSON array: those that were there in their order, then the
// new ones.
func Union(held []string, members ...string) []any {
	out := make([]any, 0, len(held)+len(members))
	for _, s := range slices.Concat(held, members) {
		if !slices.Contains(out, any(s)) {
			out = append(out, s)
		}
	}
	return out
}
