package plan_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/plan/plantest"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

func many(n int) (workloads []inject.Workload) {
	for i := range n {
		workloads = append(workloads, plantest.Workload("shop", fmt.Sprintf("app-%04d", i), plantest.Annotated("bool", "enable-jwt", true)))
	}
	return workloads
}

// settledState returns a remote state in which nothing is to be done for these workloads, made
// without servers.
func settledState(tb testing.TB, workloads []inject.Workload, s mesh.Settings) plan.State {
	services, _, problems := plan.Wanted(workloads, s)
	if len(problems) > 0 {
		tb.Fatal(problems)
	}

	local, err := ca.OpenLocal(tb.TempDir(), nil)
	plantest.Must(tb, err)
	state := plan.State{HasLedger: true}
	state.CA, err = plantest.Issuer{Signer: local}.CA(context.Background())
	plantest.Must(tb, err)
	record := func(role mesh.Role, svc inject.Service, hosts []string) string {
		bundle, err := plantest.Issuer{Signer: local}.Issue(context.Background(), hosts)
		plantest.Must(tb, err)

		app := svc.App
		if role == mesh.Mesh {
			app = mesh.Tag
		}

		r := ca.NewRecord(string(role), svc.Namespace, app, s.Org, bundle, time.Now())
		r.State = ca.Active
		state.Records = append(state.Records, r)
		state.Certificates = append(state.Certificates, dashboard.Certificate{
			ID: r.Fingerprint, DNSNames: hosts, NotBefore: r.NotBefore, NotAfter: r.Expires, HasPrivate: true,
		})

		return r.Fingerprint
	}

	meshID := record(mesh.Mesh, inject.Service{}, s.MeshCertificateHosts())
	for i := range services {
		own := record(mesh.Inbound, services[i].Service, services[i].Hosts)
		for j, w := range []mesh.WantedAPI{services[i].Inbound, services[i].Mesh} {
			d := w.Definition.With("certificates", []any{[]string{own, meshID}[j]})
			d["id"] = fmt.Sprintf("5f%022x", 2*i+j)
			state.APIs = append(state.APIs, dashboard.API{Definition: d})
		}
	}

	return state
}

// BenchmarkPlan is what is worked out without a request for a mesh of 1,000 services, which has
// 2,000 APIs: that nothing is to be done for them, what takes them off the mesh, and what is on it.
func BenchmarkPlan(b *testing.B) {
	s := plantest.Settings()
	s.TLS = true
	workloads := many(1000)

	state := settledState(b, workloads, s)
	b.Run("of=nothing", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			services, _, _ := plan.Wanted(workloads, s)
			todo, problems := plan.Register(services, plan.NewSnapshot(state, s))
			if len(problems) > 0 || !todo.Empty() {
				b.Fatal(problems, todo.Steps()[:1])
			}
		}
	})

	b.Run("of=removal", func(b *testing.B) {
		var services []inject.Service
		for _, w := range workloads {
			services = append(services, w.Service)
		}

		b.ReportAllocs()
		for b.Loop() {
			if n := len(plan.Remove(services, plan.NewSnapshot(state, s)).Steps()); n != 4*len(services)+2 {
				b.Fatalf("%d steps", n)
			}
		}
	})

	b.Run("of=inventory", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if n := len(plan.NewInventory(plan.NewSnapshot(state, s)).Services); n != 1000 {
				b.Fatalf("%d services", n)
			}
		}
	})
}
