package mesh

import (
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/dashboard"
)

// MarkPath stands for all changes to the mark: the user need not know which they are.
var MarkPath = dashboard.Path{"config_data", markKey}.String()

// Changes lists the leaves in which the updated definition differs, sorted by path. Of the mark it
// shows the port alone.
func Changes(current, updated dashboard.Definition) (list []dashboard.Change) {
	for _, d := range current.Diff(updated) {
		c := d.Change()
		if c.Path == MarkPath || strings.HasPrefix(c.Path, MarkPath+".") && c.Path != NextPortPath {
			c = dashboard.Change{Path: MarkPath}
		}
		list = append(list, c)
	}
	return slices.Compact(list)
}

// Reasons returns changes as messages show them: the mark only if nothing else changes, and the
// port in it by a name of its own.
func Reasons(list []dashboard.Change) (out []string) {
	for _, c := range list {
		if c.Path != MarkPath {
			out = append(out, strings.Replace(c.String(), NextPortPath, "next port of the sidecar", 1))
		}
	}

	if len(list) > 0 && len(out) == 0 {
		out = append(out, "mark missing or out of date")
	}

	return out
}
