package dashboardtest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// ask sends a request with a user's key, and returns the answer.
func ask(t *testing.T, s *dashboardtest.Server, key, method, path string, body any) (status int, text string) {
	t.Helper()
	sent, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}

	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(string(sent)))
	if err != nil {
		t.Fatal(err)
	}

	req.Header.Set("Authorization", key)

	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}

	defer resp.Body.Close()

	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}

	return resp.StatusCode, string(got)
}

// slugs returns the slugs and the number of pages in the listing of a user.
func slugs(t *testing.T, s *dashboardtest.Server, key, query string) string {
	t.Helper()
	_, text := ask(t, s, key, "GET", "/api/apis?sort=created_at&"+query, nil)
	var l struct {
		APIs []struct {
			Definition dashboard.Definition `json:"api_definition"`
		} `json:"apis"`
		Pages int
	}

	if err := json.Unmarshal([]byte(text), &l); err != nil {
		t.Fatal(err)
	}

	var out []string
	for _, a := range l.APIs {
		out = append(out, a.Definition.Slug())
	}

	return fmt.Sprint(strings.Join(out, " "), " of ", l.Pages)
}

// put stores an API with these owners and no others.
func put(s *dashboardtest.Server, slug string, users, groups []string) (id string) {
	id = s.PutAPI(dashboard.API{Definition: definition(slug)})
	s.GiveAPI(id, users, groups)
	return id
}

// envelope returns the body of a create or an update.
func envelope(d dashboard.Definition) map[string]any { return map[string]any{"api_definition": d} }

var teams = map[string]dashboardtest.Rights{
	"ann":   {User: "u-ann", Groups: []string{"team-a"}},
	"bob":   {User: "u-bob", Groups: []string{"team-b", "team-c"}},
	"admin": {Admin: true, User: "u-admin"},
}

func TestOwnership(t *testing.T) {
	s, _ := start(t, dashboardtest.Options{Ownership: true, Keys: teams})
	put(s, "free", nil, nil)
	put(s, "anns", []string{"u-ann"}, nil)
	put(s, "a", nil, []string{"team-a"})
	put(s, "c", []string{"u-nobody"}, []string{"team-c", "team-d"})
	for key, want := range map[string]string{"ann": "free anns a of 1", "bob": "free c of 1", "admin": "free anns a c of 1", s.Secret: "free of 1"} {
		if got := slugs(t, s, key, "p=-2"); got != want {
			t.Errorf("%s sees %s, want %s", key, got, want)
		}
	}

	if got := slugs(t, s, "ann", "p=1"); got != "free anns a of 1" {
		t.Errorf("on a page: %s", got)
	}
}

// The answer about one API depends on the method, the owner, the user and the version.
func TestOwnershipOfOneAPI(t *testing.T) {
	for _, old := range []bool{false, true} {
		s, _ := start(t, dashboardtest.Options{Ownership: true, UnknownIs401: old, Keys: teams})
		foreign := put(s, "foreign", nil, []string{"team-b"})
		absent := map[bool]int{false: 400, true: 401}[old]
		gone := map[bool]int{false: 404, true: 401}[old]

		d := definition("foreign")
		for _, c := range []struct {
			key, method, path string
			status            int
			text              string
		}{
			{"ann", "GET", "/api/apis/" + foreign, 401, "Not authorised"},
			{"ann", "GET", "/api/apis/id-foreign", 401, "Not authorised"},
			{"ann", "PUT", "/api/apis/" + foreign, 401, "Not authorised"},
			{"ann", "DELETE", "/api/apis/" + foreign, 401, "Not authorised"},
			{"ann", "POST", "/api/apis", 409, "Found API with the same ID"},
			{"ann", "GET", "/api/apis/5f", absent, ""},
			{"ann", "PUT", "/api/apis/5f", gone, ""},
			{"ann", "DELETE", "/api/apis/5f", gone, ""},
			{"admin", "GET", "/api/apis/5f", 400, "Could not retrieve API detail"},
			{"admin", "GET", "/api/apis/" + foreign, 200, "id-foreign"},
			{"bob", "PUT", "/api/apis/" + foreign, 200, "API updated"},
		} {
			if status, text := ask(t, s, c.key, c.method, c.path, envelope(d)); status != c.status || !strings.Contains(text, c.text) {
				t.Errorf("old: %v, %s: %s %s: %d %s, want %d %s", old, c.key, c.method, c.path, status, text, c.status, c.text)
			}
		}

		if len(s.APIs()) != 1 {
			t.Errorf("%d APIs", len(s.APIs()))
		}
	}
}

func TestWhoeverWritesAnAPIOwnsIt(t *testing.T) {
	keys := map[string]dashboardtest.Rights{"ann": teams["ann"], "alone": {User: "u-alone"}}
	s, _ := start(t, dashboardtest.Options{Ownership: true, OwnedByWriter: true, Keys: keys})
	id := put(s, "free", nil, nil)
	ask(t, s, "alone", "POST", "/api/apis", envelope(definition("made")))
	if got, want := slugs(t, s, "ann", "p=-2")+", "+slugs(t, s, "alone", "p=-2"), "free of 1, free made of 1"; got != want {
		t.Errorf("%s, want %s", got, want)
	}

	ask(t, s, "ann", "PUT", "/api/apis/"+id, envelope(definition("free")))
	if got, want := slugs(t, s, "ann", "p=-2")+", "+slugs(t, s, "alone", "p=-2"), "free of 1, made of 1"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestUsesOfACertificate(t *testing.T) {
	tls := dashboardtest.New(dashboardtest.Options{TLS: true})
	defer tls.Close()

	stored := pemOf(tls.Certificate())
	for _, foreign := range []bool{false, true} {
		s, _ := start(t, dashboardtest.Options{ShowsForeignUses: foreign, Ownership: true, Keys: teams, PageSize: 2})
		id := s.PutCertificate(stored)
		for slug, fields := range map[string]dashboard.Definition{
			"a": {"certificates": []any{id}, "client_certificates": []any{id}},
			"b": {"upstream_certificates": map[string]any{"*": "x", "y.com": id}, "is_oas": true},
			"c": {"certificates": []any{"another"}},
		} {
			d := definition(slug)
			for field, value := range fields {
				d[field] = value
			}
			owner := map[string][]string{"b": {"team-b"}}[slug]
			s.GiveAPI(s.PutAPI(dashboard.API{Definition: d}), nil, owner)
		}

		const a, b = `{"api_id":"id-a","name":"a","tyk_api_type":"classic","usage_type":["server","client"]}`, `{"api_id":"id-b","name":"b","tyk_api_type":"oas","usage_type":["upstream"]}`
		for key, want := range map[string][]string{"ann": {a}, "bob": {a, b}} {
			if foreign {
				want = []string{a, b}
			}

			status, text := ask(t, s, key, "GET", "/api/certs/"+id+"/apis?p=-1", nil)

			found := strings.Count(text, "api_id") == len(want) && strings.Contains(text, `"cert_id":"`+id+`","pages":1`)
			for _, use := range want {
				found = found && strings.Contains(text, use)
			}

			if status != 200 || !found {
				t.Errorf("foreign: %v, %s: %d %s", foreign, key, status, text)
			}
		}

		for path, want := range map[string]int{s.Org + strings.Repeat("0", 64): 404, "5f": 400} {
			if status, text := ask(t, s, "ann", "GET", "/api/certs/"+path+"/apis", nil); status != want || !strings.Contains(text, `"Error"`) {
				t.Errorf("%s: %d %s", path, status, text)
			}
		}

		if log := s.Log(); !strings.Contains(log, "/api/certs/{}/apis?p=-1") || !strings.Contains(log, "/api/certs/{absent}/apis") {
			t.Errorf("the log has other names:\n%s", log)
		}
	}

	s, _ := start(t, dashboardtest.Options{NoCertificateAPIs: true})
	if status, text := ask(t, s, s.Secret, "GET", "/api/certs/"+s.PutCertificate(stored)+"/apis", nil); status != 404 || text != "404 page not found\n" {
		t.Errorf("where it is not there: %d %q", status, text)
	}
}

func TestTruncatedListings(t *testing.T) {
	for _, c := range []struct {
		o       dashboardtest.Options
		queries map[string]string
	}{
		{dashboardtest.Options{PageSize: 2, Truncates: 3}, map[string]string{"p=-2": "0 1 2 of 1", "p=1": "0 1 of 2", "p=2": "2 of 2"}},
		{dashboardtest.Options{PageSize: 2, Truncates: 3, CountsAll: true}, map[string]string{"p=-2": "0 1 2 of 3", "p=1": "0 1 of 3", "p=3": " of 3"}},
		{dashboardtest.Options{PageSize: 2, Truncates: 5, CountsAll: true}, map[string]string{"p=-2": "0 1 2 3 4 of 1"}},
	} {
		s, _ := start(t, c.o)
		for i := range 5 {
			s.PutAPI(dashboard.API{Definition: definition(fmt.Sprint(i))})
		}

		for query, want := range c.queries {
			if got := slugs(t, s, s.Secret, query); got != want {
				t.Errorf("%+v, %s: %q, want %q", c.o, query, got, want)
			}
		}
	}
}

// Each kind of Dashboard changes an API in its own way, on a create and on an update.
func TestRewrites(t *testing.T) {
	sent := func() dashboard.Definition {
		return dashboard.Definition{
			"name": "web #mesh #team", "slug": "web", "api_id": "1a", "expiration": "x", "config_data": map[string]any{"tykmesh": "mark"},
			"proxy": map[string]any{"listen_path": "/web", "strip_listen_path": false, "foo-bar": "1"}, "version_data": map[string]any{},
		}
	}

	for name, c := range map[string]struct {
		o    dashboardtest.Options
		want func(d dashboard.Definition)
	}{
		"as sent":    {dashboardtest.Options{}, func(dashboard.Definition) {}},
		"slashes":    {dashboardtest.Options{AddsSlashes: true}, func(d dashboard.Definition) { d.Set("proxy.listen_path", "/web/") }},
		"path is id": {dashboardtest.Options{ListenPathIsID: true}, func(d dashboard.Definition) { d.Set("proxy.listen_path", "/1a/") }},
		"forces": {dashboardtest.Options{Forces: `proxy.strip_listen_path=true tags=["a"]`}, func(d dashboard.Definition) {
			d.Set("proxy.strip_listen_path", true)
			d["tags"] = []any{"a"}
		}},
		"drops": {dashboardtest.Options{Drops: "config_data slug expiration"}, func(d dashboard.Definition) {
			delete(d, "config_data")
			delete(d, "slug")
			delete(d, "expiration")
		}},
		"drops mark and api_id": {dashboardtest.Options{Drops: "config_data", AssignsAPIID: true, KeepsAPIID: true}, func(d dashboard.Definition) {
			delete(d, "config_data")
			d["api_id"] = "a" + strings.Repeat("0", 30) + "1"
		}},
		"drops unknown":    {dashboardtest.Options{DropsUnknown: true}, func(d dashboard.Definition) { delete(d["proxy"].(map[string]any), "foo-bar") }},
		"drops categories": {dashboardtest.Options{DropsCategories: true}, func(d dashboard.Definition) { d["name"] = "web" }},
		"any": {dashboardtest.Options{Rewrite: func(a *dashboard.API) { a.Definition["active"] = false }}, func(d dashboard.Definition) {
			d["active"] = false
		}},
	} {
		s, client := start(t, c.o)
		want := sent()
		c.want(want)

		created, err := client.CreateAPI(t.Context(), sent())
		if err != nil {
			t.Fatal(err)
		}

		want["id"], want["org_id"] = created.ID, s.Org
		for _, how := range []string{"created", "updated"} {
			if diff := cmp.Diff(want, s.APIs()[0].Definition); diff != "" {
				t.Errorf("%s, %s:\n%s", name, how, diff)
			}

			again := sent()
			again["id"] = created.ID
			if err := client.UpdateAPI(t.Context(), dashboard.API{Definition: again}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// With Lag, a write shows after some requests: in listings and, with LagsByID, to reads by id.
func TestLag(t *testing.T) {
	for _, byID := range []bool{false, true} {
		s, client := start(t, dashboardtest.Options{Lag: 2, LagsByID: byID})
		there := s.PutAPI(dashboard.API{Definition: definition("there")})
		if _, err := client.CreateAPI(t.Context(), definition("made")); err != nil {
			t.Fatal(err)
		}

		if _, err := client.API(t.Context(), "id-made"); (err == nil) == byID {
			t.Errorf("by id: %v: %v", byID, err)
		}

		see := func(want ...string) {
			t.Helper()
			for _, w := range want {
				if got := slugs(t, s, s.Secret, "p=-2"); got != w+" of 1" {
					t.Errorf("by id: %v: listed %q, want %q", byID, got, w)
				}
			}
		}

		see("there", "there made", "there made")
		changed := definition("changed")
		changed["id"] = there
		if err := client.UpdateAPI(t.Context(), dashboard.API{Definition: changed}); err != nil {
			t.Fatal(err)
		}

		if err := client.DeleteAPI(t.Context(), "id-made"); err != nil {
			t.Fatal(err)
		}

		see("there made", "changed made", "changed")
		if err := client.DeleteAPI(t.Context(), there); err != nil {
			t.Fatal(err)
		}

		see("changed")
		s.Settle()
		see("")
		s.PutAPI(dashboard.API{Definition: definition("put")})
		see("put")
	}
}

func TestRefusalsOfAKindOfDashboard(t *testing.T) {
	for name, c := range map[string]struct {
		o      dashboardtest.Options
		status int
		text   string
	}{
		"licence":     {dashboardtest.Options{MaxAPIs: 1}, 403, "License limit for APIs reached"},
		"slug":        {dashboardtest.Options{UniqueSlugs: true}, 400, "Slug already exists"},
		"listen path": {dashboardtest.Options{IgnoresDomains: true, ClashMessage: "Listen path is in use", ClashStatus: 422}, 422, "Listen path is in use"},
	} {
		s, _ := start(t, c.o)
		s.PutAPI(dashboard.API{Definition: definition("web")})
		second := definition("web")
		second["api_id"] = "2"
		if status, text := ask(t, s, s.Secret, "POST", "/api/apis", envelope(second)); status != c.status || !strings.Contains(text, c.text) {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
}
