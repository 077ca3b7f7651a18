package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/plan/plantest"
	"github.com/tykmesh/tykmesh/dashboard"
)

// TestRepeatedCertificates: gateways serve the last certificate for a name, so of a repeated one
// the last stays.
func TestRepeatedCertificates(t *testing.T) {
	for given, want := range map[string]string{"a a a": "a", "a b a": "b a", "b a b x": "a b", "x a": "a", "a b": "a b", "a b c c": "a b c"} {
		d := dashboard.Definition{"certificates": addList(strings.Fields(given))}
		if got := strings.Join(plan.Detached(d, []string{"x"}).Certificates(), " "); got != want {
			t.Errorf("%s without x: %s, want %s", given, got, want)
		}
	}
}

// addList returns a list as definitions hold it, repetitions included.
func addList(list []string) (out []any) {
	for _, s := range list {
		out = append(out, s)
	}
	return out
}

// The certificate of a CA is never ours to delete, whatever it names and whoever recorded it.
func TestPruneSparesCAs(t *testing.T) {
	authority := catest.NewCA("Mesh CA").Cert
	stored := func(id string, isCA bool) dashboard.Certificate {
		return dashboard.Certificate{ID: id, IssuerCN: "Mesh CA", DNSNames: []string{"echo.shop"}, NotAfter: time.Now().Add(time.Hour), IsCA: isCA}
	}
	state := plan.State{
		CA: authority, HasLedger: true,
		APIs:         []dashboard.API{{Definition: dashboard.Definition{"slug": "sleep-inbound", "domain": "sleep.shop", "tags": []any{"sleep"}}}},
		Certificates: []dashboard.Certificate{stored("leaf", false), stored("ca", true), {ID: "recorded"}},
		Records:      []ca.Record{{ID: "5f", Legacy: true, Fingerprint: "recorded", Certificate: catest.NewCA("Mesh CA").PEM()}},
	}

	if diff := cmp.Diff("delete certificate echo.shop", plantest.Told(plan.Prune(plan.NewSnapshot(state, mesh.Settings{TLS: true, MeshHosts: []string{"mesh"}})))); diff != "" {
		t.Error(diff)
	}
}
