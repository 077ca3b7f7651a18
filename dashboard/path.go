package dashboard

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxIndex bounds array indexes in paths: one annotation must not create millions of nulls.
const maxIndex = 999

// Set puts value at a dotted path, as tyk-k8s's annotation processor did with the library sjson:
//
//   - it creates a missing parent: an array if the next segment is a number, else an object;
//   - a number selects an element of an array, which is padded with null; in an object a number
//     is a key like any other;
//   - it replaces a parent that is null or a scalar.
//
// The value is not copied.
//
// Errors: a path that is empty, has an empty segment or one of * ? # \ |, an index over 999, and a
// segment that is not a number in an array. Then the definition is unchanged.
func (d Definition) Set(path string, value any) error {
	segments, err := segmentsOf(path)
	if err == nil {
		_, err = putAt(map[string]any(d), segments, value)
	}

	if err != nil {
		return fmt.Errorf("setting %q: %w", path, err)
	}

	return nil
}

// Lookup returns the value at a path.
func (d Definition) Lookup(path string) (any, bool) {
	segments, err := segmentsOf(path)
	if err != nil {
		return nil, false
	}
	return findAt(map[string]any(d), segments)
}

func segmentsOf(path string) ([]string, error) {
	if path == "" {
		return nil, errors.New("the path is empty")
	}
	// Each of these has a meaning in sjson: wildcards, array queries, escapes, pipes. None of them
	// names a single place.
	if i := strings.IndexAny(path, `*?#\|`); i >= 0 {
		return nil, fmt.Errorf("%q cannot be part of a path", path[i])
	}

	segments := strings.Split(path, ".")
	for _, s := range segments {
		if s == "" {
			return nil, errors.New("the path has an empty segment")
		}
	}

	return segments, nil
}

// putAt returns node with value at segments. It recurses before each assignment, so that a failure
// leaves node unchanged.
func putAt(node any, segments []string, value any) (any, error) {
	if len(segments) == 0 {
		return value, nil
	}

	key := segments[0]
	n, numeric, err := index(key)
	object, isObject := node.(map[string]any)
	list, isArray := node.([]any)
	switch {
	case isObject:
	case err != nil:
		return nil, err
	case numeric:
		return putElement(list, n, segments[1:], value)
	case isArray:
		return nil, fmt.Errorf("%q is not an index of an array", key)
	default:
		object = make(map[string]any)
	}

	child, err := putAt(object[key], segments[1:], value)
	if err != nil {
		return nil, err
	}

	object[key] = child

	return object, nil
}

func putElement(list []any, n int, rest []string, value any) (any, error) {
	var old any
	if n < len(list) {
		old = list[n]
	}

	child, err := putAt(old, rest, value)
	if err != nil {
		return nil, err
	}

	for len(list) <= n {
		list = append(list, nil)
	}

	list[n] = child

	return list, nil
}

// index parses a segment as an index, and reports whether it is numeric. It returns an error for a
// number over maxIndex.
func index(segment string) (n int, numeric bool, err error) {
	if strings.Trim(segment, "0123456789") != "" {
		return 0, false, nil
	}
	n, err = strconv.Atoi(segment)
	if err != nil || n > maxIndex {
		return 0, true, fmt.Errorf("index %s is over %d", segment, maxIndex)
	}

	return n, true, nil
}

func findAt(node any, segments []string) (any, bool) {
	for _, key := range segments {
		switch x := node.(type) {
		case map[string]any:
			child, ok := x[key]
			if !ok {
				return nil, false
			}
			node = child

		case []any:
			n, numeric, err := index(key)
			if err != nil || !numeric || n >= len(x) {
				return nil, false
			}
			node = x[n]

		default:
			return nil, false
		}
	}

	return node, true
}
