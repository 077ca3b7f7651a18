package apply

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// certificates is what certs list would show, a line each.
func (w *world) certificates() string {
	w.tb.Helper()
	state, _, err := Survey(context.Background(), w.remote, w.settings)
	must(w.tb, err)
	var lines []string
	for _, h := range plan.NewCertificateList(plan.NewSnapshot(state, w.settings)) {
		line := fmt.Sprintf("%s %s: %s, by %s, on %v", h.Use, h.Name, h.State, h.SignedBy, h.UsedBy)
		if h.NotAfter.IsZero() {
			line += ", end unknown"
		}

		if h.Renewal != "" {
			line += ", due: " + h.Renewal
		}

		if !h.Ours {
			line += ", not ours"
		}

		lines = append(lines, line)
	}

	return strings.Join(lines, "\n")
}

const listed = `CA CA: active, by current CA, on []
mesh mesh: active, by current CA, on [echo-mesh sleep-mesh]
service shop/echo: active, by current CA, on [echo-inbound]
service shop/sleep: active, by current CA, on [sleep-inbound]`

// replaced is listed with one line in the place of another.
func replaced(name, line string) string {
	var lines []string
	for l := range strings.SplitSeq(listed, "\n") {
		if strings.Contains(l, " "+name+":") {
			l = line
		}
		if l != "" {
			lines = append(lines, l)
		}
	}

	return strings.Join(lines, "\n")
}

// Every certificate of the mesh is listed once, with what it does and what is to be done about it.
func TestCertificateList(t *testing.T) {
	const echoDue = "service shop/echo: active, by current CA, on [echo-inbound], due: expires in 64 days"
	for _, c := range []struct {
		name  string
		spoil func(*past)
		want  string
	}{
		{"all well", func(*past) {}, listed},
		{"no ledger", func(p *past) { p.remote.Ledger = nil }, listed},
		{"without details, by the ledger", func(p *past) { p.another(dashboardtest.Options{NoDetailedCertificates: true}) }, listed},
		{"without details and ledger", func(p *past) { p.another(dashboardtest.Options{NoDetailedCertificates: true}); p.remote.Ledger = nil }, listed},
		{"due", func(p *past) { p.later(300 * 24 * time.Hour) }, strings.Join([]string{
			"CA CA: active, by current CA, on []", "mesh mesh: active, by current CA, on [echo-mesh sleep-mesh], due: expires in 64 days", echoDue,
			strings.ReplaceAll(echoDue, "echo", "sleep"),
		}, "\n")},
		{"pending", func(p *past) { p.pending("inbound/shop/echo") },
			replaced("shop/echo", "service shop/echo: pending, by current CA, on [echo-inbound], due: an earlier run did not finish")},
		{"not in the store", func(p *past) { p.dash.DropCertificate(p.api("echo-inbound").Certificates()[0]) },
			replaced("shop/echo", "service shop/echo: missing, by current CA, on [echo-inbound], due: no longer in the Dashboard's store")},
		{"not on its API", func(p *past) { p.edit("echo-inbound", "certificates", []any{}) },
			replaced("shop/echo", "service shop/echo: active, by current CA, on [], due: not on API echo-inbound")},
		{"never made", func(p *past) {
			p.remote.Ledger = nil
			id := p.api("echo-inbound").Certificates()[0]
			p.edit("echo-inbound", "certificates", []any{})
			p.dash.DropCertificate(id)
		}, replaced("shop/echo", "service shop/echo: missing, by unknown, on [], end unknown, due: not there yet")},
		{"other hosts", func(p *past) { p.settings.MeshHosts = []string{"mesh", "elsewhere"} },
			replaced("mesh", "mesh mesh: active, by current CA, on [echo-mesh sleep-mesh], due: hosts mesh -> mesh, elsewhere")},
		{"chosen", func(p *past) { p.settings.MeshCertificateID = p.api("echo-mesh").Certificates()[0] },
			replaced("mesh", "mesh mesh: active, by current CA, on [echo-mesh sleep-mesh], not ours")},
		{"piled up", func(p *past) {
			p.edit("echo-inbound", "certificates", []any{p.upload("echo.shop"), p.api("echo-inbound").Certificates()[0]})
		},
			replaced("shop/echo", "service shop/echo: active, by current CA, on [echo-inbound]\nservice shop/echo: legacy, by current CA, on [echo-inbound]")},
		{"attached by others", func(p *past) {
			own := p.remote.Issuer
			p.anotherCA()
			id := p.upload("www.example.com")
			p.remote.Issuer = own
			p.forgetLegacy()
			p.edit("echo-inbound", "certificates", []any{p.api("echo-inbound").Certificates()[0], id})
		}, listed + "\nother www.example.com: active, by another CA, on [echo-inbound], not ours"},
		{"of other people", func(p *past) {
			p.plant = nothingPlanted
			p.upload("www.example.com")
			p.put("shop", "shop.example", "/", "http://shop", dashboard.Definition{"certificates": []any{p.upload("shop.example")}})
		}, listed},
		{"left over", func(p *past) {
			p.upload("gone.shop")
			p.plant = nothingPlanted
			p.upload("echo.shop")
		}, listed + "\nleftover echo.shop: orphan, by current CA, on []\nleftover gone.shop: orphan, by current CA, on []"},
		{"without its APIs", func(p *past) {
			for _, api := range p.dash.APIs() {
				if strings.HasPrefix(api.Definition.Slug(), "sleep") {
					p.dash.DropAPI(api.Definition.ID())
				}
			}
		}, strings.ReplaceAll(replaced("shop/sleep", "leftover sleep.shop: orphan, by current CA, on []"), " sleep-mesh", "")},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPast(t, inFile)
			p.mustRun(echo, sleepy)
			c.spoil(p)
			if diff := cmp.Diff(c.want, p.certificates()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Another CA is seen, by its certificate and by its name; without the CA's certificate the question
// is left open.
func TestCertificateListTrust(t *testing.T) {
	for _, ledger := range []bool{true, false} {
		p := newPast(t, inFile)
		p.mustRun(echo, sleepy)
		if !ledger {
			p.remote.Ledger = nil
		}

		own := p.remote.Issuer
		p.anotherCA()
		if got := p.certificates(); strings.Count(got, `by another CA`) != 3 || ledger && strings.Count(got, `due: not signed by "Next CA"`) != 3 {
			t.Errorf("after a change of the CA:\n%s", got)
		}

		p.remote.Issuer = noIssuer{own.(issuer)}
		want := strings.ReplaceAll(strings.TrimPrefix(listed, "CA CA: active, by current CA, on []\n"), "current CA", "unknown")
		if diff := cmp.Diff(want, p.certificates()); diff != "" {
			t.Errorf("without a CA:\n%s", diff)
		}
	}
}

// another moves everything to a Dashboard with other habits.
func (p *past) another(o dashboardtest.Options) {
	next := newWorld(p.tb, o)
	for _, c := range p.dash.Certificates() {
		next.dash.PutCertificate(p.dash.PEM(c.ID))
	}

	for _, api := range p.dash.APIs() {
		next.dash.PutAPI(api)
	}

	p.dash, p.remote.APIs, p.remote.Certificates = next.dash, next.remote.APIs, next.remote.Certificates
}

// pending makes a record one whose run has not finished.
func (p *past) pending(id string) {
	records := p.records()
	r := records[slices.IndexFunc(records, func(r ca.Record) bool { return r.ID == id })]
	r.State = ca.Pending
	must(p.tb, p.remote.Ledger.Replace(context.Background(), r.Fingerprint, r))
}

// forgetLegacy deletes the records of tyk-k8s.
func (p *past) forgetLegacy() {
	for _, r := range p.records() {
		if r.Legacy {
			must(p.tb, p.remote.Ledger.Delete(context.Background(), r.ID, r.Fingerprint))
		}
	}
}
