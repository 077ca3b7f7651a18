package standalone_test

import (
	"encoding/json"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/inject/standalone"
)

// gateway is a model of how a gateway (5.14) leads a request through a mesh API. It was written from
// the gateway's behaviour, and where the model is coarse, it sees leaks that the gateway does not
// have.
type gateway struct {
	domain   *regexp.Regexp
	target   string
	allowed  []allowed
	rewrites []rewrite
}

type allowed struct {
	path    *regexp.Regexp
	methods []string
}

type rewrite struct {
	method, to    string
	path, pattern *regexp.Regexp
}

// outcome is the end of a request: a status of the gateway's own, or a URL that it asks.
type outcome struct {
	status int // 0 if it asks a URL
	url    *url.URL
	leaked bool // the URL had a reference that the gateway replaced
}

// references are the beginnings of texts that the gateway replaces in a URL: without one of them, it
// replaces nothing.
var references = []string{
	"$secret_conf.", "$secret_env.", "$secret_vault.", "$secret_consul.", "$secret_file.", "$tyk_context.", "$tyk_meta.",
}

// token is a secret that the sidecar has: that of a file.
const token = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJzbGVlcC5kZWZhdWx0In0.c2ln-bmF0dXJl_"

// newGateway reads a mesh definition.
func newGateway(t testing.TB, definition string) *gateway {
	t.Helper()
	var d struct {
		Domain string `json:"domain"`
		Proxy  struct {
			Listen string `json:"listen_path"`
			Target string `json:"target_url"`
		} `json:"proxy"`
		Versions struct {
			Versions map[string]struct {
				Paths struct {
					Rewrites []struct{ Path, Method, Match_pattern, Rewrite_to string } `json:"url_rewrites"` //nolint:staticcheck // keys
					Allowed  []struct {
						Path    string
						Methods map[string]struct{ Action string } `json:"method_actions"`
					} `json:"white_list"`
				} `json:"extended_paths"`
			} `json:"versions"`
		} `json:"version_data"`
	}
	if err := json.Unmarshal([]byte(definition), &d); err != nil {
		t.Fatal(err)
	}
	if d.Proxy.Listen != "/" {
		t.Fatalf("listen path %q", d.Proxy.Listen)
	}

	name, hosts, _ := strings.Cut(strings.Trim(d.Domain, "{}"), ":")
	if name == "" || strings.ContainsAny(hosts, "{}:") {
		t.Fatalf("the router reads the domain %q differently", d.Domain)
	}
	g := &gateway{domain: regexp.MustCompile("^(?P<v0>" + hosts + ")$"), target: d.Proxy.Target}

	paths := d.Versions.Versions["Default"].Paths
	for _, a := range paths.Allowed {
		entry := allowed{path: compilePath(t, a.Path)}
		for method, action := range a.Methods {
			if action.Action != "no_action" {
				t.Fatalf("the action %q replies", action.Action)
			}
			entry.methods = append(entry.methods, method)
		}
		g.allowed = append(g.allowed, entry)
	}
	for _, r := range paths.Rewrites {
		g.rewrites = append(g.rewrites, rewrite{r.Method, r.Rewrite_to, compilePath(t, r.Path), regexp.MustCompile(r.Match_pattern)})
	}

	return g
}

// compilePath returns the expression that the gateway makes of a path: it replaces parts in braces
// and /*, and anchors it at the end, as its example configuration wants.
func compilePath(t testing.TB, path string) *regexp.Regexp {
	t.Helper()
	if strings.ContainsAny(path, "{}") || strings.Contains(path, "/*") || !strings.HasSuffix(path, "$") || !strings.HasPrefix(path, "(?s)^") {
		t.Fatalf("the gateway reads the path %q differently", path)
	}
	return regexp.MustCompile(path)
}

// answer leads a request through the gateway: the target of the request line, and the Host header.
func (g *gateway) answer(method, target, host string) outcome {
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return outcome{status: 400}
	}

	if u.IsAbs() {
		host = u.Host // RFC 9112, section 3.2.2; the router also reads no other where that is empty
	}
	if name, _, isPair := strings.Cut(host, ":"); isPair {
		host = name
	}
	if !g.domain.MatchString(host) {
		return outcome{status: 404}
	}

	if !slices.ContainsFunc(g.allowed, func(a allowed) bool { return slices.Contains(a.methods, method) && matches(a.path, u.Path) }) {
		return outcome{status: 403}
	}

	for _, r := range g.rewrites {
		if r.method == method && matches(r.path, u.Path) {
			return g.rewrite(r, u)
		}
	}

	return g.ask(u, u.String(), false)
}

// matches reports whether an expression matches a path, or the path without a second slash at its
// beginning: the gateway strips the listen path /, and puts a slash in its place.
func matches(path *regexp.Regexp, text string) bool {
	return path.MatchString(stripped(&url.URL{Path: text}).Path) || path.MatchString(text)
}

// rewrite applies a rewrite to a URL, encoded as it came or decoded, and replaces references.
func (g *gateway) rewrite(r rewrite, u *url.URL) outcome {
	raw := u.String()
	groups := r.pattern.FindStringSubmatch(raw)
	if decoded, err := url.PathUnescape(raw); len(groups) == 0 && decoded != raw {
		if err != nil {
			return outcome{status: 500}
		}
		groups = r.pattern.FindStringSubmatch(decoded)
	}
	if len(groups) == 0 {
		return g.ask(u, raw, false)
	}

	to := r.to
	for i, text := range groups {
		to = strings.ReplaceAll(to, "$"+strconv.Itoa(i), text)
	}

	return g.ask(u, to, slices.ContainsFunc(references, func(ref string) bool { return strings.Contains(to, ref) }))
}

// ask asks a URL. Unless it names another host than the request did, that is the API's target.
func (g *gateway) ask(from *url.URL, to string, leaked bool) outcome {
	to = strings.ReplaceAll(to, "$secret_file."+standalone.TokenFile, token)
	u, err := url.Parse(to)
	if err == nil && u.Scheme == "tyk" {
		return loop(u.Hostname())
	}
	if err != nil {
		u = from
	}
	if err != nil || u.Scheme == "" || u.Host == from.Host {
		dead, err := url.Parse(g.target)
		if err != nil {
			panic(err)
		}
		return outcome{url: dead}
	}

	return outcome{url: stripped(u), leaked: leaked}
}

// stripped returns a URL as the gateway asks it: it strips the listen path / from the path, and puts
// a slash in its place. So of two slashes behind a name, one gets lost.
func stripped(u *url.URL) *url.URL {
	out := *u
	for _, path := range []*string{&out.Path, &out.RawPath} {
		if *path != "" {
			*path = "/" + strings.TrimPrefix(strings.TrimPrefix(*path, "/"), "/")
		}
	}
	return &out
}

// loop leads a request to the API of a name, in which the gateway takes dots and dashes for the same.
func loop(name string) outcome {
	if slices.Contains([]string{"inbound", "mesh-http", "mesh-https", "self"}, strings.ToLower(strings.ReplaceAll(name, ".", "-"))) {
		return outcome{status: -1}
	}
	return outcome{status: 500}
}

// isDead reports whether a request came to the dead target, which the gateway answers with 500.
func (o outcome) isDead() bool { return o.url != nil && o.url.String() == "http://127.0.0.1:1" }

var (
	name  = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	names = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)?$`)
)

// violation returns the law that the outcome of a request breaks; "" if it keeps all.
func violation(target string, o outcome) string {
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return ""
	}

	raw := u.String()
	encoded, _, _ := strings.Cut(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	decoded, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")

	switch {
	case o.status == -1:
		return "leads to another API"
	case o.leaked:
		return "leaks"
	case o.isDead() || o.status != 0:
		isAddress := !u.IsAbs() && strings.HasPrefix(u.Path, "/")
		isHarmless := !strings.Contains(raw, "$sec") && !strings.Contains(raw, "$tyk") &&
			!strings.Contains(u.RawQuery, "#") // a client's mistake: requests have no fragments
		if isAddress && isHarmless && names.MatchString(encoded) {
			return "refuses a harmless URL"
		}
		return ""
	}

	host := decoded + ".svc:8080"
	if name.MatchString(decoded) {
		host = decoded + ".default.svc:8080"
	}
	switch {
	case !names.MatchString(decoded):
		return "takes the name " + strconv.Quote(decoded)
	case o.url.Host != host || o.url.Scheme != "https" || o.url.User != nil || o.url.Opaque != "":
		return "leads to " + o.url.String()
	case net.ParseIP(o.url.Hostname()) != nil:
		return "leads to an address"
	case encoded == decoded:
		behind, query, _ := strings.Cut(strings.TrimPrefix(raw, "/"+encoded), "?")
		query, _, _ = strings.Cut(query, "#")
		want := stripped(&url.URL{Path: strings.TrimPrefix(u.Path, "/"+decoded), RawPath: behind, RawQuery: query})
		if o.url.EscapedPath() != want.EscapedPath() || o.url.RawQuery != want.RawQuery {
			return "changes the path or query to " + o.url.String()
		}
	}

	return ""
}
