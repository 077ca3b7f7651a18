package mesh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// View tells how far a listing of APIs can be trusted to show all of them. A listing proves
// presence, never absence: a Dashboard with ownership leaves out APIs that the key's user does not
// own (Tyk Dashboard, API ownership), and a listing may be cut short or late.
//
//	the listing has an API with an owner              hides, unless the key is an administrator's
//	an id that no API has is answered with 401        hides: Dashboards answer so without a user
//	an API of a service that the store or the ledger
//	  knows is not listed, and is there all the same,
//	  or answered with 401                            a gap
//	this run wrote an API, and it is not listed       a gap
type View struct {
	Hides string // why the Dashboard may hide APIs from this key; "" where nothing hints at it
	Gaps  []string
	Admin bool // the key is an administrator's, who sees every API
}

// Partial returns the error that keeps certificates from being deleted; nil where nothing hints at
// APIs that the listing lacks.
func (v View) Partial() error {
	reasons := slices.Clone(v.Gaps)
	if v.Hides != "" && !v.Admin {
		reasons = append(reasons, v.Hides)
	}

	if len(reasons) == 0 {
		return nil
	}

	return &PartialError{reasons}
}

// Whole reports whether nothing hints at APIs that the listing lacks.
func (v View) Whole() bool { return v.Partial() == nil }

// PartialError reports that the Dashboard does not show this key every API.
type PartialError struct{ Reasons []string }

// Error names the signs.
func (e *PartialError) Error() string {
	return "the Dashboard may hide APIs from this key: " + strings.Join(e.Reasons, ", ")
}

// Hint names the key that sees all.
func (*PartialError) Hint() string { return RightKey }

// RightKey tells which key sees every API.
const RightKey = "Tyk.secret must be the key of an administrator, who sees every API; if it is one already, set Tyk.seesAllAPIs: true"

// HiddenError reports that an API exists which the Dashboard does not show to this key.
type HiddenError struct {
	Slugs []string
	Err   error // the Dashboard's answer; may be nil
}

// Error names the APIs.
func (e *HiddenError) Error() string {
	text := fmt.Sprintf("API %s exists, and the Dashboard does not show it to this key: another user owns it", strings.Join(e.Slugs, ""))
	if len(e.Slugs) > 1 {
		text = fmt.Sprintf("APIs %s exist, and the Dashboard does not show them to this key: another user owns them", strings.Join(e.Slugs, ", "))
	}

	if e.Err != nil {
		text += " (" + e.Err.Error() + ")"
	}

	return text
}

// Unwrap returns the Dashboard's answer.
func (e *HiddenError) Unwrap() error { return e.Err }

// Hint names the key that sees all.
func (*HiddenError) Hint() string { return RightKey }

// Look finds out how far the listing of a state can be trusted. It asks for nothing but single
// APIs: one that does not exist, and those of services that the store or the ledger knows and the
// listing lacks. Only where APIs may be hidden it asks whose the key is.
//
// Errors: *StepError for an answer that says neither.
func Look(ctx context.Context, r Remote, x *Snapshot) (View, error) {
	return look(ctx, r, x.state.APIs, x.unlisted(), x.settings)
}

func look(ctx context.Context, r Remote, apis []dashboard.API, unlisted []owner, s Settings) (View, error) {
	ownership, err := dashboard.OwnershipOf(ctx, r.APIs, apis)
	if err != nil {
		return View{}, stepError("reading", "API", dashboard.AbsentID, err)
	}

	v := View{Admin: s.SeesAllAPIs, Hides: ownership.Sign}
	if v.Gaps, err = gaps(ctx, r, apis, unlisted, s, ownership.Mute); err != nil {
		return v, err
	}

	if v.Hides != "" && !v.Admin {
		admin, err := r.APIs.Administrator(ctx)
		v.Admin = err == nil && admin // a user who may not list users is not an administrator
	}

	return v, ctx.Err()
}

// unlisted returns the APIs that the listing lacks, of services that a certificate in the store or
// a record was made for.
func (x *Snapshot) unlisted() (all []owner) {
	noted := make(map[owner]bool)
	note := func(svc inject.Service) {
		for _, role := range roles {
			if o := (owner{svc, role}); !x.apis.owners[o] && !noted[o] {
				noted[o] = true
				all = append(all, o)
			}
		}
	}

	for _, r := range x.ledger {
		if r.entry.App != "" && r.entry.Role != ca.RoleMesh {
			note(r.service())
		}
	}

	for _, c := range x.state.Certificates {
		if svc, ok := serviceOf(c.DNSNames); ok && x.signers[c.IssuerCN] {
			note(svc)
		}
	}

	slices.SortStableFunc(all, func(a, b owner) int { return compareServices(a.service, b.service) })

	return all
}

// gaps asks for the APIs of services that are not listed as such. Where the Dashboard answers 401
// for an API that does not exist, 401 says nothing. One that lost its mark and its slug is listed
// all the same.
func gaps(ctx context.Context, r Remote, listed []dashboard.API, unlisted []owner, s Settings, mute bool) ([]string, error) {
	if len(unlisted) == 0 {
		return nil, nil
	}

	there := idsIn(listed)
	found := make([]string, len(unlisted))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(s.parallel())
	for i, o := range unlisted {
		g.Go(func() error {
			api, err := r.APIs.API(ctx, apiID(s.Org, o.service, o.role))
			switch {
			case err == nil && !there[api.Definition.ID()]:
				found[i] = fmt.Sprintf("the %s API of %s exists, and the listing lacks it", o.role, o.service)
			case errors.Is(err, dashboard.ErrNotVisible) && !mute:
				found[i] = fmt.Sprintf("the %s API of %s is answered with 401", o.role, o.service)
			case err != nil && !isNotFound(err) && !errors.Is(err, dashboard.ErrNotVisible):
				return stepError("reading", "API", host(o.service), err)
			}

			return nil
		})
	}

	err := g.Wait()

	return slices.DeleteFunc(found, func(gap string) bool { return gap == "" }), err
}

// Resolve looks for APIs of the wanted services that the listing lacks although the store or the
// ledger knows the service: a listing may be cut short, late, or hide what another user owns. APIs
// that are there are added to the state. It asks for nothing where every service is listed or new.
//
// Errors: *HiddenError for APIs that this key may not see; *StepError for an answer that says
// neither.
func Resolve(ctx context.Context, r Remote, services []Service, x *Snapshot) (*Snapshot, error) {
	doubtful := x.unlistedOf(services)
	if len(doubtful) == 0 {
		return x, nil
	}

	found, err := readByID(ctx, r, doubtful, x.settings)
	if err != nil {
		return nil, err
	}

	missing := doubtful[:0:0]
	for i, w := range doubtful {
		if found[i] == nil && w.Role == Inbound {
			missing = append(missing, w)
		}
	}

	found = slices.DeleteFunc(found, func(api *dashboard.API) bool { return api == nil })
	unseen, err := x.unseenUses(ctx, r, missing)
	if err != nil {
		return nil, err
	}
	if len(found)+len(unseen) == 0 {
		return x, nil
	}

	// Other runs at the same moment create APIs, and take them back: hidden are those that a new
	// listing lacks, and that use the certificate still.
	state := x.state
	if state.APIs, err = relisted(ctx, r, found); err != nil {
		return nil, err
	}

	x = NewSnapshot(state, x.settings)
	if len(unseen) == 0 {
		return x, nil
	}

	still, err := x.unseenUses(ctx, r, missing)
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
func readByID(ctx context.Context, r Remote, doubtful []*WantedAPI, s Settings) ([]*dashboard.API, error) {
	ownership, err := dashboard.OwnershipOf(ctx, r.APIs, nil)
	if err != nil {
		return nil, stepError("reading", "API", dashboard.AbsentID, err)
	}

	found := make([]*dashboard.API, len(doubtful))
	hidden := make([]string, len(doubtful))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(s.parallel())
	for i, w := range doubtful {
		g.Go(func() error {
			api, err := r.APIs.API(ctx, w.Definition.APIID())
			switch {
			case err == nil:
				found[i] = &api
			case errors.Is(err, dashboard.ErrNotVisible) && !ownership.Mute:
				hidden[i] = w.Slug
			case !isNotFound(err) && !errors.Is(err, dashboard.ErrNotVisible):
				return stepError("reading", "API", w.Slug, err)
			}

			return nil
		})
	}

	if err := g.Wait(); err != nil {
		return nil, err
	}

	if hidden = slices.DeleteFunc(hidden, func(slug string) bool { return slug == "" }); len(hidden) > 0 {
		return nil, &HiddenError{Slugs: hidden}
	}

	return found, nil
}

// unseenUse is an API that the listing lacks, and that uses the certificate of a wanted one's
// service: so it shows that it is hidden, where the Dashboard has given it another api_id.
type unseenUse struct{ slug, apiID string }

// unseenUses returns the APIs that the listing lacks and that use certificates of the wanted ones'
// services.
func (x *Snapshot) unseenUses(ctx context.Context, r Remote, wanted []*WantedAPI) (unseen []unseenUse, err error) {
	if len(wanted) == 0 {
		return nil, nil
	}

	found := make([][]unseenUse, len(wanted))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(x.settings.parallel())
	for i, w := range wanted {
		g.Go(func() error {
			for _, c := range x.byHosts[host(w.Service)] {
				uses, err := r.Certificates.CertificateAPIs(ctx, c.ID)
				if errors.Is(err, dashboard.ErrUnsupported) || isNotFound(err) {
					continue
				}
				if err != nil {
					return stepError("reading", "uses of certificate", c.ID, err)
				}

				for _, u := range uses {
					if len(x.apis.byAPIID[u.APIID]) == 0 {
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
func relisted(ctx context.Context, r Remote, found []*dashboard.API) ([]dashboard.API, error) {
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

// unlistedOf returns the wanted APIs that the listing lacks, of services that a certificate in the
// store or a record was made for.
func (x *Snapshot) unlistedOf(services []Service) (missing []*WantedAPI) {
	for i := range services {
		for _, w := range services[i].apis() {
			if !x.apis.owners[w.owner()] {
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

	return slices.DeleteFunc(missing, func(w *WantedAPI) bool {
		return !recorded[w.Service] && len(x.byHosts[host(w.Service)]) == 0
	})
}
