package dashboard_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

func start(t testing.TB, o dashboardtest.Options) (*dashboardtest.Server, *dashboard.Client) {
	t.Helper()
	s := dashboardtest.New(o)
	t.Cleanup(s.Close)
	return s, connect(t, s)
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	const secret = "k3y"
	for _, c := range []struct{ url, secret, want string }{
		{"", secret, `must be http://HOST[:PORT]`},
		{"dash:3000", secret, `must be http://HOST[:PORT]`},
		{"ftp://dash", secret, `must be http://HOST[:PORT]`},
		{"http://", secret, `must be http://HOST[:PORT]`},
		{"http://dash/?x=1", secret, "must not have a query"},
		{"http://me:hunter2@dash", secret, "must not contain a user name or password"},
		{"http://dash:hunter2@%", secret, "is not a URL"},
		{"http://dash", "", "the Dashboard's key is empty"},
		{"http://dash", secret + "\n", "line break"},
	} {
		_, err := dashboard.New(dashboard.Config{URL: c.url, Secret: c.secret})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("New(%q): %v, want %q", c.url, err, c.want)
		}
		if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), secret)) {
			t.Errorf("the error shows a secret: %v", err)
		}
	}
}

func TestAPathInFrontOfTheDashboardIsKept(t *testing.T) {
	s := dashboardtest.New(dashboardtest.Options{})
	defer s.Close()
	mux := http.NewServeMux()
	mux.Handle("/tyk/", http.StripPrefix("/tyk", s))
	front := serve(t, mux)
	c := client(t, dashboard.Config{URL: front + "/tyk/", Secret: s.Secret})
	if _, err := c.APIs(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestEachListingIsOneRequestWhateverItsSize(t *testing.T) {
	s, c := start(t, dashboardtest.Options{PageSize: 10})
	for i := range 25 {
		s.PutAPI(dashboard.API{Definition: definition(t, fmt.Sprint("a", i))})
		s.PutCertificate(bundle(t, fmt.Sprint("c", i)))
	}

	apis, err := c.APIs(t.Context())
	if err != nil || len(apis) != 25 {
		t.Errorf("%d APIs, %v", len(apis), err)
	}

	certs, err := c.Certificates(t.Context())
	if err != nil || len(certs) != 25 {
		t.Errorf("%d certificates, %v", len(certs), err)
	}

	if diff := cmp.Diff("GET /api/apis?p=-2 -> 200\nGET /api/certs?mode=detailed&p=-1 -> 200\n", s.Log()); diff != "" {
		t.Error(diff)
	}
}

func TestEmptyListingsAreNoErrors(t *testing.T) {
	for _, o := range []dashboardtest.Options{{}, {NoDetailedCertificates: true}, {AlwaysPages: true}} {
		_, c := start(t, o)
		apis, err := c.APIs(t.Context())
		if len(apis) != 0 || err != nil {
			t.Errorf("%v, %v", apis, err)
		}

		certs, err := c.Certificates(t.Context())
		if len(certs) != 0 || err != nil {
			t.Errorf("%v, %v", certs, err)
		}
	}
}

// A Dashboard pages although everything was asked for, and another user creates APIs between two
// pages.
func TestAListingThatPagesIsComplete(t *testing.T) {
	s := dashboardtest.New(dashboardtest.Options{AlwaysPages: true, PageSize: 3})
	defer s.Close()
	for i := range 8 {
		s.PutAPI(dashboard.API{Definition: definition(t, fmt.Sprint("a", i))})
	}

	var once sync.Once
	front := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("p") == "2" {
			once.Do(func() {
				for i := range 5 {
					s.PutAPI(dashboard.API{Definition: definition(t, fmt.Sprint("b", i))})
				}
			})
		}

		s.ServeHTTP(w, r)
	}))

	apis, err := client(t, dashboard.Config{URL: front, Secret: s.Secret}).APIs(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	var got, want []string
	for _, a := range apis {
		got = append(got, a.Definition.Slug())
	}

	for _, a := range s.APIs() {
		want = append(want, a.Definition.Slug())
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAListingThatNeverStandsStillIsAnError(t *testing.T) {
	s := dashboardtest.New(dashboardtest.Options{AlwaysPages: true, PageSize: 1})
	defer s.Close()
	n := 0
	front := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		s.PutAPI(dashboard.API{Definition: definition(t, fmt.Sprint("a", n))})
		s.ServeHTTP(w, r)
	}))
	s.PutAPI(dashboard.API{Definition: definition(t, "a")})
	if apis, err := client(t, dashboard.Config{URL: front, Secret: s.Secret}).APIs(t.Context()); err == nil {
		t.Errorf("%d APIs and no error", len(apis))
	}
}

func TestOneEd25519CertificateDoesNotHideTheOthers(t *testing.T) {
	s, c := start(t, dashboardtest.Options{})
	good := s.PutCertificate(bundle(t, "good"))
	broken := s.PutCertificate(ed25519Bundle(t, "broken"))

	certs, err := c.Certificates(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff([]dashboard.Certificate{{ID: good, Unread: true}, {ID: broken, Unread: true}}, certs); diff != "" {
		t.Error(diff)
	}

	if _, err := c.Certificate(t.Context(), broken); !errors.Is(err, dashboard.ErrNotFound) {
		t.Errorf("reading the broken one: %v", err)
	}
}

func TestOpenAPIEntriesAreListedAndCannotBeUpdated(t *testing.T) {
	_, c := start(t, dashboardtest.Options{OASAPIs: 2})
	if _, err := c.CreateAPI(t.Context(), definition(t, "classic")); err != nil {
		t.Fatal(err)
	}

	apis, err := c.APIs(t.Context())
	if err != nil || len(apis) != 3 {
		t.Fatalf("%v, %v", apis, err)
	}

	for _, api := range apis {
		oas := strings.HasPrefix(api.Definition.Slug(), "oas-")
		if api.Definition.IsOAS() != oas {
			t.Errorf("%s: is OAS: %v", api.Definition.Slug(), !oas)
		}
		if err := c.UpdateAPI(t.Context(), api); oas != (err != nil && strings.Contains(err.Error(), "only supports Tyk Classic")) {
			t.Errorf("updating %s: %v", api.Definition.Slug(), err)
		}
	}
}

// Fields beside the definition survive an update (fault B17).
func TestAnUpdateSendsTheEnvelopeBack(t *testing.T) {
	s, c := start(t, dashboardtest.Options{})
	envelope := map[string]json.RawMessage{
		"hook_references": json.RawMessage(`[{"event_name":"QuotaExceeded"}]`), "is_site": json.RawMessage("true"),
		"sort_by": json.RawMessage("7"), "is_streams": json.RawMessage("true"), "fromTomorrow": json.RawMessage(`{"a":[1]}`), "user_owners": json.RawMessage(`["5a"]`), "user_group_owners": json.RawMessage(`["5b"]`),
	}
	id := s.PutAPI(dashboard.API{Definition: definition(t, "web"), Envelope: envelope})

	read, err := c.API(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}

	listed, err := c.APIs(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	for _, a := range append(listed, read) {
		if err := c.UpdateAPI(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(envelope, s.APIs()[0].Envelope); diff != "" {
			t.Error(diff)
		}
	}
}

// sentinels are all errors that callers can test for.
var sentinels = []error{
	dashboard.ErrNotFound, dashboard.ErrExists, dashboard.ErrUnauthorized, dashboard.ErrNotVisible, dashboard.ErrPartial,
	dashboard.ErrLicence, dashboard.ErrNoGateway, dashboard.ErrUnsupported,
}

func TestRefusals(t *testing.T) {
	readOnly := dashboardtest.Rights{APIs: dashboardtest.Read, Certificates: dashboardtest.Read}
	nothing := dashboardtest.Rights{APIs: dashboardtest.None, Certificates: dashboardtest.None}
	create := func(c *dashboard.Client) error {
		_, err := c.CreateAPI(context.Background(), dashboard.Definition{"name": "n", "slug": "web", "api_id": "a1",
			"proxy": map[string]any{"listen_path": "/"}, "version_data": map[string]any{}})
		return err
	}
	list := func(c *dashboard.Client) error { _, err := c.APIs(context.Background()); return err }
	certs := func(c *dashboard.Client) error { _, err := c.Certificates(context.Background()); return err }
	upload := func(c *dashboard.Client) error {
		_, err := c.UploadCertificate(context.Background(), bundle(t, "x"))
		return err
	}
	for _, c := range []struct {
		name    string
		options dashboardtest.Options
		fault   http.HandlerFunc
		call    func(*dashboard.Client) error
		is      error
		text    string
	}{
		{"unknown key", dashboardtest.Options{Secret: "another"}, nil, list, dashboard.ErrUnauthorized, "listing APIs: GET /api/apis answered 401: Not authorised"},
		{"no right to read", dashboardtest.Options{Rights: nothing}, nil, list, dashboard.ErrUnauthorized, "answered 403: access denied"},
		{"no right to read certificates", dashboardtest.Options{Rights: nothing}, nil, certs, dashboard.ErrUnauthorized, "answered 403: access denied"},
		{"no right to write", dashboardtest.Options{Rights: readOnly}, nil, create, dashboard.ErrUnauthorized, "creating API web: POST /api/apis answered 403"},
		{"no right to upload", dashboardtest.Options{Rights: readOnly}, nil, upload, dashboard.ErrUnauthorized, "uploading certificate: POST /api/certs answered 403"},
		{"same api_id", dashboardtest.Options{}, nil, func(c *dashboard.Client) error { create(c); return create(c) }, dashboard.ErrExists, "answered 409: Found API with the same ID"},
		{"slug taken", dashboardtest.Options{UniqueSlugs: true, AssignsAPIID: true}, nil, func(c *dashboard.Client) error { create(c); return create(c) }, dashboard.ErrExists, "Slug already exists"},
		{"listen path taken", dashboardtest.Options{IgnoresDomains: true, AssignsAPIID: true}, nil, func(c *dashboard.Client) error { create(c); return create(c) }, dashboard.ErrExists, "Listen path already in use"},
		{"tyk-sync's words", dashboardtest.Options{}, dashboardtest.Refusal(400, "Object seems to exist (same ID, API ID, Listen Path or Slug), use update()"), create, dashboard.ErrExists, ""},
		{"200 that exists", dashboardtest.Options{}, dashboardtest.Refusal(200, "Certificate with 0123456789ab id already exists"), upload, dashboard.ErrExists, ""},
		{"200 that is none", dashboardtest.Options{}, dashboardtest.Refusal(200, "no license"), list, nil, "answered 200: no license"},
		{"schema", dashboardtest.Options{}, dashboardtest.Reply(500, "application/json", `{"Status":"Error","Message":"Error while validating schema","Errors":["a: bad","b: bad"]}`), create, nil, "Error while validating schema; a: bad; b: bad"},
		{"a schema's own words", dashboardtest.Options{}, dashboardtest.Refusal(400, "tags: array items must be unique"), create, nil, "must be unique"},
		{"lower case", dashboardtest.Options{}, dashboardtest.Reply(200, "application/json", `{"status":"error","message":"lower"}`), list, nil, "lower"},
		{"odd types", dashboardtest.Options{}, dashboardtest.Reply(500, "application/json", `{"Status":500,"Message":"still told","Errors":{}}`), list, nil, "still told"},
		{"no message", dashboardtest.Options{}, dashboardtest.Reply(500, "application/json", `{}`), list, nil, "answered 500: no message"},
		{"clash of listen paths", dashboardtest.Options{IgnoresDomains: true, ClashMessage: "Listen path is in use", AssignsAPIID: true}, nil, func(c *dashboard.Client) error { create(c); return create(c) }, dashboard.ErrExists, "Listen path is in use"},
		{"no licence for more", dashboardtest.Options{MaxAPIs: 1}, nil, func(c *dashboard.Client) error { create(c); return create(c) }, dashboard.ErrLicence, "answered 403: License limit for APIs reached"},
		{"no licence at all", dashboardtest.Options{}, dashboardtest.Refusal(403, "Your licence does not support adding APIs."), list, dashboard.ErrLicence, ""},
		{"a right, and an id with the word", dashboardtest.Options{Rights: nothing}, nil, func(c *dashboard.Client) error { _, err := c.API(context.Background(), "license"); return err }, dashboard.ErrUnauthorized, "/api/apis/license"},
		{"not the key's to see", dashboardtest.Options{}, dashboardtest.Refusal(401, "Not authorised"), func(c *dashboard.Client) error { _, err := c.API(context.Background(), "5f"); return err }, dashboard.ErrNotVisible, ""},
		{"not the key's to change", dashboardtest.Options{}, dashboardtest.Refusal(401, "Not authorised"), func(c *dashboard.Client) error {
			return c.UpdateAPI(context.Background(), dashboard.API{Definition: dashboard.Definition{"id": "5f"}})
		}, dashboard.ErrNotVisible, ""},
		{"not the key's to delete", dashboardtest.Options{}, dashboardtest.Refusal(401, "Not authorised"), func(c *dashboard.Client) error { return c.DeleteAPI(context.Background(), "5f") }, dashboard.ErrNotVisible, ""},
		{"a key that may create nothing", dashboardtest.Options{Secret: "another"}, nil, create, dashboard.ErrUnauthorized, ""},
		{"no gateway", dashboardtest.Options{}, dashboardtest.Refusal(400, "Could not retrieve certs."), certs, dashboard.ErrNoGateway, "Could not retrieve certs."},
		{"a 404 of the Dashboard for a listing", dashboardtest.Options{}, dashboardtest.Refusal(404, "nope"), list, nil, "nope"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := dashboardtest.New(c.options)
			defer s.Close()
			if c.fault != nil {
				s.Fail(dashboardtest.Fault{Times: -1, Answer: c.fault})
			}

			err := c.call(client(t, dashboard.Config{URL: s.URL, Secret: dashboardtest.DefaultSecret, Org: s.Org}))
			var refused *dashboard.Error
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), c.text) {
				t.Fatalf("error %v, want %q", err, c.text)
			}

			for _, sentinel := range sentinels {
				if got, want := errors.Is(err, sentinel), errors.Is(c.is, sentinel); got != want {
					t.Errorf("errors.Is(%q, %q) = %v", err, sentinel, got)
				}
			}
		})
	}
}

// Only an answer of the Dashboard itself proves that an object is absent.
func TestAbsence(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		absent bool
	}{
		{"400 with the text", dashboardtest.Refusal(400, "Could not retrieve API detail"), true},
		{"in other words", dashboardtest.Refusal(400, "could not  retrieve api Detail."), true},
		{"404", dashboardtest.Refusal(404, "whatever"), true},
		{"another 400", dashboardtest.Refusal(400, "Attempted access to non-owned certificate."), false},
		{"500 with the text", dashboardtest.Refusal(500, "Could not retrieve API detail"), false},
		{"a page that is missing", dashboardtest.Reply(404, "text/html", "<h1>404 page not found</h1>"), false},
		{"an empty 404", dashboardtest.Reply(404, "text/plain", ""), false},
		{"200 that is empty", dashboardtest.Reply(200, "application/json", "{}"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, client := start(t, dashboardtest.Options{})
			s.Fail(dashboardtest.Fault{Times: -1, Answer: c.answer})

			_, err := client.API(t.Context(), "5f")
			if got := errors.Is(err, dashboard.ErrNotFound); got != c.absent || err == nil {
				t.Errorf("API: %v", err)
			}

			_, err = client.Certificate(t.Context(), "5f")
			if got := errors.Is(err, dashboard.ErrNotFound); got != c.absent || err == nil {
				t.Errorf("Certificate: %v", err)
			}

			if c.name == "200 that is empty" {
				return
			}

			if err := client.DeleteAPI(t.Context(), "5f"); (err == nil) != c.absent {
				t.Errorf("DeleteAPI: %v", err)
			}
		})
	}
}

func TestUploadFindsTheIDOfAnExistingCertificate(t *testing.T) {
	pem := bundle(t, "x")
	computed, err := dashboard.ParseCertificate(dashboardtest.DefaultOrg, pem)
	if err != nil {
		t.Fatal(err)
	}

	const other = "aaaaaaaaaaaaaaaaaaaaaaaa0123456789abcdef"
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"the Dashboard's words": {dashboardtest.Refusal(404, "Could not create certificate. Certificate with "+computed.ID+" id already exists"), computed.ID},
		"the gateway's":         {dashboardtest.Reply(403, "application/json", `{"status":"error","message":"Certificate with `+computed.ID+` id already exists"}`), computed.ID},
		"another organisation":  {dashboardtest.Refusal(400, "Certificate with "+other+" id already exists"), other},
		"cut short":             {dashboardtest.Refusal(404, "already exists: "+computed.ID[:30]), computed.ID},
		"without an id":         {dashboardtest.Refusal(409, "exists already"), computed.ID},
	} {
		t.Run(name, func(t *testing.T) {
			s, client := start(t, dashboardtest.Options{})
			s.Fail(dashboardtest.Fault{Answer: c.answer})
			id, err := client.UploadCertificate(t.Context(), pem)
			if id != c.want || !errors.Is(err, dashboard.ErrExists) || errors.Is(err, dashboard.ErrUnauthorized) {
				t.Errorf("%q, %v; want %q", id, err, c.want)
			}
		})
	}
}

func TestWithoutAnOrganisationTheIDIsTheDashboards(t *testing.T) {
	s, _ := start(t, dashboardtest.Options{})
	pem := bundle(t, "x")
	want := s.PutCertificate(pem)
	c := client(t, dashboard.Config{URL: s.URL, Secret: s.Secret})
	if id, err := c.UploadCertificate(t.Context(), pem); id != want || !errors.Is(err, dashboard.ErrExists) {
		t.Errorf("%q, %v; want %q", id, err, want)
	}
}

func TestCreateWithoutADatabaseIDIsAnError(t *testing.T) {
	s, c := start(t, dashboardtest.Options{})
	s.Fail(dashboardtest.Fault{Answer: dashboardtest.Reply(200, "application/json", `{"Status":"OK","Message":"API created","Meta":null}`)})
	if created, err := c.CreateAPI(t.Context(), definition(t, "web")); err == nil {
		t.Errorf("created %+v", created)
	}
}

func TestTraceShowsEachAttemptAndNoSecret(t *testing.T) {
	s := dashboardtest.New(dashboardtest.Options{})
	defer s.Close()
	s.Fail(dashboardtest.Fault{Answer: dashboardtest.Refusal(503, "busy")})
	var mu sync.Mutex
	var seen []string
	c := client(t, dashboard.Config{URL: s.URL, Secret: s.Secret, Trace: func(r dashboard.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, fmt.Sprintf("%s %s %d attempt %d", r.Method, r.Path, r.Status, r.Attempt))
		if r.Duration <= 0 {
			t.Errorf("%+v took no time", r)
		}
	}})

	if _, err := c.APIs(t.Context()); err != nil {
		t.Fatal(err)
	}

	want := []string{"GET /api/apis 503 attempt 1", "GET /api/apis 200 attempt 2"}
	if !slices.Equal(seen, want) {
		t.Errorf("traced %q, want %q", seen, want)
	}
}
