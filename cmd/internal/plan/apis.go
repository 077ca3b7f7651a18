package plan

import (
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// listing holds the APIs of one listing, found by what two APIs cannot share and by their owners.
// Several that share it are in the order of their database ids, the lowest first.
type listing struct {
	all []*dashboard.API

	byAPIID  map[string][]*dashboard.API
	bySlug   map[string][]*dashboard.API
	byDomain map[string][]*dashboard.API
	byMark   map[mesh.Owner][]*dashboard.API
	byPath   map[string][]*dashboard.API // on the mesh hosts
	paths    []string                    // of byPath, sorted

	byOwner   map[mesh.Owner][]dashboard.Definition // without OAS APIs
	converted map[mesh.Owner][]dashboard.Definition // with the mark, and OAS APIs by now: the Dashboard can convert one, and takes no classic definition of it then
	owners    map[mesh.Owner]bool                   // of any API
	services  []inject.Service                      // of byOwner, sorted

	routes int // that sidecars load: the APIs with the tag of the mesh, whoever owns them

	onMesh func(dashboard.Definition) bool // for one goroutine at a time: it remembers its answers
}

// newListing indexes APIs. It keeps pointers into the slice.
func newListing(apis []dashboard.API, s mesh.Settings) *listing {
	n := len(apis)
	l := &listing{
		all:     make([]*dashboard.API, n),
		byAPIID: make(map[string][]*dashboard.API, n), bySlug: make(map[string][]*dashboard.API, n),
		byDomain: make(map[string][]*dashboard.API, n), byMark: make(map[mesh.Owner][]*dashboard.API, n),
		byPath:  make(map[string][]*dashboard.API, n),
		byOwner: make(map[mesh.Owner][]dashboard.Definition, n), converted: make(map[mesh.Owner][]dashboard.Definition),
		owners: make(map[mesh.Owner]bool, n),
		onMesh: onMeshHosts(s),
	}
	for i := range apis {
		l.all[i] = &apis[i]
	}

	slices.SortStableFunc(l.all, func(a, b *dashboard.API) int { return strings.Compare(a.Definition.ID(), b.Definition.ID()) })
	for _, api := range l.all {
		l.add(api)
	}

	l.paths = slices.Sorted(maps.Keys(l.byPath))
	l.services = servicesOf(maps.Keys(l.byOwner))

	return l
}

func (l *listing) add(api *dashboard.API) {
	d := api.Definition
	add(l.byAPIID, d.APIID(), api)
	add(l.bySlug, d.Slug(), api)
	add(l.byDomain, strings.ToLower(d.Domain()), api)
	if l.onMesh(d) {
		add(l.byPath, mesh.CleanPath(d.ListenPath()), api)
	}

	if isRoute(d) {
		l.routes++
	}

	o, ok := mesh.OwnerOf(d)
	if !ok {
		return
	}

	l.owners[o] = true
	marked := mesh.IsMarked(d)
	if marked {
		l.byMark[o] = append(l.byMark[o], api)
	}

	switch {
	case !d.IsOAS():
		l.byOwner[o] = append(l.byOwner[o], d)
	case marked:
		l.converted[o] = append(l.converted[o], d)
	}
}

// registered returns the services that have any API, converted ones included, sorted.
func (l *listing) registered() []inject.Service {
	if len(l.converted) == 0 {
		return l.services
	}
	all := slices.Concat(l.services, servicesOf(maps.Keys(l.converted)))
	slices.SortFunc(all, compareServices)
	return slices.Compact(all)
}

// has reports whether a service has any API, converted ones included.
func (l *listing) has(svc inject.Service) bool {
	return slices.ContainsFunc(mesh.Roles, func(role mesh.Role) bool {
		o := mesh.Owner{Service: svc, Role: role}
		return len(l.byOwner[o])+len(l.converted[o]) > 0
	})
}

// meshAPIs returns the mesh APIs of all services: they share one certificate.
func (l *listing) meshAPIs() (all []dashboard.Definition) {
	for _, svc := range l.services {
		all = append(all, l.byOwner[mesh.Owner{Service: svc, Role: mesh.Mesh}]...)
	}
	return all
}

// servicesOf returns the services of owners, sorted, each once.
func servicesOf(owners iter.Seq[mesh.Owner]) (services []inject.Service) {
	for o := range owners {
		services = append(services, o.Service)
	}
	slices.SortFunc(services, compareServices)
	return slices.Compact(services)
}

func add(m map[string][]*dashboard.API, key string, api *dashboard.API) {
	if key != "" {
		m[key] = append(m[key], api)
	}
}

// onMeshHosts judges whether an API answers on a host of the mesh, where routes must be told apart.
func onMeshHosts(s mesh.Settings) func(dashboard.Definition) bool {
	hosts := s.MeshCertificateHosts()
	known := map[string]bool{strings.ToLower(s.MeshAPIDomain()): true}
	for _, h := range hosts {
		known[strings.ToLower(h)] = true
	}

	return func(d dashboard.Definition) bool {
		domain := strings.ToLower(d.Domain())
		if domain == "" { // any host: sidecars serve it if they load it
			return d.HasTag(mesh.Tag)
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
