package dashboard

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// identifying are the paths that say which API this is and who loads it. They
// follow from the workload; an annotation on one would cut the API loose from it.
var identifying = []string{"id", "api_id", "slug", "org_id", "tags", "domain", "certificates", "config_data.tykmesh"}

// required are the fields without which the Dashboard refuses a definition
// (schema of Tyk Gateway 5.14; older ones want "auth" too, which Render adds).
var required = []string{"name", "proxy", "version_data"}

// CheckField checks a value that somebody wants to Set at path.
//
// The warning is for a nested field that Tyk Gateway 2.9.0 does not know: it
// may be newer, or a slip.
//
// Errors: a path that Set refuses, an unknown field at the top level (the
// Dashboard would refuse the definition), a known field that is spelled with
// other capitals (a gateway reads both as one), a value of the wrong JSON type,
// and a path that identifies the API.
//
// It knows the path, not the definition: after the last Set, Check tells
// whether the whole is sound.
func CheckField(path string, value any) (warning string, err error) {
	segments, err := splitPath(path)
	if err != nil {
		return "", fmt.Errorf("path %q: %w", path, err)
	}
	for _, p := range identifying {
		if path == p || strings.HasPrefix(path, p+".") {
			return "", fmt.Errorf("%s identifies the API and cannot be set", p)
		}
	}
	if fields, _ := value.(map[string]any); path == "config_data" {
		if _, marked := fields["tykmesh"]; marked {
			return "", errors.New("config_data.tykmesh identifies the API and cannot be set")
		}
	}
	var c check
	at := place{kind: object}
	for _, key := range segments {
		if at, err = c.step(at, key); err != nil {
			return "", err
		}
	}
	if err := c.value(at, value); err != nil {
		return "", err
	}
	return strings.Join(c.warnings, "; "), nil
}

// Check checks a whole definition: what CheckField checks of a field (but for
// the identifying paths), and that the fields are there that every API needs.
func (d Definition) Check() (warnings []string, err error) {
	for _, key := range required {
		if d[key] == nil {
			return nil, fmt.Errorf("field %s is missing", key)
		}
	}
	var c check
	if err := c.value(place{kind: object}, map[string]any(d)); err != nil {
		return nil, err
	}
	return c.warnings, nil
}

// place is a spot in a definition: where it is, and what the tables say of it.
type place struct {
	path  string // as users write it
	table string // the same with * for the keys that users choose; "" at the top, and below what the tables describe
	kind  kind
}

// check walks a definition or a path through the tables.
type check struct{ warnings []string }

// step goes from a place to what key names in it.
func (c *check) step(at place, key string) (place, error) {
	next := place{path: key, kind: anything}
	if at.path != "" {
		next.path = at.path + "." + key
	}
	switch {
	case at.kind == anything:
		return next, nil
	case at.kind&array != 0:
		return next, checkIndex(at, key)
	case at.kind&object == 0:
		return place{}, fmt.Errorf("%s is %s and has no field %q", at.path, at.kind, key)
	}
	for _, name := range []string{key, "*"} {
		if k, ok := lookupKind(at.table, name); ok {
			next.table, next.kind = join(at.table, name), k
			return next, nil
		}
	}
	if known := otherCapitals(at.table, key); known != "" {
		return place{}, fmt.Errorf("unknown field %q: it is spelled %q", next.path, known)
	}
	if _, numeric, _ := index(key); at.table == "" || numeric {
		return place{}, fmt.Errorf("unknown field %q of an API definition", next.path)
	}
	c.warnings = append(c.warnings, fmt.Sprintf("unknown nested field %q", next.path))
	return next, nil
}

// value checks a value and, below objects, every field of it.
func (c *check) value(at place, v any) error {
	if got := kindOf(v); got&at.kind == 0 {
		return fmt.Errorf("%s must be %s, not %s", at.path, at.kind, got)
	}
	fields, ok := v.(map[string]any)
	if !ok || at.kind == anything {
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		next, err := c.step(at, key)
		if err != nil {
			return err
		}
		if err := c.value(next, fields[key]); err != nil {
			return err
		}
	}
	return nil
}

func checkIndex(at place, key string) error {
	_, numeric, err := index(key)
	if err != nil {
		return fmt.Errorf("%s: %w", at.path, err)
	}
	if !numeric {
		return fmt.Errorf("%s is %s: %q is not an index", at.path, at.kind, key)
	}
	return nil
}

func lookupKind(table, name string) (kind, bool) {
	if table == "" {
		k, ok := topFields[name]
		return k, ok
	}
	k, ok := nestedFields[join(table, name)]
	return k, ok
}

// otherCapitals finds the field that differs from key by case alone. Tyk is
// written in Go, whose JSON decoder takes such a key for the field itself.
func otherCapitals(table, key string) string {
	fields := nestedFields
	if table == "" {
		fields = topFields
	}
	for field := range fields {
		if strings.EqualFold(field, join(table, key)) {
			return field[strings.LastIndex(field, ".")+1:]
		}
	}
	return ""
}

func join(table, key string) string {
	if table == "" {
		return key
	}
	return table + "." + key
}

func kindOf(v any) kind {
	switch v.(type) {
	case nil:
		return null
	case string:
		return str
	case bool:
		return boolean
	case json.Number, int, int64, float64:
		return number
	case map[string]any:
		return object
	case []any:
		return array
	}
	return 0
}

// String names the types for people, null last: it is hardly ever what is meant.
func (k kind) String() string {
	names := []struct {
		kind kind
		name string
	}{{str, "a string"}, {number, "a number"}, {boolean, "true or false"}, {object, "an object"}, {array, "an array"}}
	for _, n := range names {
		if k&n.kind != 0 {
			return n.name
		}
	}
	if k == null {
		return "null"
	}
	return "a value that JSON does not have"
}
