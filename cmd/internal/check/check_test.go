package check_test

import (
	"context"
	"crypto/x509"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/cmd/internal/check"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

const pattern = `{host:mesh|localhost}`

// meshOf returns a mesh in an organisation, whose only APIs are echo-inbound and echo-mesh.
func meshOf(org string) check.Mesh {
	tags := map[string]string{"echo-inbound": "echo", "echo-mesh": "mesh"}
	return check.Mesh{Org: org, Domain: pattern, Tag: func(d dashboard.Definition) (string, bool) {
		tag, ok := tags[d.Slug()]
		return tag, ok
	}}
}

func start(t *testing.T, o dashboardtest.Options) (*dashboardtest.Server, *dashboard.Client) {
	t.Helper()
	s := dashboardtest.New(o)
	t.Cleanup(s.Close)

	client, err := s.Client()
	if err != nil {
		t.Fatal(err)
	}

	return s, client
}

// status returns the status of a part; "" without a result.
func status(results []check.Result, part string) check.Status {
	for _, r := range results {
		if r.Part == part {
			return r.Status
		}
	}
	return ""
}

// A check deletes its APIs even if the listing does not show them: because it is incomplete, or
// lags.
func TestListingsThatHideProbes(t *testing.T) {
	for name, o := range map[string]dashboardtest.Options{
		"shows one API":   {Truncates: 1},
		"lags behind":     {Lag: 9},
		"lags with by id": {Lag: 9, LagsByID: true},
	} {
		s, client := start(t, o)
		results := check.Dashboard(t.Context(), client, client, meshOf(s.Org))
		if got := status(results, check.PartListenPath); got != check.OK || len(s.APIs()) != 0 {
			t.Errorf("%s: %s, %d APIs are left", name, got, len(s.APIs()))
		}
	}
}

// Whichever request fails, no test API stays, and the next check succeeds.
func TestDashboardLeavesNothingBehind(t *testing.T) {
	good, client := start(t, dashboardtest.Options{})
	for _, r := range check.Dashboard(t.Context(), client, client, meshOf(good.Org)) {
		if r.Status != check.OK {
			t.Errorf("%+v", r)
		}
	}

	requests := len(good.Requests())
	if requests < 8 || len(good.APIs()) != 0 {
		t.Fatalf("%d requests left %d APIs", requests, len(good.APIs()))
	}

	for name, fault := range map[string]dashboardtest.Fault{
		"refused":     {Answer: dashboardtest.Refusal(500, "planned")},
		"error after": {Answer: dashboardtest.Refusal(500, "planned"), After: true},
		"cut after":   {Answer: dashboardtest.Cut, After: true},
	} {
		for k := 1; k <= requests; k++ {
			s, client := start(t, dashboardtest.Options{})
			fault.Request = k
			s.Fail(fault)
			for _, r := range check.Dashboard(t.Context(), client, client, meshOf(s.Org)) {
				if r.Part == check.PartListenPath && len(s.APIs()) > 0 && !strings.Contains(r.Detail, "tykmesh-check-* could not be deleted") {
					t.Errorf("%s at %d: %d APIs are left, and nobody says so: %+v", name, k, len(s.APIs()), r)
				}
			}

			s.Heal()
			for _, r := range check.Dashboard(t.Context(), client, client, meshOf(s.Org)) {
				if r.Status != check.OK {
					t.Errorf("%s at %d, the next check: %+v", name, k, r)
				}
			}

			if n := len(s.APIs()); n != 0 {
				t.Errorf("%s at %d: %d APIs are left", name, k, n)
			}
		}
	}
}

// An interrupted check deletes its APIs.
func TestInterruptedDashboard(t *testing.T) {
	s, client := start(t, dashboardtest.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	s.Fail(dashboardtest.Fault{Method: "POST", Request: 2, Answer: func(http.ResponseWriter, *http.Request) {
		cancel()
		panic(http.ErrAbortHandler)
	}})
	results := check.Dashboard(ctx, client, client, meshOf(s.Org))
	if got := status(results, check.PartListenPath); got != check.Failed || len(s.APIs()) != 0 {
		t.Errorf("%s: %s; %d APIs are left", check.PartListenPath, got, len(s.APIs()))
	}
}

// If the listing shows the answer, no test API is created.
func TestEvidence(t *testing.T) {
	s, client := start(t, dashboardtest.Options{})
	for _, domain := range []string{"a.shop", "b.shop", pattern} {
		s.PutAPI(dashboard.API{Definition: dashboard.Definition{"name": domain, "slug": domain, "api_id": domain, "domain": domain, "proxy": map[string]any{"listen_path": "/"}}})
	}

	if got := status(check.Dashboard(t.Context(), client, nil, meshOf(s.Org)), check.PartListenPath); got != check.OK {
		t.Error(got)
	}

	if strings.Contains(s.Log(), "POST") {
		t.Errorf("an API was made:\n%s", s.Log())
	}
}

// Without listed APIs and certificates, a test API shows the key's organisation. It does not stay.
func TestOrganisationOfProbes(t *testing.T) {
	s, client := start(t, dashboardtest.Options{})
	for _, r := range check.Dashboard(t.Context(), client, nil, meshOf("5d64a47fed63100001b2ffff")) {
		failed := r.Status == check.Failed
		if failed != (r.Part == check.PartListenPath) || failed && !strings.Contains(r.Detail, "the key belongs to organisation "+s.Org) {
			t.Errorf("%+v", r)
		}
	}

	if n := len(s.APIs()); n != 0 {
		t.Errorf("%d APIs are left", n)
	}
}

// An API of the mesh without its tag is a warning, with the slug and the tag: no sidecar loads it.
func TestTags(t *testing.T) {
	s, client := start(t, dashboardtest.Options{})
	put := func(slug string, tags ...any) {
		s.PutAPI(dashboard.API{Definition: dashboard.Definition{"name": slug, "slug": slug, "api_id": slug, "tags": tags}})
	}
	put("echo-inbound", "echo", "more")
	put("other", "elsewhere")
	part := func() check.Result {
		results := check.Dashboard(t.Context(), client, nil, meshOf(s.Org))
		return results[slices.IndexFunc(results, func(r check.Result) bool { return r.Part == check.PartTags })]
	}
	if r := part(); r.Status != check.OK {
		t.Errorf("with tags: %+v", r)
	}

	put("echo-mesh", "mash")
	if r := part(); r.Status != check.Warning || !strings.HasSuffix(r.Detail, ": echo-mesh lacks mesh") {
		t.Errorf("without a tag: %+v", r)
	}
}

// Without listed APIs, the certificates show the organisation. A Dashboard with other words for
// absent objects passes.
func TestOtherAnswers(t *testing.T) {
	s, client := start(t, dashboardtest.Options{})
	for _, r := range check.Dashboard(t.Context(), client, client, meshOf("5d64a47fed63100001b2ffff")) {
		if failed := r.Status == check.Failed; failed != (r.Part == check.PartCertificates || r.Part == check.PartListenPath) || failed && !strings.Contains(r.Detail, "organisation") {
			t.Errorf("%+v", r)
		}
	}

	s.Fail(dashboardtest.Fault{Method: "DELETE", Path: "/api/apis/0*", Answer: http.NotFound}) // a proxy's
	if got := status(check.Dashboard(t.Context(), client, client, meshOf(s.Org)), check.PartAPIs); got != check.Failed {
		t.Errorf("%s: %s", check.PartAPIs, got)
	}

	s.Heal()
	s.Fail(dashboardtest.Fault{Method: "DELETE", Path: "/api/apis/0*", Answer: dashboardtest.Refusal(400, "Could not delete the API")})
	if got := status(check.Dashboard(t.Context(), client, client, meshOf(s.Org)), check.PartAPIs); got != check.OK {
		t.Errorf("%s: %s", check.PartAPIs, got)
	}
}

// A slow Dashboard does not keep a check from deleting its APIs: only an interruption limits that
// time.
func TestSlowDashboard(t *testing.T) {
	s, client := start(t, dashboardtest.Options{Latency: 300 * time.Millisecond})
	for _, r := range check.Dashboard(t.Context(), client, nil, meshOf(s.Org)) {
		if r.Status != check.OK {
			t.Errorf("%+v", r)
		}
	}

	if n := len(s.APIs()); n != 0 {
		t.Errorf("%d APIs are left", n)
	}
}

// A check leaves the ledger unchanged, and deletes the record of an interrupted one.
func TestLedger(t *testing.T) {
	ledger, err := ca.OpenFileLedger(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}

	left := ca.Record{ID: "tykmesh-check-0", Fingerprint: "0"}
	if err := ledger.Insert(t.Context(), left); err != nil {
		t.Fatal(err)
	}

	results := check.Records(t.Context(), "ledger", func(context.Context) (check.Ledger, error) { return ledger, nil })
	if got := status(results, check.PartRecords); got != check.OK {
		t.Errorf("%+v", results)
	}

	if records, err := ledger.Records(t.Context()); len(records) != 0 || err != nil {
		t.Errorf("left: %v, %v", records, err)
	}
}

// signer is an issuer with the signer of a CFSSL.
type signer struct{ *ca.Client }

func (s signer) CA(ctx context.Context) (*x509.Certificate, error) {
	chain, err := s.Chain(ctx)
	if err != nil {
		return nil, err
	}
	return chain[0], nil
}

func (s signer) Issue(ctx context.Context, hosts []string) (ca.Bundle, error) {
	return ca.Issue(ctx, s.Client, ca.Request{Hosts: hosts})
}

func TestCFSSL(t *testing.T) {
	ending := catest.NewCAFor("ending", time.Now().AddDate(-1, 0, 0), time.Now().AddDate(0, 1, 0))
	for _, c := range []struct {
		name    string
		options catest.Options
		key     string
		profile string
		failed  string // parts
	}{
		{name: "as it should be"},
		{name: "wrong key", key: "00", failed: "CFSSL key, signing profile"},
		{name: "no key", options: catest.Options{NoProvider: true}, failed: "CFSSL key, signing profile, unauthenticated signing"},
		{name: "newcert", options: catest.Options{Newcert: true}, failed: check.PartSigning},
		{name: "another CA signs", options: catest.Options{SignWith: catest.NewCA("other")}, failed: check.PartCA},
		{name: "a CA that ends before its certificates", options: catest.Options{CA: ending}, failed: check.PartCA},
		{name: "a profile", options: catest.Options{Profile: "mesh"}, profile: "mesh"},
		{name: "no such profile", options: catest.Options{Profile: "mesh"}, profile: "mseh", failed: "CFSSL key, signing profile"},
		{name: "a profile for clients", options: catest.Options{Usages: []string{"client auth"}}, failed: check.PartProfile},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := catest.New(c.options)
			defer s.Close()
			if c.key == "" {
				c.key = catest.Key
			}

			client, err := ca.New(ca.Config{Addr: s.URL, Key: c.key, Profile: c.profile})
			if err != nil {
				t.Fatal(err)
			}

			var failed []string
			for _, r := range check.Signing(t.Context(), client, signer{client}, true) {
				if r.Status != check.OK {
					failed = append(failed, r.Part)
				}
			}

			if got := strings.Join(failed, ", "); got != c.failed {
				t.Errorf("failed: %q, want %q", got, c.failed)
			}
		})
	}
}
