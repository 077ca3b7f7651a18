package standalone

import (
	"fmt"
	"slices"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// The patterns by which a sidecar turns mesh/NAME/... into the address of the Service NAME. They
// are regular expressions of Go. All definitions get theirs from here.
//
// The gateway compares a URL twice: its path with the path of a rewrite, to find one, and then the
// whole URL, percent-encoded as it came, with its match_pattern. If a found rewrite's match_pattern
// does not match, the gateway tries the URL decoded; if that does not match either, the call goes
// to the target of the API, which is dead (see deadTarget).
const (
	// label is a DNS label (RFC 1123, section 2.1) in small letters: the name of a Service or of a
	// namespace. It contains no dot, at sign, colon or percent sign, so that a name can lead to no
	// other host, port or user.
	label = `[a-z0-9](?:[-a-z0-9]*[a-z0-9])?`

	// harmless matches the rest of a URL after the name. After the rewrite, the gateway replaces
	// references such as $secret_env.X and $tyk_context.X in the URL by their values (Tyk, URL
	// rewriting). A caller must not get those values into a URL, so a dollar sign must not be
	// followed by "secret" or "tyk": here by "sec" or "tyk". A query often contains a dollar sign
	// for other reasons ($filter), which pass.
	//
	// [/?] ends the name. Then, as often as needed: a dollar sign and the first letters of neither
	// of the two words, and text without a dollar sign. Go's expressions cannot say "not followed
	// by", hence letter by letter.
	harmless = `([/?][^$]*(?:\$(?:` +
		`[^$st][^$]*|` +
		`s(?:[^$e][^$]*|e(?:[^$c][^$]*)?)?|` +
		`t(?:[^$y][^$]*|y(?:[^$k][^$]*)?)?` +
		`)?)*)?$`

	// below matches the rest of a decoded path, whose characters may be line breaks too: hence (?s)
	// before it.
	below = `(/.*)?$`
)

// rewrites returns the rewrites of a mesh API: for each method one of names in the caller's
// namespace, and one of NAME.NAMESPACE.
func (m Mesh) rewrites(namespace string) lines {
	scheme := "http"
	if m.TLS {
		scheme = "https"
	}

	var out lines
	for _, method := range m.methods() {
		out = append(out,
			manifest.Map{
				{Key: "path", Value: "(?s)^/" + label + below},
				{Key: "method", Value: method},
				{Key: "match_pattern", Value: "^/(" + label + ")" + harmless},
				{Key: "rewrite_to", Value: fmt.Sprintf("%s://$1.%s.svc:%d$2", scheme, namespace, m.Port)},
			},
			manifest.Map{
				{Key: "path", Value: "(?s)^/" + label + `\.` + label + below},
				{Key: "method", Value: method},
				{Key: "match_pattern", Value: "^/(" + label + `\.` + label + ")" + harmless},
				{Key: "rewrite_to", Value: fmt.Sprintf("%s://$1.svc:%d$2", scheme, m.Port)},
			})
	}

	return out
}

// allowed returns the list of paths and methods that a mesh API lets pass. It refuses all others
// with 403, which tells the caller more than the dead target's 500.
func (m Mesh) allowed() lines {
	var actions manifest.Map
	for _, method := range m.methods() {
		actions = append(actions, manifest.Entry{Key: method, Value: manifest.Map{
			{Key: "action", Value: "no_action"}, {Key: "code", Value: int64(200)}, {Key: "data", Value: ""}, {Key: "headers", Value: manifest.Map{}},
		}})
	}

	return lines{manifest.Map{
		{Key: "path", Value: "(?s)^/" + label + `(\.` + label + `)?` + below},
		{Key: "method_actions", Value: actions},
	}}
}

// methods returns all methods that sidecars carry.
func (m Mesh) methods() []string { return slices.Concat(DefaultMethods, m.Methods) }
