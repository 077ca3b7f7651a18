package plan

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/tykmesh/tykmesh/dashboard"
)

// origin is the server to which an API leads; empty where its target is no URL. Its scheme and host
// are in lower case.
type origin struct {
	scheme, host string
	port         int
}

// originOf returns the server to which an API leads.
func originOf(d dashboard.Definition) origin { return originOfURL(d.TargetURL()) }

// originOfURL returns the server of a URL, with the port that its scheme means if it names none
// (RFC 9110 section 4.2).
func originOfURL(target string) (o origin) {
	u, err := url.Parse(target)
	if err != nil {
		return o
	}

	o = origin{scheme: strings.ToLower(u.Scheme), host: strings.ToLower(u.Hostname())}
	switch port := u.Port(); {
	case port != "":
		o.port, _ = strconv.Atoi(port)
	case o.scheme == "https":
		o.port = 443
	default:
		o.port = 80
	}

	return o
}

// sameOrigin reports whether two URLs lead to one server in one way.
func sameOrigin(a, b string) bool {
	x := originOfURL(a)
	return x != origin{} && x == originOfURL(b)
}

// portOf returns the port of a URL, which the manifests choose; 0 without one.
func portOf(address string) int {
	u, err := url.Parse(address)
	if err != nil {
		return 0
	}
	port, _ := strconv.Atoi(u.Port()) // 0 where it is no number

	return port
}
