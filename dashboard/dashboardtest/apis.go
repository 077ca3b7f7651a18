package dashboardtest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/dashboard"
)

const maxBody = 16 << 20

// unsent are the default envelope fields of an API. An update without a field resets it to this
// value.
var unsent = map[string]json.RawMessage{
	"hook_references":   json.RawMessage("[]"),
	"is_site":           json.RawMessage("false"),
	"is_streams":        json.RawMessage("false"),
	"sort_by":           json.RawMessage("0"),
	"user_owners":       json.RawMessage("[]"),
	"user_group_owners": json.RawMessage("[]"),
}

func (s *Server) listAPIs(w http.ResponseWriter, r *http.Request, by Rights) {
	var all []*dashboard.API
	for _, a := range s.shown() {
		if s.sees(by, a) {
			all = append(all, a)
		}
	}

	if r.URL.Query().Get("sort") != "created_at" {
		slices.Reverse(all) // newest first is the default
	}

	count := len(all)
	if n := s.options.Truncates; n > 0 && n < count {
		if all = all[:n]; !s.options.CountsAll {
			count = n
		}
	}

	part, pages := paged(s, r, all, count)
	var entries [][]byte
	for _, a := range part {
		entries = append(entries, s.text(a))
	}

	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"apis":[%s],"pages":%d}`, bytes.Join(entries, []byte(",")), pages)
}

// text returns the entry of an API in listings. It is cached, so that the time of a listing of
// thousands is its client's.
func (s *Server) text(a *dashboard.API) []byte {
	if s.texts[a] == nil {
		s.texts[a], _ = json.Marshal(listed(a)) // it came from JSON
	}
	return s.texts[a]
}

func listed(a *dashboard.API) map[string]any {
	entry := map[string]any{"api_definition": a.Definition, "api_model": map[string]any{}, "created_at": "2026-11-22T00:00:00Z"}
	for field, value := range a.Envelope {
		entry[field] = value
	}

	if a.Definition.IsOAS() {
		entry["oas"] = map[string]any{"openapi": "3.0.3"}
	}

	return entry
}

// paged returns the part of a listing that a request asks for. Pages count from 1; any other number
// asks for everything. count is the number of entries that the listing claims to have.
func paged[T any](s *Server, r *http.Request, all []T, count int) (part []T, pages int) {
	p := 1
	if q := r.URL.Query().Get("p"); q != "" {
		fmt.Sscan(q, &p)
	}

	size := s.options.PageSize
	pages = (count + size - 1) / size
	switch {
	case p <= 0 && !s.options.AlwaysPages && count == len(all):
		return all, 1
	case p <= 0 && !s.options.AlwaysPages:
		return all, pages
	}

	start := min((max(p, 1)-1)*size, len(all))

	return all[start:min(start+size, len(all))], pages
}

func (s *Server) readAPI(w http.ResponseWriter, r *http.Request, by Rights) {
	from, status := s.apis, http.StatusBadRequest
	if s.options.LagsByID {
		from = s.shown()
	}

	if s.options.UnknownIs404 {
		status = http.StatusNotFound
	}

	if a := s.look(w, r, by, from, status, "Could not retrieve API detail"); a != nil {
		s.json(w, http.StatusOK, listed(a))
	}
}

func (s *Server) createAPI(w http.ResponseWriter, r *http.Request, by Rights) {
	a, ok := s.body(w, r)
	if !ok {
		return
	}

	if most := s.options.MaxAPIs; most > 0 && len(s.apis) >= most {
		s.refuse(w, http.StatusForbidden, "License limit for APIs reached")
		return
	}

	d := a.Definition
	if d.APIID() == "" || s.options.AssignsAPIID {
		d["api_id"] = fmt.Sprintf("a%031x", s.count+1)
	}

	delete(d, "id") // it cannot be chosen
	if !s.accept(w, a, by) {
		return
	}

	s.keep(a)
	s.lag.wrote(s)

	e := envelope{"Status": "OK", "Message": "API created", "Meta": a.Definition.ID(), "ID": a.Definition.APIID()}
	if s.options.NoIDInCreate {
		delete(e, "ID")
	}

	s.say(w, http.StatusOK, e)
}

func (s *Server) updateAPI(w http.ResponseWriter, r *http.Request, by Rights) {
	old := s.look(w, r, by, s.apis, http.StatusNotFound, "API definition does not exist")
	if old == nil {
		return
	}

	if old.Definition.IsOAS() {
		s.refuse(w, http.StatusBadRequest, "this endpoint only supports Tyk Classic APIs")
		return
	}

	a, ok := s.body(w, r)
	if !ok {
		return
	}

	d := a.Definition
	if id := d.ID(); id != "" && id != old.Definition.ID() {
		s.refuse(w, http.StatusBadRequest, "Invalid `ID` value")
		return
	}

	d["id"] = old.Definition.ID()
	if d.APIID() == "" || s.options.KeepsAPIID {
		d["api_id"] = old.Definition.APIID()
	}

	if !s.accept(w, a, by) {
		return
	}

	s.replace(old, a)
	s.lag.wrote(s)
	s.done(w, "API updated")
}

func (s *Server) deleteAPI(w http.ResponseWriter, r *http.Request, by Rights) {
	a := s.look(w, r, by, s.apis, http.StatusNotFound, "Could not retrieve API detail")
	if a == nil {
		return
	}
	s.apis = slices.DeleteFunc(s.apis, func(x *dashboard.API) bool { return x == a })
	s.lag.wrote(s)
	s.done(w, "API deleted")
}

// look returns the API that a request names, from the given ones. It answers the request and
// returns nil if there is no such API or the user may not see it.
func (s *Server) look(w http.ResponseWriter, r *http.Request, by Rights, among []*dashboard.API, absent int, message string) *dashboard.API {
	a := s.find(among, r.PathValue("id"))
	hidden := s.options.Ownership && s.options.UnknownIs401 && !by.Admin
	if a != nil {
		hidden = !s.sees(by, a)
	}

	switch {
	case hidden:
		s.refuse(w, http.StatusUnauthorized, "Not authorised")
		return nil
	case a == nil:
		s.refuse(w, absent, message)
	}

	return a
}

// accept turns an API into the form that this Dashboard stores. It answers the request and returns
// false if the Dashboard refuses it.
func (s *Server) accept(w http.ResponseWriter, a *dashboard.API, by Rights) bool {
	if s.options.OwnedByWriter {
		ownedBy(a, by)
	}

	s.finish(a)

	status, message := s.clash(a.Definition)
	if status != 0 {
		s.refuse(w, status, message)
	}

	return status == 0
}

// body reads the envelope of a create or an update, and checks the definition against the schema.
func (s *Server) body(w http.ResponseWriter, r *http.Request) (*dashboard.API, bool) {
	var fields map[string]json.RawMessage
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&fields)
	if err != nil || fields["api_definition"] == nil {
		s.refuse(w, http.StatusBadRequest, "Request malformed")
		return nil, false
	}

	var d dashboard.Definition
	dec := json.NewDecoder(bytes.NewReader(fields["api_definition"]))
	dec.UseNumber()
	if err := dec.Decode(&d); err != nil {
		s.refuse(w, http.StatusBadRequest, "Request malformed")
		return nil, false
	}

	if _, err := d.Check(); err != nil {
		status := http.StatusBadRequest
		if r.Method == http.MethodPut {
			status = http.StatusInternalServerError
		}
		s.refuse(w, status, "Error while validating schema", err.Error())
		return nil, false
	}

	kept := maps.Clone(unsent)
	maps.Copy(kept, fields)
	for _, own := range []string{"api_definition", "api_model", "created_at", "updated_at", "oas"} {
		delete(kept, own)
	}

	return &dashboard.API{Definition: d, Envelope: kept}, true
}

// clash returns the answer for a definition that conflicts with a stored one; 0 without a conflict.
func (s *Server) clash(d dashboard.Definition) (status int, message string) {
	o := s.options
	if o.NoDomainPatterns && strings.ContainsAny(d.Domain(), "{}") {
		return http.StatusBadRequest, "Invalid domain"
	}

	for _, other := range s.apis {
		x := other.Definition
		samePath := x.ListenPath() == d.ListenPath()
		switch {
		case x.ID() == d.ID():
		case x.APIID() == d.APIID():
			return http.StatusConflict, "Found API with the same ID"
		case o.UniqueSlugs && d.Slug() != "" && x.Slug() == d.Slug():
			return o.ClashStatus, cmp.Or(o.ClashMessage, "Slug already exists")
		case samePath && (o.IgnoresDomains || o.UniqueListenPaths && x.Domain() == d.Domain()):
			return o.ClashStatus, cmp.Or(o.ClashMessage, "Listen path already in use")
		}
	}

	return 0, ""
}

// keep stores a new API under the next database id.
func (s *Server) keep(a *dashboard.API) {
	s.count++
	a.Definition["id"] = fmt.Sprintf("5f%022x", s.count)
	s.apis = append(s.apis, a)
}

// replace stores an API in place of another. It does not change the old one, which listings may
// still show (Options.Lag).
func (s *Server) replace(old, a *dashboard.API) {
	s.apis[slices.Index(s.apis, old)] = a
	delete(s.texts, old)
}

// find returns the API with a database id or api_id, or nil.
func (s *Server) find(among []*dashboard.API, id string) *dashboard.API {
	for _, a := range among {
		if a.Definition.ID() == id || !s.options.OnlyDatabaseIDs && a.Definition.APIID() == id {
			return a
		}
	}
	return nil
}
