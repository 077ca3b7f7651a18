package dashboard_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

func TestOwned(t *testing.T) {
	for text, want := range map[string]bool{
		`{}`:                           false,
		`{"user_owners":[]}`:           false,
		`{"user_owners":null}`:         false,
		`{"user_group_owners":[ ]}`:    false,
		`{"user_owners":["5f"]}`:       true,
		`{"user_group_owners":["5f"]}`: true,
		`{"User_Owners":["5f"]}`:       true,
		`{"user_owners":[],"user_group_owners":["5f"]}`: true,
		`{"user_owners":"5f"}`:                          true,
		`{"is_site":true}`:                              false,
	} {
		var a dashboard.API
		if err := json.Unmarshal([]byte(text), &a.Envelope); err != nil {
			t.Fatal(err)
		}
		if a.Owned() != want {
			t.Errorf("%s: %v", text, !want)
		}
	}

	s, _ := start(t, dashboardtest.Options{Ownership: true, Keys: map[string]dashboardtest.Rights{"ann": {Groups: []string{"a"}}}})
	s.PutAPI(dashboard.API{Definition: definition(t, "free")})
	s.GiveAPI(s.PutAPI(dashboard.API{Definition: definition(t, "owned")}), nil, []string{"a"})
	for key, want := range map[string]string{s.Secret: "free false", "ann": "free false, owned true"} {
		c := client(t, dashboard.Config{URL: s.URL, Secret: key})
		apis, err := c.APIs(t.Context())
		if err != nil {
			t.Fatal(err)
		}

		var got []string
		for _, a := range apis {
			got = append([]string{fmt.Sprint(a.Definition.Slug(), " ", a.Owned())}, got...)
		}

		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
}

// A listing that counts more than it shows is an error that names the page. A truncated listing
// without a count looks complete.
func TestAListingThatIsNotWhole(t *testing.T) {
	for name, c := range map[string]struct {
		o    dashboardtest.Options
		want string // of the error
	}{
		"whole":                     {dashboardtest.Options{}, ""},
		"whole, in pages":           {dashboardtest.Options{AlwaysPages: true}, ""},
		"cut off":                   {dashboardtest.Options{Truncates: 7}, ""},
		"counts all":                {dashboardtest.Options{Truncates: 7, CountsAll: true}, "it counts 3 pages, the first with 5 entries, and page 2 has 2"},
		"counts all, cut at a page": {dashboardtest.Options{Truncates: 10, CountsAll: true}, "it counts 3 pages, the first with 5 entries, and page 3 has 0"},
		"counts all, in pages":      {dashboardtest.Options{Truncates: 3, CountsAll: true, AlwaysPages: true}, "it counts 3 pages, the first with 3 entries, and page 2 has 0"},
	} {
		c.o.PageSize = 5
		s, client := start(t, c.o)
		for i := range 12 {
			s.PutAPI(dashboard.API{Definition: definition(t, fmt.Sprint("a", i))})
		}

		_, err := client.APIs(t.Context())
		if errors.Is(err, dashboard.ErrPartial) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// If pages show less than the listing at once, the rest is not taken for deleted.
func TestPagesThatShowLess(t *testing.T) {
	c := client(t, dashboard.Config{Secret: "k", URL: serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := `{"apis":[{"api_definition":{"id":"5f"}}],"pages":2}`
		if r.URL.Query().Get("p") == "1" {
			answer = `{"apis":[],"pages":0}`
		}
		dashboardtest.Reply(200, "application/json", answer)(w, r)
	}))})

	if apis, err := c.APIs(t.Context()); !errors.Is(err, dashboard.ErrPartial) || !strings.Contains(err.Error(), "it shows 1 at once, and 0 in pages") {
		t.Errorf("%v, %v", apis, err)
	}
}

// An entry without a database id exists. It is identified by its api_id, if it has one.
func TestEntriesWithoutAnID(t *testing.T) {
	const entries = `{"api_definition":{"id":"5f","name":"a"}},{"api_definition":{"api_id":"1","name":"b"}},{"api_definition":{"name":"c"}}`
	for pages, want := range map[int]string{1: "a b c", 2: "a b c c"} { // the second page is the first again
		answer := dashboardtest.Reply(200, "application/json", fmt.Sprintf(`{"apis":[%s],"pages":%d}`, entries, pages))
		apis, err := client(t, dashboard.Config{URL: serve(t, answer), Secret: "k"}).APIs(t.Context())
		if err != nil {
			t.Fatal(err)
		}

		var names []string
		for _, a := range apis {
			names = append(names, a.Definition.Name())
		}

		if diff := cmp.Diff(want, strings.Join(names, " ")); diff != "" {
			t.Error(diff)
		}
	}
}

// A Dashboard cannot tell the uses of a certificate, does not have the certificate, or is no
// Dashboard.
func TestWhetherUsesCanBeTold(t *testing.T) {
	for _, c := range []struct {
		name    string
		answer  http.HandlerFunc
		is      error
		foreign bool
	}{
		{"an old Dashboard", http.NotFound, dashboard.ErrUnsupported, false},
		{"without a text", dashboardtest.Reply(404, "", ""), dashboard.ErrUnsupported, false},
		{"in JSON", dashboardtest.Refusal(404, "Not found"), dashboard.ErrUnsupported, false},
		{"no such certificate, but not in its words", dashboardtest.Reply(404, "text/plain", "certificate not found"), dashboard.ErrUnsupported, false},
		{"405", dashboardtest.Reply(405, "text/plain", "Method Not Allowed"), dashboard.ErrUnsupported, false},
		{"405 in JSON", dashboardtest.Refusal(405, "method not allowed"), dashboard.ErrUnsupported, false},
		{"no such certificate", dashboardtest.Refusal(404, "Could not retrieve certificate details. Certificate with given SHA256 fingerprint not found"), dashboard.ErrNotFound, false},
		{"no such certificate, 400", dashboardtest.Refusal(400, "certificate not found"), dashboard.ErrNotFound, false},
		{"another organisation's", dashboardtest.Refusal(400, "Attempted access to non-owned certificate."), nil, false},
		{"a page", dashboardtest.Reply(404, "text/html", "not found"), nil, true},
		{"a page by its text", dashboardtest.Reply(404, "", " <h1>not found</h1>"), nil, true},
		{"its gateway is lost", dashboardtest.Refusal(400, "Could not retrieve certs."), dashboard.ErrNoGateway, false},
		{"not the key's to see", dashboardtest.Refusal(401, "Not authorised"), dashboard.ErrNotVisible, false},
		{"no right", dashboardtest.Refusal(403, "access denied"), dashboard.ErrUnauthorized, false},
		{"a failure", dashboardtest.Refusal(500, "404 certificate not found"), nil, false},
		{"a listing of APIs", dashboardtest.Reply(200, "application/json", `{"apis":[{"api_definition":{"id":"5f"}}],"pages":1}`), nil, true},
	} {
		_, err := client(t, dashboard.Config{URL: serve(t, c.answer), Secret: "k"}).CertificateAPIs(t.Context(), "5f")
		var e *dashboard.Error
		if !errors.As(err, &e) || e.Foreign() != c.foreign {
			t.Errorf("%s: foreign is not %v: %v", c.name, c.foreign, err)
		}

		for _, sentinel := range sentinels {
			if got, want := errors.Is(err, sentinel), errors.Is(c.is, sentinel); got != want {
				t.Errorf("%s: errors.Is(%q, %q) = %v", c.name, err, sentinel, got)
			}
		}
	}
}

// Only a user whose key is listed with the administrator's right, or with no permissions at all, is
// known to be an administrator.
func TestAdministrator(t *testing.T) {
	const key = "k"
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   bool
		fails  bool
	}{
		{"administrator", dashboardtest.Reply(200, "application/json", `{"users":[{"access_key":"other"},{"access_key":"k","user_permissions":{"IsAdmin":"admin"}}],"pages":1}`), true, false},
		{"by another word", dashboardtest.Reply(200, "application/json", `{"users":[{"access_key":"k","user_permissions":{"IsAdmin":"true"}}]}`), true, false},
		{"all rights", dashboardtest.Reply(200, "application/json", `{"users":[{"access_key":"k"}]}`), true, false},
		{"a user", dashboardtest.Reply(200, "application/json", `{"users":[{"access_key":"k","user_permissions":{"apis":"write","IsAdmin":"false"}}]}`), false, false},
		{"others", dashboardtest.Reply(200, "application/json", `{"users":[{"access_key":"other","user_permissions":{"IsAdmin":"admin"}}]}`), false, false},
		{"keys are hidden", dashboardtest.Reply(200, "application/json", `{"users":[{"access_key":""}]}`), false, false},
		{"none", dashboardtest.Reply(200, "application/json", `{"users":[]}`), false, false},
		{"no list", dashboardtest.Reply(200, "application/json", `{"pages":1}`), false, true},
		{"no right", dashboardtest.Refusal(403, "access denied"), false, true},
		{"no such call", http.NotFound, false, true},
		{"broken", dashboardtest.Refusal(500, "oops"), false, true},
	} {
		got, err := client(t, dashboard.Config{URL: serve(t, c.answer), Secret: key}).Administrator(t.Context())
		if got != c.want || (err != nil) != c.fails {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
}

// A newer Dashboard's fields beside a definition are read with their own entry, wherever the chunks
// of the answer end.
func TestFieldsOfANewerDashboard(t *testing.T) {
	const n = 3000
	s, c := start(t, dashboardtest.Options{})
	for i := range n {
		s.PutAPI(dashboard.API{Definition: definition(t, fmt.Sprint("a", i)), Envelope: map[string]json.RawMessage{"tomorrow": fmt.Appendf(nil, `"a%d"`, i)}})
	}

	apis, err := c.APIs(t.Context())
	if err != nil || len(apis) != n {
		t.Fatalf("%d APIs, %v", len(apis), err)
	}

	for _, a := range apis {
		if got, want := string(a.Envelope["tomorrow"]), `"`+a.Definition.Slug()+`"`; got != want || a.Envelope["created_at"] != nil {
			t.Fatalf("%s has %s: %s", want, got, a.Envelope)
		}
	}
}
