package dashboard

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// identifying are the paths that determine which API this is, which gateways load it, and where it
// listens. They follow from the workload; an annotation on one would detach the API from it. With
// domain_disabled a gateway ignores an API's domain and certificates, with tags_disabled its tags;
// internal removes it from every listener; listen_port and protocol move it to another one.
var identifying = []string{
	"id", "api_id", "slug", "org_id", "tags", "domain", "certificates", "config_data.tykmesh",
	"is_oas", "internal", "listen_port", "protocol", "domain_disabled", "tags_disabled",
}

// Identifies reports whether a path, keys joined by dots, is or leads into a field that identifies
// the API.
func Identifies(path string) bool { return identified(path) != "" }

// identified returns the identifying path that a path is or leads into, or "".
func identified(path string) string {
	for _, p := range identifying {
		if path == p || strings.HasPrefix(path, p+".") {
			return p
		}
	}
	return ""
}

// required are the fields without which the Dashboard refuses a definition (schema of Tyk Gateway
// 5.14; older ones want "auth" too, which Render adds).
var required = []string{"name", "proxy", "version_data"}

// CheckField checks a value before Set puts it at a path.
//
// It returns a warning for a nested field that Tyk Gateway 2.9.0 does not know: the field may be
// newer, or misspelled.
//
// Errors: a path that Set refuses, an unknown field at the top level (the Dashboard would refuse
// the definition), a known field in other capitals (a gateway would read both as one), a value of
// the wrong JSON type, and a path that identifies the API.
//
// CheckField does not see the definition: call Check after the last Set.
func CheckField(path string, value any) (warning string, err error) {
	segments, err := segmentsOf(path)
	if err != nil {
		return "", fmt.Errorf("path %q: %w", path, err)
	}
	if p := identified(path); p != "" {
		return "", fmt.Errorf("%s identifies the API and cannot be set", p)
	}

	if fields, _ := value.(map[string]any); path == "config_data" {
		if _, marked := fields["tykmesh"]; marked {
			return "", errors.New("config_data.tykmesh identifies the API and cannot be set")
		}
	}

	var c check

	at := &place{kind: object}
	for _, key := range segments {
		next, err := c.step(at, key)
		if err != nil {
			return "", err
		}
		at = &next
	}

	if err := c.value(at, value); err != nil {
		return "", err
	}

	return strings.Join(c.warnings, "; "), nil
}

// Check checks a whole definition: each field as CheckField does, except for identifying paths, and
// the presence of the fields that every API needs.
func (d Definition) Check() (warnings []string, err error) {
	for _, key := range required {
		if d[key] == nil {
			return nil, fmt.Errorf("field %s is missing", key)
		}
	}

	var c check
	if err := c.value(&place{kind: object}, map[string]any(d)); err != nil {
		return nil, err
	}

	return c.warnings, nil
}

// place is a position in a definition, with its entry in the table of known fields.
type place struct {
	above *place // nil at the top
	key   string
	table string // the path in the table, with * for free keys; "" at the top and outside of the table
	kind  kind
}

// path returns the path of the place as users write it. It is only needed for messages.
func (p *place) path() string {
	if p.above == nil || p.above.above == nil {
		return p.key
	}
	return p.above.path() + "." + p.key
}

// check walks a definition or a path through the table.
type check struct{ warnings []string }

// step returns the place that key names below another one.
func (c *check) step(at *place, key string) (place, error) {
	next := place{above: at, key: key, kind: anything}
	switch {
	case at.kind == anything:
		return next, nil
	case at.kind&array != 0:
		return next, checkIndex(at, key)
	case at.kind&object == 0:
		return place{}, fmt.Errorf("%s is %s and has no field %q", at.path(), at.kind, key)
	}

	for _, name := range []string{key, "*"} {
		if path, ok := below(at.table, name); ok {
			next.table, next.kind = path, knownFields[path]
			return next, nil
		}
	}

	if right := otherCapitals(at.table, key); right != "" {
		return place{}, fmt.Errorf("unknown field %q: it is spelled %q", next.path(), right)
	}
	if _, numeric, _ := index(key); at.table == "" || numeric {
		return place{}, fmt.Errorf("unknown field %q of an API definition", next.path())
	}

	c.warnings = append(c.warnings, fmt.Sprintf("unknown nested field %q", next.path()))

	return next, nil
}

// value checks a value and, below objects, every field of it.
func (c *check) value(at *place, v any) error {
	if got := kindOf(v); got&at.kind == 0 {
		return fmt.Errorf("%s must be %s, not %s", at.path(), at.kind, got)
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
		if err := c.value(&next, fields[key]); err != nil {
			return err
		}
	}

	return nil
}

func checkIndex(at *place, key string) error {
	_, numeric, err := index(key)
	if err != nil {
		return fmt.Errorf("%s: %w", at.path(), err)
	}
	if !numeric {
		return fmt.Errorf("%s is %s: %q is not an index", at.path(), at.kind, key)
	}

	return nil
}

// below returns the path of a field in the table, and reports whether there is one. table is the
// path of its parent.
func below(table, name string) (path string, ok bool) {
	if strings.Contains(name, ".") {
		return "", false // a single key
	}
	if path = name; table != "" {
		path = table + "." + name
	}
	_, ok = knownFields[path]

	return path, ok
}

// otherCapitals returns the field that differs from key only in case, or "". Tyk is
// written in Go, whose JSON decoder takes such a key for the field itself.
func otherCapitals(table, key string) string {
	for path := range knownFields {
		above, field := "", path
		if i := strings.LastIndex(path, "."); i >= 0 {
			above, field = path[:i], path[i+1:]
		}
		if above == table && strings.EqualFold(field, key) {
			return field
		}
	}
	return ""
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

// String returns a description of the set: its first type other than null.
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
