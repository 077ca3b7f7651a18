package dashboard

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
)

const apisPath = "/api/apis"

// apiEntry is one API in a listing, or the answer to reading one.
type apiEntry struct {
	Definition      Definition      `json:"api_definition"`
	HookReferences  json.RawMessage `json:"hook_references"`
	IsSite          json.RawMessage `json:"is_site"`
	SortBy          json.RawMessage `json:"sort_by"`
	UserOwners      json.RawMessage `json:"user_owners"`
	UserGroupOwners json.RawMessage `json:"user_group_owners"`
}

func (e apiEntry) api() API {
	kept := map[string]json.RawMessage{}
	for field, value := range map[string]json.RawMessage{
		"hook_references":   e.HookReferences,
		"is_site":           e.IsSite,
		"sort_by":           e.SortBy,
		"user_owners":       e.UserOwners,
		"user_group_owners": e.UserGroupOwners,
	} {
		if value != nil {
			kept[field] = value
		}
	}
	return API{Definition: e.Definition, Envelope: kept}
}

// newEnvelope is what goes with a definition that was never read.
var newEnvelope = map[string]json.RawMessage{
	"hook_references": json.RawMessage("[]"),
	"is_site":         json.RawMessage("false"),
	"sort_by":         json.RawMessage("0"),
}

// envelope is the body of a create or an update.
func (a API) envelope() ([]byte, error) {
	if a.Envelope == nil {
		a.Envelope = newEnvelope
	}
	body := map[string]any{"api_definition": a.Definition}
	for field, value := range a.Envelope {
		body[field] = value
	}
	return json.Marshal(body)
}

// APIs lists every API of the organisation, also those of OpenAPI form. The
// listing is complete, or there is an error.
func (c *Client) APIs(ctx context.Context) ([]API, error) {
	r := call{op: "listing APIs", path: apisPath, query: map[string]string{"p": "-2"}}
	pages, err := c.list(ctx, r)
	if err != nil {
		return nil, err
	}
	var all []API
	seen := map[string]bool{}
	for _, page := range pages {
		for _, e := range page.APIs {
			id := e.Definition.ID()
			if id == "" {
				return nil, &Error{Op: r.op, Method: http.MethodGet, Path: r.path, Status: http.StatusOK,
					Message: fmt.Sprintf("entry %d of the listing has no id", len(all)+1)}
			}
			if !seen[id] {
				seen[id] = true
				all = append(all, e.api())
			}
		}
	}
	return all, nil
}

// API reads one API by its database id.
//
// Errors: ErrNotFound when the Dashboard has none.
func (c *Client) API(ctx context.Context, id string) (API, error) {
	const op = "reading API"
	path, err := itemPath(op, apisPath, id)
	if err != nil {
		return API{}, err
	}
	var e struct {
		answer
		apiEntry
	}
	r := call{op: op, method: http.MethodGet, path: path, limit: itemLimit, item: true}
	if err := c.do(ctx, r, &e); err != nil {
		return API{}, err
	}
	if e.Definition == nil {
		return API{}, &Error{Op: op, Method: r.method, Path: path, Status: http.StatusOK, Message: "not a Dashboard's answer: no definition"}
	}
	return e.api(), nil
}

// CreateAPI creates an API. It is not repeated when the answer is lost: look
// first whether the API is there.
//
// Errors: ErrExists when the Dashboard says that its id, slug or listen path
// is taken.
func (c *Client) CreateAPI(ctx context.Context, d Definition) (Created, error) {
	op := "creating API " + d.Slug()
	body, err := API{Definition: d}.envelope()
	if err != nil {
		return Created{}, fmt.Errorf("%s: encoding the definition: %w", op, err)
	}
	r := call{op: op, method: http.MethodPost, path: apisPath, body: body, contentType: "application/json", limit: itemLimit}
	var a answer
	if err := c.do(ctx, r, &a); err != nil {
		return Created{}, err
	}
	id, _ := a.Meta.(string)
	if id == "" {
		return Created{}, &Error{Op: op, Method: r.method, Path: r.path, Status: http.StatusOK, Message: "the answer has no database id"}
	}
	return Created{ID: id, APIID: a.ID}, nil
}

// UpdateAPI replaces the API whose database id is in the definition. The
// definition must be complete and the envelope the one that was read.
//
// Errors: ErrNotFound when it is not there, ErrExists when the Dashboard says
// that the new slug or listen path is taken.
func (c *Client) UpdateAPI(ctx context.Context, a API) error {
	op := "updating API " + a.Definition.Slug()
	path, err := itemPath(op, apisPath, a.Definition.ID())
	if err != nil {
		return err
	}
	body, err := a.envelope()
	if err != nil {
		return fmt.Errorf("%s: encoding the definition: %w", op, err)
	}
	r := call{op: op, method: http.MethodPut, path: path, body: body, contentType: "application/json", limit: itemLimit, item: true}
	return c.do(ctx, r, &answer{})
}

// DeleteAPI deletes an API by its database id. One that is not there is done.
// Its certificates stay.
func (c *Client) DeleteAPI(ctx context.Context, id string) error {
	return c.remove(ctx, "deleting API", apisPath, id)
}

// idForm is what ids of APIs and certificates are made of. Anything else could
// reach another path than it seems to. The length is checked apart: a counted
// repetition costs every start of the program a millisecond.
var idForm = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

const maxName = 200 // of an id or a slug

func isID(id string) bool { return len(id) <= maxName && idForm.MatchString(id) }

func itemPath(op, base, id string) (string, error) {
	if !isID(id) {
		return "", fmt.Errorf("%s: %q is not an id", op, id)
	}
	return base + "/" + id, nil
}
