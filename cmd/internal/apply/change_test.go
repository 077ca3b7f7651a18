package apply

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
	"github.com/tykmesh/tykmesh/inject"
)

// TestChanges: what a change of the stream does to an API that is there, and nothing else.
func TestChanges(t *testing.T) {
	headers := map[string]any{"X-A": "a", "X-B": "b"}
	fewer := map[string]any{"X-A": "a"}
	const globals = "version_data.versions.Default.global_headers"
	for _, c := range []struct {
		name          string
		before, after inject.Workload
		edit          func(*world)
		writes        string
		reasons       string
		check         func(*testing.T, *world)
	}{
		{
			name: "route", before: echo, after: workload("shop", "echo", route("/e")),
			writes: "PUT /api/apis/{echo-mesh}", reasons: "listen path /echo-svc -> /e",
		},
		{
			name: "annotation added", before: echo,
			after:   workload("shop", "echo", route("/echo-svc"), annotated("num", "cache-options.cache-timeout", json.Number("5"))),
			writes:  "PUT /api/apis/{echo-inbound}",
			reasons: "cache_options.cache_timeout 60 -> 5",
		},
		{
			name:   "annotation removed, template has a value",
			before: workload("shop", "echo", route("/echo-svc"), annotated("num", "cache-options.cache-timeout", json.Number("5"))), after: echo,
			writes: "PUT /api/apis/{echo-inbound}", reasons: "cache_options.cache_timeout 5 -> 60",
		},
		{
			name:   "annotation removed, template has none",
			before: workload("shop", "echo", route("/echo-svc"), annotated("array", "tag-headers", []any{"X-A"})), after: echo,
			writes: "PUT /api/apis/{echo-inbound}", reasons: "tag_headers removed",
			check: func(t *testing.T, w *world) {
				if v, ok := w.api("echo-inbound").Lookup("tag_headers"); ok {
					t.Errorf("tag_headers is still %v", v)
				}
			},
		},
		{
			name:    "object annotation with a key less",
			before:  workload("shop", "echo", route("/echo-svc"), annotated("object", globals, headers)),
			after:   workload("shop", "echo", route("/echo-svc"), annotated("object", globals, fewer)),
			writes:  "PUT /api/apis/{echo-inbound}",
			reasons: globals + ".X-B removed",
		},
		{
			name: "object annotation in place of the template's", before: echo,
			after:   workload("shop", "echo", route("/echo-svc"), annotated("object", "cache-options", map[string]any{"cache_timeout": json.Number("5")})),
			writes:  "PUT /api/apis/{echo-inbound}",
			reasons: "cache_options.cache_timeout 60 -> 5; cache_options.enable_cache removed",
		},
		{
			name:   "empty object annotation removed",
			before: workload("shop", "echo", route("/echo-svc"), annotated("object", "cache-options", map[string]any{})), after: echo,
			writes:  "PUT /api/apis/{echo-inbound}",
			reasons: "cache_options.cache_timeout set to 60; cache_options.enable_cache set to true",
		},
		{
			name:   "array element removed, template has an empty array",
			before: workload("shop", "echo", route("/echo-svc"), annotated("string", "allowed-ips.0", "10.0.0.1")), after: echo,
			writes: "PUT /api/apis/{echo-inbound}", reasons: "allowed_ips removed",
		},
		{
			name: "set beside ours in the Dashboard", before: echo, after: echo,
			edit: func(w *world) {
				w.edit("echo-inbound", "tag_headers", []any{"X-Theirs"})
				w.edit("echo-inbound", "tags", []any{"echo", "theirs"})
				w.edit("echo-mesh", "allowed_ips", []any{"10.0.0.1"})
				w.edit("echo-mesh", "config_data.theirs", true)
			},
		},
		{
			name: "kept beside a change of ours", before: echo, after: workload("shop", "echo", route("/e")),
			edit:   func(w *world) { w.edit("echo-mesh", "CORS.enable", true) },
			writes: "PUT /api/apis/{echo-mesh}", reasons: "listen path /echo-svc -> /e",
			check: func(t *testing.T, w *world) {
				if v, _ := w.api("echo-mesh").Lookup("CORS.enable"); v != true {
					t.Error("what was set in the Dashboard is gone")
				}
			},
		},
		{
			name: "ours overwritten in the Dashboard", before: echo, after: echo,
			edit: func(w *world) {
				w.edit("echo-mesh", "proxy.target_url", "http://user:pa55@elsewhere")
				w.edit("echo-mesh", "tags", []any{"theirs"})
				w.edit("echo-mesh", "active", false)
			},
			writes:  "PUT /api/apis/{echo-mesh}",
			reasons: "active false -> true; target http://user:xxxxx@elsewhere -> https://echo.shop:8080; tags theirs -> theirs, mesh, mesh.echo",
		},
		{
			name: "categories added to a name", before: echo, after: echo,
			edit: func(w *world) {
				w.edit("echo-inbound", "name", "echo-inbound #payments #echo #admin-team")
				w.edit("echo-mesh", "name", "echo-mesh #mesh #payments")
			},
		},
		{
			name: "categories beside ours stay when a name is set right", before: echo, after: echo,
			edit:   func(w *world) { w.edit("echo-inbound", "name", "my echo #payments #admin-team") },
			writes: "PUT /api/apis/{echo-inbound}", reasons: "name my echo #payments #admin-team -> echo-inbound #echo #payments #admin-team",
		},
		{
			name: "listen paths that differ in a slash", before: echo, after: echo,
			edit: func(w *world) { w.edit("echo-mesh", "proxy.listen_path", "/echo-svc/") },
		},
		{
			name: "switched off in the Dashboard", before: echo, after: echo,
			edit: func(w *world) {
				w.edit("echo-inbound", "domain_disabled", true)
				w.edit("echo-inbound", "internal", true)
				w.edit("echo-mesh", "tags_disabled", true)
				w.edit("echo-mesh", "listen_port", json.Number("9000"))
				w.edit("echo-mesh", "protocol", "tcp")
			},
			writes:  "PUT /api/apis/{echo-inbound} PUT /api/apis/{echo-mesh}",
			reasons: "domain_disabled true -> false; internal true -> false; listen_port 9000 -> 0; protocol removed; tags_disabled true -> false",
		},
		{
			name:   "zero values filled in and left out",
			before: workload("shop", "echo", route("/echo-svc"), annotated("bool", "use-oauth2", false), annotated("array", "tag-headers", []any{})),
			after:  workload("shop", "echo", route("/echo-svc"), annotated("bool", "use-oauth2", false), annotated("array", "tag-headers", []any{})),
			edit: func(w *world) {
				w.edit("echo-mesh", "session_lifetime", json.Number("0"))
				w.edit("echo-mesh", "response_processors", nil)
				w.drop("echo-mesh", "custom_middleware")
				w.drop("echo-inbound", "use_oauth2")
				w.edit("echo-inbound", "tag_headers", nil)
			},
		},
		{
			name: "mark lost", before: echo, after: echo,
			edit:   func(w *world) { w.drop("echo-mesh", "config_data.tykmesh") },
			writes: "PUT /api/apis/{echo-mesh}", reasons: "mark missing or out of date",
		},
		{
			name: "mark that would take away what identifies the API", before: echo, after: echo,
			edit: func(w *world) {
				w.edit("echo-mesh", "config_data.tykmesh.paths", []any{"id", "api_id", "domain", "tags", "certificates", ""})
			},
			writes: "PUT /api/apis/{echo-mesh}", reasons: "mark missing or out of date",
		},
		{
			name: "secret in an annotation", before: echo,
			after:  workload("shop", "echo", route("/echo-svc"), annotated("string", "notifications.shared-secret", "pa55word")),
			writes: "PUT /api/apis/{echo-inbound}", reasons: "notifications.shared_secret set to ...",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, dashboardtest.Options{})
			w.mustRun(c.before, sleepy)
			if c.edit != nil {
				c.edit(w)
			}

			todo := w.plan(c.after, sleepy)
			var reasons []string
			for _, s := range todo.Steps() {
				reasons = append(reasons, s.Reasons...)
			}

			if diff := cmp.Diff(c.reasons, strings.Join(reasons, "; ")); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}

			w.dash.ClearLog()
			_, err := Run(context.Background(), todo, w.remote, nil)
			must(t, err)
			if diff := cmp.Diff(c.writes, w.writes()); diff != "" {
				t.Errorf("writes (-want +got):\n%s", diff)
			}

			if c.check != nil {
				c.check(t, w)
			}

			w.settled(c.after, sleepy)
		})
	}
}

// TestEnvelopeSurvives: what the Dashboard keeps beside the definition goes back as it came.
func TestEnvelopeSurvives(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.mustRun(echo)
	w.dash.PutAPI(dashboard.API{Definition: w.api("echo-mesh"), Envelope: map[string]json.RawMessage{"user_owners": json.RawMessage(`["5f"]`), "sort_by": json.RawMessage("7")}})
	w.mustRun(workload("shop", "echo", route("/e")))
	for _, a := range w.dash.APIs() {
		if a.Definition.Slug() == "echo-mesh" && (string(a.Envelope["user_owners"]) != `["5f"]` || string(a.Envelope["sort_by"]) != "7") {
			t.Errorf("envelope %s", a.Envelope)
		}
	}
}

// TestEditedMeanwhile: what somebody changes in the Dashboard between the listing and the update is
// not written over.
func TestEditedMeanwhile(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.mustRun(echo)
	todo := w.plan(workload("shop", "echo", route("/e")))
	w.edit("echo-mesh", "tag_headers", []any{"X-A"})
	w.edit("echo-mesh", "tags", []any{"mesh", "edge"})
	_, err := Run(context.Background(), todo, w.remote, nil)
	must(t, err)
	got := w.api("echo-mesh")
	if header, _ := got.Lookup("tag_headers"); !reflect.DeepEqual(header, []any{"X-A"}) || !slices.Contains(got.Tags(), "edge") || got.ListenPath() != "/e" {
		t.Errorf("tag_headers %v, tags %v, listen path %s", header, got.Tags(), got.ListenPath())
	}
}

func TestNamespacedSlugsLater(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	before := w.mustRun(echo)
	w.settings.Slugs = mesh.NamespacedSlugs

	after := w.mustRun(echo, workload("bar", "echo", route("/other")))
	if before[echo.Service] != after[echo.Service] {
		t.Errorf("the APIs were not renamed but made anew: %v, %v", before, after)
	}

	d := w.api("echo.shop-inbound")
	if got := strings.Join(d.Tags(), " "); got != "echo echo.shop" { // the old one serves pods that still run
		t.Errorf("tags %q", got)
	}

	w.api("echo.bar-mesh")
}

func TestTLSLater(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.settings.TLS = false
	w.mustRun(echo)
	w.settings.TLS = true
	w.dash.ClearLog()
	_, err := w.run(context.Background(), echo)
	must(t, err)
	if got := w.writes(); got != "POST /api/certs POST /api/certs PUT /api/apis/{echo-inbound} PUT /api/apis/{echo-mesh}" {
		t.Errorf("writes %s", got)
	}

	w.settled(echo)
	if got := w.api("echo-mesh").TargetURL(); !strings.HasPrefix(got, "https://") {
		t.Errorf("target %s", got)
	}
}

func TestPlanIsPure(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.mustRun(echo)
	workloads := []inject.Workload{
		workload("shop", "echo", route("/e"), annotated("object", "cache-options", map[string]any{"cache_timeout": json.Number("1")})), sleepy,
	}
	state, err := Observe(context.Background(), w.remote, w.settings)
	must(t, err)
	text := func(v any) string {
		b, err := json.Marshal(v)
		must(t, err)
		return string(b)
	}
	before := text([]any{workloads, state, w.settings.MeshHosts})
	var plans []string
	for range 2 {
		services, _, problems := plan.Wanted(workloads, w.settings)
		if len(problems) > 0 {
			t.Fatal(problems)
		}

		todo, problems := plan.Register(services, plan.NewSnapshot(state, w.settings))
		if len(problems) > 0 {
			t.Fatal(problems)
		}

		plans = append(plans, text([]any{todo.Services, todo.Steps(), todo.Warnings}))
		workloads[0], workloads[1] = workloads[1], workloads[0] // L8
	}

	if plans[0] != plans[1] {
		t.Errorf("another order of workloads makes another plan:\n%s\n%s", plans[0], plans[1])
	}

	services, _, _ := plan.Wanted(workloads, w.settings)
	todo, _ := plan.Register(services, plan.NewSnapshot(state, w.settings))
	_, err = Run(context.Background(), todo, w.remote, nil)
	must(t, err)
	if after := text([]any{workloads, state, w.settings.MeshHosts}); after != before { // L5
		t.Errorf("arguments were changed:\n%s\n%s", before, after)
	}
}
