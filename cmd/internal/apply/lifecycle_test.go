package apply

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// ledgers returns the three ways of remembering which certificate is whose: each makes a world of
// its own.
func ledgers() map[string]func(t *testing.T) *world {
	mongo, count := "", 0
	return map[string]func(t *testing.T) *world{
		"file": func(t *testing.T) *world { return newWorld(t, dashboardtest.Options{}) },
		"none": func(t *testing.T) *world {
			w := newWorld(t, dashboardtest.Options{})
			w.remote.Ledger = nil
			return w
		},
		"MongoDB": func(t *testing.T) *world {
			if mongo == "" {
				mongo = catest.Mongo(t)
			}

			count++
			ledger, err := ca.OpenMongo(context.Background(), fmt.Sprintf("%s%d?maxPoolSize=1", mongo, count))
			must(t, err)
			t.Cleanup(func() { _ = ledger.Close(context.Background()) })
			w := newWorld(t, dashboardtest.Options{})
			w.remote.Ledger = ledger

			return w
		},
	}
}

// nearEnd is when certificates of a year are due, long before they end.
const nearEnd = 300 * 24 * time.Hour

// attached returns the one certificate of an API.
func (w *world) attached(slug string) string {
	w.tb.Helper()
	held := w.api(slug).Certificates()
	if len(held) != 1 {
		w.tb.Fatalf("%s has the certificates %v", slug, held)
	}
	return held[0]
}

// serves checks that echo, sleep and the mesh have one certificate each, that they are not among
// these, and that nothing else is in the store.
func (w *world) serves(not ...string) (ids []string) {
	w.tb.Helper()
	meshAPI := w.attached("echo-mesh")
	if other := w.attached("sleep-mesh"); other != meshAPI {
		w.tb.Errorf("two certificates of the mesh: %s and %s", meshAPI, other)
	}

	ids = []string{meshAPI, w.attached("echo-inbound"), w.attached("sleep-inbound")}
	var stored []string
	for _, c := range w.dash.Certificates() {
		stored = append(stored, c.ID)
	}

	slices.Sort(ids)
	slices.Sort(stored)
	if !slices.Equal(ids, stored) {
		w.tb.Errorf("the APIs have %v, the store %v", ids, stored)
	}

	for _, id := range not {
		if slices.Contains(ids, id) {
			w.tb.Errorf("%s is still there", id)
		}
	}

	if n := len(w.records()); w.remote.Ledger != nil && n != 3 {
		w.tb.Errorf("%d records", n)
	}

	for _, r := range w.records() {
		if r.State != ca.Active || !slices.Contains(ids, r.Fingerprint) {
			w.tb.Errorf("record %s is %s and names %s", r.ID, r.State, r.Fingerprint)
		}
	}

	return ids
}

// TestLifeCycle: certificates are made, kept, renewed when they near their end, and again; each
// time the old one goes, and the record remembers it. A certificate that could not be deleted goes
// with the next run.
func TestLifeCycle(t *testing.T) {
	for name, fresh := range ledgers() {
		t.Run(name, func(t *testing.T) {
			w := fresh(t)
			w.mustRun(echo, sleepy)
			var all []string
			for year := range 3 {
				all = append(all, w.serves(all...)...)
				for _, r := range w.records() {
					if len(r.History) != year {
						t.Errorf("record %s remembers %d certificates in year %d", r.ID, len(r.History), year)
					}
				}

				w.later(time.Duration(year+1) * nearEnd)
				w.mustRun(echo, sleepy)
			}

			w.serves(all...)

			w.later(4 * nearEnd)
			w.dash.Fail(dashboardtest.Fault{Method: http.MethodDelete, Times: -1, Answer: dashboardtest.Refusal(403, "not yours")})
			var left int
			_, err := Run(context.Background(), w.plan(echo, sleepy), w.remote, func(e Event) {
				if e.Kind == Left && e.Err != nil {
					left++
				}
			})
			must(t, err)
			if n := len(w.dash.Certificates()); n != 6 || left != 3 {
				t.Errorf("%d certificates; of %d it is said that they are left", n, left)
			}

			w.dash.Heal()

			todo := w.plan(echo, sleepy)
			if todo.Empty() || len(todo.Registration()) > 0 {
				t.Errorf("the next run finds these steps left: %v", todo.Steps())
			}

			w.mustRun(echo, sleepy)
			w.serves(all...)
		})
	}
}

// lookout stands before a store and notes which certificates are known to be in it.
type lookout struct {
	anyStore
	mu   sync.Mutex
	seen map[string]bool
}

func (l *lookout) note(ids ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		l.seen[id] = true
	}
}

func (l *lookout) Certificates(ctx context.Context) ([]dashboard.Certificate, error) {
	all, err := l.anyStore.Certificates(ctx)
	for _, c := range all {
		l.note(c.ID)
	}
	return all, err
}

func (l *lookout) Certificate(ctx context.Context, id string) (dashboard.Certificate, error) {
	c, err := l.anyStore.Certificate(ctx, id)
	if err == nil {
		l.note(id)
	}
	return c, err
}

// gate stands before the APIs and fails the test if one is given a certificate that was not seen in
// the store: gateways stop serving it.
type gate struct {
	anyAPIs
	tb      testing.TB
	lookout *lookout
}

type anyAPIs interface{ mesh.APIs }

func (g gate) UpdateAPI(ctx context.Context, a dashboard.API) error {
	g.lookout.mu.Lock()
	for _, id := range a.Definition.Certificates() {
		if !g.lookout.seen[id] {
			g.tb.Errorf("API %s is given a certificate that was not read back", a.Definition.Slug())
		}
	}

	g.lookout.mu.Unlock()
	return g.anyAPIs.UpdateAPI(ctx, a)
}

// watched has what the next run does looked at.
func (w *world) watched() {
	l := &lookout{anyStore: w.remote.Certificates, seen: make(map[string]bool)}
	w.remote.Certificates, w.remote.APIs = l, gate{w.remote.APIs, w.tb, l}
}

// TestConvergenceOfRenewal is L6 for a run that renews: whichever of its requests fails, and
// however, no API is ever given a certificate that is not in the store, and the next run ends with
// the new certificates alone. Echo is renewed, and with it the mesh, whose certificate sleep
// carries too.
func TestConvergenceOfRenewal(t *testing.T) {
	answers := map[string]dashboardtest.Fault{
		"refused before": {Answer: dashboardtest.Reply(500, "text/html", "<h1>oops</h1>")},
		"cut before":     {Answer: dashboardtest.Cut},
		"cut after":      {Answer: dashboardtest.Cut, After: true},
	}
	for name, fresh := range ledgers() {
		t.Run(name, func(t *testing.T) {
			ready := func() *world {
				w := fresh(t)
				_, err := w.run(context.Background(), echo, sleepy)
				must(t, err)
				w.later(nearEnd)
				w.dash.ClearLog()
				return w
			}

			good := ready()
			_, err := good.run(context.Background(), echo)
			must(t, err)
			requests := len(good.dash.Requests())
			good.later(nearEnd + time.Minute)
			_, err = good.run(context.Background(), echo, sleepy)
			must(t, err)
			want := good.snapshot()
			for way, answer := range slices.Sorted(maps.Keys(answers)) {
				fault := answers[answer]
				if name == "MongoDB" && answer != "cut after" {
					continue // the file has had the others
				}

				for k := 1; k <= requests; k++ {
					if name != "MongoDB" && !tried(k, way, len(answers)) {
						continue
					}

					w := ready()
					old := []string{w.attached("echo-inbound"), w.attached("echo-mesh")}
					w.watched()
					fault.Request = k
					w.dash.Fail(fault)
					_, failed := w.run(context.Background(), echo)
					w.dash.Heal()
					w.later(nearEnd + time.Minute)
					w.converges(fmt.Sprintf("request %d, %s (%v)", k, answer, failed), want)
					w.serves(old...)
					w.dash.Close()
					w.cfssl.Close()
				}
			}
		})
	}
}

// TestConvergenceOfRenewalAtLedgerAndIssuer is the same for the writes of the ledger and for CFSSL.
func TestConvergenceOfRenewalAtLedgerAndIssuer(t *testing.T) {
	ready := func() *world {
		w := newWorld(t, dashboardtest.Options{})
		_, err := w.run(context.Background(), echo, sleepy)
		must(t, err)
		w.later(nearEnd)
		return w
	}

	good := ready()
	_, err := good.run(context.Background(), echo, sleepy)
	must(t, err)
	want := good.snapshot()
	for _, after := range []bool{false, true} {
		for k := 1; k <= 6; k++ { // of these, the last two are CFSSL's
			w := ready()
			old := w.serves()

			sound := w.remote.Ledger
			if k <= 4 {
				w.remote.Ledger = &faultyLedger{Ledger: sound, k: k, after: after}
			} else {
				when := catest.Before
				if after {
					when = catest.After
				}
				w.cfssl.Fail(catest.Fault{Endpoint: catest.Authsign, Nth: k - 4, When: when, Status: 400, Body: `{"success":false,"errors":[{"code":1,"message":"no"}]}`})
			}

			w.watched()
			w.dash.ClearLog()
			if _, err := w.run(context.Background(), echo); err == nil {
				t.Errorf("fault %d, after %v: no error", k, after)
			}

			if strings.Contains(w.writes(), "DELETE") {
				t.Errorf("fault %d, after %v: deleted after a failure: %s", k, after, w.writes())
			}

			w.remote.Ledger = sound
			w.later(nearEnd + time.Minute)
			w.converges(fmt.Sprintf("fault %d, after %v", k, after), want)
			w.serves(old...)
		}
	}
}

// TestOrderOfReplacement: nothing is deleted before the last API has changed and all have been
// listed again.
func TestOrderOfReplacement(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.mustRun(echo, sleepy)
	w.later(nearEnd)
	w.watched()
	w.dash.ClearLog()
	_, err := w.run(context.Background(), echo, sleepy)
	must(t, err)
	var put, listed, deleted, deletions int
	for i, r := range w.dash.Requests() {
		switch {
		case r.Method == http.MethodPut:
			put = i
		case r.Name == "/api/apis" && r.Method == http.MethodGet:
			listed = i
		case r.Method == http.MethodDelete:
			deletions++
			if deleted == 0 {
				deleted = i
			}
		}
	}

	if put == 0 || put > listed || listed > deleted || deletions != 3 {
		t.Errorf("last PUT %d, last listing %d, first of %d DELETEs %d: %s", put, listed, deletions, deleted, w.requests())
	}
}

// TestRenewalsAtOnce: of two runs that renew at the same moment none takes away what the other puts
// in place. With a ledger they share the new certificates; without one, one of two goes when no run
// can be at work on it any more.
func TestRenewalsAtOnce(t *testing.T) {
	for name, fresh := range ledgers() {
		t.Run(name, func(t *testing.T) {
			for range 3 {
				w := fresh(t)
				w.mustRun(echo, sleepy)
				old := w.serves()
				w.later(nearEnd)
				var g sync.WaitGroup

				errs := make([]error, 2)
				for i := range errs {
					g.Go(func() { _, errs[i] = w.run(context.Background(), echo, sleepy) })
				}

				g.Wait()
				must(t, errors.Join(errs...))
				w.serve()
				if w.remote.Ledger == nil {
					_, err := w.run(context.Background(), echo, sleepy)
					must(t, err)
					w.later(nearEnd + 2*time.Hour)
				}

				_, err := w.run(context.Background(), echo, sleepy)
				must(t, err)
				w.serves(old...)
				w.settled(echo, sleepy)
			}
		})
	}
}
