package manifest

import (
	"bytes"
	"encoding/json"
	"slices"
)

// A value to be written into a document is nil, a bool, an int64, a float64, a string, a [Map] or a
// [List]. The order of a Map is the order in which its entries are written.
type (
	// Map is an ordered mapping.
	Map []Entry
	// Entry is one key and its value.
	Entry struct {
		Key   string
		Value any
	}
	// List is a sequence.
	List []any
)

// items returns the entries as a list.
func (m Map) items() List {
	l := make(List, len(m))
	for i, e := range m {
		l[i] = e
	}
	return l
}

// MarshalJSON writes the entries in their order.
func (m Map) MarshalJSON() ([]byte, error) {
	entries := make([][]byte, len(m))
	for i, e := range m {
		value, err := json.Marshal(e.Value)
		if err != nil {
			return nil, err
		}
		entries[i] = slices.Concat([]byte(Quote(e.Key)), []byte{':'}, value)
	}

	return slices.Concat([]byte{'{'}, bytes.Join(entries, []byte{','}), []byte{'}'}), nil
}

// Lookup returns the value of a key; ok is false if the map does not have it.
func (m Map) Lookup(key string) (any, bool) {
	for _, e := range m {
		if e.Key == key {
			return e.Value, true
		}
	}
	return nil, false
}

// String returns the string under a key; "" if the map has none.
func (m Map) String(key string) string {
	v, _ := m.Lookup(key)
	s, _ := v.(string)
	return s
}

// List returns the list under a key; nil if the map has none.
func (m Map) List(key string) List {
	v, _ := m.Lookup(key)
	l, _ := v.(List)
	return l
}

// With returns a copy of m in which key has the value: in its place where m has the key, else at
// the end.
func (m Map) With(key string, value any) Map {
	out := append(Map(nil), m...)
	for i := range out {
		if out[i].Key == key {
			out[i].Value = value
			return out
		}
	}

	return append(out, Entry{Key: key, Value: value})
}

// Without returns a copy of m that has no such key.
func (m Map) Without(key string) Map {
	var out Map
	for _, e := range m {
		if e.Key != key {
			out = append(out, e)
		}
	}
	return out
}
