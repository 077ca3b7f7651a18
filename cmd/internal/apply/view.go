package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/dashboard"
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
func Look(ctx context.Context, r mesh.Remote, x *plan.Snapshot) (View, error) {
	return look(ctx, r, x.State.APIs, x.Unlisted(), x.Settings)
}

func look(ctx context.Context, r mesh.Remote, apis []dashboard.API, unlisted []mesh.Owner, s mesh.Settings) (View, error) {
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

// gaps asks for the APIs of services that are not listed as such. Where the Dashboard answers 401
// for an API that does not exist, 401 says nothing. One that lost its mark and its slug is listed
// all the same.
func gaps(ctx context.Context, r mesh.Remote, listed []dashboard.API, unlisted []mesh.Owner, s mesh.Settings, mute bool) ([]string, error) {
	if len(unlisted) == 0 {
		return nil, nil
	}

	answers, err := readAPIs(ctx, r, s, "reading", len(unlisted), func(i int) (id, name string) {
		o := unlisted[i]
		return mesh.APIID(s.Org, o.Service, o.Role), mesh.Host(o.Service)
	})
	if err != nil {
		return nil, err
	}

	there := idsIn(listed)
	var found []string
	for i, o := range unlisted {
		switch a := answers[i]; {
		case a.api != nil && !there[a.api.Definition.ID()]:
			found = append(found, fmt.Sprintf("the %s API of %s exists, and the listing lacks it", o.Role, o.Service))
		case a.hidden && !mute:
			found = append(found, fmt.Sprintf("the %s API of %s is answered with 401", o.Role, o.Service))
		}
	}

	return found, nil
}

// answer is the answer to the question for one API: the API, or that it is not visible to this key,
// or neither where it is not there.
type answer struct {
	api    *dashboard.API
	hidden bool
}

// readAPIs asks for n APIs by their ids, several at once.
//
// Errors: *StepError with op and the name of the API for any other answer.
func readAPIs(ctx context.Context, r mesh.Remote, s mesh.Settings, op string, n int, which func(i int) (id, name string)) ([]answer, error) {
	answers := make([]answer, n)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(s.AtOnce())
	for i := range answers {
		g.Go(func() error {
			id, name := which(i)
			api, err := r.APIs.API(ctx, id)
			switch {
			case err == nil:
				answers[i].api = &api
			case errors.Is(err, dashboard.ErrNotVisible):
				answers[i].hidden = true
			case !isNotFound(err):
				return stepError(op, "API", name, err)
			}

			return nil
		})
	}

	return answers, g.Wait()
}
