package dashboard

import (
	"encoding/json"
	"slices"
)

// Same reports whether two values of a definition mean the same. Absent, null, zero and empty are
// one: a Dashboard fills in and leaves out such values as it pleases, and an update to set one
// right would never end.
func Same(a, b any) bool {
	if isZero(a) || isZero(b) {
		return isZero(a) && isZero(b)
	}

	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && sameObjects(a, b)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, Same)
	case json.Number:
		b, ok := b.(json.Number)
		return ok && sameNumbers(a, b)
	}

	return a == b
}

func sameObjects(a, b map[string]any) bool {
	for key, v := range a {
		if !Same(v, b[key]) {
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

// sameNumbers reports whether two numbers are equal, as 1, 1.0 and 1e0 are. Numbers too large for a
// float are compared as they are written.
func sameNumbers(a, b json.Number) bool {
	if a == b {
		return true
	}
	x, errX := a.Float64()
	y, errY := b.Float64()
	const exact = 1 << 53
	return errX == nil && errY == nil && x == y && x < exact && x > -exact
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

// Zeros returns the zero values of those of the fields that d sets: merging them into d switches
// the fields off.
func (d Definition) Zeros(fields []string) Definition {
	zeros := make(Definition)
	for _, field := range fields {
		if !isZero(d[field]) {
			zeros[field] = zeroLike(d[field])
		}
	}
	return zeros
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
