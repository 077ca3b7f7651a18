package dashboard_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// store is the common interface of Client and Dir.
type store interface {
	APIs(context.Context) ([]dashboard.API, error)
	API(ctx context.Context, id string) (dashboard.API, error)
	CreateAPI(context.Context, dashboard.Definition) (dashboard.Created, error)
	UpdateAPI(context.Context, dashboard.API) error
	DeleteAPI(ctx context.Context, id string) error
	Certificates(context.Context) ([]dashboard.Certificate, error)
	Certificate(ctx context.Context, id string) (dashboard.Certificate, error)
	UploadCertificate(ctx context.Context, pem []byte) (string, error)
	DeleteCertificate(ctx context.Context, id string) error
	CertificateAPIs(ctx context.Context, id string) ([]dashboard.CertificateUse, error)
}

// The same promises hold for a directory, for the test server in each of its modes, and, if
// configured, for a real Dashboard:
//
//	TYKMESH_TEST_DASHBOARD_URL=https://dash TYKMESH_TEST_DASHBOARD_SECRET=... TYKMESH_TEST_DASHBOARD_ORG=... go test ./dashboard
//
// The suite tolerates existing objects, and deletes its own.
func TestStores(t *testing.T) {
	t.Run("directory", func(t *testing.T) {
		d, err := dashboard.OpenDir(t.TempDir(), dashboardtest.DefaultOrg)
		if err != nil {
			t.Fatal(err)
		}
		suite(t, d, dashboardtest.DefaultOrg)
	})

	for name, o := range map[string]dashboardtest.Options{
		"current":                 {},
		"pages":                   {AlwaysPages: true, PageSize: 2},
		"own api ids":             {AssignsAPIID: true},
		"keeps its api ids":       {AssignsAPIID: true, KeepsAPIID: true},
		"old":                     {NoIDInCreate: true, OnlyDatabaseIDs: true, NoDetailedCertificates: true},
		"unknown is 404":          {UnknownIs404: true, CertificateExists: 403},
		"lower case":              {LowerCaseKeys: true, CertificateExists: 409},
		"strict about clashes":    {UniqueSlugs: true, UniqueListenPaths: true, NoDomainPatterns: true},
		"adds defaults":           {AddsDefaults: true},
		"no uses of certificates": {NoCertificateAPIs: true},
		"pages uses":              {AlwaysPages: true, PageSize: 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := dashboardtest.New(o)
			t.Cleanup(s.Close)
			suite(t, connect(t, s), s.Org)
		})
	}

	t.Run("real", func(t *testing.T) {
		url := os.Getenv("TYKMESH_TEST_DASHBOARD_URL")
		if url == "" {
			t.Skip("TYKMESH_TEST_DASHBOARD_URL, _SECRET and _ORG name no real Dashboard")
		}

		org := os.Getenv("TYKMESH_TEST_DASHBOARD_ORG")

		c, err := dashboard.New(dashboard.Config{URL: url, Secret: os.Getenv("TYKMESH_TEST_DASHBOARD_SECRET"), Org: org})
		if err != nil {
			t.Fatal(err)
		}

		suite(t, c, org)
	})
}

func connect(t testing.TB, s *dashboardtest.Server) *dashboard.Client {
	t.Helper()
	c, err := s.Client()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// definition returns a new API with a unique slug.
func definition(t testing.TB, slug string) dashboard.Definition {
	t.Helper()
	v := vars
	v.Name, v.Slug, v.HostName, v.ListenPath = slug, slug, slug+".test", "/"+slug

	d, err := dashboard.BuiltinTemplates().Render("default-mesh", v)
	if err != nil {
		t.Fatal(err)
	}

	d["api_id"] = fmt.Sprintf("%x", sha256.Sum256([]byte(slug)))[:32]

	return d
}

func suite(t *testing.T, s store, org string) {
	stamp := fmt.Sprintf("tykmesh%x", time.Now().UnixNano())
	t.Run("APIs", func(t *testing.T) { suiteAPIs(t, s, org, stamp) })
	t.Run("absent API", func(t *testing.T) { suiteAbsentAPI(t, s, stamp) })
	t.Run("certificates", func(t *testing.T) { suiteCertificates(t, s, org, stamp+".test") })
	t.Run("uses of a certificate", func(t *testing.T) { suiteUses(t, s, stamp) })
	t.Run("ids are only ids", func(t *testing.T) { suiteIDs(t, s) })
}

func suiteAPIs(t *testing.T, s store, org, stamp string) {
	ctx := t.Context()
	wanted := map[string]dashboard.Definition{}
	for i := range 5 {
		d := definition(t, fmt.Sprintf("%s-%d", stamp, i))
		before := d.Clone()

		created, err := s.CreateAPI(ctx, d)
		if err != nil {
			t.Fatal(err)
		}

		t.Cleanup(func() { s.DeleteAPI(context.Background(), created.ID) })
		if len(created.ID) != 24 {
			t.Errorf("the database id is %q", created.ID)
		}

		if diff := cmp.Diff(before, d); diff != "" {
			t.Errorf("create changed its argument:\n%s", diff)
		}

		wanted[created.ID] = d
	}

	listed, err := s.APIs(ctx)
	if err != nil {
		t.Fatal(err)
	}

	found := 0
	for _, a := range listed {
		if w, ok := wanted[a.Definition.ID()]; ok {
			found++
			holds(t, w, a.Definition, org)
		}
	}

	if found != len(wanted) {
		t.Fatalf("%d of %d created APIs are listed", found, len(wanted))
	}

	for id := range wanted {
		suiteUpdate(t, s, org, id)
	}

	for id := range wanted {
		for range 2 { // the second time it is gone already
			if err := s.DeleteAPI(ctx, id); err != nil {
				t.Error(err)
			}
		}

		if _, err := s.API(ctx, id); !errors.Is(err, dashboard.ErrNotFound) {
			t.Errorf("reading a deleted API: %v", err)
		}
	}
}

// holds reports whether a stored definition equals the sent one, except for the Dashboard's own
// fields.
func holds(t *testing.T, sent, stored dashboard.Definition, org string) {
	t.Helper()
	sent = sent.Clone()
	delete(sent, "id")
	delete(sent, "api_id")
	sent["org_id"] = org
	missing(t, stored.Slug(), map[string]any(sent), map[string]any(stored))
}

func suiteUpdate(t *testing.T, s store, org, id string) {
	t.Helper()
	ctx := t.Context()

	a, err := s.API(ctx, id)
	if err != nil {
		t.Fatal(err)
	}

	if err := a.Definition.Set("proxy.target_url", "http://changed:8080"); err != nil {
		t.Fatal(err)
	}

	a.Definition["session_lifetime"] = json.Number("9007199254740993")

	sent := a.Definition.Clone()
	if err := s.UpdateAPI(ctx, a); err != nil {
		t.Fatal(err)
	}

	b, err := s.API(ctx, id)
	if err != nil {
		t.Fatal(err)
	}

	holds(t, sent, b.Definition, org)
	if diff := cmp.Diff(a.Envelope, b.Envelope); diff != "" {
		t.Errorf("the envelope changed:\n%s", diff)
	}
}

func suiteAbsentAPI(t *testing.T, s store, stamp string) {
	ctx := t.Context()
	const absent = "000000000000000000000000"
	if _, err := s.API(ctx, absent); !errors.Is(err, dashboard.ErrNotFound) {
		t.Errorf("reading: %v", err)
	}

	if err := s.DeleteAPI(ctx, absent); err != nil {
		t.Errorf("deleting: %v", err)
	}

	d := definition(t, stamp+"-absent")
	d["id"] = absent
	if err := s.UpdateAPI(ctx, dashboard.API{Definition: d}); !errors.Is(err, dashboard.ErrNotFound) {
		t.Errorf("updating: %v", err)
	}

	d["use_keyles"] = true
	if _, err := s.CreateAPI(ctx, d); err == nil || !strings.Contains(err.Error(), "use_keyles") {
		t.Errorf("creating with an unknown field: %v", err)
	}
}

func suiteCertificates(t *testing.T, s store, org, host string) {
	ctx := t.Context()
	pem := bundle(t, host)

	id, err := s.UploadCertificate(ctx, pem)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { s.DeleteCertificate(context.Background(), id) })

	want, err := dashboard.ParseCertificate(org, pem)
	if err != nil {
		t.Fatal(err)
	}

	if id != want.ID {
		t.Errorf("the id is %s, want %s", id, want.ID)
	}

	got, err := s.Certificate(ctx, id)
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	listed, err := s.Certificates(ctx)
	if err != nil {
		t.Fatal(err)
	}

	found := false
	for _, c := range listed {
		if c.ID == id {
			found = true
			if diff := cmp.Diff(want, c); diff != "" && !c.NotAfter.IsZero() {
				t.Error(diff)
			}
		}
	}

	if !found {
		t.Error("an uploaded certificate is not listed")
	}

	if again, err := s.UploadCertificate(ctx, pem); !errors.Is(err, dashboard.ErrExists) || again != id {
		t.Errorf("uploading it again: %q, %v", again, err)
	}

	suiteRefusedCertificates(t, s, host, pem)
	for range 2 {
		if err := s.DeleteCertificate(ctx, id); err != nil {
			t.Error(err)
		}
	}

	if _, err := s.Certificate(ctx, id); !errors.Is(err, dashboard.ErrNotFound) {
		t.Errorf("reading a deleted certificate: %v", err)
	}
}

func suiteUses(t *testing.T, s store, stamp string) {
	ctx := t.Context()
	id, err := s.UploadCertificate(ctx, bundle(t, stamp+".used.test"))
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { s.DeleteCertificate(context.Background(), id) })
	if _, err := s.CertificateAPIs(ctx, id); errors.Is(err, dashboard.ErrUnsupported) {
		return
	} else if err != nil {
		t.Fatal(err)
	}

	want := map[string][]string{}
	for slug, fields := range map[string]map[string]any{
		"server":   {"certificates": []any{"another", id}},
		"client":   {"client_certificates": []any{id}},
		"upstream": {"upstream_certificates": map[string]any{"*": id}},
		"none":     {"certificates": []any{"another"}},
		"all":      {"certificates": []any{id}, "client_certificates": []any{id}, "upstream_certificates": map[string]any{"a.com": "x", "b.com": id}},
	} {
		d := definition(t, stamp+"-"+slug)
		maps.Copy(d, fields)

		created, err := s.CreateAPI(ctx, d)
		if err != nil {
			t.Fatal(err)
		}

		t.Cleanup(func() { s.DeleteAPI(context.Background(), created.ID) })
		switch slug {
		case "all":
			want[d.Name()] = []string{"server", "client", "upstream"}
		case "none":
		default:
			want[d.Name()] = []string{slug}
		}
	}

	uses, err := s.CertificateAPIs(ctx, id)
	if err != nil {
		t.Fatal(err)
	}

	got := map[string][]string{}
	for _, use := range uses {
		got[use.Name] = use.Usage
		if use.APIID == "" {
			t.Errorf("%s has no api_id", use.Name)
		}
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	if err := s.DeleteCertificate(ctx, id); err != nil {
		t.Fatal(err)
	}

	if _, err := s.CertificateAPIs(ctx, id); !errors.Is(err, dashboard.ErrNotFound) {
		t.Errorf("the uses of a certificate that is gone: %v", err)
	}
}

func suiteRefusedCertificates(t *testing.T, s store, host string, pem []byte) {
	other := bundle(t, host)
	certificateOf := func(b []byte) []byte { return b[:len(b)-len(keyOf(t, b))] }
	for name, refused := range map[string][]byte{
		"no PEM":        []byte("hello"),
		"nothing":       nil,
		"a key alone":   keyOf(t, pem),
		"two keys":      append(append([]byte{}, other...), keyOf(t, pem)...),
		"another's key": append(append([]byte{}, certificateOf(other)...), keyOf(t, pem)...),
		"expired":       expiredBundle(t, host),
		"Ed25519":       ed25519Bundle(t, host),
	} {
		id, err := s.UploadCertificate(t.Context(), refused)
		if err == nil || errors.Is(err, dashboard.ErrExists) || id != "" {
			t.Errorf("%s: %q, %v", name, id, err)
		}
	}
}

// An id that could lead to another path is refused before any request.
func suiteIDs(t *testing.T, s store) {
	ctx := t.Context()
	for _, id := range []string{"", ".", "..", "../certs", "a/b", "a?b", "a%2fb", "a b", strings.Repeat("a", 201)} {
		_, apiErr := s.API(ctx, id)
		_, certErr := s.Certificate(ctx, id)

		_, usesErr := s.CertificateAPIs(ctx, id)
		for call, err := range map[string]error{
			"API":               apiErr,
			"DeleteAPI":         s.DeleteAPI(ctx, id),
			"Certificate":       certErr,
			"CertificateAPIs":   usesErr,
			"DeleteCertificate": s.DeleteCertificate(ctx, id),
			"UpdateAPI":         s.UpdateAPI(ctx, dashboard.API{Definition: dashboard.Definition{"id": id}}),
		} {
			if err == nil || errors.Is(err, dashboard.ErrNotFound) {
				t.Errorf("%s(%q): %v", call, id, err)
			}
		}
	}
}
