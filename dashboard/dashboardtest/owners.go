package dashboardtest

import (
	"encoding/json"
	"slices"

	"github.com/tykmesh/tykmesh/dashboard"
)

// sees reports whether a user may see an API:
//
//	without Options.Ownership, or an admin           yes
//	the API has no owner                             yes
//	the user, or a group of the user, is its owner   yes
//	otherwise                                        no
func (s *Server) sees(by Rights, a *dashboard.API) bool {
	if !s.options.Ownership || by.Admin {
		return true
	}
	users, groups := owners(a, "user_owners"), owners(a, "user_group_owners")
	if len(users)+len(groups) == 0 {
		return true
	}

	return slices.Contains(users, by.User) || slices.ContainsFunc(by.Groups, func(g string) bool { return slices.Contains(groups, g) })
}

// owners returns the ids that an API names in a field of its envelope.
func owners(a *dashboard.API, field string) (ids []string) {
	if err := json.Unmarshal(a.Envelope[field], &ids); err != nil && a.Envelope[field] != nil {
		panic("dashboardtest: " + field + ": " + err.Error())
	}
	return ids
}

// setOwners makes users and groups the only owners of an API.
func setOwners(a *dashboard.API, users, groups []string) {
	for field, ids := range map[string][]string{"user_owners": users, "user_group_owners": groups} {
		a.Envelope[field], _ = json.Marshal(slices.Concat([]string{}, ids)) // texts always encode
	}
}

// ownedBy makes the groups of a user, or else the user, the owner of an API.
func ownedBy(a *dashboard.API, by Rights) {
	switch {
	case len(by.Groups) > 0:
		setOwners(a, nil, by.Groups)
	case by.User != "":
		setOwners(a, []string{by.User}, nil)
	}
}
