package mesh

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/dashboard"
)

// sets holds the fields whose arrays are sets: tykmesh manages its own members, and keeps others.
var sets = map[string]bool{"tags": true, "certificates": true}

// overlay merges leaves into the Dashboard's definition and keeps all other fields. A leaf is any
// value but an object, which asks only that an object is there; an array is one leaf, except that
// the sets at the top level gain the members of the leaf.
//
// Neither argument is changed; the result shares unchanged parts with both.
func overlay(current, leaves dashboard.Definition) dashboard.Definition {
	out := lay(current, leaves)
	for field := range sets {
		if mine, ok := leaves[field]; ok {
			out[field] = addMembers(texts(current[field]), texts(mine)...)
		}
	}
	return out
}

// agrees reports whether merging leaves into a definition changes nothing that counts.
func agrees(current, leaves dashboard.Definition) bool {
	for field := range sets {
		held := texts(current[field])
		for _, mine := range texts(leaves[field]) {
			if !slices.Contains(held, mine) {
				return false
			}
		}
	}

	for key, leaf := range leaves {
		if !sets[key] && !agreesBelow(current[key], leaf) {
			return false
		}
	}

	return true
}

func agreesBelow(held, leaf any) bool {
	fields, ok := leaf.(map[string]any)
	if !ok {
		return same(held, leaf)
	}

	object, _ := held.(map[string]any)
	if object == nil && !isZero(held) {
		return false // an object replaces it
	}

	for key, x := range fields {
		if !agreesBelow(object[key], x) {
			return false
		}
	}

	return true
}

func lay(current, leaves map[string]any) map[string]any {
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
		out[key] = lay(held, object)
	}

	return out
}

// enforced returns the part of a wanted definition that updates enforce: all of it except empty
// collections and nulls, which matter when an API is created and say nothing about later edits.
// They are enforced where an annotation asks for them.
func enforced(d dashboard.Definition, asked [][]string) dashboard.Definition {
	out := withoutEmpty(d)
	for _, path := range asked {
		if v, ok := valueAt(d, path); ok && isEmptyCollection(v) {
			setAt(out, path, v)
		}
	}
	return out
}

func withoutEmpty(object map[string]any) map[string]any {
	out := make(map[string]any, len(object))
	for key, v := range object {
		if isEmptyCollection(v) {
			continue
		}
		if child, ok := v.(map[string]any); ok {
			if child = withoutEmpty(child); len(child) > 0 {
				out[key] = child
			}
			continue
		}

		out[key] = v
	}

	return out
}

func isEmptyCollection(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}

	return false
}

// without returns d without the leaves at these paths; d is not changed.
func without(d dashboard.Definition, paths []string) dashboard.Definition {
	out := map[string]any(d)
	for _, p := range paths {
		out = cut(out, splitPath(p))
	}
	return out
}

func cut(object map[string]any, path []string) map[string]any {
	v, ok := object[path[0]]
	if !ok {
		return object
	}

	out := maps.Clone(object)
	if len(path) == 1 {
		delete(out, path[0])
		return out
	}

	child, ok := v.(map[string]any)
	if !ok {
		return object
	}

	out[path[0]] = cut(child, path[1:])

	return out
}

// leavesBelow returns the leaves that a value at a path consists of. A path that goes into an array
// means the array.
func leavesBelow(d map[string]any, path []string) [][]string {
	var node any = d
	for i, key := range path {
		object, ok := node.(map[string]any)
		if !ok {
			return [][]string{path[:i]}
		}
		node = object[key]
	}

	object, ok := node.(map[string]any)
	if !ok || len(object) == 0 {
		return [][]string{path}
	}

	var leaves [][]string
	for _, key := range slices.Sorted(maps.Keys(object)) {
		leaves = append(leaves, leavesBelow(d, append(slices.Clone(path), key))...)
	}

	return leaves
}

func valueAt(object map[string]any, path []string) (any, bool) {
	v, ok := object[path[0]]
	if len(path) == 1 {
		return v, ok
	}
	child, _ := v.(map[string]any)
	return valueAt(child, path[1:])
}

// setAt sets a leaf, making the objects on the way.
func setAt(object map[string]any, path []string, v any) {
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

// joinPath writes a path for messages and the mark: keys joined by dots, dots within keys escaped.
func joinPath(keys []string) string {
	escaped := make([]string, len(keys))
	for i, key := range keys {
		escaped[i] = pathEscape.Replace(key)
	}
	return strings.Join(escaped, ".")
}

// splitPath takes such a path apart.
func splitPath(p string) (keys []string) {
	var key strings.Builder
	for i := 0; i < len(p); i++ {
		switch {
		case p[i] == '\\' && i+1 < len(p):
			i++
			key.WriteByte(p[i])
		case p[i] == '.':
			keys = append(keys, key.String())
			key.Reset()
		default:
			key.WriteByte(p[i])
		}
	}

	return append(keys, key.String())
}

var pathEscape = strings.NewReplacer(`\`, `\\`, `.`, `\.`)

// same compares two values of a definition. Absent, null, zero and empty are one and the same: a
// Dashboard fills in and leaves out such values as it pleases, and an update to set one right would
// never end.
func same(a, b any) bool {
	if isZero(a) || isZero(b) {
		return isZero(a) && isZero(b)
	}

	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && sameObjects(a, b)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, same)
	case json.Number:
		b, ok := b.(json.Number)
		return ok && sameNumbers(a, b)
	}

	return a == b
}

func sameObjects(a, b map[string]any) bool {
	for key, v := range a {
		if !same(v, b[key]) {
			return false
		}
	}

	for key, v := range b {
		if _, ok := a[key]; !ok && !isZero(v) {
			return false
		}
	}

	return true
}

// sameNumbers reports whether two numbers are equal, as 1, 1.0 and 1e0 are. Numbers too large for
// a float are compared as they are written.
func sameNumbers(a, b json.Number) bool {
	if a == b {
		return true
	}
	x, errX := a.Float64()
	y, errY := b.Float64()
	const exact = 1 << 53
	return errX == nil && errY == nil && x == y && x < exact && x > -exact
}

// zeroLike returns the zero value of a value's kind: the Dashboard's schema takes no null for a
// string.
func zeroLike(v any) any {
	switch v.(type) {
	case bool:
		return false
	case json.Number:
		return json.Number("0")
	case string:
		return ""
	}

	return nil
}

func isZero(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case json.Number:
		x, err := v.Float64()
		return err == nil && x == 0
	case []any:
		return len(v) == 0
	case map[string]any:
		for _, x := range v {
			if !isZero(x) {
				return false
			}
		}
		return true
	}

	return false
}
