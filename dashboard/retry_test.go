package dashboard_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

const ok = `{"Status":"OK","Meta":"5f","apis":[],"certs":[],"pages":1,"api_definition":{"id":"5f"},"not_after":"2030-01-01T00:00:00Z"}`

func reply(r *http.Request, status int, header http.Header, body string) (*http.Response, error) {
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

var (
	refused = &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	reset   = &net.OpError{Op: "read", Err: syscall.ECONNRESET}

	// The errors of Windows: WSAECONNREFUSED and WSAECONNRESET.
	refusedByWindows = &net.OpError{Op: "dial", Err: syscall.Errno(10061)}
	resetByWindows   = &net.OpError{Op: "read", Err: syscall.Errno(10054)}
)

// The table above retry: the number of attempts of each call if the first answer is a failure and
// the second is a success.
func TestOnlyWhatIsSafeIsRepeated(t *testing.T) {
	pem := bundle(t, "x")
	failures := map[string]struct {
		answer     transport
		safe, post bool // repeated: GET, PUT, DELETE; POST
	}{
		"refused":        {func(*http.Request) (*http.Response, error) { return nil, refused }, true, true},
		"reset":          {func(*http.Request) (*http.Response, error) { return nil, reset }, true, false},
		"refused there":  {func(*http.Request) (*http.Response, error) { return nil, refusedByWindows }, true, true},
		"reset there":    {func(*http.Request) (*http.Response, error) { return nil, resetByWindows }, true, false},
		"EOF":            {func(*http.Request) (*http.Response, error) { return nil, io.EOF }, true, false},
		"broken body":    {func(r *http.Request) (*http.Response, error) { return brokenBody(r), nil }, true, false},
		"no such host":   {func(*http.Request) (*http.Response, error) { return nil, &net.DNSError{Err: "no such host"} }, false, false},
		"another error":  {func(*http.Request) (*http.Response, error) { return nil, errors.New("tls: bad certificate") }, false, false},
		"refused by 200": {func(r *http.Request) (*http.Response, error) { return reply(r, 200, nil, `{"Status":"Error"}`) }, false, false},
	}

	for status, again := range map[int]bool{400: false, 401: false, 403: false, 404: false, 409: false, 429: true, 500: false, 502: true, 503: true, 504: true} {
		failures[fmt.Sprint(status)] = struct {
			answer     transport
			safe, post bool
		}{func(r *http.Request) (*http.Response, error) { return reply(r, status, nil, "busy") }, again, false}
	}

	for name, f := range failures {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sent := map[string]int{}
				c, err := dashboard.NewWith(dashboard.Config{URL: "http://dash", Secret: "k"}, transport(func(r *http.Request) (*http.Response, error) {
					call := r.Method + " " + r.URL.Path + " " + r.URL.Query().Get("mode")
					if r.Method == http.MethodPut || r.Method == http.MethodPost {
						if body, err := io.ReadAll(r.Body); err != nil || len(body) == 0 {
							t.Errorf("%s is sent with %d bytes, %v", call, len(body), err)
						}
					}

					if sent[call]++; sent[call] == 1 {
						return f.answer(r)
					}

					return reply(r, 200, nil, ok)
				}))

				if err != nil {
					t.Fatal(err)
				}

				everyCall(t.Context(), c, pem)
				for call, times := range sent {
					again := f.safe
					if strings.HasPrefix(call, "POST") {
						again = f.post
					}

					if call == "GET /api/certs " {
						continue // the second choice, where the detailed listing fails
					}

					if want := map[bool]int{true: 2, false: 1}[again]; times != want {
						t.Errorf("%s was sent %d times, want %d", call, times, want)
					}
				}

				if len(sent) < 8 {
					t.Errorf("only %d calls were made", len(sent))
				}
			})
		})
	}
}

func brokenBody(r *http.Request) *http.Response {
	return &http.Response{StatusCode: 200, Body: io.NopCloser(io.MultiReader(strings.NewReader(`{"apis":[`), failing{})), Request: r}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestItGivesUpAfterFourAttemptsThatAreFurtherAndFurtherApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		c := mustNewWith(t, func(*http.Request) (*http.Response, error) {
			at = append(at, time.Now())
			return nil, refused
		})

		_, err := c.CreateAPI(t.Context(), dashboard.Definition{})
		if !errors.Is(err, syscall.ECONNREFUSED) || len(at) != 4 {
			t.Fatalf("%d attempts, %v", len(at), err)
		}

		for i, longest := range []time.Duration{200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond} {
			if wait := at[i+1].Sub(at[i]); wait < longest/2 || wait > longest {
				t.Errorf("wait %d was %s, want %s to %s", i+1, wait, longest/2, longest)
			}
		}
	})
}

func TestRetryAfter(t *testing.T) {
	for _, c := range []struct {
		header   string
		min, max time.Duration
		attempts int
	}{
		{"7", 7 * time.Second, 7 * time.Second, 2},
		{"DATE", 8 * time.Second, 9 * time.Second, 2},
		{"0", 100 * time.Millisecond, 200 * time.Millisecond, 2},
		{"-5", 100 * time.Millisecond, 200 * time.Millisecond, 2},
		{"soon", 100 * time.Millisecond, 200 * time.Millisecond, 2},
		{"21", 0, 0, 1},
		{"99999999999999999999", 100 * time.Millisecond, 200 * time.Millisecond, 2},
	} {
		t.Run(c.header, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				value := c.header
				if value == "DATE" {
					value = time.Now().Add(9 * time.Second).UTC().Format(http.TimeFormat)
				}

				attempts, begin := 0, time.Now()
				client := mustNewWith(t, func(r *http.Request) (*http.Response, error) {
					if attempts++; attempts == 1 {
						return reply(r, 429, http.Header{"Retry-After": {value}}, "slow down")
					}
					return reply(r, 200, nil, ok)
				})

				_, err := client.APIs(t.Context())
				waited := time.Since(begin)
				if attempts != c.attempts || (err == nil) != (attempts == 2) || waited < c.min || waited > c.max {
					t.Errorf("%d attempts in %s, %v", attempts, waited, err)
				}
			})
		})
	}
}

// A listing takes as long as its caller's context allows; any other call has thirty seconds.
func TestOneAttemptTakesAtMostThirtySeconds(t *testing.T) {
	listings := []string{"APIs", "Certificates", "CertificateAPIs"}
	pem := bundle(t, "x")
	for _, call := range calls {
		synctest.Test(t, func(t *testing.T) {
			c := mustNewWith(t, func(r *http.Request) (*http.Response, error) {
				select {
				case <-r.Context().Done():
					return nil, r.Context().Err()
				case <-time.After(10 * time.Minute):
					return reply(r, 200, nil, ok)
				}
			})

			begin := time.Now()
			err := call.make(t.Context(), c, pem)

			took := time.Since(begin)
			if slices.Contains(listings, call.name) {
				if err != nil || took != 10*time.Minute {
					t.Errorf("%s took %s: %v", call.name, took, err)
				}
				return
			}

			if took != 30*time.Second || err == nil || !strings.Contains(err.Error(), "no complete answer in time (30s)") {
				t.Errorf("%s took %s: %v", call.name, took, err)
			}

			if errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v is not told from the end of the caller's context", err)
			}
		})
	}
}

func TestTheContextEndsRequestsAndWaits(t *testing.T) {
	for name, answer := range map[string]transport{
		"a request": func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() },
		"a wait": func(r *http.Request) (*http.Response, error) {
			return reply(r, 503, http.Header{"Retry-After": {"20"}}, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				begin := time.Now()
				_, err := mustNewWith(t, answer).Certificates(ctx)
				if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 3*time.Second {
					t.Errorf("after %s: %v", time.Since(begin), err)
				}
			})
		})
	}
}

func mustNewWith(t *testing.T, answer transport) *dashboard.Client {
	t.Helper()
	c, err := dashboard.NewWith(dashboard.Config{URL: "http://dash", Secret: "k"}, answer)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Over a real connection: a request is repeated after a cut if that is safe, and a create that took
// effect is not sent twice.
func TestCutConnections(t *testing.T) {
	s := dashboardtest.New(dashboardtest.Options{})
	defer s.Close()
	c := connect(t, s)
	id := s.PutAPI(dashboard.API{Definition: definition(t, "web")})

	a, err := c.API(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}

	s.Fail(dashboardtest.Fault{Method: "PUT", After: true, Answer: dashboardtest.Cut},
		dashboardtest.Fault{Method: "DELETE", After: true, Answer: dashboardtest.Cut},
		dashboardtest.Fault{Method: "POST", Times: -1, After: true, Answer: dashboardtest.Cut})
	if err := c.UpdateAPI(t.Context(), a); err != nil {
		t.Error(err)
	}

	if err := c.DeleteAPI(t.Context(), id); err != nil {
		t.Error(err)
	}

	s.ClearLog()
	if _, err := c.CreateAPI(t.Context(), definition(t, "new")); err == nil {
		t.Error("a create without an answer succeeded")
	}

	if _, err := c.UploadCertificate(t.Context(), bundle(t, "new")); err == nil {
		t.Error("an upload without an answer succeeded")
	}

	if got, want := s.Log(), "POST /api/apis -> cut\nPOST /api/certs -> cut\n"; got != want {
		t.Errorf("sent\n%swant\n%s", got, want)
	}

	if len(s.APIs()) != 1 || len(s.Certificates()) != 1 {
		t.Errorf("%d APIs and %d certificates", len(s.APIs()), len(s.Certificates()))
	}
}
