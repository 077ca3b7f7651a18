package apply

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
	"github.com/tykmesh/tykmesh/inject"
)

// inventory is what status would show, a line each.
func (w *world) inventory() string {
	w.tb.Helper()
	state, missing, err := Survey(context.Background(), w.remote, w.settings)
	must(w.tb, err)
	must(w.tb, missing)
	return w.told(plan.NewInventory(plan.NewSnapshot(state, w.settings)))
}

func (w *world) told(inv plan.Inventory) string {
	var lines []string
	certificate := func(c plan.CertificateStatus) string {
		switch {
		case c.ID == "":
			return "no certificate"
		case c.Expires.IsZero():
			return "certificate"
		}
		return fmt.Sprintf("certificate for %d days", int(time.Until(c.Expires).Hours()/24)+1)
	}

	for _, s := range inv.Services {
		var apis []string
		for _, a := range s.APIs {
			apis = append(apis, a.Slug)
		}
		lines = append(lines, fmt.Sprintf("%s %s %v %s %q", s.Service, s.Route, apis, certificate(s.Certificate), s.Drift))
	}

	lines = append(lines, fmt.Sprintf("mesh %s %q", certificate(inv.Certificate), inv.Certificate.Drift))
	for _, o := range inv.Orphans {
		lines = append(lines, fmt.Sprintf("orphan %s %s: %s", o.Kind, o.Name, o.Reason))
	}

	return strings.Join(lines, "\n")
}

func TestInventory(t *testing.T) {
	const year = "certificate for 365 days"
	fine := `shop/echo /echo-svc [echo-inbound echo-mesh] ` + year + ` []
shop/sleep /sleep [sleep-inbound sleep-mesh] ` + year + ` []
mesh ` + year + ` []`
	for _, c := range []struct {
		name  string
		spoil func(w *world)
		want  string
	}{
		{"all well", func(*world) {}, fine},
		{"no ledger", func(w *world) { w.remote.Ledger = nil }, fine},
		{"what is not ours", func(w *world) {
			w.put("shop", "shop.example", "/", "http://shop", nil)
			w.put("foreign-inbound", "foreign.example", "/", "http://x", nil)
		}, fine},
		{"edited by hand", func(w *world) {
			w.edit("echo-mesh", "proxy.target_url", "http://elsewhere")
			w.edit("echo-inbound", "domain", "echo.example")
			w.edit("echo-inbound", "active", false)
		}, `shop/echo /echo-svc [echo-inbound echo-mesh] ` + year + ` ["inbound API: active false -> true" "inbound API: domain echo.example -> echo.shop" "mesh API: target http://elsewhere -> https://echo.shop:8080"]
shop/sleep /sleep [sleep-inbound sleep-mesh] ` + year + ` []
mesh ` + year + ` []`},
		{"half of a service", func(w *world) { w.dash.DropAPI(w.api("echo-mesh").ID()) }, `shop/echo  [echo-inbound] ` + year + ` ["no mesh API"]
shop/sleep /sleep [sleep-inbound sleep-mesh] ` + year + ` []
mesh ` + year + ` []`},
		{"APIs deleted by hand", func(w *world) {
			w.dash.DropAPI(w.api("echo-mesh").ID())
			w.dash.DropAPI(w.api("echo-inbound").ID())
		}, `shop/sleep /sleep [sleep-inbound sleep-mesh] ` + year + ` []
mesh ` + year + ` []
orphan record echo.shop: its service has no API
orphan certificate echo.shop: no API uses it`},
		{"certificate lost", func(w *world) { w.dash.DropCertificate(w.api("echo-inbound").Certificates()[0]) },
			`shop/echo /echo-svc [echo-inbound echo-mesh] ` + year + ` ["certificate no longer in the Dashboard's store"]
shop/sleep /sleep [sleep-inbound sleep-mesh] ` + year + ` []
mesh ` + year + ` []`},
		{"certificate taken off", func(w *world) { w.edit("echo-inbound", "certificates", []any{}) },
			`shop/echo /echo-svc [echo-inbound echo-mesh] ` + year + ` ["certificate not on API echo-inbound"]
shop/sleep /sleep [sleep-inbound sleep-mesh] ` + year + ` []
mesh ` + year + ` []
orphan certificate echo.shop: no API uses it`},
		{"late", func(w *world) { w.settings.Now = func() time.Time { return time.Now().AddDate(0, 0, 300) } },
			`shop/echo /echo-svc [echo-inbound echo-mesh] ` + year + ` ["certificate expires in 64 days"]
shop/sleep /sleep [sleep-inbound sleep-mesh] ` + year + ` ["certificate expires in 64 days"]
mesh ` + year + ` ["certificate expires in 64 days"]`},
		{"tyk-k8s", func(w *world) {
			w.put("old-inbound", "old.shop", "/", "http://localhost:6767", tags("old"))
			w.put("old-mesh", w.api("echo-mesh").Domain(), "/old", "https://old.shop:8080", tags("mesh"))
		}, `shop/echo /echo-svc [echo-inbound echo-mesh] ` + year + ` []
shop/old /old [old-inbound old-mesh] no certificate ["inbound API: active set to true" "inbound API: made by tyk-k8s, and not taken over yet" "mesh API: active set to true" "mesh API: tags mesh -> mesh, mesh.old" "mesh API: made by tyk-k8s, and not taken over yet" "certificate not there yet"]
shop/sleep /sleep [sleep-inbound sleep-mesh] ` + year + ` []
mesh ` + year + ` ["certificate not on API old-mesh"]`},
		{"switched off", func(w *world) {
			w.edit("echo-inbound", "domain_disabled", true)
			w.edit("echo-mesh", "internal", true)
		}, `shop/echo /echo-svc [echo-inbound echo-mesh] ` + year + ` ["inbound API: domain_disabled true -> false" "mesh API: internal true -> false"]
shop/sleep /sleep [sleep-inbound sleep-mesh] ` + year + ` []
mesh ` + year + ` []`},
		{"not active, as a manifest asks", func(w *world) {
			w.mustRun(workload("shop", "echo", route("/echo-svc"), annotated("bool", "active", false)), sleepy)
		}, fine},
		{"converted to OAS", func(w *world) {
			w.edit("echo-inbound", "is_oas", true)
			w.edit("echo-mesh", "is_oas", true)
		}, `shop/echo  [echo-inbound echo-mesh] ` + year + ` ["inbound API: converted to OAS, which tykmesh cannot change: delete it in the Dashboard, and the next run creates it" "mesh API: converted to OAS, which tykmesh cannot change: delete it in the Dashboard, and the next run creates it"]
shop/sleep /sleep [sleep-inbound sleep-mesh] ` + year + ` []
mesh ` + year + ` []`},
		{"twice", func(w *world) {
			d := w.api("echo-inbound")
			delete(d, "id")
			d["api_id"] = "another"
			w.dash.PutAPI(dashboard.API{Definition: d})
		}, `shop/echo /echo-svc [echo-inbound echo-inbound echo-mesh] ` + year + ` ["2 inbound APIs"]
shop/sleep /sleep [sleep-inbound sleep-mesh] ` + year + ` []
mesh ` + year + ` []`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, dashboardtest.Options{})
			w.mustRun(echo, sleepy)
			c.spoil(w)
			if diff := cmp.Diff(c.want, w.inventory()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Who cannot reach the authority sees all but what only it can tell.
func TestInventoryWithoutAuthority(t *testing.T) {
	for _, ledger := range []bool{true, false} {
		w := newWorld(t, dashboardtest.Options{})
		w.mustRun(echo)

		want := w.inventory()
		if !ledger {
			w.remote.Ledger = nil
		}

		w.remote.Issuer = noIssuer{}
		state, missing, err := Survey(context.Background(), w.remote, w.settings)
		must(t, err)
		if missing == nil {
			t.Error("nothing is missing")
		}

		if diff := cmp.Diff(want, w.told(plan.NewInventory(plan.NewSnapshot(state, w.settings)))); diff != "" {
			t.Error(diff)
		}

		if got := steps(plan.Remove([]inject.Service{echo.Service}, plan.NewSnapshot(state, w.settings))); strings.Count(got, "delete API") != 2 {
			t.Errorf("a removal without an authority: %s", got)
		}
	}
}

// noIssuer is a CFSSL that nobody can reach.
type noIssuer struct{ issuer }

func (noIssuer) CA(context.Context) (*x509.Certificate, error) { return nil, errNoIssuer }

var errNoIssuer = errors.New("no answer from CFSSL")
