package apply

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
	"github.com/tykmesh/tykmesh/inject"
)

// renewal observes and plans a renewal.
func (w *world) renewal(names ...string) (*plan.Plan, error) {
	w.tb.Helper()
	state, err := Observe(context.Background(), w.remote, w.settings)
	must(w.tb, err)
	return plan.Renew(plan.NewSnapshot(state, w.settings), names)
}

// renew plans a renewal, takes its steps and returns them.
func (w *world) renew(names ...string) string {
	w.tb.Helper()
	todo, err := w.renewal(names...)
	must(w.tb, err)
	var steps []string
	for _, s := range todo.Steps() {
		steps = append(steps, s.String())
	}

	_, err = Run(context.Background(), todo, w.remote, nil)
	must(w.tb, err)

	return storeID.ReplaceAllString(strings.Join(steps, "\n"), "ID")
}

// names returns those of services as NewRenewal takes them.
func names(workloads ...inject.Workload) (all []string) {
	for _, w := range workloads {
		all = append(all, w.Service.String())
	}
	return all
}

// storeID is the id of a certificate in the store.
var storeID = regexp.MustCompile(`[0-9a-f]{88}`)

// withoutRecords takes the ids of records away from steps, which only some ledgers have.
func withoutRecords(steps string) string {
	for _, record := range []string{", record mesh//mesh", ", record inbound/shop/echo", ", record inbound/shop/sleep"} {
		steps = strings.ReplaceAll(steps, record, "")
	}
	return steps
}

const renewsEverything = `issue certificate mesh (expires in 64 days)
issue certificate echo.shop (expires in 64 days)
update API echo-inbound (gets a new certificate)
issue certificate sleep.shop (expires in 64 days)
update API sleep-inbound (gets a new certificate)
update API echo-mesh (gets a new certificate)
update API sleep-mesh (gets a new certificate)
delete certificate mesh (replaced)
delete certificate echo.shop (replaced)
delete certificate sleep.shop (replaced)`

const renewsEcho = `issue certificate echo.shop (asked for)
update API echo-inbound (gets a new certificate)
delete certificate echo.shop (replaced)`

const renewsMesh = `issue certificate mesh (asked for)
update API echo-mesh (gets a new certificate)
update API sleep-mesh (gets a new certificate)
delete certificate mesh (replaced)`

// TestRenewal: without manifests everything that is due is renewed, or what is named, and nothing
// but certificates changes; inject agrees with what it leaves.
func TestRenewal(t *testing.T) {
	for name, fresh := range ledgers() {
		t.Run(name, func(t *testing.T) {
			w := fresh(t)
			w.mustRun(echo, sleepy)
			old := w.serves()
			w.edit("echo-inbound", "proxy.target_url", "http://edited:1")

			edited := w.api("echo-inbound")
			if got := w.renew(); got != "" {
				t.Errorf("when nothing is due: %s", got)
			}

			w.later(nearEnd)
			for _, c := range []struct {
				ahead time.Duration // nobody can be putting the last ones in place any more
				names []string
				want  string
			}{
				{nearEnd, nil, renewsEverything},
				{nearEnd, nil, ""},
				{nearEnd + 2*time.Hour, names(echo), renewsEcho},
				{nearEnd + 2*time.Hour, []string{plan.MeshName}, renewsMesh},
				{nearEnd + 2*time.Hour, nil, ""},
			} {
				w.later(c.ahead)
				if got := withoutRecords(w.renew(c.names...)); got != c.want {
					t.Errorf("%v: %s", c.names, got)
				}
				w.serves()
			}

			w.serves(old...)
			if got := mesh.Changes(edited, w.api("echo-inbound")); len(got) != 1 || got[0].Path != "certificates" {
				t.Errorf("of echo-inbound was changed: %v", got)
			}

			w.mustRun(echo, sleepy)
		})
	}
}

// TestTimeAlone: a certificate that is due for renewal is in the plan of a registration. While it is
// valid it does not count as missing or out of date, so that time alone fails no pull request.
func TestTimeAlone(t *testing.T) {
	cases := map[string]struct {
		ahead  time.Duration
		change func(*world)
		counts int // steps
	}{
		"age":        {nearEnd, func(*world) {}, 0},
		"a route":    {nearEnd, func(w *world) { w.edit("echo-mesh", "proxy.listen_path", "/b") }, 1},
		"another CA": {nearEnd, func(w *world) { w.withAuthority(catest.NewCA("second")) }, 7},
		"expiry":     {2 * nearEnd, func(*world) {}, 7},
	}
	for name, fresh := range ledgers() {
		t.Run(name, func(t *testing.T) {
			for of, c := range cases {
				w := fresh(t)
				w.mustRun(echo, sleepy)
				w.later(c.ahead)
				c.change(w)

				todo := w.plan(echo, sleepy)
				if got := len(todo.Registration()); got != c.counts || len(todo.Steps()) < 7 {
					t.Errorf("%s: %d of %d steps count, want %d: %v", of, got, len(todo.Steps()), c.counts, todo.Registration())
				}
			}
		})
	}
}

// TestRenewalIsDue: what makes a certificate due without manifests.
func TestRenewalIsDue(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*world)
		want   string
	}{
		"off its API":  {func(w *world) { w.edit("echo-inbound", "certificates", []any{}) }, "update API echo-inbound (certificates set to ID)"},
		"off the mesh": {func(w *world) { w.edit("sleep-mesh", "certificates", []any{}) }, "update API sleep-mesh (certificates set to ID)"},
		"out of the store": {func(w *world) { w.dash.DropCertificate(w.attached("echo-inbound")) },
			"issue certificate echo.shop (no longer in the Dashboard's store)\nupdate API echo-inbound (gets a new certificate)"},
		"too little left": {func(w *world) {
			w.settings.RenewBefore = 300 * 24 * time.Hour
			w.later(100 * 24 * time.Hour)
		}, strings.ReplaceAll(renewsEverything, "64", "264")},
		"another CA": {func(w *world) { w.withAuthority(catest.NewCA("second")) }, strings.ReplaceAll(renewsEverything, "expires in 64 days", `not signed by "second"`)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, dashboardtest.Options{})
			w.mustRun(echo, sleepy)
			c.change(w)
			if got := withoutRecords(w.renew()); got != c.want {
				t.Errorf("steps: %s", got)
			}

			w.settings.RenewBefore = 0
			w.serves()
			w.settled(echo, sleepy)
		})
	}
}

// TestLostCertificates: without names a renewal replaces every certificate that the store has lost,
// whether it forgets the ids too (Redis came back empty) or lists them still (Redis has evicted
// keys). The certificates that it leaves serve, can be listed with details, and needs no further
// renewal.
func TestLostCertificates(t *testing.T) {
	for name, lose := range map[string]func(*world, string){
		"with their ids": func(w *world, id string) { w.dash.DropCertificate(id) },
		"listed still":   func(w *world, id string) { w.dash.LoseCertificate(id) },
	} {
		for kind, fresh := range ledgers() {
			t.Run(name+", "+kind, func(t *testing.T) {
				w := fresh(t)
				w.mustRun(echo, sleepy)
				for _, c := range w.dash.Certificates() {
					lose(w, c.ID)
				}

				state, _, err := Survey(t.Context(), w.remote, w.settings)
				must(t, err)
				inventory := plan.NewInventory(plan.NewSnapshot(state, w.settings))
				listed := plan.NewCertificateList(plan.NewSnapshot(state, w.settings))
				if n := len(slices.DeleteFunc(listed, func(h plan.HeldCertificate) bool { return !h.Lost() })); inventory.Lost() != 3 || n != 3 {
					t.Errorf("%d lost certificates in the inventory, %d in the list", inventory.Lost(), n)
				}

				got := w.renew()
				if strings.Count(got, "(no longer in the Dashboard's store)") != 3 || strings.Count(got, "update API ") != 4 {
					t.Errorf("steps: %s", got)
				}

				if again := w.renew(); again != "" {
					t.Errorf("a second renewal: %s", again)
				}
				w.carriesOne()
				if w.remote.Ledger != nil || name == "with their ids" {
					w.serves() // else the store keeps ids of which nothing proves whose they are
				}
			})
		}
	}
}

// carriesOne checks that each API carries one certificate, which the store can read.
func (w *world) carriesOne() {
	w.tb.Helper()
	for _, api := range w.dash.APIs() {
		ids := api.Definition.Certificates()
		if len(ids) != 1 {
			w.tb.Errorf("API %s carries %v", api.Definition.Slug(), ids)
			continue
		}
		if _, err := w.remote.Certificates.Certificate(w.tb.Context(), ids[0]); err != nil {
			w.tb.Errorf("API %s: %v", api.Definition.Slug(), err)
		}
	}
}

// TestRememberedCertificates: certificates that the listing lacks and a gateway still remembers are
// replaced; those that another run uploads during the first listing are kept.
func TestRememberedCertificates(t *testing.T) {
	for times, want := range map[int]int{-1: 3, 1: 0} { // empty listings, renewed certificates
		for name, fresh := range ledgers() {
			w := fresh(t)
			w.mustRun(echo, sleepy)
			w.later(time.Hour) // no other run can be uploading them any more

			before := w.dash.Certificates()
			w.dash.Fail(dashboardtest.Fault{Method: http.MethodGet, Path: "/api/certs", Times: times, Answer: func(rw http.ResponseWriter, _ *http.Request) {
				_, _ = rw.Write([]byte(`{"cert_basics": [], "pages": 1}`))
			}})

			todo, err := w.renewal()
			must(t, err)
			_, err = Run(t.Context(), todo, w.remote, nil)
			must(t, err)
			w.dash.Heal()
			w.carriesOne()

			renewed := 0
			for _, c := range before {
				if len(mesh.UsesOf(w.dash.APIs())[c.ID]) == 0 {
					renewed++
				}
			}

			if renewed != want {
				t.Errorf("%d empty listings, %s: %d certificates are renewed, want %d", times, name, renewed, want)
			}
		}
	}
}

// TestPartialStore: where the listing of the store says that it is not whole, nothing counts as
// lost.
func TestPartialStore(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.mustRun(echo, sleepy)
	before := w.snapshot()
	w.dash.Fail(dashboardtest.Fault{Method: http.MethodGet, Path: "/api/certs", Times: -1, Answer: func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = rw.Write([]byte(`{"certs": [], "cert_basics": [], "pages": 2}`))
	}})
	if _, err := Observe(t.Context(), w.remote, w.settings); !errors.Is(err, dashboard.ErrPartial) {
		t.Errorf("error %v", err)
	}

	w.dash.Heal()
	if diff := cmp.Diff(before, w.snapshot()); diff != "" {
		t.Error(diff)
	}
}

// TestEagerRenewal: certificates that would be due again at once are not made. Whether they would
// be is known from those that are there, or else from the first new one.
func TestEagerRenewal(t *testing.T) {
	for _, known := range []bool{true, false} {
		w := newWorld(t, dashboardtest.Options{NoDetailedCertificates: true})
		w.mustRun(echo, sleepy)
		if !known {
			w.remote.Ledger = newWorld(t, dashboardtest.Options{}).remote.Ledger
		}

		w.settings.RenewBefore = 400 * 24 * time.Hour
		before := w.snapshot()
		state, err := Observe(context.Background(), w.remote, w.settings)
		must(t, err)

		todo, err := plan.Renew(plan.NewSnapshot(state, w.settings), nil)
		if !known {
			must(t, err)
			_, err = Run(context.Background(), todo, w.remote, nil)
		}

		if eager := (*plan.EagerError)(nil); !errors.As(err, &eager) || eager.Life != 365*24*time.Hour {
			t.Errorf("what is there is known: %v; error %v", known, err)
		}

		if diff := cmp.Diff(before, w.snapshot()); diff != "" {
			t.Errorf("what is there is known: %v; (-before +after):\n%s", known, diff)
		}
	}
}

// TestUnfinishedRenewal: asked again, a renewal that was broken off is finished, and no further
// certificate is made.
func TestUnfinishedRenewal(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.mustRun(echo, sleepy)
	w.dash.Fail(dashboardtest.Fault{Method: http.MethodPut, Times: -1, Answer: dashboardtest.Refusal(400, "no")})
	todo, err := w.renewal(names(echo)...)
	must(t, err)
	if _, err := Run(context.Background(), todo, w.remote, nil); err == nil {
		t.Fatal("no error")
	}

	w.dash.Heal()

	want := "confirm record inbound/shop/echo (an earlier run did not finish)\nupdate API echo-inbound (certificates ID -> ID)\ndelete certificate echo.shop (replaced)"
	if got := w.renew(names(echo)...); got != want {
		t.Errorf("steps: %s", got)
	}

	w.serves()
}

// TestRenewalOfDuplicates: where broken-off runs have left two inbound APIs of a service both get
// the certificate.
func TestRenewalOfDuplicates(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.mustRun(echo)
	duplicate := w.api("echo-inbound").Clone()
	delete(duplicate, "id")
	duplicate["api_id"], duplicate["slug"] = "other", "echo-inbound-2"
	w.dash.PutAPI(dashboard.API{Definition: duplicate})
	w.renew(names(echo)...)
	if w.attached("echo-inbound") != w.attached("echo-inbound-2") || len(w.dash.Certificates()) != 2 {
		t.Errorf("%v and %v, and %d in the store", w.attached("echo-inbound"), w.attached("echo-inbound-2"), len(w.dash.Certificates()))
	}
}

// TestWhatIsNotRenewed: a service without the API that carries its certificate, a certificate of
// the mesh that is not ours, and what nobody has.
func TestWhatIsNotRenewed(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.mustRun(echo, sleepy)
	w.dash.DropAPI(w.api("sleep-inbound").ID())
	w.later(nearEnd)
	todo, err := w.renewal()
	must(t, err)
	if !slices.Equal(todo.Notes, []string{"service shop/sleep is left out: it has no inbound API, which could carry its certificate"}) || len(todo.Services) != 1 {
		t.Errorf("notes %v, services %v", todo.Notes, todo.Services)
	}

	_, err = w.renewal("shop/ecko", "shop/echo", "echo")
	var unknown *plan.UnknownError
	if !errors.As(err, &unknown) || unknown.Name != "shop/ecko" || !slices.Equal(unknown.Known, []string{"shop/echo", "shop/sleep", "mesh"}) ||
		!strings.Contains(err.Error(), "no service echo is on the mesh") {
		t.Errorf("error %v", err)
	}

	w.settings.MeshCertificateID = w.attached("echo-mesh")
	if _, err := w.renewal(plan.MeshName); err == nil || !strings.Contains(err.Error(), "Injector.meshCertificateID") {
		t.Errorf("error %v", err)
	}

	todo, err = w.renewal()
	must(t, err)
	if slices.ContainsFunc(todo.All, func(s *plan.Step) bool { return s.Role == mesh.Mesh }) {
		t.Errorf("the chosen certificate of the mesh is renewed: %v", todo.Steps())
	}
}
