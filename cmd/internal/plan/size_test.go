package plan_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/plan/plantest"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// calls makes a workload's sidecars load the routes of these services only.
func calls(all ...inject.Service) func(*inject.Workload) {
	return func(w *inject.Workload) {
		w.Scoped, w.Calls, w.CallsPos = true, all, manifest.Position{File: "calls.yaml", Line: 7, Column: 3}
	}
}

// limited gives a workload's sidecars a memory limit of their own.
func limited(limit string) func(*inject.Workload) {
	return func(w *inject.Workload) {
		w.MemoryLimit, w.MemoryLimitPos = limit, manifest.Position{File: "limit.yaml", Line: 8, Column: 3}
	}
}

func builtIn(limit string) mesh.Settings {
	s := plantest.Settings()
	s.BuiltIn = &mesh.BuiltIn{MemoryLimit: limit, MemoryLimitPos: manifest.Position{File: "tykmesh.yaml", Line: 9, Column: 5}}
	return s
}

// stateOf returns the APIs of registered workloads.
func stateOf(tb testing.TB, s mesh.Settings, workloads ...inject.Workload) (state plan.State) {
	tb.Helper()
	services, _, problems := plan.Wanted(workloads, s)
	if len(problems) > 0 {
		tb.Fatal(problems)
	}

	for i := range services {
		for j, w := range []mesh.WantedAPI{services[i].Inbound, services[i].Mesh} {
			state.APIs = append(state.APIs, dashboard.API{Definition: w.Definition.With("id", fmt.Sprintf("5f%022x", 2*i+j))})
		}
	}

	return state
}

// register returns the plan for workloads.
func register(tb testing.TB, s mesh.Settings, state plan.State, workloads ...inject.Workload) *plan.Plan {
	tb.Helper()
	services, _, problems := plan.Wanted(workloads, s)
	todo, refused := plan.Register(services, plan.NewSnapshot(state, s))
	if len(problems)+len(refused) > 0 {
		tb.Fatal(problems, refused)
	}
	return todo
}

func warned(p *plan.Plan) (lines []string) {
	for _, w := range p.Warnings {
		lines = append(lines, fmt.Sprintf("%s %s", w.Error(), w.Rule))
	}
	return lines
}

// numbered returns n workloads, app-0 and so on.
func numbered(n int) (workloads []inject.Workload) {
	for i := range n {
		workloads = append(workloads, plantest.Workload("shop", fmt.Sprintf("app-%d", i)))
	}
	return workloads
}

func TestSmallMemoryLimits(t *testing.T) {
	const (
		common = "tykmesh.yaml:9:5: Sidecar.memoryLimit: "
		own    = "annotation injector.tyk.io/sidecar-memory-limit: "
		or     = ", or list the services that each workload calls in injector.tyk.io/calls"
	)
	registered := stateOf(t, builtIn(""), numbered(1000)...).APIs
	web := func(change ...func(*inject.Workload)) inject.Workload {
		return plantest.Workload("shop", "web", change...)
	}
	for _, c := range []struct {
		name      string
		routes    int // registered before
		limit     string
		workloads []inject.Workload
		want      []string
	}{
		{"enough", 400, "192Mi", []inject.Workload{web()}, nil},
		{"no limit", 400, "", []inject.Workload{web()}, nil},
		{"the last route that fits", 799, "192Mi", []inject.Workload{web()}, nil},
		{"the first that does not", 800, "192Mi", []inject.Workload{web()}, []string{
			common + "192Mi is too small for a mesh of 801 routes: the sidecar of 1 workload needs about 193Mi to load a change; set 256Mi" + or + " TM0041"}},
		{"routes that exist already", 800, "192Mi", numbered(2), nil},
		{"several workloads", 1000, "192Mi", append(numbered(2), web()), []string{
			common + "192Mi is too small for a mesh of 1001 routes: the sidecars of 3 workloads need about 225Mi to load a change; set 256Mi" + or + " TM0041"}},
		{"scoped", 1000, "192Mi", []inject.Workload{web(calls(inject.Service{Namespace: "shop", App: "app-1"}))}, nil},
		{"scoped, and too small", 1000, "128Mi", []inject.Workload{web(calls())}, []string{
			common + "128Mi is too small for a mesh of 1001 routes: the sidecar of 1 workload needs about 140Mi to load a change; set 192Mi TM0041"}},
		{"scoping would not do", 1000, "128M", []inject.Workload{web()}, []string{
			common + "128M is too small for a mesh of 1001 routes: the sidecar of 1 workload needs about 225Mi to load a change; set 256Mi TM0041"}},
		{"own limits", 1000, "1Gi", []inject.Workload{web(limited("200Mi")), plantest.Workload("shop", "big", limited("0.5Gi")), plantest.Workload("shop", "other")}, []string{
			"limit.yaml:8:3: document 1 (Deployment shop/web): " + own + "200Mi is too small for a mesh of 1003 routes: the sidecar of 1 workload needs about 225Mi to load a change; set 256Mi" + or + " TM0041"}},
		{"an own limit without a common one", 1000, "", []inject.Workload{web(limited("200Mi"))}, []string{
			"limit.yaml:8:3: document 1 (Deployment shop/web): " + own + "200Mi is too small for a mesh of 1001 routes: the sidecar of 1 workload needs about 225Mi to load a change; set 256Mi" + or + " TM0041"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := builtIn(c.limit)
			state := plan.State{APIs: registered[:2*c.routes]}
			if diff := cmp.Diff(c.want, warned(register(t, s, state, c.workloads...))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}

			s.BuiltIn = nil
			if got := warned(register(t, s, state, c.workloads...)); len(got) > 0 {
				t.Errorf("with configured containers: %q", got)
			}
		})
	}
}

// The routes of the mesh are the APIs that its sidecars load: those of others, and new ones, too.
func TestRoutes(t *testing.T) {
	s := builtIn("")
	web := plantest.Workload("shop", "web")
	state := stateOf(t, s, numbered(3)...)
	state.APIs = append(state.APIs,
		dashboard.API{Definition: dashboard.Definition{"id": "60", "name": "theirs", "tags": []any{"x", "mesh"}}},
		dashboard.API{Definition: dashboard.Definition{"id": "61", "name": "edge", "tags": []any{"edge"}}})
	if n := plan.NewInventory(plan.NewSnapshot(state, s)).Routes; n != 4 {
		t.Errorf("%d routes are registered, want 4", n)
	}
	if n := register(t, s, state, web).Routes; n != 5 {
		t.Errorf("%d routes after a registration, want 5", n)
	}
	if n := register(t, s, state, numbered(2)...).Routes; n != 4 {
		t.Errorf("%d routes after a run with nothing to do, want 4", n)
	}

	state.APIs[1].Definition["tags"] = []any{"edited"}
	twice := state.APIs[3].Definition.With("id", "62")
	state.APIs = append(state.APIs, dashboard.API{Definition: twice})
	if n := register(t, s, state, numbered(3)...).Routes; n != 4 {
		t.Errorf("%d routes after a repair and the deletion of a duplicate, want 4", n)
	}
}

func TestUnansweredCalls(t *testing.T) {
	pay, user := inject.Service{Namespace: "bank", App: "pay"}, inject.Service{Namespace: "shop", App: "user"}
	service := func(s inject.Service) inject.Workload { return plantest.Workload(s.Namespace, s.App) }
	caller := plantest.Workload("shop", "web", calls(pay, user))
	const at = "calls.yaml:7:3: document 1 (Deployment shop/web): annotation injector.tyk.io/calls: "
	for _, c := range []struct {
		name       string
		slugs      mesh.Slugs
		registered []inject.Workload
		configured bool // by a run that gives routes no tag of their own
		wanted     []inject.Workload
		want       []string
	}{
		{name: "both are in the stream", wanted: []inject.Workload{service(pay), service(user)}},
		{name: "both are registered", registered: []inject.Workload{service(pay), service(user)}},
		{name: "both are registered, namespaced", slugs: mesh.NamespacedSlugs, registered: []inject.Workload{service(pay), service(user)}},
		{name: "one here, one there", registered: []inject.Workload{service(pay)}, wanted: []inject.Workload{service(user)}},
		{name: "neither", want: []string{
			at + "no service bank/pay is on the mesh; register it, or correct the name TM0042",
			at + "no service shop/user is on the mesh; register it, or correct the name TM0042"}},
		{name: "alike", registered: []inject.Workload{service(user), plantest.Workload("bank", "pays")}, want: []string{
			at + "no service bank/pay is on the mesh; register it, or correct the name; did you mean pays.bank? TM0042"}},
		// With plain slugs the tag alone would let the wrong service answer.
		{name: "in another namespace", registered: []inject.Workload{service(user), plantest.Workload("shop", "pay")}, want: []string{
			at + "no service bank/pay is on the mesh; register it, or correct the name; did you mean pay.shop? TM0042"}},
		{name: "registered without the tag", registered: []inject.Workload{service(pay), service(user)}, configured: true, wanted: []inject.Workload{service(user)}, want: []string{
			at + "the route of service bank/pay lacks the tag mesh.pay, so these sidecars do not load it; run tykmesh inject or register with the manifests of bank/pay first TM0042"}},
		{name: "registered with other slugs", slugs: mesh.NamespacedSlugs, registered: []inject.Workload{service(pay), service(user)}, configured: true, want: []string{
			at + "the route of service bank/pay lacks the tag mesh.pay.bank, so these sidecars do not load it; run tykmesh inject or register with the manifests of bank/pay first TM0042",
			at + "the route of service shop/user lacks the tag mesh.user.shop, so these sidecars do not load it; run tykmesh inject or register with the manifests of shop/user first TM0042"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := builtIn("")
			s.Slugs = c.slugs
			before := s
			if c.configured {
				before.BuiltIn = nil
			}

			todo := register(t, s, stateOf(t, before, c.registered...), append(c.wanted, caller)...)
			if diff := cmp.Diff(c.want, warned(todo)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
