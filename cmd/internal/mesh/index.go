package mesh

import (
	"regexp"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// index finds listed APIs by what two APIs cannot share.
type index struct {
	byAPIID  map[string][]*dashboard.API
	byMark   map[owner][]*dashboard.API
	bySlug   map[string][]*dashboard.API
	byDomain map[string][]*dashboard.API
	byPath   map[string][]*dashboard.API // on the mesh hosts

	paths []string // of byPath, sorted
}

// owner is a service in one of its roles.
type owner struct {
	service inject.Service
	role    Role
}

func ownerOf(d dashboard.Definition) (o owner, ok bool) {
	m, ok := markOf(d)
	return owner{m.service(), m.Role}, ok
}

// newIndex sorts the APIs by database id first, so that the lowest of several is found first,
// whatever the order of the listing.
func newIndex(apis []dashboard.API, onMesh func(dashboard.Definition) bool) *index {
	x := &index{
		byAPIID: make(map[string][]*dashboard.API, len(apis)), byMark: make(map[owner][]*dashboard.API, len(apis)),
		bySlug: make(map[string][]*dashboard.API, len(apis)), byDomain: make(map[string][]*dashboard.API, len(apis)),
		byPath: make(map[string][]*dashboard.API, len(apis)),
	}
	sorted := make([]*dashboard.API, len(apis))
	for i := range apis {
		sorted[i] = &apis[i]
	}

	slices.SortStableFunc(sorted, func(a, b *dashboard.API) int { return strings.Compare(a.Definition.ID(), b.Definition.ID()) })
	for _, api := range sorted {
		d := api.Definition
		add(x.byAPIID, d.APIID(), api)
		add(x.bySlug, d.Slug(), api)
		add(x.byDomain, strings.ToLower(d.Domain()), api)
		if o, ok := ownerOf(d); ok {
			x.byMark[o] = append(x.byMark[o], api)
		}

		if onMesh(d) {
			add(x.byPath, cleanPath(d.ListenPath()), api)
		}
	}

	for p := range x.byPath {
		x.paths = append(x.paths, p)
	}

	slices.Sort(x.paths)

	return x
}

func add(m map[string][]*dashboard.API, key string, api *dashboard.API) {
	if key != "" {
		m[key] = append(m[key], api)
	}
}

// onMeshHosts judges whether an API answers on a host of the mesh, where routes must be told apart.
func onMeshHosts(s Settings) func(dashboard.Definition) bool {
	hosts := s.meshCertificateHosts()
	known := map[string]bool{strings.ToLower(s.MeshAPIDomain()): true}
	for _, h := range hosts {
		known[strings.ToLower(h)] = true
	}

	return func(d dashboard.Definition) bool {
		domain := strings.ToLower(d.Domain())
		if domain == "" { // any host: sidecars serve it if they load it
			return slices.Contains(d.Tags(), meshTag)
		}
		yes, ok := known[domain]
		if !ok {
			yes = matchesAny(domain, hosts)
			known[domain] = yes
		}

		return yes
	}
}

// pattern is a domain with a regular expression, as gateways take it: {name:expression}.
var pattern = regexp.MustCompile(`\{[^:{}]*:?((?:[^{}]|\{[^{}]*\})*)\}`)

// matchesAny reports whether a domain is a pattern that one of the hosts matches. What cannot be
// read matches nothing.
func matchesAny(domain string, hosts []string) bool {
	if !strings.Contains(domain, "{") {
		return false
	}

	var expression strings.Builder

	rest := domain
	for {
		at := pattern.FindStringSubmatchIndex(rest)
		if at == nil {
			break
		}
		inner := rest[at[2]:at[3]]
		if inner == "" {
			inner = "[^.]+"
		}

		expression.WriteString(regexp.QuoteMeta(rest[:at[0]]) + "(?:" + inner + ")")
		rest = rest[at[1]:]
	}

	re, err := regexp.Compile(`(?i)\A(?:` + expression.String() + regexp.QuoteMeta(rest) + `)\z`)

	return err == nil && slices.ContainsFunc(hosts, re.MatchString)
}
