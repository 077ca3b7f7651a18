package mesh

import (
	"crypto/sha256"
	"strings"

	"github.com/tykmesh/tykmesh/dashboard"
)

// Uses holds the APIs that name a certificate, by its id: as their own, as their clients', or for
// upstreams. Any text in a definition counts, in every field: later versions of Dashboards have
// more.
type Uses map[string][]*dashboard.API

// UsesOf returns the uses of all certificates by these APIs.
func UsesOf(apis []dashboard.API) Uses {
	u := make(Uses)
	for i := range apis {
		u.Add(&apis[i])
	}
	return u
}

// Add adds the uses by one more API.
func (u Uses) Add(api *dashboard.API) {
	EachID(map[string]any(api.Definition), func(id string) {
		if users := u[id]; len(users) == 0 || users[len(users)-1] != api {
			u[id] = append(users, api)
		}
	})
}

// NamesCertificate reports whether a definition names a certificate.
func NamesCertificate(d dashboard.Definition, id string) (yes bool) {
	EachID(map[string]any(d), func(other string) { yes = yes || other == id })
	return yes
}

// DescribeAll returns APIs as messages name them.
func DescribeAll(apis []*dashboard.API) []string {
	out := make([]string, len(apis))
	for i, api := range apis {
		out[i] = Describe(api.Definition)
	}
	return out
}

// FingerprintLength is that of a SHA-256 in hex; ids in the store have the organisation in front of
// it, if there is one: --local works without.
const FingerprintLength = 2 * sha256.Size

// IsStoreID reports whether a text is the id of a certificate in an organisation's store.
func IsStoreID(text, org string) bool {
	return len(text) == len(org)+FingerprintLength && strings.HasPrefix(text, org)
}

// EachID calls f with every text in a value that may be the id of a certificate; lists of them are
// separated by commas.
func EachID(v any, f func(id string)) {
	eachText(v, func(text string) {
		if len(text) < FingerprintLength {
			return // nearly always
		}
		for id := range strings.SplitSeq(text, ",") {
			if id = strings.TrimSpace(id); len(id) >= FingerprintLength {
				f(id)
			}
		}
	})
}

// eachText calls f with every string in a value.
func eachText(v any, f func(string)) {
	switch v := v.(type) {
	case string:
		f(v)
	case []any:
		for _, x := range v {
			eachText(x, f)
		}
	case map[string]any:
		for _, x := range v {
			eachText(x, f)
		}
	}
}
