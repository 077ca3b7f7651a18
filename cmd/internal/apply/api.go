package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/dashboard"
)

// register creates or updates an API, and returns the action that this came to.
func (r *run) register(ctx context.Context, step *plan.Step, w *plan.Registration) (did plan.Action, err error) {
	c, err := r.bring(ctx, step, w, r.certificateOf(w))
	if err == nil && c.id != "" {
		r.wrote(step, w, c)
	}
	return c.did, err
}

// bring creates or updates an API. One that was deleted since the listing is created anew: another
// run takes its own back where two have made the same. Where only the certificate of the mesh was
// to be replaced, nothing is left to do, and the creation has no id.
func (r *run) bring(ctx context.Context, step *plan.Step, w *plan.Registration, certificate string) (creation, error) {
	if step.Action == plan.Create {
		return r.create(ctx, w, certificate)
	}

	held, err := r.refresh(ctx, step, w, certificate)
	switch {
	case !isNotFound(err):
		return creation{step.ID, step.Action, held}, err
	case w.Wanted != nil:
		return r.create(ctx, &plan.Registration{Wanted: w.Wanted, Updated: w.Wanted.Definition}, certificate)
	case step.Shared:
		return creation{did: step.Action}, nil
	}

	return creation{}, err
}

// refresh brings an API that is there up to date, and returns the certificate that it carries then.
// It is read again: a change since the listing, by hand or by another run, must not be written
// over.
func (r *run) refresh(ctx context.Context, step *plan.Step, w *plan.Registration, certificate string) (string, error) {
	held, err := r.APIs.API(ctx, step.ID)
	if err != nil {
		return "", stepError("reading", "API", step.Name, r.lost(step.Name, err))
	}
	certificate = r.elected(ctx, step.Owner(), w.Former, held.Definition, certificate)
	return certificate, r.align(ctx, w.Wanted, held, certificate, w.Former)
}

// lost notes and explains that an API which was listed a moment ago is answered with 401: it may
// belong to another user by now, and older Dashboards answer so for a deleted API, too.
func (r *run) lost(slug string, err error) error {
	if !errors.Is(err, dashboard.ErrNotVisible) {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gaps = append(r.gaps, fmt.Sprintf("API %s was listed a moment ago, and is answered with 401 now", slug))
	return fmt.Errorf("it was listed a moment ago; since then it was deleted, or another user became its owner: %w", err)
}

// align updates an API, as it is now, to the wanted definition.
func (r *run) align(ctx context.Context, w *mesh.WantedAPI, held dashboard.API, certificate string, former []string) error {
	return r.update(ctx, held, plan.Aligned(held.Definition, w, certificate, former))
}

// update writes a definition over the API that it was made from, unless there is no difference
// left.
func (r *run) update(ctx context.Context, current dashboard.API, to dashboard.Definition) error {
	if len(current.Definition.Diff(to)) == 0 {
		r.journal.foundChanged() // by another run, a moment ago
		return nil
	}

	err := r.APIs.UpdateAPI(ctx, dashboard.API{Definition: to, Envelope: current.Envelope})
	if err == nil {
		r.journal.changedAPI()
		return nil
	}

	failed := stepError("updating", "API", to.Slug(), err)
	if refusedClearly(err) {
		return failed
	}

	r.journal.foundChanged() // perhaps

	return unclearError{failed}
}

// creation is the outcome of creating an API.
type creation struct {
	id          string
	did         plan.Action // Create, or Update of one that is there
	certificate string      // that it carries
}

// create registers a new API. After a failure it looks whether the API is there all the same: the
// answer may have been lost, and another run may have been first.
func (r *run) create(ctx context.Context, w *plan.Registration, certificate string) (creation, error) {
	d := w.Final(certificate)
	for attempt := 1; ; attempt++ {
		created, err := r.APIs.CreateAPI(ctx, d)
		if err == nil {
			r.journal.changedAPI()
			id, err := r.settle(ctx, w.Wanted, d, created)
			if err == nil && id != created.ID {
				return r.adoptByID(ctx, w.Wanted, id, certificate)
			}
			return creation{id, plan.Create, certificate}, err
		}

		exists := errors.Is(err, dashboard.ErrExists)
		if refusedClearly(err) && !exists {
			return creation{}, stepError("creating", "API", d.Slug(), err)
		}

		found, there, failed := r.madeAllTheSame(ctx, w.Wanted, err)
		switch {
		case there:
			return r.adopt(ctx, w.Wanted, found, arrival(exists, attempt), certificate)
		case failed != nil:
			return creation{}, failed
		case exists || !passing(err) || attempt == attempts || pause(ctx, attempt) != nil:
			return creation{}, stepError("creating", "API", d.Slug(), err)
		}
	}
}

// arrival returns the action of a creation after which the API is there: Update where another run
// created it, Create where the answer to an attempt of this run was lost.
func arrival(exists bool, attempt int) plan.Action {
	if exists && attempt == 1 {
		return plan.Update
	}
	return plan.Create
}

// madeAllTheSame finds an API whose creation failed, and which is there all the same.
//
// Errors: the failure of the creation, where it cannot be told whether the API is there.
func (r *run) madeAllTheSame(ctx context.Context, w *mesh.WantedAPI, refusal error) (found dashboard.API, there bool, err error) {
	exists := errors.Is(refusal, dashboard.ErrExists)
	failed := stepError("creating", "API", w.Slug, refusal)

	found, there, err = r.look(ctx, w, refusal, exists)
	switch {
	case errors.As(err, new(*HiddenError)):
		err = stepError("creating", "API", w.Slug, err)
	case err != nil && exists: // whatever exists, this request did not make it
		err = failed
	case err != nil:
		err = unclearError{failed}
	case there:
		r.journal.changedAPI()
	}

	return found, there, err
}

// adoptByID reads an API that another run created, and adopts it.
func (r *run) adoptByID(ctx context.Context, w *mesh.WantedAPI, id, certificate string) (creation, error) {
	held, err := r.APIs.API(ctx, id)
	if err != nil {
		return creation{}, stepError("reading", "API", w.Slug, err)
	}
	return r.adopt(ctx, w, held, plan.Update, certificate)
}

// adopt changes an API that is there into the one that this run wants.
func (r *run) adopt(ctx context.Context, w *mesh.WantedAPI, held dashboard.API, did plan.Action, certificate string) (creation, error) {
	c := creation{held.Definition.ID(), did, r.elected(ctx, w.Owner(), nil, held.Definition, certificate)}
	return c, r.align(ctx, w, held, c.certificate, nil)
}

// look finds a wanted API that was not in the listing: by its api_id where the Dashboard says that
// it exists, and by a new listing. Some Dashboards give another api_id than they were asked for:
// then there may be two of them by now, and only the lower one stays.
//
// Errors: *HiddenError for one that exists and is not shown to this key.
func (r *run) look(ctx context.Context, w *mesh.WantedAPI, refusal error, exists bool) (found dashboard.API, there bool, err error) {
	var byID []*dashboard.API
	if exists {
		found, err = r.APIs.API(ctx, w.Definition.APIID())
		switch {
		case err == nil:
			byID = append(byID, &found)
		case errors.Is(err, dashboard.ErrNotVisible) && sameID(refusal):
			return dashboard.API{}, false, &HiddenError{[]string{w.Slug}, err}
		}
	}

	all, err := relisted(ctx, r.Remote, byID)
	if err != nil {
		return dashboard.API{}, false, err
	}
	if api := plan.FindOwn(all, w, r.settings); api != nil {
		return *api, true, nil
	}

	return dashboard.API{}, false, nil
}

// rivals is how many runs at the same moment settle puts up with: each of them may have the id of
// our choice for a moment, and takes its API back then.
const rivals = 16

// settle sees to the api_id of an API that was created: the Dashboard may have given it another
// one, and may insist on it.
func (r *run) settle(ctx context.Context, w *mesh.WantedAPI, d dashboard.Definition, created dashboard.Created) (id string, err error) {
	ours := d.APIID()
	assigned := created.APIID
	if assigned == "" {
		held, err := r.APIs.API(ctx, created.ID)
		if isNotFound(err) {
			return r.single(ctx, w, created.ID, err)
		}
		if err != nil {
			return "", stepError("reading", "API", d.Slug(), err)
		}

		assigned = held.Definition.APIID()
	}

	if assigned == ours {
		return created.ID, nil
	}

	renamed := d.With("id", created.ID).With("api_id", ours)
	for attempt := 1; ; attempt++ {
		clash := r.APIs.UpdateAPI(ctx, dashboard.API{Definition: renamed})
		if clash != nil && !errors.Is(clash, dashboard.ErrExists) && !isNotFound(clash) {
			return "", stepError("updating", "API", d.Slug(), clash)
		}
		id, err = r.single(ctx, w, created.ID, clash)
		if !errors.As(err, new(*HiddenError)) || clash == nil || attempt == rivals || pause(ctx, 1) != nil {
			break
		}
	}

	if errors.As(err, new(*HiddenError)) {
		return "", r.takeBack(ctx, d.Slug(), created.ID, err)
	}

	return id, err
}

// single makes sure that an API without an id of our choice is there once: a second run at the same
// moment was not stopped from creating it too. The lowest database id stays, for both runs alike.
// clash is why it could not get the id of our choice, or nil: it may be gone, because another run
// saw it beside a lower one and has deleted it.
//
// Errors: *HiddenError where another one may exist that is not shown to this key.
func (r *run) single(ctx context.Context, w *mesh.WantedAPI, id string, clash error) (string, error) {
	all, err := r.APIs.APIs(ctx)
	if err != nil {
		return "", stepError("listing", "APIs", "", err)
	}

	stays := plan.Lowest(all, w)
	if stays != nil && stays.ID() != id {
		return stays.ID(), r.takeBack(ctx, w.Slug, id, nil)
	}
	if isNotFound(clash) {
		return "", stepError("updating", "API", w.Slug, clash)
	}
	if slices.ContainsFunc(all, func(api dashboard.API) bool { return api.Definition.APIID() == w.Definition.APIID() }) {
		return id, nil
	}

	// No API that this key sees has the id of our choice: another API holds it, or the Dashboard
	// gives ids of its own.
	if clash == nil {
		view, err := look(ctx, r.Remote, all, nil, r.settings)
		if err != nil || view.Whole() {
			return id, err
		}
	}

	return id, stepError("creating", "API", w.Slug, &HiddenError{[]string{w.Slug}, clash})
}

// takeBack deletes an API that this run has just created, and returns why it had to.
func (r *run) takeBack(ctx context.Context, slug, id string, why error) error {
	if err := r.APIs.DeleteAPI(ctx, id); err != nil {
		return errors.Join(why, stepError("deleting", "API", slug, err))
	}
	return why
}
