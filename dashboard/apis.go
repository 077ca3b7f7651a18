package dashboard

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

const apisPath = "/api/apis"

// unsent are the fields beside the definition that an update does not send back: the Dashboard's
// own and those that all answers have. An update sends back all other fields, even unknown ones, as
// they were read.
var unsent = map[string]bool{
	"api_model": true, "created_at": true, "updated_at": true, "oas": true,
	"status": true, "message": true, "meta": true, "errors": true, "id": true,
}

// maxEnvelope bounds the fields of an envelope: many small ones would take much memory.
const maxEnvelope = 100

// read reads an entry of a listing, or the answer to reading one API. readUnsent reads
// the fields that are no part of the API.
func (a *API) read(v *incoming, readUnsent func(name string) error) error {
	*a = API{Envelope: map[string]json.RawMessage{}}
	return v.object(func(name string) error {
		switch lower := strings.ToLower(name); {
		case lower == "api_definition":
			return v.decode(&a.Definition)
		case unsent[lower]:
			return readUnsent(lower)
		case len(a.Envelope) == maxEnvelope:
			return fmt.Errorf("an API with more than %d fields beside its definition", maxEnvelope)
		}

		var value json.RawMessage
		err := v.decode(&value)
		a.Envelope[name] = value

		return err
	})
}

// apiForm is the form of the listing of APIs. An entry without an id is kept: it is foreign, but it
// exists. An entry without a definition is an error: it shows nothing.
var apiForm = form[API]{
	lists: []string{"apis"},
	read: func(v *incoming, last API) (a API, kept int, err error) {
		if err := a.read(v, func(string) error { return v.skip() }); err != nil {
			return a, 0, err
		}
		if len(a.Definition) == 0 {
			return a, 0, errors.New("an entry of the listing has no definition")
		}

		kept = a.Definition.Share(last.Definition)
		if maps.EqualFunc(a.Envelope, last.Envelope, slices.Equal[json.RawMessage]) {
			a.Envelope = last.Envelope
			return a, kept, nil
		}

		for name, value := range a.Envelope {
			kept += mapSize + len(name) + len(value)
		}

		return a, kept, nil
	},
	id: func(a API) string { return cmp.Or(a.Definition.ID(), a.Definition.APIID()) },
}

// apiAnswer is the answer to reading an API.
type apiAnswer struct {
	answer
	API
}

func (a *apiAnswer) read(v *incoming) error {
	a.answer = answer{}
	return a.API.read(v, func(name string) error { return a.readField(v, name) })
}

// Owned reports whether the API has an owner. A Dashboard with ownership hides APIs from users who
// are neither owner nor administrator, so its listing may be incomplete.
func (a API) Owned() bool {
	for name, value := range a.Envelope {
		if strings.EqualFold(name, "user_owners") || strings.EqualFold(name, "user_group_owners") {
			var none []any
			if json.Unmarshal(value, &none) != nil || len(none) > 0 {
				return true
			}
		}
	}

	return false
}

// newEnvelope is the envelope of a new API.
var newEnvelope = map[string]json.RawMessage{
	"hook_references": json.RawMessage("[]"),
	"is_site":         json.RawMessage("false"),
	"sort_by":         json.RawMessage("0"),
}

// APIs lists every API of the organisation that the key may see, OpenAPI ones too. An API without
// database id is foreign.
//
// A listing proves presence, never absence: a Dashboard with ownership leaves out the APIs that the
// key may not see, and some Dashboards leave out more. See [API.Owned].
//
// Errors: ErrPartial when the listing counts more than it shows.
func (c *Client) APIs(ctx context.Context) ([]API, error) {
	return list(ctx, c, call{op: "listing APIs", path: apisPath, query: map[string]string{"p": "-2"}}, apiForm)
}

// API reads one API by its database id.
//
// Errors: ErrNotFound when it does not exist, ErrNotVisible when it does not exist or the key may
// not see it.
func (c *Client) API(ctx context.Context, id string) (API, error) {
	r, err := callOf("reading API", http.MethodGet, apisPath, id)
	if err != nil {
		return API{}, err
	}

	var e apiAnswer
	if err := c.do(ctx, r, &e); err != nil {
		return API{}, err
	}
	if e.Definition == nil {
		return API{}, r.misread("no definition")
	}

	return e.API, nil
}

// CreateAPI creates an API. It is not repeated when the answer is lost: check first whether the API
// exists.
//
// Errors: ErrExists when the Dashboard says that the id, slug or listen path is taken, ErrLicence
// when the licence allows no more APIs.
func (c *Client) CreateAPI(ctx context.Context, d Definition) (Created, error) {
	r := call{op: "creating API " + d.Slug(), method: http.MethodPost, path: apisPath}
	var a answer
	if err := c.send(ctx, r, API{Definition: d}, &a); err != nil {
		return Created{}, err
	}

	id, _ := a.Meta.(string)
	if id == "" {
		return Created{}, r.failed(http.StatusOK, "the answer has no database id", nil)
	}

	return Created{ID: id, APIID: a.ID}, nil
}

// UpdateAPI replaces the API with the database id of the definition. The definition must be
// complete and the envelope the one that was read.
//
// Errors: ErrNotFound when it does not exist, ErrNotVisible when it does not exist or the key may
// not change it, ErrExists when the Dashboard says that the new slug or listen path is taken.
func (c *Client) UpdateAPI(ctx context.Context, a API) error {
	r, err := callOf("updating API "+a.Definition.Slug(), http.MethodPut, apisPath, a.Definition.ID())
	if err != nil {
		return err
	}
	return c.send(ctx, r, a, &answer{})
}

// send sends an API, in the envelope of a create or an update.
func (c *Client) send(ctx context.Context, r call, a API, into answered) (err error) {
	if a.Envelope == nil {
		a.Envelope = newEnvelope
	}

	body := map[string]any{"api_definition": a.Definition}
	for field, value := range a.Envelope {
		body[field] = value
	}

	r.contentType = "application/json"
	if r.body, err = json.Marshal(body); err != nil {
		return fmt.Errorf("%s: encoding the definition: %w", r.op, err)
	}

	return c.do(ctx, r, into)
}

// DeleteAPI deletes an API by its database id; deleting an absent one succeeds. Its certificates
// stay.
//
// Errors: ErrNotVisible when it may exist and the key may not delete it.
func (c *Client) DeleteAPI(ctx context.Context, id string) error {
	return c.remove(ctx, "deleting API", apisPath, id)
}

// idForm matches ids of APIs and certificates. Anything else could lead to an unexpected path. isID
// checks the length: a counted repetition would cost every start of the program a millisecond.
var idForm = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

const maxName = 200 // of an id or a slug

func isID(id string) bool { return len(id) <= maxName && idForm.MatchString(id) }
