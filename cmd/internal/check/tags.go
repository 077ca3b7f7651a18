package check

import (
	"fmt"
	"strings"

	"github.com/tykmesh/tykmesh/dashboard"
)

// TagError says that APIs of the mesh lack the tag by which sidecars load them (Tyk documentation,
// API segmentation).
type TagError struct{ Missing []string } // "echo-mesh lacks mesh"

// Error names the APIs with their tags.
func (e *TagError) Error() string {
	return "sidecars do not load these APIs, because a tag is missing: " + strings.Join(e.Missing, ", ")
}

// Hint names the command that sets tags.
func (*TagError) Hint() string {
	return "tykmesh register with the manifests of these services sets the tags; tykmesh status shows every difference"
}

// tags checks whether the sidecars load the listed APIs of the mesh. A sidecar without them is
// ready all the same: it answers 404.
func tags(listed []dashboard.API, m Mesh) (detail string, err error) {
	found, missing := 0, []string(nil)
	for _, api := range listed {
		d := api.Definition
		tag, ok := m.Tag(d)
		if !ok {
			continue
		}
		if found++; !d.HasTag(tag) {
			missing = append(missing, fmt.Sprintf("%s lacks %s", d.Slug(), tag))
		}
	}

	switch {
	case len(missing) > 0:
		return "", &TagError{missing}
	case found == 0:
		return "there are no mesh APIs yet", nil
	}

	return fmt.Sprintf("%d of %[1]d have theirs", found), nil
}
