package dashboard_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// serve runs a handler and returns its URL.
func serve(t testing.TB, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s.URL
}

// client returns a client with short waits between attempts.
func client(t testing.TB, cfg dashboard.Config) *dashboard.Client {
	t.Helper()
	cfg.Backoff = time.Millisecond

	c, err := dashboard.New(cfg)
	if err != nil {
		t.Fatal(err)
	}

	c.LimitListings(1 << 20)

	return c
}

// calls are the requests of a client; those without a time limit come last.
var calls = []struct {
	name string
	make func(ctx context.Context, c *dashboard.Client, pem []byte) error
}{
	{"API", func(ctx context.Context, c *dashboard.Client, _ []byte) error { _, err := c.API(ctx, "5f"); return err }},
	{"CreateAPI", func(ctx context.Context, c *dashboard.Client, _ []byte) error {
		_, err := c.CreateAPI(ctx, small)
		return err
	}},
	{"UpdateAPI", func(ctx context.Context, c *dashboard.Client, _ []byte) error {
		return c.UpdateAPI(ctx, dashboard.API{Definition: small})
	}},
	{"DeleteAPI", func(ctx context.Context, c *dashboard.Client, _ []byte) error { return c.DeleteAPI(ctx, "5f") }},
	{"Certificate", func(ctx context.Context, c *dashboard.Client, _ []byte) error {
		_, err := c.Certificate(ctx, "5f")
		return err
	}},
	{"UploadCertificate", func(ctx context.Context, c *dashboard.Client, pem []byte) error {
		_, err := c.UploadCertificate(ctx, pem)
		return err
	}},
	{"DeleteCertificate", func(ctx context.Context, c *dashboard.Client, _ []byte) error { return c.DeleteCertificate(ctx, "5f") }},
	{"Administrator", func(ctx context.Context, c *dashboard.Client, _ []byte) error {
		_, err := c.Administrator(ctx)
		return err
	}},
	{"APIs", func(ctx context.Context, c *dashboard.Client, _ []byte) error { _, err := c.APIs(ctx); return err }},
	{"Certificates", func(ctx context.Context, c *dashboard.Client, _ []byte) error {
		_, err := c.Certificates(ctx)
		return err
	}},
	{"CertificateAPIs", func(ctx context.Context, c *dashboard.Client, _ []byte) error {
		_, err := c.CertificateAPIs(ctx, "5f")
		return err
	}},
}

var small = dashboard.Definition{"id": "5f", "name": "n", "slug": "web", "proxy": map[string]any{}, "version_data": map[string]any{}}

// everyCall makes every request of a client.
func everyCall(ctx context.Context, c *dashboard.Client, pem []byte) map[string]error {
	errs := map[string]error{}
	for _, call := range calls {
		errs[call.name] = call.make(ctx, c, pem)
	}
	return errs
}

// Whatever a server answers, each call ends with one short error. No object counts as absent, and
// no listing as empty.
func TestHostileServers(t *testing.T) {
	html := "<html><head><style>p{}</style></head><body><h1>Bad Gateway</h1>" + strings.Repeat("<p>lots\nof text</p>", 5000) + "</body></html>"
	answers := map[string]http.HandlerFunc{
		"500 HTML":          dashboardtest.Reply(500, "text/html", html),
		"502 HTML":          dashboardtest.Reply(502, "text/html", html),
		"200 HTML":          dashboardtest.Reply(200, "text/html", "<html>please log in</html>"),
		"200 status error":  dashboardtest.Refusal(200, "sorry"),
		"204":               dashboardtest.Reply(204, "text/plain", ""),
		"201":               dashboardtest.Reply(201, "application/json", `{"Status":"OK"}`),
		"endless":           dashboardtest.Endless,
		"endless error":     func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500); dashboardtest.Endless(w, r) },
		"1 GiB":             dashboardtest.Huge,
		"gzip bomb":         dashboardtest.Bomb,
		"truncated":         dashboardtest.Truncated,
		"cut":               dashboardtest.Cut,
		"missing page":      http.NotFound,
		"empty":             dashboardtest.Reply(200, "application/json", ""),
		"null":              dashboardtest.Reply(200, "application/json", "null"),
		"array":             dashboardtest.Reply(200, "application/json", "[]"),
		"two values":        dashboardtest.Reply(200, "application/json", `{"Status":"OK"}{}`),
		"deep":              dashboardtest.Reply(200, "application/json", `{"apis":`+strings.Repeat("[", 20000)),
		"many pages":        dashboardtest.Reply(200, "application/json", `{"apis":[],"certs":[],"pages":2000000000,"Status":"Error"}`),
		"message of a book": dashboardtest.Refusal(500, strings.Repeat("word\r\n\x1b[31m ", 5000)),
		"redirect":          dashboardtest.Redirect("http://elsewhere.invalid/api/apis"),
		"not HTTP": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				fmt.Fprint(conn, "SSH-2.0-OpenSSH\r\n\r\n")
				conn.Close()
			}
		},
	}

	pem := bundle(t, "x")
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client(t, dashboard.Config{URL: serve(t, answer), Secret: "planted-key"})
			for call, err := range everyCall(t.Context(), c, pem) {
				var e *dashboard.Error
				if !errors.As(err, &e) {
					t.Errorf("%s: %v", call, err)
					continue
				}

				if errors.Is(err, dashboard.ErrNotFound) || errors.Is(err, dashboard.ErrExists) {
					t.Errorf("%s: %v is taken for a word of the Dashboard", call, err)
				}

				if s := err.Error(); len(s) > 500 || strings.ContainsAny(s, "\n\r\x1b") || strings.Contains(s, "<p") {
					t.Errorf("%s: not a short line: %q", call, s)
				}
			}
		})
	}
}

func TestAnotherContentTypeIsNoObstacle(t *testing.T) {
	c := client(t, dashboard.Config{Secret: "k", URL: serve(t, dashboardtest.Reply(200, "text/plain", `{"APIs":[{"API_Definition":{"id":"5f"}}],"Pages":1}`))})
	if apis, err := c.APIs(t.Context()); err != nil || len(apis) != 1 {
		t.Errorf("%v, %v", apis, err)
	}
}

func TestListingsThatAreNoneAreErrors(t *testing.T) {
	for _, body := range []string{`{}`, `{"Status":"OK"}`, `{"apis":null}`, `{"apis":[{}],"certs":[{}],"pages":1}`, `{"apis":[null],"certs":[null],"pages":1}`,
		`{"apis":{},"certs":{},"pages":1}`, `{"apis":"","certs":"","pages":1}`, `{"apis":[],"certs":[],"pages":"1"}`, `{"apis":[],"certs":[],"pages":20000}`,
		`{"apis":[{"api_definition":{}}],"certs":[""],"pages":1}`,
		`{"apis":[],"certs":[],"pages":1}{}`, `{"apis":[],"certs":[],"pages":1} x`, `{"apis":[],"certs":[],"pages":1}<html>`} {
		c := client(t, dashboard.Config{URL: serve(t, dashboardtest.Reply(200, "application/json", body)), Secret: "k"})
		if apis, err := c.APIs(t.Context()); err == nil {
			t.Errorf("%s is a listing of %d APIs", body, len(apis))
		}

		if certs, err := c.Certificates(t.Context()); err == nil {
			t.Errorf("%s is a listing of %d certificates", body, len(certs))
		}

		if uses, err := c.CertificateAPIs(t.Context(), "5f"); err == nil {
			t.Errorf("%s is a listing of %d uses", body, len(uses))
		}
	}
}

func TestTheKeyNeverGoesToAnotherHost(t *testing.T) {
	var reached atomic.Int32
	elsewhere := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	for _, status := range []int{301, 302, 303, 307, 308} {
		c := client(t, dashboard.Config{Secret: "k", URL: serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere+"/api/apis?key="+r.Header.Get("Authorization"), status)
		}))})
		for call, err := range everyCall(t.Context(), c, bundle(t, "x")) {
			if err == nil || !strings.Contains(err.Error(), "redirects to "+elsewhere+", which is not followed") {
				t.Errorf("%d, %s: %v", status, call, err)
			}
		}
	}

	if reached.Load() > 0 {
		t.Errorf("a redirect was followed %d times", reached.Load())
	}
}

func TestTLSIsVerifiedUnlessConfiguredOtherwise(t *testing.T) {
	s := dashboardtest.New(dashboardtest.Options{TLS: true})
	defer s.Close()

	strict := client(t, dashboard.Config{URL: s.URL, Secret: s.Secret})
	if _, err := strict.APIs(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody vouches for: %v", err)
	}

	if log := s.Log(); log != "" {
		t.Errorf("requests reached it all the same:\n%s", log)
	}

	lax := client(t, dashboard.Config{URL: s.URL, Secret: s.Secret, InsecureSkipVerify: true})
	if _, err := lax.APIs(t.Context()); err != nil {
		t.Error(err)
	}
}

// An old protocol is refused even if any certificate is trusted.
func TestOldTLSIsRefused(t *testing.T) {
	for version, accepted := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true} {
		s := httptest.NewUnstartedServer(dashboardtest.Reply(200, "application/json", `{"apis":[],"pages":1}`))
		s.TLS = &tls.Config{MinVersion: version, MaxVersion: version}
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		defer s.Close()
		_, err := client(t, dashboard.Config{URL: s.URL, Secret: "k", InsecureSkipVerify: true}).APIs(t.Context())
		if (err == nil) != accepted || err != nil && !strings.Contains(err.Error(), "protocol version") {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
}

// leaky are servers that fail each request and repeat its key and body wherever they can, by name.
func leaky(t *testing.T, key string) map[string]string {
	t.Helper()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	closed.Close()
	untrusted := dashboardtest.New(dashboardtest.Options{TLS: true})
	t.Cleanup(untrusted.Close)
	urls := map[string]string{
		"refused":   "http://" + closed.Addr().String(),
		"untrusted": untrusted.URL,
		"cut":       serve(t, http.HandlerFunc(dashboardtest.Cut)),
		"hang":      serve(t, http.HandlerFunc(dashboardtest.Hang)),
		"endless":   serve(t, http.HandlerFunc(dashboardtest.Endless)),
		"not HTTP": serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				fmt.Fprintf(conn, "HTTP/1.1 %s %s\r\n\r\n", r.Header.Get("Authorization"), key)
				conn.Close()
			}
		})),
	}

	for _, status := range []int{200, 302, 400, 401, 403, 404, 409, 500, 503} {
		urls[fmt.Sprint(status, " JSON")] = serve(t, echo(status, "application/json", key))
		urls[fmt.Sprint(status, " text")] = serve(t, echo(status, "text/plain", key))
	}

	return urls
}

func echo(status int, contentType, key string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		all := r.Header.Get("Authorization") + " " + string(body) + " " + key
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Location", "http://"+key+".example/"+key)
		w.WriteHeader(status)
		if contentType == "application/json" {
			fmt.Fprintf(w, `{"Status":"Error","Message":%q,"Errors":[%q]}`, all, key)
			return
		}

		fmt.Fprintf(w, "<p>%s</p>", all)
	}
}

// Servers repeat the key and the body of requests. Neither appears in errors, their causes, the
// trace, or a printed client.
func TestNoErrorShowsASecret(t *testing.T) {
	const key = "0123456789abcdef-planted-key"
	pem := bundle(t, "x")

	planted := strings.Split(string(keyOf(t, pem)), "\n")[1]
	for name, url := range leaky(t, key) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var shown bytes.Buffer
			logger := slog.New(slog.NewJSONHandler(&shown, nil))
			cfg := dashboard.Config{URL: url, Secret: key, RequestTimeout: 100 * time.Millisecond, Trace: func(r dashboard.Request) { logger.Info("request", "r", r) }}
			c := client(t, cfg)
			logger.Info("configuration", "config", cfg)
			fmt.Fprintf(&shown, "%v %+v %#v %s %v %+v %#v", cfg, cfg, cfg, cfg, c, c, c)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			for call, err := range everyCall(ctx, c, pem) {
				if absent := strings.HasPrefix(call, "Delete") && name == "404 JSON"; err == nil && !absent {
					t.Errorf("%s succeeded", call)
				}
				for ; err != nil; err = errors.Unwrap(err) {
					fmt.Fprintf(&shown, "%s: %v %+v %#v\n", call, err, err, err)
					logger.Error("failed", "err", err)
				}
			}

			for _, secret := range []string{key, planted} {
				if i := strings.Index(shown.String(), secret); i >= 0 {
					t.Errorf("shown: ...%s", shown.String()[max(0, i-300):i+len(secret)])
				}
			}
		})
	}
}

// No answer causes a panic. A call succeeds only after 200, and then its result is usable.
func FuzzAnswers(f *testing.F) {
	f.Add(200, "application/json", `{"apis":[{"api_definition":{"id":"5f","tags":[1]},"is_site":null}],"pages":1}`)
	f.Add(200, "application/json", `{"certs":["a",{"id":"b","not_after":"2026-01-01T00:00:00Z"}],"cert_basics":[],"pages":3}`)
	f.Add(400, "application/json", `{"Status":"Error","Message":"Could not retrieve API detail","Meta":null}`)
	f.Add(404, "text/html", `<h1>no</h1>`)
	f.Add(302, "", "")
	pem := bundle(f, "x")
	f.Fuzz(func(t *testing.T, status int, contentType, body string) {
		if status < 100 || status > 999 || status == 429 || status >= 502 && status <= 504 {
			t.Skip("no status, or one that is asked again")
		}

		answer := func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
		}

		c, err := dashboard.NewWith(dashboard.Config{URL: "http://dash", Secret: "the-key"}, transport(answer))
		if err != nil {
			t.Fatal(err)
		}

		for call, err := range everyCall(t.Context(), c, pem) {
			deleted := strings.HasPrefix(call, "Delete") && (status == 404 || status == 400)
			if err == nil && status != 200 && !deleted {
				t.Errorf("%s took %d for success", call, status)
			}
			if err != nil && (strings.ContainsAny(err.Error(), "\n\r") || len(err.Error()) > 2000 || strings.Contains(err.Error(), "the-key")) {
				t.Errorf("%s: %q", call, err)
			}
		}

		apis, err := c.APIs(t.Context())
		for _, a := range apis {
			if err != nil || len(a.Definition) == 0 {
				t.Errorf("listed %v, %v", a, err)
			}
		}

		if a, err := c.API(t.Context(), "5f"); err == nil && a.Definition == nil {
			t.Error("an API without a definition")
		}
	})
}

// transport answers requests without a network.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
