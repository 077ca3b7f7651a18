package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/plan/plantest"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// on returns a workload of the built-in profile whose app and sidecar listen on these ports.
func on(app string, port, sidecarPort int, change ...func(*inject.Workload)) inject.Workload {
	return plantest.Workload("shop", app, append([]func(*inject.Workload){func(w *inject.Workload) { w.Port, w.SidecarPort = port, sidecarPort }}, change...)...)
}

// registered plans workloads against the APIs of an earlier plan. It returns the plan and its APIs.
func registered(t *testing.T, s mesh.Settings, apis []dashboard.API, workloads ...inject.Workload) (*plan.Plan, []dashboard.API) {
	t.Helper()
	services, _, problems := plan.Wanted(workloads, s)
	todo, more := plan.Register(services, plan.NewSnapshot(plan.State{APIs: apis}, s))
	if problems = append(problems, more...); len(problems) > 0 {
		t.Fatal(problems)
	}

	now := slices.Clone(apis)
	for i, step := range todo.Steps() {
		w, ok := step.Work.(*plan.Registration)
		if !ok {
			continue
		}

		id := fmt.Sprintf("%024x", i)
		if step.ID != "" {
			id = step.ID
			now = slices.DeleteFunc(now, func(api dashboard.API) bool { return api.Definition.ID() == id })
		}
		now = append(now, dashboard.API{Definition: w.Updated.With("id", id)})
	}

	return todo, now
}

// outages returns a line for each outage of a plan, and a line for its hint.
func outages(p *plan.Plan) string {
	var lines []string
	for _, o := range p.Outages {
		lines = append(lines, fmt.Sprintf("%s: %s: %s", o.Pos, o.Rule, o.Msg))
		if o.Hint != "" {
			lines = append(lines, "hint: "+o.Hint)
		}
	}
	for _, o := range p.Accepted {
		lines = append(lines, fmt.Sprintf("accepted %s: %s: %s", o.Pos, o.Rule, o.Msg))
	}

	return strings.Join(lines, "\n")
}

// placed sets the positions of annotations.
func placed(port, sidecarPort int) func(*inject.Workload) {
	return func(w *inject.Workload) {
		w.PortPos, w.SidecarPortPos = manifest.Position{File: w.Pos.File, Line: port, Column: 5}, manifest.Position{File: w.Pos.File, Line: sidecarPort, Column: 5}
	}
}

const (
	restarted = "; calls fail from registration until the injected manifests are applied and all pods have restarted"
	called    = "; calls fail from registration until the pods of callers and callees have restarted with the injected manifests"
	bothPorts = "\nhint: to avoid it, let the app listen on both ports for one release, with the previous one in injector.tyk.io/port; then change the annotation"
)

// TestOutages: which changes of a registered service are reported, and how.
func TestOutages(t *testing.T) {
	accepting := func(w *inject.Workload) { w.Accepted = []inject.Rule{inject.RuleOutage} }
	edited := func(path string, value any) func(dashboard.Definition) {
		return func(d dashboard.Definition) { _ = d.Set(path, value) }
	}
	tls := func(s *mesh.Settings) { s.TLS = true }

	for _, c := range []struct {
		name          string
		before, after inject.Workload
		mesh, inbound func(dashboard.Definition) // edits in the Dashboard
		was, settings func(*mesh.Settings)
		want          string
	}{
		{name: "nothing changes", before: on("a", 80, 8080), after: on("a", 80, 8080)},
		{name: "a new service", after: on("a", 80, 8080)},
		{
			name: "an annotation", before: on("a", 80, 8080), after: on("a", 80, 8080, plantest.Annotated("bool", "enable-jwt", true)),
		},
		{
			name: "TLS on", before: on("a", 80, 8080), after: on("a", 80, 8080), settings: tls,
			want: "shop-a.yaml:1:1: TM0040: service shop/a: TLS is turned on (http -> https)" + called +
				"\nhint: let callers use https://mesh instead of http://mesh in the same release; inject all services in one run, and apply the manifests at once",
		},
		{
			name: "TLS off", before: on("a", 80, 8080), after: on("a", 80, 8080), was: tls,
			want: "shop-a.yaml:1:1: TM0040: service shop/a: TLS is turned off (https -> http)" + called +
				"\nhint: let callers use http://mesh instead of https://mesh in the same release; inject all services in one run, and apply the manifests at once",
		},
		{
			name: "TLS off, at the only host of the mesh", before: on("a", 80, 8080), after: on("a", 80, 8080),
			was: func(s *mesh.Settings) { s.TLS, s.MeshDomain = true, "m" }, settings: func(s *mesh.Settings) { s.MeshDomain = "m" },
			want: "shop-a.yaml:1:1: TM0040: service shop/a: TLS is turned off (https -> http)" + called +
				"\nhint: let callers use http://m instead of https://m in the same release; inject all services in one run, and apply the manifests at once",
		},
		{
			name: "the app's port", before: on("a", 80, 8080), after: on("a", 3000, 8080),
			want: "shop-a.yaml:1:1: TM0040: service shop/a: the app's port changes (80 -> 3000)" + restarted + bothPorts,
		},
		{
			name: "by annotation, another spelling of the pod itself", before: on("a", 80, 8080), after: on("a", 3000, 8080, placed(7, 0)),
			inbound: edited("proxy.target_url", "http://localhost"),
			want:    "shop-a.yaml:7:5: TM0040: service shop/a: the app's port changes (80 -> 3000)" + restarted + bothPorts,
		},
		{
			name: "the same port of the pod itself", before: on("a", 80, 8080), after: on("a", 80, 8080), inbound: edited("proxy.target_url", "http://localhost"),
		},
		{
			name: "from configured containers, whose rules lead to the app", before: on("a", 0, 8080), after: on("a", 80, 8080),
			want: "shop-a.yaml:1:1: TM0040: service shop/a: the app's port changes (6767 -> 80)" + restarted,
		},
		{
			name: "a target elsewhere", before: on("a", 80, 8080), after: on("a", 80, 8080), inbound: edited("proxy.target_url", "http://10.0.0.1:3000"),
		},
		{
			name: "the sidecar's port", before: on("a", 80, 8080), after: on("a", 80, 18080),
			want: "shop-a.yaml:1:1: TM0040: service shop/a: the sidecar's port changes (8080 -> 18080)" + restarted +
				"\nhint: to avoid it, set Sidecar.previousPort: 8080, inject and apply; when all pods have restarted, delete that key, inject and apply again",
		},
		{
			name: "by annotation", before: on("a", 80, 8080), after: on("a", 80, 18080, placed(0, 9)),
			want: "shop-a.yaml:9:5: TM0040: service shop/a: the sidecar's port changes (8080 -> 18080)" + restarted +
				"\nhint: to avoid it, add injector.tyk.io/sidecar-previous-port: \"8080\", inject and apply; when all pods have restarted, delete that annotation, inject and apply again",
		},
		{
			name: "behind a headless Service", before: on("a", 80, 8080), after: on("a", 80, 18080, func(w *inject.Workload) { w.Headless = true }),
			want: "shop-a.yaml:1:1: TM0040: service shop/a: the sidecar's port changes (8080 -> 18080)" + restarted +
				"\nhint: its Service is headless: callers reach the pods' own port, so two steps would not help; apply the manifests right after this run",
		},
		{
			name: "to configured containers", before: on("a", 0, 18080), after: on("a", 0, 8080),
			want: "shop-a.yaml:1:1: TM0040: service shop/a: the sidecar's port changes (18080 -> 8080)" + restarted,
		},
		{
			name: "the route", before: on("a", 80, 8080), after: on("a", 80, 8080, plantest.Route("/b")),
			want: "shop-a.yaml:10:9: TM0040: service shop/a: the route changes (/a -> /b); calls to the previous route fail from registration until callers use the new one" +
				"\nhint: change the callers in the same release, and apply them right after this run",
		},
		{
			name: "a slash", before: on("a", 80, 8080), after: on("a", 80, 8080, plantest.Route("/a/")),
		},
		{
			name: "hosts go", before: on("a", 80, 8080), after: on("a", 80, 8080), was: func(s *mesh.Settings) { s.MeshHosts = []string{"mesh", "mesh.local", "localhost"} },
			want: "shop-a.yaml:1:1: TM0040: service shop/a: mesh hosts are removed (mesh.local, localhost); calls to these hosts get 404 from registration until callers use another one" +
				"\nhint: to avoid it, keep these hosts in Injector.meshHosts until no caller uses them",
		},
		{
			name: "hosts come", before: on("a", 80, 8080), after: on("a", 80, 8080), settings: func(s *mesh.Settings) { s.MeshHosts = []string{"localhost", "mesh"} },
		},
		{
			name: "a pattern of the user's", before: on("a", 80, 8080), after: on("a", 80, 8080), settings: func(s *mesh.Settings) { s.MeshDomain = "{h:mesh|m}" },
		},
		{
			name: "a pattern that tykmesh did not write", before: on("a", 80, 8080), after: on("a", 80, 8080), mesh: edited("domain", "{h:m.*}"),
		},
		{
			name: "namespaced slugs", before: on("a", 80, 8080), after: on("a", 80, 8080), settings: func(s *mesh.Settings) { s.Slugs = mesh.NamespacedSlugs },
		},
		{
			name: "led elsewhere in the Dashboard", before: on("a", 80, 8080), after: on("a", 80, 8080), mesh: edited("proxy.target_url", "https://elsewhere:9000"),
		},
		{
			name: "switched off in the Dashboard", before: on("a", 80, 8080), after: on("a", 80, 18080), mesh: edited("active", false),
		},
		{
			name: "an API that is taken over", before: on("a", 80, 8080), after: on("a", 80, 8080),
			mesh: func(d dashboard.Definition) {
				d["config_data"], d["api_id"] = map[string]any{}, "theirs"
				_ = d.Set("proxy.target_url", "https://theirs:443")
				_ = d.Set("proxy.listen_path", "/theirs")
			},
			settings: func(s *mesh.Settings) { s.Adopt = map[string]bool{"a-mesh": true} },
		},
		{
			name: "accepted", before: on("a", 80, 8080), after: on("a", 3000, 8080, accepting),
			want: "accepted shop-a.yaml:1:1: TM0040: service shop/a: the app's port changes (80 -> 3000)" + restarted,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := plantest.Settings()
			var apis []dashboard.API
			if c.before.Service.App != "" {
				was := s
				if c.was != nil {
					c.was(&was)
				}
				_, apis = registered(t, was, nil, c.before)
			}

			for i, edit := range []func(dashboard.Definition){c.inbound, c.mesh} {
				if edit != nil {
					slug := c.before.Service.App + "-" + string(mesh.Roles[i])
					edit(apis[slices.IndexFunc(apis, func(api dashboard.API) bool { return api.Definition.Slug() == slug })].Definition)
				}
			}

			if c.settings != nil {
				c.settings(&s)
			}

			todo, apis := registered(t, s, apis, c.after)
			if diff := cmp.Diff(c.want, outages(todo)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}

			if again, _ := registered(t, s, apis, c.after); outages(again) != "" {
				t.Errorf("another run reports again:\n%s", outages(again))
			}
		})
	}
}

// TestManyOutages: a change of all services is one diagnostic, at the first of them.
func TestManyOutages(t *testing.T) {
	const n = 500
	var before, after []inject.Workload
	for i := range n {
		app := fmt.Sprintf("a%03d", i)
		before = append(before, on(app, 80, 8080))
		after = append(after, on(app, 80, 18080))
	}

	// Three of another kind stay apart, and four with changes of their own name these.
	for i := range 3 {
		after[n-1-i].Port = 3000
	}
	for i := range 4 {
		after[10*i].Route += "-new"
	}
	after[0].Accepted = []inject.Rule{inject.RuleOutage}

	_, apis := registered(t, plantest.Settings(), nil, before...)
	todo, _ := registered(t, plantest.Settings(), apis, after...)
	if len(todo.Accepted) != 2 {
		t.Errorf("accepted are %v", todo.Accepted)
	}

	todo.Accepted = nil
	for i := range todo.Outages {
		todo.Outages[i].Hint = ""
	}

	want := strings.Join([]string{
		"shop-a001.yaml:1:1: TM0040: services shop/a001, shop/a002, shop/a003 and 496 more: the sidecar's port changes (8080 -> 18080)" + restarted,
		"shop-a010.yaml:10:9: TM0040: service shop/a010: the route changes (/a010 -> /a010-new); calls to the previous route fail from registration until callers use the new one",
		"shop-a020.yaml:10:9: TM0040: service shop/a020: the route changes (/a020 -> /a020-new); calls to the previous route fail from registration until callers use the new one",
		"shop-a030.yaml:10:9: TM0040: service shop/a030: the route changes (/a030 -> /a030-new); calls to the previous route fail from registration until callers use the new one",
		"shop-a497.yaml:1:1: TM0040: service shop/a497: the app's port changes (80 -> 3000)" + restarted,
		"shop-a498.yaml:1:1: TM0040: service shop/a498: the app's port changes (80 -> 3000)" + restarted,
		"shop-a499.yaml:1:1: TM0040: service shop/a499: the app's port changes (80 -> 3000)" + restarted,
	}, "\n")
	if diff := cmp.Diff(want, outages(todo)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}

	slices.Reverse(after)
	again, _ := registered(t, plantest.Settings(), apis, after...)
	for i := range again.Outages {
		again.Outages[i].Hint = ""
	}
	if diff := cmp.Diff(todo.Outages, again.Outages); diff != "" {
		t.Errorf("the order of workloads counts:\n%s", diff)
	}

	// One more, and the routes are one diagnostic, too.
	slices.Reverse(after)
	after[0].Accepted = nil
	todo, _ = registered(t, plantest.Settings(), apis, after...)
	const named = "services shop/a000 (/a000 -> /a000-new), shop/a010 (/a010 -> /a010-new), shop/a020 (/a020 -> /a020-new) and 1 more: the route changes; calls to the previous route fail"
	if text := outages(todo); !strings.Contains(text, named) {
		t.Errorf("not reported as %q:\n%s", named, text)
	}
}
