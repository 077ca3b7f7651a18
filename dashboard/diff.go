package dashboard

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Difference is one leaf in which two definitions differ; an absent value is nil.
type Difference struct {
	Path     Path
	From, To any
}

// Diff returns the differences between d and another definition, sorted by path. Values that are
// the [Same] do not differ.
func (d Definition) Diff(to Definition) []Difference { return diffObjects(nil, d, to) }

func diffObjects(path Path, a, b map[string]any) (list []Difference) {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		from, to := a[key], b[key]
		if Same(from, to) {
			continue
		}

		below := append(slices.Clone(path), key)
		x, fromObject := from.(map[string]any)
		y, toObject := to.(map[string]any)
		if fromObject && toObject || fromObject && to == nil || toObject && from == nil {
			list = append(list, diffObjects(below, x, y)...)
			continue
		}

		list = append(list, Difference{below, from, to})
	}

	return list
}

// Change is a difference as messages may show it. From and To show the values of the fields that
// name and place an API, of numbers and of booleans. All others may be secrets (a header, a
// password) and are "...".
type Change struct {
	Path     string
	From, To string // "" for an absent value
}

// fieldNames holds the leaves whose values are shown, and their names in messages.
var fieldNames = map[string]string{
	"name":              "name",
	"slug":              "slug",
	"domain":            "domain",
	"tags":              "tags",
	"certificates":      "certificates",
	"api_id":            "api_id",
	"org_id":            "organisation",
	"proxy.listen_path": "listen path",
	"proxy.target_url":  "target",
}

// Change returns the difference as messages may show it.
func (d Difference) Change() Change {
	path := d.Path.String()
	_, named := fieldNames[path]
	return Change{path, show(d.From, named), show(d.To, named)}
}

// Name returns the name of the leaf in messages.
func (c Change) Name() string {
	if name, ok := fieldNames[c.Path]; ok {
		return name
	}
	return c.Path
}

// String returns the change as a reason: "listen path /a -> /b".
func (c Change) String() string {
	switch {
	case c.From == "" && c.To == "":
		return c.Name()
	case c.From == "":
		return fmt.Sprintf("%s set to %s", c.Name(), c.To)
	case c.To == "":
		return fmt.Sprintf("%s removed", c.Name())
	case c.From == c.To:
		return fmt.Sprintf("%s changed", c.Name())
	}

	return fmt.Sprintf("%s %s -> %s", c.Name(), c.From, c.To)
}

// show returns a value as messages may show it.
func show(v any, named bool) string {
	switch v := v.(type) {
	case bool, json.Number:
		return fmt.Sprint(v)
	case string:
		if named {
			return withoutPassword(v)
		}
	case []any:
		if named {
			return strings.Join(Texts(v), ", ")
		}
	}

	if isZero(v) {
		return ""
	}

	return "..."
}

// withoutPassword hides the password that a URL may carry.
func withoutPassword(s string) string {
	if u, err := url.Parse(s); err == nil && u.User != nil {
		return u.Redacted()
	}
	return s
}
