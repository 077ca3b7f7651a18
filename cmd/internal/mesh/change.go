package mesh

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/dashboard"
)

// Change is one leaf of an API definition that an update changes. From and To show the values of
// names and paths that tykmesh itself decides, of numbers and of booleans. All others may be
// secrets (a header, a password) and are "...".
type Change struct {
	Path     string
	From, To string // "" for an absent value
}

// String returns the change as a reason: "listen path /a -> /b".
func (c Change) String() string {
	name, ok := leafNames[c.Path]
	if !ok {
		name = c.Path
	}

	switch {
	case c.From == "" && c.To == "":
		return name
	case c.From == "":
		return fmt.Sprintf("%s set to %s", name, c.To)
	case c.To == "":
		return fmt.Sprintf("%s removed", name)
	case c.From == c.To:
		return fmt.Sprintf("%s changed", name)
	}

	return fmt.Sprintf("%s %s -> %s", name, c.From, c.To)
}

// leafNames holds the leaves whose values are shown, and their names in messages.
var leafNames = map[string]string{
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

// markPath stands for all changes to the mark: the user need not know which they are.
var markPath = joinPath([]string{"config_data", markKey})

// changes lists the leaves in which the updated definition differs, sorted by path.
func changes(current, updated dashboard.Definition) (list []Change) {
	compare(nil, current, updated, func(path []string, from, to any) {
		c := Change{Path: joinPath(path)}
		if c.Path == markPath || strings.HasPrefix(c.Path, markPath+".") {
			list = append(list, Change{Path: markPath})
			return
		}

		_, named := leafNames[c.Path]
		c.From, c.To = show(from, named), show(to, named)
		list = append(list, c)
	})

	return slices.Compact(list)
}

// compare reports the differing leaves of two objects.
func compare(path []string, a, b map[string]any, report func(path []string, from, to any)) {
	keys := make(map[string]bool, len(a)+len(b))
	for key := range a {
		keys[key] = true
	}

	for key := range b {
		keys[key] = true
	}

	for _, key := range slices.Sorted(maps.Keys(keys)) {
		from, to := a[key], b[key]
		if same(from, to) {
			continue
		}

		below := append(slices.Clone(path), key)
		x, fromObject := from.(map[string]any)

		y, toObject := to.(map[string]any)
		if fromObject && toObject || fromObject && to == nil || toObject && from == nil {
			compare(below, x, y, report)
			continue
		}

		report(below, from, to)
	}
}

// show returns a value as messages may show it.
func show(v any, named bool) string {
	switch v := v.(type) {
	case nil:
		return ""
	case bool, json.Number:
		return fmt.Sprint(v)
	case string:
		if named {
			return withoutPassword(v)
		}
	case []any:
		if named {
			return strings.Join(texts(v), ", ")
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

// reasons returns changes as messages show them: the mark only if nothing else changes.
func reasons(list []Change) (out []string) {
	for _, c := range list {
		if c.Path != markPath {
			out = append(out, c.String())
		}
	}

	if len(list) > 0 && len(out) == 0 {
		out = append(out, "mark missing or out of date")
	}

	return out
}
