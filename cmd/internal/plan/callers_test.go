package plan_test

import (
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/plan/plantest"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// TestCallsWithoutRoute holds calls of routes against those of the stream and of the listing, as they are
// once the plan is carried out.
func TestCallsWithoutRoute(t *testing.T) {
	s := plantest.Settings()
	render := func(workloads ...inject.Workload) []plan.Service {
		services, _, problems := plan.Wanted(workloads, s)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		return services
	}

	var state plan.State
	list := func(d dashboard.Definition, id string) {
		state.APIs = append(state.APIs, dashboard.API{Definition: d.With("id", id)})
	}
	for _, service := range render( // another pipeline's, and one whose route changes
		plantest.Workload("shop", "listed"), plantest.Workload("shop", "cart", plantest.Route("/shop/cart")), plantest.Workload("shop", "moved", plantest.Route("/old"))) {
		list(service.Mesh.Definition, service.App)
	}

	list(dashboard.Definition{"name": "foreign", "slug": "foreign", "domain": "mesh", "proxy": map[string]any{"listen_path": "/foreign"}}, "f")
	list(dashboard.Definition{"name": "elsewhere", "slug": "elsewhere", "domain": "example.com", "proxy": map[string]any{"listen_path": "/elsewhere"}}, "e")

	stream := render(plantest.Workload("shop", "echo", plantest.Route("/echo-svc")), plantest.Workload("shop", "moved", plantest.Route("/new")))
	for path, want := range map[string]string{
		"/echo-svc": "", "/echo-svc/": "", "/echo-svc/a/b": "", "/new/x": "", "/listed": "", "/shop/cart/1": "",
		"/shop": "", "/shop/": "", "/foreign": "", "/foreigner": "", "//listed/../listed": "",
		"/old": "no route", "/elsewhere": "no route", "/echo": "no route", "/sho": "no route", "/": "",
		"/echo-svcs": "/echo-svc", "/listed2/a": "/listed", "/shop/carts": "/shop/cart", "/shop/pay": "no route",
	} {
		call := inject.RouteCall{Pos: echo.Pos, Object: "document 1 (Pod shop/caller)", URL: "http://mesh" + path, Path: path}
		todo, problems := plan.Register(stream, plan.NewSnapshot(state, s), call)
		if len(problems) > 0 {
			t.Fatal(problems)
		}

		got := ""
		for _, w := range todo.Warnings {
			if w.Rule == "TM0039" && w.Pos == echo.Pos && w.Object == call.Object {
				got += w.Msg
			}
		}

		switch reached := "so calls of http://mesh" + path + " reach the route " + want + ";"; {
		case want == "" && got != "":
			t.Errorf("%s: %s", path, got)
		case want == "no route" && !strings.HasPrefix(got, "no service of the stream and no listed API has a route for http://mesh"+path+";"):
			t.Errorf("%s: %q, want no route", path, got)
		case strings.HasPrefix(want, "/") && !strings.Contains(got, reached):
			t.Errorf("%s: %q, want %q", path, got, reached)
		}
	}
}

// Scoped sidecars load the routes of the listed services only.
func TestScopedCalls(t *testing.T) {
	s := plantest.Settings()
	services, _, _ := plan.Wanted([]inject.Workload{echo, plantest.Workload("shop", "pay")}, s)
	var calls []inject.RouteCall
	for _, path := range []string{"/echo-svc/x", "/pay", "/pay/x"} {
		calls = append(calls, inject.RouteCall{URL: "http://mesh" + path, Path: path, Scoped: true, Loaded: []inject.Service{echo.Service}})
	}
	todo, problems := plan.Register(services, plan.NewSnapshot(plan.State{}, s), calls...)
	if len(problems) > 0 || len(todo.Warnings) != 2 {
		t.Fatalf("got %v and %v", problems, todo)
	}

	const want = "annotation injector.tyk.io/calls lists no service shop/pay, so these sidecars answer calls of http://mesh/pay with 404; list it"
	if got := todo.Warnings[0].Msg; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A route on / answers every call.
func TestCallsOfRoot(t *testing.T) {
	s := plantest.Settings()
	s.SharedRoutes = []string{"/"}
	services, _, _ := plan.Wanted([]inject.Workload{plantest.Workload("shop", "front", plantest.Route("/"))}, s)
	todo, problems := plan.Register(services, plan.NewSnapshot(plan.State{}, s), inject.RouteCall{Path: "/any"})
	if len(problems) > 0 || len(todo.Warnings) > 0 || todo.Count(plan.APIKind, plan.Create) != len(mesh.Roles) {
		t.Errorf("got %v, %v", problems, todo)
	}
}
