package apply

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/dashboard"
)

// Resolve looks for APIs of the wanted services that the listing lacks although the store or the
// ledger knows the service: a listing may be cut short, late, or hide what another user owns. APIs
// that are there are added to the state. It asks for nothing where every service is listed or new.
//
// Errors: *HiddenError for APIs that this key may not see; *StepError for an answer that says
// neither.
func Resolve(ctx context.Context, r mesh.Remote, services []plan.Service, x *plan.Snapshot) (*plan.Snapshot, error) {
	doubtful := x.UnlistedOf(services)
	if len(doubtful) == 0 {
		return x, nil
	}

	found, err := readByID(ctx, r, doubtful, x.Settings)
	if err != nil {
		return nil, err
	}

	missing := doubtful[:0:0]
	for i, w := range doubtful {
		if found[i] == nil && w.Role == mesh.Inbound {
			missing = append(missing, w)
		}
	}

	found = slices.DeleteFunc(found, func(api *dashboard.API) bool { return api == nil })
	unseen, err := unseenUses(ctx, r, x, missing)
	if err != nil {
		return nil, err
	}
	if len(found)+len(unseen) == 0 {
		return x, nil
	}

	// Other runs at the same moment create APIs, and take them back: hidden are those that a new
	// listing lacks, and that use the certificate still.
	state := x.State
	if state.APIs, err = relisted(ctx, r, found); err != nil {
		return nil, err
	}

	x = plan.NewSnapshot(state, x.Settings)
	if len(unseen) == 0 {
		return x, nil
	}

	still, err := unseenUses(ctx, r, x, missing)
	if err != nil {
		return nil, err
	}
	if hidden := slices.DeleteFunc(still, func(u unseenUse) bool { return !slices.Contains(unseen, u) }); len(hidden) > 0 {
		return nil, &HiddenError{Slugs: slugsOf(hidden)}
	}

	return x, nil
}

// readByID reads wanted APIs by the ids of our choice, each in its place: nil for one that is not
// there.
//
// Errors: as Resolve.
func readByID(ctx context.Context, r mesh.Remote, doubtful []*mesh.WantedAPI, s mesh.Settings) ([]*dashboard.API, error) {
	ownership, err := dashboard.OwnershipOf(ctx, r.APIs, nil)
	if err != nil {
		return nil, stepError("reading", "API", dashboard.AbsentID, err)
	}

	answers, err := readAPIs(ctx, r, s, "reading", len(doubtful), func(i int) (id, name string) {
		return doubtful[i].Definition.APIID(), doubtful[i].Slug
	})
	if err != nil {
		return nil, err
	}

	found := make([]*dashboard.API, len(doubtful))
	var hidden []string
	for i, a := range answers {
		found[i] = a.api
		if a.hidden && !ownership.Mute {
			hidden = append(hidden, doubtful[i].Slug)
		}
	}

	if len(hidden) > 0 {
		return nil, &HiddenError{Slugs: hidden}
	}

	return found, nil
}

// unseenUse is an API that the listing lacks, and that uses the certificate of a wanted one's
// service: so it shows that it is hidden, where the Dashboard has given it another api_id.
type unseenUse struct{ slug, apiID string }

// unseenUses returns the APIs that the listing lacks and that use certificates of the wanted ones'
// services.
func unseenUses(ctx context.Context, r mesh.Remote, x *plan.Snapshot, wanted []*mesh.WantedAPI) (unseen []unseenUse, err error) {
	if len(wanted) == 0 {
		return nil, nil
	}

	found := make([][]unseenUse, len(wanted))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(x.Settings.AtOnce())
	for i, w := range wanted {
		g.Go(func() error {
			for _, c := range x.StoredFor(w.Service) {
				uses, err := r.Certificates.CertificateAPIs(ctx, c.ID)
				if errors.Is(err, dashboard.ErrUnsupported) || isNotFound(err) {
					continue
				}
				if err != nil {
					return stepError("reading", "uses of certificate", c.ID, err)
				}

				for _, u := range uses {
					if !x.HasAPI(u.APIID) {
						found[i] = append(found[i], unseenUse{w.Slug, u.APIID})
					}
				}
			}

			return nil
		})
	}

	err = g.Wait()

	return slices.Concat(found...), err
}

// slugsOf returns the slugs of the wanted APIs, each once.
func slugsOf(unseen []unseenUse) (slugs []string) {
	for _, u := range unseen {
		slugs = append(slugs, u.slug)
	}
	return slices.Compact(slugs)
}

// relisted returns the APIs of a new listing, and those found by id that it lacks and that are
// there still. Another run may have made one a moment ago, and take it back for an older one of the
// same service: a listing from now on has that, too.
//
// Errors: *StepError.
func relisted(ctx context.Context, r mesh.Remote, found []*dashboard.API) ([]dashboard.API, error) {
	all, err := r.APIs.APIs(ctx)
	if err != nil {
		return nil, stepError("listing", "APIs", "", err)
	}

	listed := idsIn(all)
	for _, api := range found {
		id := api.Definition.ID()
		if listed[id] {
			continue
		}

		switch again, err := r.APIs.API(ctx, id); {
		case err == nil:
			all = append(all, again)
		case !isNotFound(err) && !errors.Is(err, dashboard.ErrNotVisible): // deleted since
			return nil, stepError("reading", "API", api.Definition.Label(), err)
		}
	}

	return all, nil
}

// idsIn returns the database ids of a listing.
func idsIn(apis []dashboard.API) map[string]bool {
	ids := make(map[string]bool, len(apis))
	for _, api := range apis {
		ids[api.Definition.ID()] = true
	}
	return ids
}
