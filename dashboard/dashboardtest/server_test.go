package dashboardtest_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

func start(t *testing.T, o dashboardtest.Options) (*dashboardtest.Server, *dashboard.Client) {
	t.Helper()
	s := dashboardtest.New(o)
	t.Cleanup(s.Close)

	c, err := s.Client()
	if err != nil {
		t.Fatal(err)
	}

	return s, c
}

func definition(slug string) dashboard.Definition {
	return dashboard.Definition{"name": slug, "slug": slug, "api_id": "id-" + slug, "domain": slug, "proxy": map[string]any{"listen_path": "/"}, "version_data": map[string]any{}}
}

func pemOf(der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}) }

func TestTheLogIsTheSameFromRunToRun(t *testing.T) {
	run := func() string {
		s, c := start(t, dashboardtest.Options{})
		ctx := t.Context()

		created, err := c.CreateAPI(ctx, definition("web"))
		if err != nil {
			t.Fatal(err)
		}

		c.API(ctx, created.ID)
		c.DeleteAPI(ctx, created.ID)
		c.API(ctx, created.ID)
		c.Certificates(ctx)
		c.Certificate(ctx, s.Org+strings.Repeat("0", 64))
		s.Fail(dashboardtest.Fault{Method: "POST", Answer: dashboardtest.Cut})
		c.CreateAPI(ctx, definition("cut"))

		return s.Log()
	}

	const want = `POST /api/apis -> 200
GET /api/apis/{web} -> 200
DELETE /api/apis/{web} -> 200
GET /api/apis/{absent} -> 400
GET /api/certs?mode=detailed&p=-1 -> 200
GET /api/certs/{absent} -> 404
POST /api/apis -> cut
`

	for range 2 {
		if diff := cmp.Diff(want, run()); diff != "" {
			t.Error(diff)
		}
	}
}

// Only the k-th request fails, before or after it takes effect.
func TestFaults(t *testing.T) {
	for _, after := range []bool{false, true} {
		for k := 1; k <= 4; k++ {
			s, c := start(t, dashboardtest.Options{})
			s.Fail(dashboardtest.Fault{Request: k, After: after, Answer: dashboardtest.Reply(500, "text/html", "<h1>no</h1>")})

			failed := 0
			for i := range 4 {
				if _, err := c.CreateAPI(t.Context(), definition(fmt.Sprint(i))); err != nil {
					failed = failed*10 + i + 1
				}
			}

			stored := map[bool]int{false: 3, true: 4}[after]
			if failed != k || len(s.APIs()) != stored {
				t.Errorf("fault at %d (after: %v): request %d failed, %d of 4 APIs are stored", k, after, failed, len(s.APIs()))
			}
		}
	}
}

func TestFaultsSelectRequests(t *testing.T) {
	s, c := start(t, dashboardtest.Options{})
	s.Fail(
		dashboardtest.Fault{Method: "GET", Path: "/api/apis/*", Request: 2, Times: 2, Answer: dashboardtest.Refusal(500, "planned")},
		dashboardtest.Fault{Path: "/api/certs", Times: -1, Answer: dashboardtest.Refusal(200, "planned")},
	)
	id := s.PutAPI(dashboard.API{Definition: definition("web")})
	var got []bool
	for range 5 {
		_, err := c.API(t.Context(), id)
		got = append(got, err == nil)
	}

	if diff := cmp.Diff([]bool{true, false, false, true, true}, got); diff != "" {
		t.Error(diff)
	}

	for range 3 {
		if _, err := c.Certificates(t.Context()); err == nil || !strings.Contains(err.Error(), "planned") {
			t.Errorf("certificates: %v", err)
		}
	}

	if _, err := c.APIs(t.Context()); err != nil {
		t.Errorf("a request that no fault selects: %v", err)
	}

	s.Heal()
	if _, err := c.Certificates(t.Context()); err != nil {
		t.Errorf("after Heal: %v", err)
	}
}

func TestKeysHaveRights(t *testing.T) {
	s, _ := start(t, dashboardtest.Options{Keys: map[string]dashboardtest.Rights{
		"reader": {APIs: dashboardtest.Read, Certificates: dashboardtest.None},
	}})
	for _, c := range []struct {
		key, method, path string
		status            int
	}{
		{s.Secret, "GET", "/api/apis", 200},
		{"Bearer " + s.Secret, "GET", "/api/apis", 401},
		{"", "GET", "/api/certs", 401},
		{"reader", "GET", "/api/apis", 200},
		{"reader", "POST", "/api/apis", 403},
		{"reader", "GET", "/api/certs", 403},
		{"", "GET", "/hello", 200},
		{s.Secret, "GET", "/api/nothing", 404},
	} {
		req, err := http.NewRequest(c.method, s.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}

		req.Header.Set("Authorization", c.key)

		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}

		resp.Body.Close()
		if resp.StatusCode != c.status {
			t.Errorf("%s %s with %q: %d, want %d", c.method, c.path, c.key, resp.StatusCode, c.status)
		}
	}
}

func TestPages(t *testing.T) {
	s, _ := start(t, dashboardtest.Options{PageSize: 2})
	for i := range 5 {
		s.PutAPI(dashboard.API{Definition: definition(fmt.Sprint(i))})
	}

	for query, want := range map[string]string{
		"":                     `"4" "3" pages 3`,
		"?p=1":                 `"4" "3" pages 3`,
		"?p=3":                 `"0" pages 3`,
		"?p=4":                 `pages 3`,
		"?p=-1":                `"4" "3" "2" "1" "0" pages 1`,
		"?p=1&sort=created_at": `"0" "1" pages 3`,
	} {
		req, err := http.NewRequest("GET", s.URL+"/api/apis"+query, nil)
		if err != nil {
			t.Fatal(err)
		}

		req.Header.Set("Authorization", s.Secret)

		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}

		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}

		var got []string
		for _, part := range strings.Split(string(body), `"slug":`)[1:] {
			got = append(got, part[:3])
		}

		_, pages, _ := strings.Cut(string(body), `"pages":`)
		if line := strings.TrimSpace(strings.Join(got, " ") + " pages " + strings.Trim(pages, "}\n")); line != want {
			t.Errorf("%q: %s, want %s", query, line, want)
		}
	}
}

func TestSnapshotsAreCopies(t *testing.T) {
	s, _ := start(t, dashboardtest.Options{})
	d := definition("web")
	id := s.PutAPI(dashboard.API{Definition: d})
	d["slug"] = "changed"
	s.APIs()[0].Definition["slug"] = "changed"
	if got := s.APIs()[0].Definition.Slug(); got != "web" {
		t.Errorf("the slug is %s", got)
	}

	replaced := definition("new")
	replaced["id"] = id
	if again := s.PutAPI(dashboard.API{Definition: replaced}); again != id || len(s.APIs()) != 1 {
		t.Errorf("put in place of %s: %s, %d APIs", id, again, len(s.APIs()))
	}

	s.DropAPI(id)
	if len(s.APIs()) != 0 {
		t.Error("dropped, and still there")
	}
}

func TestCertificatesBehindTheBackOfClients(t *testing.T) {
	s, c := start(t, dashboardtest.Options{Latency: time.Millisecond})
	tls := dashboardtest.New(dashboardtest.Options{TLS: true})
	defer tls.Close()
	stored := pemOf(tls.Certificate())

	id := s.PutCertificate(stored)
	if s.PutCertificate(stored) != id || len(s.Certificates()) != 1 || string(s.PEM(id)) != string(stored) {
		t.Errorf("stored %v", s.Certificates())
	}

	if got, err := c.Certificate(t.Context(), id); err != nil || got.ID != id || got.HasPrivate {
		t.Errorf("read %+v, %v", got, err)
	}

	s.DropCertificate(id)
	if _, err := c.Certificate(t.Context(), id); !errors.Is(err, dashboard.ErrNotFound) || s.PEM(id) != nil {
		t.Errorf("dropped, but: %v", err)
	}
}

func TestAnswersThatDoNotEndWell(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{"truncated": dashboardtest.Truncated, "redirect": dashboardtest.Redirect("http://elsewhere.invalid"), "cut": dashboardtest.Cut} {
		s, c := start(t, dashboardtest.Options{})
		s.Fail(dashboardtest.Fault{Times: -1, Answer: answer})
		if _, err := c.APIs(t.Context()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestOverTLSItsCertificateCanBeTrusted(t *testing.T) {
	s, _ := start(t, dashboardtest.Options{TLS: true, Addr: "127.0.0.1:0"})
	cert, err := x509.ParseCertificate(s.Certificate())
	if err != nil {
		t.Fatal(err)
	}

	if err := cert.VerifyHostname("127.0.0.1"); err != nil || !strings.HasPrefix(s.URL, "https://127.0.0.1:") {
		t.Errorf("%s: %v", s.URL, err)
	}
}

func TestManyClientsAtOnce(t *testing.T) {
	s, _ := start(t, dashboardtest.Options{UniqueSlugs: true})
	s.Fail(dashboardtest.Fault{Request: 7, Answer: dashboardtest.Refusal(503, "busy")})
	var wg sync.WaitGroup
	for i := range 8 {
		c, err := s.Client()
		if err != nil {
			t.Fatal(err)
		}

		wg.Go(func() {
			for k := range 10 {
				c.CreateAPI(t.Context(), definition(fmt.Sprint(k)))
				if _, err := c.APIs(t.Context()); err != nil {
					t.Error(err)
				}
				s.Log()
				s.PutAPI(dashboard.API{Definition: definition(fmt.Sprint("put ", i, k))})
			}
		})
	}

	wg.Wait()

	created := 0
	for _, a := range s.APIs() {
		if len(a.Definition.Slug()) == 1 {
			created++
		}
	}

	if created != 10 {
		t.Errorf("%d APIs were created under 10 slugs", created)
	}
}
