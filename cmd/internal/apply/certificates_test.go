package apply

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
	"github.com/tykmesh/tykmesh/inject"
)

// TestReissue: when a certificate is replaced, why, that the new one takes the old one's place on
// the API, and that the old one goes if it is known to be ours.
func TestReissue(t *testing.T) {
	const both = "POST /api/certs POST /api/certs PUT /api/apis/{echo-inbound} PUT /api/apis/{echo-mesh}"
	const gone = "DELETE /api/certs/{echo.shop} DELETE /api/certs/{mesh} " + both
	const own = "POST /api/certs PUT /api/apis/{echo-inbound}"
	for _, c := range []struct {
		name           string
		noLedger       bool
		change         func(*world)
		writes, reason string
		stays          int  // certificates on the inbound API that are not ours
		kept           bool // the former one stays on the API: nothing tells that it was ours
	}{
		{name: "long to go", change: func(w *world) { w.later(200 * 24 * time.Hour) }},
		{name: "near its end", change: func(w *world) { w.later(300 * 24 * time.Hour) }, writes: gone, reason: "expires in 6"},
		{name: "near its end, no ledger", noLedger: true, change: func(w *world) { w.later(300 * 24 * time.Hour) }, writes: gone, reason: "expires in 6"},
		{name: "another CA", change: func(w *world) { w.withAuthority(catest.NewCA("second")) }, writes: gone, reason: `not signed by "second"`},
		{name: "another CA, no ledger", noLedger: true, change: func(w *world) { w.withAuthority(catest.NewCA("second")) }, writes: both, reason: `not signed by "second"`, kept: true},
		{name: "another CA, no ledger, the former one known", noLedger: true, change: func(w *world) {
			w.settings.Trusted = ca.TrustBundle{w.cfssl.CA.Cert}
			w.withAuthority(catest.NewCA("catest CA 00000002"))
			w.later(2 * time.Hour) // long enough for nobody to be still putting the old one in place
		}, writes: gone, reason: `not signed by "catest CA 00000002"`},
		{name: "another CA, no ledger, a stranger trusted", noLedger: true, change: func(w *world) {
			w.settings.Trusted = ca.TrustBundle{w.cfssl.CA.Cert}
			w.withAuthority(catest.NewCA("second"))
			w.later(2 * time.Hour)
		}, writes: both, reason: `not signed by "second"`, kept: true},
		{name: "out of the store", change: func(w *world) { w.dash.DropCertificate(w.api("echo-inbound").Certificates()[0]) },
			writes: own, reason: "no longer in the Dashboard's store"},
		{name: "ledger lost", change: func(w *world) { w.remote.Ledger = newWorld(w.tb, dashboardtest.Options{}).remote.Ledger }, writes: both, reason: plan.Absent},
		{name: "other mesh hosts", change: func(w *world) { w.settings.MeshHosts = []string{"mesh", "mesh.example"} },
			writes: "DELETE /api/certs/{mesh} POST /api/certs PUT /api/apis/{echo-mesh}", reason: "hosts "},
		{name: "beside another's", change: func(w *world) {
			w.edit("echo-inbound", "certificates", []any{"first", w.api("echo-inbound").Certificates()[0], "last"})
			w.later(300 * 24 * time.Hour)
		}, writes: gone, reason: "expires in 6", stays: 2},
		{name: "off the API", change: func(w *world) { w.edit("echo-inbound", "certificates", []any{}) },
			writes: "PUT /api/apis/{echo-inbound}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, dashboardtest.Options{})
			if c.noLedger {
				w.remote.Ledger = nil
			}

			_, err := w.run(context.Background(), echo)
			must(t, err)
			old := w.api("echo-inbound").Certificates()[0]
			c.change(w)
			todo := w.plan(echo)
			w.dash.ClearLog()
			_, err = Run(context.Background(), todo, w.remote, nil)
			must(t, err)
			if got := w.writes(); got != c.writes {
				t.Errorf("writes %q, want %q", got, c.writes)
			}

			if c.reason != "" && (len(todo.Steps()) == 0 || !strings.Contains(todo.Steps()[0].String(), c.reason)) {
				t.Errorf("steps %v", todo.Steps())
			}

			held := w.api("echo-inbound").Certificates()
			if strings.HasSuffix(c.writes, both) && slices.Contains(held, old) != c.kept {
				t.Errorf("certificates %v, the former one was %s", held, old)
			}

			want := 1 + c.stays
			if c.kept {
				want++
			}

			if len(held) != want || c.stays == 2 && (held[0] != "first" || held[2] != "last") {
				t.Errorf("certificates %v", held)
			}

			if todo := w.plan(echo); !todo.Empty() {
				t.Errorf("the next run wants to %v", todo.Steps())
			}
		})
	}
}

func TestMeshCertificateID(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.mustRun(echo)
	bundle, err := w.remote.Issuer.Issue(context.Background(), []string{"mesh"})
	must(t, err)
	w.settings.MeshCertificateID = ca.StoreID(w.settings.Org, bundle.Leaf)
	if _, problems := w.tryPlan(echo); len(problems) != 1 || !strings.Contains(problems[0].Msg, "Injector.meshCertificateID") {
		t.Errorf("problems %v", problems)
	}

	w.dash.PutCertificate(bundle.PEM())
	w.mustRun(echo)
	if got := w.api("echo-mesh").Certificates(); len(got) != 1 || got[0] != w.settings.MeshCertificateID {
		t.Errorf("certificates %v", got)
	}
}

// legacyLedger also lists records as tyk-k8s wrote them.
type legacyLedger struct {
	mesh.Ledger
	old []ca.Record
}

func (l legacyLedger) Records(ctx context.Context) ([]ca.Record, error) {
	records, err := l.Ledger.Records(ctx)
	return append(records, l.old...), err
}

func TestLegacyRecords(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	made := func(upload bool, hosts ...string) ca.Record {
		bundle, err := w.remote.Issuer.Issue(context.Background(), hosts)
		must(t, err)
		if upload {
			w.dash.PutCertificate(bundle.PEM())
		}
		return ca.Record{ID: "5f" + bundle.Leaf.SerialNumber.String(), Certificate: bundle.Certificate, Fingerprint: ca.StoreID("", bundle.Leaf), Legacy: true}
	}

	inbound, lost, narrow := made(true, "echo.shop"), made(false, "mesh", "mesh.local", "localhost"), made(true, "mesh")
	w.remote.Ledger = legacyLedger{w.remote.Ledger, []ca.Record{lost, inbound, narrow}}
	org := w.settings.Org
	w.put("echo-inbound", "echo.shop", "/", "http://localhost:6767", map[string]any{"tags": []any{"echo"}, "certificates": []any{org + inbound.Fingerprint}})
	w.put("echo-mesh", "mesh", "/echo-svc", "https://echo.shop:8080", map[string]any{"tags": []any{"mesh"}, "certificates": []any{org + narrow.Fingerprint, org + narrow.Fingerprint}})
	w.mustRun(echo)
	if got := w.api("echo-inbound").Certificates(); len(got) != 1 || got[0] != org+inbound.Fingerprint {
		t.Errorf("a usable certificate was replaced: %v", got)
	}

	if got := w.api("echo-mesh").Certificates(); len(got) != 1 || strings.HasSuffix(got[0], narrow.Fingerprint) || strings.HasSuffix(got[0], lost.Fingerprint) {
		t.Errorf("certificates of the mesh API: %v", got)
	}
}

// TestForgedRecord: whoever can write to the ledger and not to the store cannot have an API carry
// another certificate.
func TestForgedRecord(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.mustRun(echo)
	stranger := catest.New(catest.Options{CA: catest.NewCA("stranger")})
	defer stranger.Close()
	signer, err := ca.New(ca.Config{Addr: stranger.URL, Key: catest.Key})
	must(t, err)
	bundle, err := ca.Issue(context.Background(), signer, ca.Request{Hosts: []string{"evil.shop"}})
	must(t, err)
	w.dash.PutCertificate(bundle.PEM())
	forged := ca.StoreID(w.settings.Org, bundle.Leaf)
	w.put("evil", "evil.shop", "/evil", "http://evil", dashboard.Definition{"certificates": []any{forged}})

	records, err := w.remote.Ledger.Records(context.Background())
	must(t, err)
	for _, r := range records {
		was := r.Fingerprint
		r.Fingerprint = forged
		must(t, w.remote.Ledger.Replace(context.Background(), was, r))
	}

	w.mustRun(echo)
	for _, slug := range []string{"echo-inbound", "echo-mesh"} {
		if held := w.api(slug).Certificates(); len(held) != 1 || held[0] == forged {
			t.Errorf("%s carries %v, and %s is the forged one", slug, held, forged)
		}
	}

	if _, err := w.remote.Certificates.Certificate(context.Background(), forged); err != nil {
		t.Errorf("a certificate that serves somebody else is gone: %v", err)
	}
}

func TestRecordOfAnotherOrganisation(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.mustRun(echo)
	w.settings.Org = "5d64a47fed63100001b2ffff"
	state, err := Observe(context.Background(), w.remote, w.settings)
	must(t, err)
	state.APIs = nil
	services, _, _ := plan.Wanted([]inject.Workload{echo}, w.settings)
	_, problems := plan.Register(services, plan.NewSnapshot(state, w.settings))
	if len(problems) != 2 || !strings.Contains(problems[0].Msg, "another organisation") {
		t.Errorf("problems %v", problems)
	}
}

func TestWrongOrganisation(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.settings.Org = "5d64a47fed63100001b2ffff"
	_, err := w.run(context.Background(), echo)
	if err == nil || !strings.Contains(err.Error(), "Tyk.org") {
		t.Errorf("error %v", err)
	}
}

// TestStoreDetails: without a ledger, of several certificates that would do, the one that is in use
// stays.
func TestStoreDetails(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.remote.Ledger = nil
	w.mustRun(echo)

	held := w.api("echo-inbound").Certificates()[0]
	for range 5 { // some sort before it, some after
		bundle, err := w.remote.Issuer.Issue(context.Background(), []string{"echo.shop"})
		must(t, err)
		w.dash.PutCertificate(bundle.PEM())
	}

	w.settled(echo)
	w.edit("echo-inbound", "certificates", []any{})
	w.mustRun(echo)
	if n := len(w.dash.Certificates()); n != 7 {
		t.Errorf("%d certificates", n)
	}

	w.dash.PutAPI(dashboard.API{Definition: w.api("echo-inbound").With("certificates", []any{held})})
	w.settled(echo)
}

// TestFormerAuthority: what a CA signed that was ours before is as much ours as what the present
// one signs: an inventory finds it, and a removal takes it away.
func TestFormerAuthority(t *testing.T) {
	for _, known := range []bool{true, false} {
		w := newWorld(t, dashboardtest.Options{})
		w.remote.Ledger = nil
		w.mustRun(echo)
		if known {
			w.settings.Trusted = ca.TrustBundle{w.cfssl.CA.Cert}
		}

		w.withAuthority(catest.NewCA("catest CA 00000002"))
		state, err := Observe(context.Background(), w.remote, w.settings)
		must(t, err)

		removal := plan.Remove([]inject.Service{echo.Service}, plan.NewSnapshot(state, w.settings))
		if n := len(stepsOf(removal, plan.CertificateKind)); n == 2 != known {
			t.Errorf("the former CA known: %v; %d certificates would go with the service", known, n)
		}

		w.edit("echo-inbound", "certificates", []any{})
		state, err = Observe(context.Background(), w.remote, w.settings)
		must(t, err)
		if orphans := plan.NewInventory(plan.NewSnapshot(state, w.settings)).Orphans; len(orphans) == 1 != known {
			t.Errorf("the former CA known: %v; orphans %v", known, orphans)
		}
	}
}
