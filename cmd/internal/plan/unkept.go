package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard"
)

// unkeptPrefix begins the tag that remembers a difference. No gateway has such a tag.
const unkeptPrefix = "tykmesh-unkept-"

// vital are the fields without which a service cannot be called: a Dashboard that does not keep one
// of them cannot carry a mesh.
var vital = []string{"active", "certificates", "domain", "org_id", "proxy.listen_path", "proxy.target_url", "tags"}

// UnkeptError reports that the Dashboard stored an API otherwise than it was sent.
type UnkeptError struct {
	Slug, ID string
	Changes  []dashboard.Change // From holds the Dashboard's values, To the sent ones
}

// Error names the fields with both values.
func (e *UnkeptError) Error() string {
	return fmt.Sprintf("the Dashboard does not keep %s of API %s (id %s): look for force_api_defaults or an OPA rule in its configuration",
		unkeptText(e.Changes), e.Slug, e.ID)
}

// unkeptText names fields with the value that was sent and the one that came back.
func unkeptText(list []dashboard.Change) string {
	texts := make([]string, len(list))
	for i, c := range list {
		texts[i] = unkept(c)
	}
	return strings.Join(texts, ", ")
}

// unkept names a change that the Dashboard undid: "listen path /a (it has /a1b2/)".
func unkept(c dashboard.Change) string {
	name := c.Name()
	switch {
	case c.Path == mesh.MarkPath:
		return "the mark of tykmesh in config_data"
	case c.From == c.To: // values that are not shown
		return name
	case c.From == "":
		return fmt.Sprintf("%s %s (it has none)", name, c.To)
	}

	return strings.TrimSpace(fmt.Sprintf("%s %s", name, c.To)) + fmt.Sprintf(" (it has %s)", c.From)
}

// VitalChanges returns the changes without which a service cannot be called.
func VitalChanges(list []dashboard.Change) (some []dashboard.Change) {
	for _, c := range list {
		if slices.Contains(vital, c.Path) || slices.Contains(mesh.Switches, c.Path) {
			some = append(some, c)
		}
	}
	return some
}

// UnkeptTag returns the tag that remembers the difference between a definition and the wanted one,
// certificates aside: these change with time.
func UnkeptTag(held, to dashboard.Definition) string {
	var list [][3]any
	for _, d := range held.Diff(to) {
		if d.Path[0] != "certificates" {
			list = append(list, [3]any{d.Path, d.From, d.To})
		}
	}

	text, _ := json.Marshal(list) //nolint:errchkjson // definitions came from JSON
	sum := sha256.Sum256(text)

	return unkeptPrefix + hex.EncodeToString(sum[:8])
}

// WithoutUnkeptTag takes the tag that remembers a difference off a definition, and returns it; ""
// without such a tag.
func WithoutUnkeptTag(d dashboard.Definition) (out dashboard.Definition, tag string) {
	tags := d.Tags()
	i := slices.IndexFunc(tags, func(t string) bool { return strings.HasPrefix(t, unkeptPrefix) })
	if i < 0 {
		return d, ""
	}
	rest := slices.DeleteFunc(slices.Clone(tags), func(t string) bool { return strings.HasPrefix(t, unkeptPrefix) })
	return d.With("tags", dashboard.Union(rest)), tags[i]
}

// OfCertificates returns the changes of certificates alone.
func OfCertificates(list []dashboard.Change) (some []dashboard.Change) {
	for _, c := range list {
		if c.Path == "certificates" {
			some = append(some, c)
		}
	}
	return some
}
