package apply

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

func (w *world) pruning() *plan.Plan {
	w.tb.Helper()
	state, err := Observe(context.Background(), w.remote, w.settings)
	must(w.tb, err)
	return plan.Prune(plan.NewSnapshot(state, w.settings))
}

func (w *world) prune() error {
	w.tb.Helper()
	return failure(Run(context.Background(), w.pruning(), w.remote, nil))
}

// What tyk-k8s piled up goes: every API keeps one certificate that serves, the store and the ledger
// what is in use, and nothing else of any API changes.
func TestPruneOfThePast(t *testing.T) {
	for _, ledger := range []string{inFile, inMongo, nowhere} {
		t.Run(ledger, func(t *testing.T) {
			p := pile(t, ledger)
			want := `update API echo-inbound: 2 of 3 certificates replaced
update API echo-mesh: 2 repeated
update API sleep-inbound: 1 of 2 certificates replaced
update API sleep-mesh: 1 repeated
delete certificate echo.shop
delete certificate echo.shop
delete certificate gone.shop
delete certificate sleep.shop
`

			if ledger != nowhere {
				want += strings.Repeat("delete record of tyk-k8s\n", 4)
			}

			todo := p.pruning()
			if diff := cmp.Diff(strings.TrimSpace(want), toldOf(todo)); diff != "" {
				t.Error(diff)
			}

			before := p.dash.APIs()
			must(t, failure(Run(context.Background(), todo, p.remote, nil)))

			after := p.dash.APIs()
			for i := range before {
				if n := len(after[i].Definition.Certificates()); n != min(1, len(before[i].Definition.Certificates())) {
					t.Errorf("%s has %d certificates", after[i].Definition.Slug(), n)
				}
				if list := mesh.Changes(before[i].Definition, after[i].Definition); slices.ContainsFunc(list, func(c dashboard.Change) bool { return c.Path != "certificates" }) {
					t.Errorf("%s changed: %v", after[i].Definition.Slug(), list)
				}
			}

			if n, records := len(p.dash.Certificates()), len(p.records()); n != 4 || ledger != nowhere && records != 4 {
				t.Errorf("%d certificates and %d records are left", n, records)
			}

			p.dash.ClearLog()
			if again := p.pruning(); len(again.Steps()) > 0 || p.prune() != nil || p.writes() != "" {
				t.Errorf("there is more to prune:\n%s\n%s", toldOf(again), p.writes())
			}
		})
	}
}

// Nothing is taken off an API on which nothing could stay: what serves is never taken away.
func TestPruneLeavesWhatServes(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*past)
		want  string
	}{
		"due":     {func(p *past) { p.later(300 * 24 * time.Hour) }, "leave 3 on echo-inbound: expires in 64 days\nleave 2 on echo-mesh: expires in 64 days"},
		"expired": {func(p *past) { p.later(400 * 24 * time.Hour) }, "leave 3 on echo-inbound: expired on "},
		"other hosts": {func(p *past) {
			p.settings.MeshHosts = []string{"mesh", "localhost"}
			p.edit("echo-inbound", "certificates", []any{p.api("echo-inbound").Certificates()[0]})
		}, "leave 2 on echo-mesh: none is for exactly the wanted hosts"},
		"another CA":     {func(p *past) { p.anotherCA() }, `leave 3 on echo-inbound: not signed by "Next CA"`},
		"CA unreachable": {func(p *past) { p.remote.Issuer = noIssuer{} }, "leave 3 on echo-inbound: it is unknown which of them the current CA signed"},
		"not in the store": {func(p *past) {
			for _, c := range p.dash.Certificates() {
				p.dash.DropCertificate(c.ID)
			}
		}, "leave 3 on echo-inbound: no longer in the Dashboard's store"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPast(t, inFile)
			p.pods("echo", 3, p.upload("mesh"))
			both := []any{p.api("echo-mesh").Certificates()[0], p.upload("mesh")}
			p.edit("echo-mesh", "certificates", both)
			p.later(2 * time.Hour)
			c.spoil(p)
			before := p.dash.APIs()
			state, _, err := Survey(context.Background(), p.remote, p.settings)
			must(t, err)

			todo := plan.Prune(plan.NewSnapshot(state, p.settings))
			if got := toldOf(todo); !strings.Contains(got, c.want) {
				t.Errorf("%s\nwant %s", got, c.want)
			}

			must(t, failure(Run(context.Background(), todo, p.remote, nil)))
			if diff := cmp.Diff(before, p.dash.APIs()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// anotherCA replaces the CA by one with a name of its own.
func (p *past) anotherCA() {
	next := catest.New(catest.Options{CA: catest.NewCA("Next CA")})
	p.tb.Cleanup(next.Close)
	signer, err := ca.New(ca.Config{Addr: next.URL, Key: catest.Key})
	must(p.tb, err)
	p.remote.Issuer = issuer{Signer: signer, Now: p.settings.Now}
}

// What is not ours stays, whatever it looks like; and so does what is ours as long as any API names
// it anywhere.
func TestPruneSparesOthers(t *testing.T) {
	for _, ledger := range []string{inFile, nowhere} {
		t.Run(ledger, func(t *testing.T) {
			p := newPast(t, ledger)
			p.plant = nothingPlanted
			p.pods("echo", 1, p.upload("mesh"))
			stays := map[string]string{
				"our CA, a foreign name":             p.upload("www.example.com"),
				"our CA, a namespace of others":      p.upload("echo.warehouse"),
				"our CA, two names":                  p.upload("sleep.shop", "www.example.com"),
				"our CA, some mesh hosts, not all":   p.upload("mesh", "mesh.elsewhere"),
				"our CA, a name without a namespace": p.upload("shop"),
			}

			own := p.remote.Issuer
			p.anotherCA()
			stays["our name, another CA"] = p.upload("echo.shop")
			stays["the mesh's name, another CA"] = p.upload("mesh")
			p.remote.Issuer = own
			for place, use := range map[string]func(id string) dashboard.Definition{
				"OAS": func(id string) dashboard.Definition {
					return dashboard.Definition{"is_oas": true, "certificates": []any{id}}
				},
				"client_certificates": func(id string) dashboard.Definition { return dashboard.Definition{"client_certificates": []any{id}} },
				"upstream_certificates": func(id string) dashboard.Definition {
					return dashboard.Definition{"upstream_certificates": map[string]any{"*": id}}
				},
				"pinned": func(id string) dashboard.Definition {
					return dashboard.Definition{"pinned_public_keys": map[string]any{"x.example": "5f00, " + id}}
				},
				"comma list": func(id string) dashboard.Definition {
					return dashboard.Definition{"pinned_public_keys": map[string]any{"x.example": id + "," + strings.Repeat("0", 88)}}
				},
				"config_data": func(id string) dashboard.Definition {
					return dashboard.Definition{"config_data": map[string]any{"deep": []any{map[string]any{"er": id}}}}
				},
			} {
				id := p.upload("sleep.shop")
				stays["ours, named in "+place] = id
				p.put("by "+place, place+".example", "/"+place, "http://x", use(id))
			}

			goes := p.upload("sleep.shop")
			p.later(2 * time.Hour)

			todo := p.pruning()
			if got := toldOf(todo); strings.Count(got, "delete") != 1 || strings.Count(got, "uses it") != 6 {
				t.Errorf("it does\n%s", got)
			}

			must(t, failure(Run(context.Background(), todo, p.remote, nil)))
			for what, id := range stays {
				if p.dash.PEM(id) == nil {
					t.Errorf("%s: deleted", what)
				}
			}

			if p.dash.PEM(goes) != nil {
				t.Error("what is ours and unused stays: this test proves nothing")
			}
		})
	}
}

// What another run may be about to put in place stays, and what the next one would; it is said.
func TestPruneSparesTheYoung(t *testing.T) {
	p := newPast(t, inFile)
	p.mustRun(echo, sleepy)
	p.upload("old.shop")
	bundle, err := p.remote.Issuer.Issue(context.Background(), []string{"next.shop"})
	must(t, err)
	must(t, p.remote.Ledger.Insert(context.Background(), ca.NewRecord(ca.RoleInbound, "shop", "next", p.settings.Org, bundle, time.Now())))
	p.edit("sleep-inbound", "certificates", []any{})
	const young = "it is less than an hour old: another run may be about to put it in place"

	want := "keep old.shop: " + young + "\nkeep record inbound/shop/next: " + young + "\nkeep sleep.shop: the next run puts it in place"
	if diff := cmp.Diff(want, toldOf(p.pruning())); diff != "" {
		t.Error(diff)
	}

	p.later(2 * time.Hour)
	want = "delete certificate old.shop\ndelete record of tyk-k8s\ndelete record inbound/shop/next\nkeep sleep.shop: the next run puts it in place"
	if diff := cmp.Diff(want, toldOf(p.pruning())); diff != "" {
		t.Error(diff)
	}

	p.settings.MeshCertificateID = p.upload("mesh")
	p.later(2 * time.Hour)
	if got := toldOf(p.pruning()); !strings.Contains(got, "keep mesh: Injector.meshCertificateID names it") {
		t.Errorf("the configured certificate:\n%s", got)
	}
}

// What a service leaves whose APIs somebody deleted goes, with its record; the record of another
// organisation stays.
func TestPruneOfServicesWithoutAPIs(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.mustRun(echo, sleepy)
	bundle, err := w.remote.Issuer.Issue(context.Background(), []string{"echo.shop"})
	must(t, err)
	foreign := ca.NewRecord(ca.RoleInbound, "elsewhere", "echo", strings.Repeat("0", 24), bundle, time.Now().AddDate(-1, 0, 0))
	must(t, w.remote.Ledger.Insert(context.Background(), foreign))
	w.later(2 * time.Hour)
	for _, api := range w.dash.APIs() {
		if strings.HasPrefix(api.Definition.Slug(), "echo") {
			w.dash.DropAPI(api.Definition.ID())
		}
	}

	if diff := cmp.Diff("delete certificate echo.shop\ndelete record inbound/shop/echo", toldOf(w.pruning())); diff != "" {
		t.Error(diff)
	}

	must(t, w.prune())
	if got := w.ledgerText(); strings.Count(got, "\n") != 3 || !strings.Contains(got, foreign.ID) {
		t.Errorf("records: %s", got)
	}

	w.mustRun(sleepy)
	for _, api := range w.dash.APIs() {
		w.dash.DropAPI(api.Definition.ID())
	}

	must(t, w.prune())
	if n, got := len(w.dash.Certificates()), w.ledgerText(); n != 0 || strings.Count(got, "\n") != 1 {
		t.Errorf("without a service %d certificates are left, and the records %s", n, got)
	}
}
