package dashboardtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/dashboard"
)

const maxBody = 16 << 20

// unsent are the envelope fields of an API as they are when nobody sent them.
// An update resets what it leaves out.
var unsent = map[string]json.RawMessage{
	"hook_references":   json.RawMessage("[]"),
	"is_site":           json.RawMessage("false"),
	"sort_by":           json.RawMessage("0"),
	"user_owners":       json.RawMessage("[]"),
	"user_group_owners": json.RawMessage("[]"),
}

func (s *Server) listAPIs(w http.ResponseWriter, r *http.Request) {
	all := slices.Clone(s.apis)
	if r.URL.Query().Get("sort") != "created_at" {
		slices.Reverse(all) // newest first is the default
	}
	part, pages := paged(s, r, all)
	var entries [][]byte
	for _, a := range part {
		entries = append(entries, s.text(a))
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"apis":[%s],"pages":%d}`, bytes.Join(entries, []byte(",")), pages)
}

// text is an API in a listing. It is kept, so that what a listing of thousands
// takes is its client's time.
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

// paged is the part of a listing that a request asks for. Pages count from 1;
// what is not above 0 asks for everything.
func paged[T any](s *Server, r *http.Request, all []T) (part []T, pages int) {
	p := 1
	if q := r.URL.Query().Get("p"); q != "" {
		fmt.Sscan(q, &p)
	}
	if p <= 0 && !s.options.AlwaysPages {
		return all, 1
	}
	size := s.options.PageSize
	start := min((max(p, 1)-1)*size, len(all))
	return all[start:min(start+size, len(all))], (len(all) + size - 1) / size
}

func (s *Server) readAPI(w http.ResponseWriter, r *http.Request) {
	if a := s.find(r.PathValue("id")); a != nil {
		s.json(w, http.StatusOK, listed(a))
		return
	}
	status := http.StatusBadRequest
	if s.options.UnknownIs404 {
		status = http.StatusNotFound
	}
	s.refuse(w, status, "Could not retrieve API detail")
}

func (s *Server) createAPI(w http.ResponseWriter, r *http.Request) {
	a, ok := s.body(w, r)
	if !ok {
		return
	}
	d := a.Definition
	if d.APIID() == "" || s.options.AssignsAPIID {
		d["api_id"] = fmt.Sprintf("a%031x", s.count+1)
	}
	delete(d, "id") // it cannot be chosen
	if status, message := s.clash(d); status != 0 {
		s.refuse(w, status, message)
		return
	}
	s.keep(a)
	e := envelope{"Status": "OK", "Message": "API created", "Meta": d.ID(), "ID": d.APIID()}
	if s.options.NoIDInCreate {
		delete(e, "ID")
	}
	s.say(w, http.StatusOK, e)
}

func (s *Server) updateAPI(w http.ResponseWriter, r *http.Request) {
	old := s.find(r.PathValue("id"))
	if old == nil {
		s.refuse(w, http.StatusNotFound, "API definition does not exist")
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
	if status, message := s.clash(d); status != 0 {
		s.refuse(w, status, message)
		return
	}
	s.finish(d)
	*old = *a
	delete(s.texts, old)
	s.done(w, "API updated")
}

func (s *Server) deleteAPI(w http.ResponseWriter, r *http.Request) {
	a := s.find(r.PathValue("id"))
	if a == nil {
		s.refuse(w, http.StatusNotFound, "Could not retrieve API detail")
		return
	}
	s.apis = slices.DeleteFunc(s.apis, func(x *dashboard.API) bool { return x == a })
	s.done(w, "API deleted")
}

// body reads the envelope of a create or an update, and checks the definition
// by the schema.
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
	for field := range kept {
		if fields[field] != nil {
			kept[field] = fields[field]
		}
	}
	return &dashboard.API{Definition: d, Envelope: kept}, true
}

// clash says why a definition cannot be stored beside the others.
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
		case o.UniqueSlugs && x.Slug() == d.Slug():
			return http.StatusBadRequest, "Slug already exists"
		case samePath && (o.IgnoresDomains || o.UniqueListenPaths && x.Domain() == d.Domain()):
			return http.StatusBadRequest, "Listen path already in use"
		}
	}
	return 0, ""
}

// keep stores a new API under the next database id.
func (s *Server) keep(a *dashboard.API) {
	s.count++
	a.Definition["id"] = fmt.Sprintf("5f%022x", s.count)
	s.finish(a.Definition)
	s.apis = append(s.apis, a)
}

// finish sets what the Dashboard sets in each definition that it stores.
func (s *Server) finish(d dashboard.Definition) {
	d["org_id"] = s.Org
	if !s.options.AddsDefaults {
		return
	}
	for path, zero := range defaults {
		if _, ok := d.Lookup(path); !ok {
			d.Set(path, zero)
		}
	}
}

// defaults are some of the fields that a Dashboard adds because its own type
// has them.
var defaults = map[string]any{
	"CORS.allowed_headers":                  nil,
	"CORS.enable":                           false,
	"CORS.max_age":                          json.Number("0"),
	"auth.auth_header_name":                 "",
	"auth.use_param":                        false,
	"client_certificates":                   nil,
	"enable_jwt":                            false,
	"event_handlers.events":                 nil,
	"expire_analytics_after":                json.Number("0"),
	"proxy.preserve_host_header":            false,
	"proxy.target_list":                     nil,
	"session_lifetime":                      json.Number("0"),
	"tag_headers":                           nil,
	"uptime_tests.check_list":               nil,
	"use_oauth2":                            false,
	"version_data.default_version":          "",
	"version_data.versions.Default.expires": "",
}

// find looks an API up by its database id or its api_id.
func (s *Server) find(id string) *dashboard.API {
	for _, a := range s.apis {
		if a.Definition.ID() == id || !s.options.OnlyDatabaseIDs && a.Definition.APIID() == id {
			return a
		}
	}
	return nil
}
