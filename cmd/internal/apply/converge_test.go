package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// badAnswer is a way in which a request to the Dashboard fails.
type badAnswer struct {
	name   string
	answer http.HandlerFunc
	after  bool // the request has taken effect
}

// badAnswers are the ways in which each request fails.
var badAnswers = []badAnswer{
	{"refused", dashboardtest.Reply(500, "text/html", "<h1>oops</h1>"), false},
	{"error after", dashboardtest.Reply(500, "text/html", "<h1>oops</h1>"), true},
	{"cut", dashboardtest.Cut, false},
	{"cut after", dashboardtest.Cut, true},
}

// TestConvergence is L6: whichever request to the Dashboard fails, and however, the next run ends
// in the state of a run without faults, and the one after it has nothing to do.
func TestConvergence(t *testing.T) {
	more := slices.Concat([]badAnswer{
		{"overloaded before", dashboardtest.Refusal(503, "come back"), false},
		{"error with status 200 after", dashboardtest.Refusal(200, "odd"), true},
	}, badAnswers)
	lost := badAnswers[1:]
	assigning := dashboardtest.Options{AssignsAPIID: true, NoIDInCreate: true, OnlyDatabaseIDs: true}
	insisting := dashboardtest.Options{AssignsAPIID: true, KeepsAPIID: true, AddsDefaults: true, AlwaysPages: true}
	spare := dashboardtest.Options{NoDetailedCertificates: true, CertificateExists: 403, UnknownIs404: true}
	for _, c := range []struct {
		name     string
		options  dashboardtest.Options
		noLedger bool
		answers  []badAnswer
	}{
		{"current", dashboardtest.Options{UniqueSlugs: true, UniqueListenPaths: true}, false, more},
		{"without ledger", dashboardtest.Options{}, true, more},
		{"assigns ids", assigning, false, lost},
		{"assigns ids for good", insisting, false, lost},
		{"no detailed certificates", spare, false, lost},
		{"no detailed certificates, no ledger", spare, true, lost},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fresh := func() *world {
				w := newWorld(t, c.options)
				w.anyAPIID = c.options.AssignsAPIID
				if c.noLedger {
					w.remote.Ledger = nil
				}
				return w
			}

			good := fresh()
			_, err := good.run(context.Background(), echo, sleepy)
			must(t, err)
			want, requests := good.snapshot(), len(good.dash.Requests())
			for way, a := range c.answers {
				for k := 1; k <= requests; k++ {
					if !tried(k, way, len(c.answers)) {
						continue
					}

					w := fresh()
					w.dash.Fail(dashboardtest.Fault{Request: k, After: a.after, Answer: a.answer})
					_, failed := w.run(context.Background(), echo, sleepy)
					w.dash.Heal()
					w.later(time.Minute)
					w.converges(fmt.Sprintf("request %d, %s (%v)", k, a.name, failed), want)
					w.dash.Close()
					w.cfssl.Close()
				}
			}
		})
	}
}

// tried reports whether a test lets this request fail in this way. make test tries one of the ways
// for each request; make check and go test try all.
func tried(request, way, ways int) bool {
	return os.Getenv("TYKMESH_TEST_FAULTS") != "some" || request%ways == way
}

// converges checks that one good run ends in the wanted state and the next has nothing to do.
func (w *world) converges(what, want string) {
	w.tb.Helper()
	if _, err := w.run(context.Background(), echo, sleepy); err != nil {
		w.tb.Fatalf("%s: the run after it: %v", what, err)
	}

	if diff := cmp.Diff(want, w.snapshot()); diff != "" {
		w.tb.Errorf("%s: state (-without faults +got):\n%s", what, diff)
	}

	if todo := w.plan(echo, sleepy); !todo.Empty() {
		w.tb.Errorf("%s: the third run wants to %v", what, todo.Steps())
	}
}

// TestLostAnswers: a write whose answer is lost is looked for and found, and the run goes on.
func TestLostAnswers(t *testing.T) {
	for _, path := range []string{"/api/apis", "/api/certs"} {
		for name, answer := range map[string]http.HandlerFunc{
			"cut": dashboardtest.Cut, "gateway timeout": dashboardtest.Reply(504, "text/html", ""), "error": dashboardtest.Refusal(500, "odd"),
		} {
			for _, assigns := range []bool{false, true} {
				w := newWorld(t, dashboardtest.Options{AssignsAPIID: assigns})
				w.dash.Fail(dashboardtest.Fault{Method: "POST", Path: path, Request: 2, After: true, Answer: answer})
				if _, err := w.run(context.Background(), echo, sleepy); err != nil {
					t.Errorf("POST %s, %s: %v", path, name, err)
				}

				creates, uploads := strings.Count(w.writes(), "POST /api/apis"), strings.Count(w.writes(), "POST /api/certs")
				if creates != 4 || uploads != 3 || len(w.dash.APIs()) != 4 {
					t.Errorf("POST %s, %s: %d APIs; %s", path, name, len(w.dash.APIs()), w.writes())
				}
			}
		}
	}
}

// TestClearRefusal: who is told no does not ask again.
func TestClearRefusal(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.settings.TLS = false
	w.dash.Fail(dashboardtest.Fault{Method: "POST", Times: -1, Answer: dashboardtest.Refusal(400, "no")})
	if _, err := w.run(context.Background(), echo); err == nil {
		t.Error("no error")
	}

	if got := w.requests(); got != "GET /api/apis?p=-2 POST /api/apis" {
		t.Errorf("requests: %s", got)
	}
}

// repeating is a ledger whose driver repeats an insert whose answer it lost, and is told that the
// record exists.
type repeating struct{ mesh.Ledger }

func (l repeating) Insert(ctx context.Context, r ca.Record) error {
	if err := l.Ledger.Insert(ctx, r); err != nil {
		return err
	}
	return ca.ErrRecordExists
}

func TestRepeatedInsert(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.remote.Ledger = repeating{w.remote.Ledger}
	_, err := w.run(context.Background(), echo)
	must(t, err)
	if n := strings.Count(w.requests(), "GET /api/certs/"); n != 2 {
		t.Errorf("the run waited for its own certificates: %s", w.requests())
	}
}

// faultyLedger fails its k-th write.
type faultyLedger struct {
	mesh.Ledger
	mu    sync.Mutex
	k     int
	after bool
}

var errLedger = errors.New("no answer from the ledger")

func (l *faultyLedger) write(do func() error) error {
	l.mu.Lock()
	l.k--
	fails := l.k == 0
	l.mu.Unlock()
	if fails && !l.after {
		return errLedger
	}
	if err := do(); err != nil || !fails {
		return err
	}

	return errLedger
}

func (l *faultyLedger) Insert(ctx context.Context, r ca.Record) error {
	return l.write(func() error { return l.Ledger.Insert(ctx, r) })
}

func (l *faultyLedger) Replace(ctx context.Context, old string, r ca.Record) error {
	return l.write(func() error { return l.Ledger.Replace(ctx, old, r) })
}

func TestConvergenceOfLedgerAndIssuer(t *testing.T) {
	good := newWorld(t, dashboardtest.Options{})
	_, err := good.run(context.Background(), echo, sleepy)
	must(t, err)
	want := good.snapshot()
	for _, after := range []bool{false, true} {
		for k := 1; k <= 6; k++ {
			w := newWorld(t, dashboardtest.Options{})
			sound := w.remote.Ledger
			w.remote.Ledger = &faultyLedger{Ledger: sound, k: k, after: after}
			if _, err := w.run(context.Background(), echo, sleepy); !errors.Is(err, errLedger) {
				t.Fatalf("write %d: %v", k, err)
			}

			w.remote.Ledger = sound
			w.later(time.Minute)
			w.converges(fmt.Sprintf("ledger write %d, after %v", k, after), want)
		}

		for k := 1; k <= 3; k++ {
			w := newWorld(t, dashboardtest.Options{})
			when := catest.Before
			if after {
				when = catest.After
			}

			w.cfssl.Fail(catest.Fault{Endpoint: catest.Authsign, Nth: k, When: when, Status: 400, Body: `{"success":false,"errors":[{"code":1,"message":"no"}]}`})
			if _, err := w.run(context.Background(), echo, sleepy); err == nil {
				t.Fatalf("authsign %d: no error", k)
			}

			w.later(time.Minute)
			w.converges(fmt.Sprintf("authsign %d, after %v", k, after), want)
		}
	}
}

func TestExitCodes(t *testing.T) {
	interrupted, cancel := context.WithCancel(context.Background())
	for _, c := range []struct {
		name  string
		fault dashboardtest.Fault
		want  int
	}{
		{"nothing written", dashboardtest.Fault{Method: "POST", Times: -1, Answer: dashboardtest.Refusal(400, "no")}, 1},
		{"credentials refused", dashboardtest.Fault{Method: "POST", Times: -1, Answer: dashboardtest.Refusal(401, "Not authorised")}, 4},
		{"something written", dashboardtest.Fault{Method: "POST", Request: 2, Times: -1, Answer: dashboardtest.Refusal(400, "no")}, 5},
		{"written, then refused", dashboardtest.Fault{Method: "POST", Request: 2, Times: -1, Answer: dashboardtest.Refusal(401, "no")}, 5},
		{"unclear", dashboardtest.Fault{Times: -1, Request: 3, Answer: dashboardtest.Reply(500, "text/html", "")}, 5},
		{"interrupted", dashboardtest.Fault{Method: "POST", Request: 2, After: true, Answer: func(http.ResponseWriter, *http.Request) { cancel(); panic(http.ErrAbortHandler) }}, 130},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, dashboardtest.Options{})
			w.settings.TLS = false
			w.settings.Parallel = 1 // no request of the interrupted run is still under way when the next begins
			w.dash.Fail(c.fault)
			_, err := w.run(interrupted, echo, sleepy)
			var e *Incomplete
			if !errors.As(err, &e) {
				t.Fatalf("error %v", err)
			}

			if e.ExitCode() != c.want {
				t.Errorf("exit status %d, want %d (%v; done %v, unknown %v)", e.ExitCode(), c.want, err, e.Done, e.Unknown)
			}

			if n := len(e.Done) + len(e.NotDone) + len(e.Unknown); n != 4 {
				t.Errorf("the report has %d of 4 steps", n)
			}

			text, _ := json.Marshal(e)
			if strings.Contains(err.Error()+string(text), w.dash.Secret) {
				t.Error("the error holds the key")
			}

			w.dash.Heal()
			w.mustRun(echo, sleepy)
		})
	}
}

func TestUnreachableDashboard(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.dash.Close()
	w.cfssl.Close()
	_, err := Observe(context.Background(), w.remote, w.settings)
	var step *StepError
	if !errors.As(err, &step) || step.Op != "listing" {
		t.Fatalf("error %v", err)
	}

	for _, part := range []string{"APIs", "certificates", "authority"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not name the %s: %v", part, err)
		}
	}
}

// TestPartialListing: what was not listed is not "absent".
func TestPartialListing(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{AlwaysPages: true, PageSize: 2})
	_, err := w.run(context.Background(), echo, sleepy)
	must(t, err)
	w.dash.ClearLog()
	w.dash.Fail(dashboardtest.Fault{Path: "/api/apis", Request: 2, Times: -1, Answer: dashboardtest.Reply(500, "text/plain", "")})
	if _, err := w.run(context.Background(), echo, sleepy); err == nil {
		t.Error("half a listing was taken for all of it")
	}

	if got := w.writes(); got != "" {
		t.Errorf("writes after half a listing: %s", got)
	}
}

func TestEvents(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	todo := w.plan(echo)
	var events []string
	_, err := Run(context.Background(), todo, w.remote, func(e Event) {
		events = append(events, fmt.Sprintf("%s %s %s %d/%d", e.Kind, e.Step.Kind, e.Step.Name, e.Finished, e.Total))
	})
	must(t, err)
	if n := len(events); n != 8 || events[n-1] != "done certificate mesh 4/4" {
		t.Errorf("events: %v", events)
	}
}

func TestTakeoverOfAbandonedRecord(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	bundle, err := w.remote.Issuer.Issue(context.Background(), []string{"echo.shop"})
	must(t, err)
	abandoned := ca.NewRecord("inbound", "shop", "echo", w.settings.Org, bundle, time.Now().Add(-time.Hour))
	must(t, w.remote.Ledger.Insert(context.Background(), abandoned))
	w.mustRun(echo)
	for _, r := range w.records() {
		if r.ID == abandoned.ID && r.Fingerprint == abandoned.Fingerprint {
			t.Error("the record names a certificate whose key is lost")
		}
	}
}
