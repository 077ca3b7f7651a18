package apply

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
	"github.com/tykmesh/tykmesh/inject"
)

func (w *world) removal(services ...inject.Service) *plan.Plan {
	w.tb.Helper()
	state, err := Observe(context.Background(), w.remote, w.settings)
	must(w.tb, err)
	return plan.Remove(services, plan.NewSnapshot(state, w.settings))
}

func (w *world) remove(services ...inject.Service) error {
	w.tb.Helper()
	return failure(Run(context.Background(), w.removal(services...), w.remote, nil))
}

func steps(r *plan.Plan) string {
	var lines []string
	for _, s := range r.Steps() {
		lines = append(lines, fmt.Sprintf("%s %s %s", s.Action, s.Kind, s.Name))
	}

	for _, k := range r.Kept {
		lines = append(lines, fmt.Sprintf("keep certificate %s: %s", k.Name, k.Reason))
	}

	return strings.Join(lines, "\n")
}

// Services go one by one, the mesh with the last of them, and nothing is left.
func TestRemoval(t *testing.T) {
	for _, ledger := range []bool{true, false} {
		t.Run(fmt.Sprint("ledger ", ledger), func(t *testing.T) {
			w := newWorld(t, dashboardtest.Options{})
			want := "delete API echo-mesh\ndelete API echo-inbound\ndelete certificate echo.shop\ndelete record inbound/shop/echo"
			if !ledger {
				w.remote.Ledger = nil
				want = strings.TrimSuffix(want, "\ndelete record inbound/shop/echo")
			}

			w.put("shop", "shop.example", "/", "http://shop", nil)
			alone := w.snapshot()
			_, err := w.run(context.Background(), sleepy)
			must(t, err)
			one := w.snapshot()
			_, err = w.run(context.Background(), echo, sleepy)
			must(t, err)

			if diff := cmp.Diff(want, steps(w.removal(echo.Service))); diff != "" {
				t.Error(diff)
			}

			must(t, w.remove(echo.Service))
			if diff := cmp.Diff(one, w.snapshot()); diff != "" {
				t.Errorf("without echo (-want +got):\n%s", diff)
			}

			must(t, w.remove(sleepy.Service))
			if diff := cmp.Diff(alone, w.snapshot()); diff != "" {
				t.Errorf("without a service (-want +got):\n%s", diff)
			}

			w.dash.ClearLog()
			if r := w.removal(echo.Service, sleepy.Service); !r.Empty() {
				t.Errorf("there is more to remove:\n%s", steps(r))
			}

			if got := w.writes(); got != "" {
				t.Errorf("writes: %s", got)
			}
		})
	}
}

// What others use or made stays.
func TestRemovalKeeps(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.mustRun(echo)
	id := w.api("echo-inbound").Certificates()[0]
	w.put("partner", "partner.example", "/", "http://p", dashboard.Definition{"upstream_certificates": map[string]any{"*": id}})
	w.put("sleep-inbound", "elsewhere", "/s", "http://s", nil)
	w.put("sleep-mesh", "mesh", "/sleep", "http://sleep.shop:8080", dashboard.Definition{"is_oas": true, "tags": []any{"mesh"}})

	want := "delete API echo-mesh\ndelete API echo-inbound\nkeep certificate echo.shop: API \"partner\" (id 5f0000000000000000000003, domain \"partner.example\", listen path \"/\") uses it"
	if diff := cmp.Diff(want, steps(w.removal(echo.Service, sleepy.Service))); diff != "" {
		t.Error(diff)
	}

	must(t, w.remove(echo.Service, sleepy.Service))
	if len(w.dash.APIs()) != 3 || w.dash.PEM(id) == nil || len(w.records()) != 2 {
		t.Errorf("left: %s", w.snapshot())
	}
}

// Without TLS nobody asks for certificates, so those from before stay; it is said.
func TestRemovalWithoutTLS(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.mustRun(echo)
	w.settings.TLS = false
	const want = `delete API echo-mesh
delete API echo-inbound
keep certificate of API echo-inbound: Injector.enableMeshTLS is off, and so certificates are left alone
keep certificate of API echo-mesh: Injector.enableMeshTLS is off, and so certificates are left alone`
	if diff := cmp.Diff(want, steps(w.removal(echo.Service))); diff != "" {
		t.Error(diff)
	}

	must(t, w.remove(echo.Service))
	if len(w.dash.APIs()) != 0 || len(w.dash.Certificates()) != 2 {
		t.Errorf("left: %s", w.snapshot())
	}
}

// What tyk-k8s made goes like our own, its many records too.
func TestRemovalOfLegacy(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	local := w.remote.Ledger
	var old []ca.Record
	for range 3 {
		bundle, err := w.remote.Issuer.Issue(context.Background(), []string{"echo.shop"})
		must(t, err)
		w.dash.PutCertificate(bundle.PEM())
		old = append(old, ca.Record{
			ID: fmt.Sprint("5f", bundle.Leaf.SerialNumber), Certificate: bundle.Certificate, Hosts: bundle.Leaf.DNSNames,
			Fingerprint: ca.StoreID(w.settings.Org, bundle.Leaf), Legacy: true,
		})
	}

	w.remote.Ledger = legacyLedger{local, old}
	w.put("echo-inbound", "echo.shop", "/", "http://localhost:6767", dashboard.Definition{"tags": []any{"echo"}, "certificates": []any{old[0].Fingerprint}})
	w.put("echo-mesh", "mesh", "/echo-svc", "https://echo.shop:8080", tags("mesh"))

	got := steps(w.removal(echo.Service))
	if strings.Count(got, "delete API") != 2 || strings.Count(got, "delete certificate echo.shop") != 3 || strings.Count(got, "delete record 5f") != 3 {
		t.Errorf("it removes\n%s", got)
	}

	must(t, w.remove(echo.Service))
	if n := len(w.dash.APIs()) + len(w.dash.Certificates()); n != 0 {
		t.Errorf("left: %s", w.snapshot())
	}
}

// Whichever request of a removal fails, and however, the next one ends where one without faults
// ends.
func TestRemovalConverges(t *testing.T) {
	for way, c := range badAnswers {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			good := newWorld(t, dashboardtest.Options{})
			good.mustRun(echo, sleepy)
			good.dash.ClearLog()
			must(t, good.remove(sleepy.Service, echo.Service))

			requests := len(good.dash.Requests())
			if requests < 14 {
				t.Fatalf("only %d requests", requests)
			}

			for k := 1; k <= requests; k++ {
				if !tried(k, way, len(badAnswers)) {
					continue
				}

				w := newWorld(t, dashboardtest.Options{})
				w.mustRun(echo, sleepy)
				w.dash.Fail(dashboardtest.Fault{Request: k, After: c.after, Answer: c.answer})

				state, err := Observe(context.Background(), w.remote, w.settings)
				if err == nil {
					err = failure(Run(context.Background(), plan.Remove([]inject.Service{echo.Service, sleepy.Service}, plan.NewSnapshot(state, w.settings)), w.remote, nil))
				}

				w.dash.Heal()
				if err := w.remove(sleepy.Service, echo.Service); err != nil {
					t.Errorf("request %d (%v): the next removal: %v", k, err, err)
				}

				if got := w.snapshot(); got != "" {
					t.Errorf("request %d (%v): left %s", k, err, got)
				}
			}
		})
	}
}

// What another run or a person takes over while a removal is under way is left alone.
func TestRemovalLooksAgain(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.mustRun(echo)
	taken := w.removal(echo.Service)
	w.edit("echo-mesh", "config_data.tykmesh.app", "other")
	w.edit("echo-mesh", "api_id", "other")
	w.edit("echo-mesh", "slug", "other-mesh")

	_, err := Run(context.Background(), taken, w.remote, nil)
	if err == nil || !strings.Contains(err.Error(), "deleting API echo-mesh: it no longer belongs to this service") {
		t.Errorf("error %v", err)
	}

	if n := len(w.dash.APIs()); n != 2 {
		t.Errorf("%d of 2 APIs are left", n)
	}

	w = newWorld(t, dashboardtest.Options{})
	w.mustRun(echo)
	used := w.removal(echo.Service)
	w.put("partner", "partner.example", "/", "http://p", dashboard.Definition{"certificates": []any{w.api("echo-inbound").Certificates()[0]}})
	_, err = Run(context.Background(), used, w.remote, nil)
	if err == nil || !strings.Contains(err.Error(), `deleting certificate echo.shop: API "partner"`) || len(w.dash.Certificates()) != 1 {
		t.Errorf("error %v, left: %s", err, w.snapshot())
	}

	if next := w.removal(echo.Service); !next.Empty() || len(next.Kept) != 1 {
		t.Errorf("the next removal:\n%s", steps(next))
	}
}
