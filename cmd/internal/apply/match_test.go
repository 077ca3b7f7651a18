package apply

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
	"github.com/tykmesh/tykmesh/inject"
)

// put registers an API as others make them.
func (w *world) put(slug, domain, path, target string, more dashboard.Definition) (id string) {
	d := dashboard.Definition{
		"name": slug, "slug": slug, "domain": domain, "org_id": w.settings.Org,
		"proxy": map[string]any{"listen_path": path, "target_url": target},
	}
	for k, v := range more {
		d[k] = v
	}

	return w.dash.PutAPI(dashboard.API{Definition: d})
}

func tags(list ...string) dashboard.Definition {
	return dashboard.Definition{"tags": dashboard.Union(list)}
}

// TestAdoption: what tyk-k8s made is taken over as it stands and not made again.
func TestAdoption(t *testing.T) {
	for name, slugs := range map[string]mesh.Slugs{"plain": mesh.PlainSlugs, "namespaced": mesh.NamespacedSlugs} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, dashboardtest.Options{UniqueSlugs: true})
			w.settings.Slugs = slugs
			inbound := w.put("echo-inbound", "echo.shop", "/", "http://localhost:6767", tags("echo"))
			meshAPI := w.put("echo-mesh", "mesh", "/echo-svc", "http://echo.shop:8080", tags("mesh"))
			apiID := func(id string) string {
				a, err := w.remote.APIs.API(context.Background(), id)
				must(t, err)
				return a.Definition.APIID()
			}
			w.edit("echo-mesh", "api_id", "theirs")
			before := apiID(meshAPI)

			bindings := w.mustRun(echo)
			if want := (inject.Binding{InboundID: inbound, MeshID: meshAPI}); bindings[echo.Service] != want {
				t.Errorf("bindings %v, want %v", bindings[echo.Service], want)
			}

			if n := len(w.dash.APIs()); n != 2 {
				t.Errorf("%d APIs", n)
			}

			if after := apiID(meshAPI); after != before {
				t.Errorf("api_id %q became %q; keys and policies refer to it", before, after)
			}
		})
	}
}

func TestConflicts(t *testing.T) {
	oas := dashboard.Definition{"is_oas": true}
	for _, c := range []struct {
		name     string
		there    func(*world)
		settings func(*mesh.Settings)
		want     []string // a part of each problem; none: it is no conflict
		warnings int
	}{
		{
			name:  "slug of another API",
			there: func(w *world) { w.put("echo-mesh", "elsewhere", "/x", "http://x", nil) },
			want:  []string{"echo.yaml:1:1", `slug "echo-mesh" is taken by API "echo-mesh"`, "--adopt echo-mesh"},
		},
		{
			name:     "slug of another API, adopted",
			there:    func(w *world) { w.put("echo-mesh", "elsewhere", "/x", "http://x", nil) },
			settings: func(s *mesh.Settings) { s.Adopt = map[string]bool{"echo-mesh": true} },
		},
		{
			name:  "slug of an OAS API",
			there: func(w *world) { w.put("echo-mesh", "mesh", "/echo-svc", "http://echo.shop:8080", oas) },
			want:  []string{"OAS API"},
		},
		{
			name: "our api_id on an OAS API",
			there: func(w *world) {
				w.put("converted", "elsewhere", "/x", "http://x", dashboard.Definition{"is_oas": true, "api_id": mesh.APIID(w.settings.Org, echo.Service, mesh.Mesh)})
			},
			want: []string{"api_id", `API "converted"`, "converted to OAS", "delete it in the Dashboard"},
		},
		{
			name:     "an OAS API cannot be adopted",
			there:    func(w *world) { w.put("echo-mesh", "mesh", "/echo-svc", "http://echo.shop:8080", oas) },
			settings: func(s *mesh.Settings) { s.Adopt = map[string]bool{"echo-mesh": true} },
			want:     []string{"OAS API"},
		},
		{
			name: "slug of the same app in another namespace",
			there: func(w *world) {
				_, err := w.run(context.Background(), workload("bar", "echo", route("/other")))
				must(w.tb, err)
			},
			want: []string{"of service bar/echo", "Injector.slugs: namespaced"},
		},
		{
			name: "another service's API cannot be adopted",
			there: func(w *world) {
				_, err := w.run(context.Background(), workload("bar", "echo", route("/other")))
				must(w.tb, err)
			},
			settings: func(s *mesh.Settings) { s.Adopt = map[string]bool{"echo-inbound": true, "echo-mesh": true} },
			want:     []string{"of service bar/echo"},
		},
		{
			name:  "slug of another namespace's, made by tyk-k8s",
			there: func(w *world) { w.put("echo-inbound", "echo.bar", "/", "http://localhost:6767", tags("echo")) },
			want:  []string{"--adopt echo-inbound"},
		},
		{
			name:  "route on a mesh host",
			there: func(w *world) { w.put("other", "mesh.local", "/echo-svc/", "http://x", nil) },
			want:  []string{"echo.yaml:10:9", `route "/echo-svc" is taken by API "other"`, "--adopt other"},
		},
		{
			name:     "route on a mesh host, adopted",
			there:    func(w *world) { w.put("other", "mesh.local", "/echo-svc/", "http://x", nil) },
			settings: func(s *mesh.Settings) { s.Adopt = map[string]bool{"other": true} },
		},
		{
			name:  "route on hosts by a pattern",
			there: func(w *world) { w.put("other", "{h:mesh.*}", "/echo-svc", "http://x", nil) },
			want:  []string{`route "/echo-svc"`},
		},
		{
			name:  "route on all hosts, loaded by sidecars",
			there: func(w *world) { w.put("other", "", "/echo-svc", "http://x", tags("mesh")) },
			want:  []string{`route "/echo-svc"`},
		},
		{name: "route on other hosts", there: func(w *world) { w.put("other", "api.example.com", "/echo-svc", "http://x", nil) }},
		{name: "route on all hosts of other gateways", there: func(w *world) { w.put("other", "", "/echo-svc", "http://x", nil) }},
		{
			name: "route of another service of the mesh",
			there: func(w *world) {
				_, err := w.run(context.Background(), workload("bar", "web", route("/echo-svc")))
				must(w.tb, err)
			},
			want: []string{`route "/echo-svc"`, "of service bar/web"},
		},
		{
			name: "a part of another namespace's route",
			there: func(w *world) {
				_, err := w.run(context.Background(), workload("bar", "all", route("/echo-svc/v1")))
				must(w.tb, err)
			},
			want: []string{"echo.yaml:10:9", `route "/echo-svc" has route "/echo-svc/v1" of service bar/all under it`, "Injector.sharedRoutes"},
		},
		{
			name: "a part of another namespace's route, shared",
			there: func(w *world) {
				_, err := w.run(context.Background(), workload("bar", "all", route("/echo-svc/v1")))
				must(w.tb, err)
			},
			settings: func(s *mesh.Settings) { s.SharedRoutes = []string{"/echo-svc/"} },
		},
		{
			name:  "domain of another API",
			there: func(w *world) { w.put("other", "Echo.shop", "/v1", "http://x", nil) },
			want:  []string{`domain "echo.shop"`},
		},
		{
			name: "routes that begin alike", warnings: 2,
			there: func(w *world) {
				w.put("shorter", "mesh", "/echo", "http://x", nil)
				w.put("longer", "mesh", "/echo-svc/v2", "http://x", nil)
				w.put("all", "mesh", "/", "http://x", nil)
				w.put("else", "mesh", "/echo-other", "http://x", nil)
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, dashboardtest.Options{})
			c.there(w)
			if c.settings != nil {
				c.settings(&w.settings)
			}

			before := len(w.dash.APIs())
			w.dash.ClearLog()

			todo, problems := w.tryPlan(echo)
			if len(c.want) == 0 {
				if len(problems) > 0 {
					t.Fatalf("problems: %v", problems)
				}

				if len(todo.Warnings) != c.warnings {
					t.Errorf("warnings: %v", todo.Warnings)
				}

				w.mustRun(echo)
				if w.settings.Adopt != nil && len(w.dash.APIs()) != before+1 {
					t.Errorf("%d APIs", len(w.dash.APIs()))
				}

				return
			}

			if len(problems) == 0 || w.writes() != "" {
				t.Fatalf("problems %v, writes %q", problems, w.writes())
			}

			for _, part := range c.want {
				if !strings.Contains(problems[0].Error(), part) {
					t.Errorf("%q is not in: %v", part, problems[0])
				}
			}
		})
	}
}

// TestNeighboursAreLeftAlone: what came to live beside our API is no reason to refuse a run that
// does not concern it.
func TestNeighboursAreLeftAlone(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.mustRun(echo)
	w.put("echo-mesh", "elsewhere", "/x", "http://x", nil)
	w.put("other", "mesh", "/echo-svc", "http://x", nil)
	w.settled(echo)
}

func TestAPIOfAnotherOrganisation(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.settings.TLS = false
	w.mustRun(echo)
	services, _, _ := plan.Wanted([]inject.Workload{echo}, w.settings)
	state, err := Observe(context.Background(), w.remote, w.settings)
	must(t, err)
	state.APIs[0].Definition["org_id"] = "other"
	if _, problems := plan.Register(services, plan.NewSnapshot(state, w.settings)); len(problems) != 1 || !strings.Contains(problems[0].Msg, "organisation other") {
		t.Errorf("problems %v", problems)
	}
}

// TestSwap: two services exchange their routes in one run.
func TestSwap(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.mustRun(workload("shop", "a", route("/1")), workload("shop", "b", route("/2")))
	w.mustRun(workload("shop", "a", route("/2")), workload("shop", "b", route("/1")))
}

func TestPresetIDs(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	binding := w.mustRun(echo)[echo.Service]
	preset := func(inbound, meshAPI string) inject.Workload {
		x := echo
		x.InboundID, x.MeshID = inbound, meshAPI
		return x
	}
	w.settled(preset(binding.InboundID, binding.MeshID))
	w.settled(preset(binding.InboundID, ""))
	for name, x := range map[string]inject.Workload{
		"unknown":   preset("5f00000000000000000000ff", ""),
		"exchanged": preset(binding.MeshID, binding.InboundID),
	} {
		if _, problems := w.tryPlan(x); len(problems) == 0 || !strings.Contains(problems[0].Msg, "injector.tyk.io/inbound-service-id") {
			t.Errorf("%s: problems %v", name, problems)
		}
	}

	other := preset("", binding.MeshID)
	other.Service.App = "web"
	other.Route = "/web"
	if _, problems := w.tryPlan(other); len(problems) != 1 {
		t.Errorf("another service's id: problems %v", problems)
	}
}

func TestCopiesWithOurMark(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.mustRun(echo)
	before := w.api("echo-mesh")
	copied := before.Clone()
	delete(copied, "id")
	copied["slug"], copied["api_id"] = "copy-of-echo-mesh", "c0ffee"
	id := w.dash.PutAPI(dashboard.API{Definition: copied})

	// Gateways serve neither: the user decides which one stays.
	_, problems := w.tryPlan(echo)
	if len(problems) != 1 || !strings.Contains(problems[0].Msg, id) || !strings.Contains(problems[0].Msg, before.ID()) {
		t.Errorf("problems %v, want one with %s and %s", problems, id, before.ID())
	}

	w.edit("copy-of-echo-mesh", "proxy.listen_path", "/echo-v2")
	w.settled(echo)
}

// TestDuplicatesAreSettled: what runs that could not see each other created twice is there once
// after the next.
func TestDuplicatesAreSettled(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	stays := w.mustRun(echo, sleepy)
	for _, slug := range []string{"echo-inbound", "echo-inbound", "echo-mesh"} {
		twin := w.dash.APIs()[slices.IndexFunc(w.dash.APIs(), func(a dashboard.API) bool { return a.Definition.Slug() == slug })].Definition
		delete(twin, "id")
		twin["api_id"] = fmt.Sprint("twin-", len(w.dash.APIs()))
		w.dash.PutAPI(dashboard.API{Definition: twin})
	}

	if got := w.mustRun(echo, sleepy); !maps.Equal(got, stays) {
		t.Errorf("bindings %v, want %v", got, stays)
	}

	if n := len(w.dash.APIs()); n != 4 {
		t.Errorf("%d APIs for two services", n)
	}
}

// TestTwoOfOurs: where a Dashboard assigns api_ids, two runs at once may both have created an API
// before one of them deletes its own. A third run that sees both takes the one that stays, although
// the other may have got the api_id that was asked for.
func TestTwoOfOurs(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	stays := w.mustRun(echo)[echo.Service]
	goes := w.api("echo-mesh").Clone()
	delete(goes, "id")
	w.edit("echo-mesh", "api_id", "assigned")
	w.dash.PutAPI(dashboard.API{Definition: goes})
	bindings, err := w.run(context.Background(), echo)
	must(t, err)
	if got := bindings[echo.Service]; got != stays {
		t.Errorf("bindings %v, want %v", got, stays)
	}
}

// TestRoutesOfOthers: what another namespace has is taken neither in part nor as a whole, and who
// has a route keeps it.
func TestRoutesOfOthers(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	pay := workload("shop", "pay", route("/pay"))
	w.mustRun(pay)
	for r, want := range map[string]string{
		"/pay/v1/charge": `route "/pay/v1/charge" lies under route "/pay" of service shop/pay`,
		"/":              "route / takes every call to the mesh that no other route does",
		"/payments":      "",
		"/p":             "",
	} {
		_, problems := w.tryPlan(workload("other", "x", route(r)))
		if got := fmt.Sprint(problems); want == "" && len(problems) > 0 || !strings.Contains(got, want) {
			t.Errorf("route %s: %s, want %q", r, got, want)
		}
	}

	// Consent of the platform, and then the route is there and stays.
	w.settings.SharedRoutes = []string{"/", "/pay"}
	inner, rest := workload("other", "x", route("/pay/v1")), workload("other", "rest", route("/"))
	w.mustRun(inner, rest)
	w.settings.SharedRoutes = nil
	w.settled(inner)
	w.settled(rest)
	w.settled(pay)
	w.mustRun(workload("shop", "pay", route("/pay")), workload("shop", "fraud", route("/fraud")))
}

// TestBorrowedCertificates: an annotation may name a certificate of its own service, or of no
// service at all.
func TestBorrowedCertificates(t *testing.T) {
	for _, ledger := range []bool{true, false} {
		w := newWorld(t, dashboardtest.Options{})
		if !ledger {
			w.remote.Ledger = nil
		}

		_, err := w.run(context.Background(), echo, sleepy)
		must(t, err)
		bundle, err := newWorld(t, dashboardtest.Options{}).remote.Issuer.Issue(context.Background(), []string{"client.bank.example"})
		must(t, err)
		own, meshAPI := w.api("echo-inbound").Certificates()[0], w.api("echo-mesh").Certificates()[0]
		for name, c := range map[string]struct{ id, want string }{
			"its own":              {own, ""},
			"of no service":        {w.dash.PutCertificate(bundle.PEM()), ""},
			"of another service":   {w.api("sleep-inbound").Certificates()[0], "names the certificate of service shop/sleep"},
			"in capitals":          {strings.ToUpper(w.api("sleep-inbound").Certificates()[0]), "names the certificate of service shop/sleep"},
			"of the mesh":          {meshAPI, "names the certificate of the mesh"},
			"among several in one": {own + ", " + meshAPI, "names the certificate of the mesh"},
		} {
			for path, value := range map[string]any{
				"upstream-certificates": map[string]any{"*": c.id}, "client-certificates": []any{c.id}, "pinned-public-keys": map[string]any{"*": c.id},
			} {
				_, problems := w.tryPlan(workload("shop", "echo", route("/echo-svc"), annotated("object", path, value)))
				if got := fmt.Sprint(problems); c.want == "" && len(problems) > 0 || !strings.Contains(got, c.want) {
					t.Errorf("ledger %v, %s, %s: %s, want %q", ledger, name, path, got, c.want)
				}
			}
		}
	}
}
