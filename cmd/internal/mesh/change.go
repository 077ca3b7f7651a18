package mesh

import (
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/dashboard"
)

// markPath stands for all changes to the mark: the user need not know which they are.
var markPath = dashboard.Path{"config_data", markKey}.String()

// changes lists the leaves in which the updated definition differs, sorted by path.
func changes(current, updated dashboard.Definition) (list []dashboard.Change) {
	for _, d := range current.Diff(updated) {
		c := d.Change()
		if c.Path == markPath || strings.HasPrefix(c.Path, markPath+".") {
			c = dashboard.Change{Path: markPath}
		}
		list = append(list, c)
	}
	return slices.Compact(list)
}

// reasons returns changes as messages show them: the mark only if nothing else changes.
func reasons(list []dashboard.Change) (out []string) {
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
