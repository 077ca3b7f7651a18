package plan

import (
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// matcher finds for each wanted API the one that is there, and what stands in its way.
//
//	the listed API has                              does the service own it?
//	its api_id, or its mark and its slug            yes; of several the lowest id (see Lowest)
//	its mark                                        yes; of several the lowest id
//	its slug and: inbound, the domain <app>.<ns>    yes: tyk-k8s made it
//	  mesh, a target on <app>.<ns> and the tag mesh
//	its slug, domain or route, and --adopt          yes, unless it carries another service's mark
//	its slug, domain or route                       no: a conflict
//
// tykmesh never owns an OAS API.
type matcher struct {
	apis     *listing
	settings mesh.Settings
	taken    map[*dashboard.API]bool // matched so far
}

func newMatcher(apis *listing, s mesh.Settings) *matcher {
	return &matcher{apis: apis, settings: s, taken: make(map[*dashboard.API]bool)}
}

// match finds for every service the APIs that are its own. Adoption comes last, so that no API that
// another service owns is adopted.
func (m *matcher) match(services []Service) map[*mesh.WantedAPI]*dashboard.API {
	matched := make(map[*mesh.WantedAPI]*dashboard.API, 2*len(services))
	for _, find := range []func(*mesh.WantedAPI) *dashboard.API{m.own, m.adopted} {
		for i := range services {
			for _, w := range services[i].apis() {
				if matched[w] != nil {
					continue
				}
				if api := find(w); api != nil {
					matched[w], m.taken[api] = api, true
				}
			}
		}
	}

	return matched
}

// own finds the API that belongs to w by its ids, its mark or its shape.
func (m *matcher) own(w *mesh.WantedAPI) *dashboard.API {
	free := m.free
	marked := m.apis.byMark[w.Owner()]
	mine := first(m.apis.byAPIID[w.Definition.APIID()], free)

	named := first(marked, func(api *dashboard.API) bool { return free(api) && api.Definition.Slug() == w.Slug })
	if mine == nil || named != nil && named.Definition.ID() < mine.Definition.ID() {
		mine = named
	}

	if mine != nil {
		return mine
	}
	if api := first(marked, free); api != nil {
		return api
	}

	legacy := func(api *dashboard.API) bool {
		return free(api) && !w.IsAnothers(api.Definition) && w.HasShape(api.Definition)
	}
	// tyk-k8s knew plain slugs only.
	for _, slug := range []string{w.Slug, w.Service.App + "-" + string(w.Role)} {
		if api := first(m.apis.bySlug[slug], legacy); api != nil {
			return api
		}
	}

	return nil
}

// adopted finds the API in w's way that is to be adopted.
func (m *matcher) adopted(w *mesh.WantedAPI) *dashboard.API {
	return first(m.holders(w), func(api *dashboard.API) bool {
		return m.free(api) && !w.IsAnothers(api.Definition) && m.settings.Adopt[api.Definition.Slug()]
	})
}

func (m *matcher) free(api *dashboard.API) bool { return !api.Definition.IsOAS() && !m.taken[api] }

// holders returns the APIs that hold an id, a slug, a domain or a route of w, lowest id first.
// Matched APIs are left out: they move out of the way.
func (m *matcher) holders(w *mesh.WantedAPI) (all []*dashboard.API) {
	add := func(some []*dashboard.API) {
		for _, api := range some {
			if !m.taken[api] && !slices.Contains(all, api) {
				all = append(all, api)
			}
		}
	}

	add(m.apis.byAPIID[w.Definition.APIID()])
	add(m.apis.bySlug[w.Slug])
	if w.Role == mesh.Inbound {
		add(m.apis.byDomain[strings.ToLower(w.Definition.Domain())])
	} else {
		add(m.apis.byPath[mesh.CleanPath(w.Definition.ListenPath())])
	}

	return all
}

func first(apis []*dashboard.API, ok func(*dashboard.API) bool) *dashboard.API {
	for _, api := range apis {
		if ok(api) {
			return api
		}
	}
	return nil
}

// conflicts returns the refusals to create w, or to change current into it. All services must have
// been matched before.
func (m *matcher) conflicts(service *Service, w *mesh.WantedAPI, current *dashboard.API) (problems []inject.Problem) {
	for _, api := range m.holders(w) {
		if what, pos := m.clash(service, w, current, api.Definition); what != "" {
			problems = append(problems, service.problem(inject.RuleConflict, pos, "%s is taken by API %s%s",
				what, mesh.Describe(api.Definition), m.remedy(w, current, api.Definition)))
		}
	}
	return problems
}

// UnlistedOf returns the wanted APIs that the listing lacks, of services that a certificate in the
// store or a record was made for.
func (x *Snapshot) UnlistedOf(services []Service) (missing []*mesh.WantedAPI) {
	for i := range services {
		for _, w := range services[i].apis() {
			if !x.apis.owners[w.Owner()] {
				missing = append(missing, w)
			}
		}
	}

	if len(missing) == 0 {
		return nil
	}

	recorded := make(map[inject.Service]bool, len(x.ledger))
	for _, r := range x.ledger {
		recorded[r.service()] = true
	}

	return slices.DeleteFunc(missing, func(w *mesh.WantedAPI) bool {
		return !recorded[w.Service] && len(x.byHosts[mesh.Host(w.Service)]) == 0
	})
}

// FindOwn returns the API of a listing that belongs to w; nil for none.
func FindOwn(apis []dashboard.API, w *mesh.WantedAPI, s mesh.Settings) *dashboard.API {
	return newMatcher(newListing(apis, s), s).own(w)
}

// Lowest returns the API with w's mark and slug that has the lowest database id; nil for none.
func Lowest(apis []dashboard.API, w *mesh.WantedAPI) (found dashboard.Definition) {
	for _, api := range apis {
		d := api.Definition
		o, ok := mesh.MarkedOwner(d)
		if ok && o == w.Owner() && !d.IsOAS() && d.Slug() == w.Slug && (found == nil || d.ID() < found.ID()) {
			found = d
		}
	}
	return found
}

// IsOwn reports whether an API still belongs to an owner.
func IsOwn(api dashboard.API, o mesh.Owner, s mesh.Settings) bool {
	return len(newMatcher(newListing([]dashboard.API{api}, s), s).allOwn(o)) > 0
}
