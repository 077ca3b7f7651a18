package plan

import (
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// duplicates returns the deletions of APIs that duplicate w's, and refuses those that only look
// like it. No gateway serves two APIs on one host and path: it renames the listen paths of both
// (Tyk Gateway, API loader). current is the API that was matched, and stays.
//
//	carries the mark, stands where current does   then
//	slug, target and tag are current's, too       an earlier run created it twice: deleted
//	else                                          a copy made by hand: refused with both ids
func (m *matcher) duplicates(service *Service, w *mesh.WantedAPI, current *dashboard.API) (gone []*Step, problems []inject.Problem) {
	if current == nil {
		return nil, nil
	}

	kept := current.Definition
	for _, api := range m.apis.byMark[w.Owner()] {
		d := api.Definition
		switch {
		case api == current, !m.free(api), !samePlace(d, kept) && !samePlace(d, w.Definition):
		case d.Slug() == kept.Slug() && sameOrigin(d.TargetURL(), kept.TargetURL()) && d.HasTag(w.Tag(m.settings)):
			gone = append(gone, &Step{
				Kind: APIKind, Action: Delete, Service: w.Service, Role: w.Role, Name: d.Slug(), ID: d.ID(),
				Reasons: []string{"the same as API " + kept.ID() + ", which stays"}, Work: &APIDeletion{d.Certificates()},
			})
		default:
			problems = append(problems, service.problem(inject.RuleConflict, service.Pos,
				"API %s is a copy of this service's API %s, and gateways serve neither: delete one of them in the Dashboard, or give the copy another listen path",
				mesh.Describe(d), kept.ID()))
		}
	}

	return gone, problems
}

// samePlace reports whether two APIs answer on one host and path.
func samePlace(a, b dashboard.Definition) bool {
	return strings.EqualFold(a.Domain(), b.Domain()) && mesh.CleanPath(a.ListenPath()) == mesh.CleanPath(b.ListenPath())
}
