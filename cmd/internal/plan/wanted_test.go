package plan_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/plan/plantest"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/kube"
)

var echo = plantest.Workload("shop", "echo", plantest.Route("/echo-svc"))

func TestRefusals(t *testing.T) {
	number := func(s string) json.Number { return json.Number(s) }
	templated := func(name string) func(*inject.Workload) {
		return func(w *inject.Workload) { w.HasTemplate, w.Template = true, name }
	}

	speaks := func(p kube.Protocol) func(*inject.Workload) {
		return func(w *inject.Workload) { w.Protocol = p }
	}
	elsewhere := func(w *inject.Workload) {
		w.Pos.Line, w.RoutePos.Line, w.Object = 101, 110, "document 2 (Deployment shop/echo-canary)"
	}
	for _, c := range []struct {
		name      string
		workloads []inject.Workload
		settings  func(*mesh.Settings)
		want      []string
	}{
		{name: "an app named mesh", workloads: []inject.Workload{plantest.Workload("shop", "mesh")},
			want: []string{`shop-mesh.yaml:1:1: document 1 (Deployment shop/mesh): an app cannot be named "mesh"`}},
		{name: "a name that no certificate can have", workloads: []inject.Workload{plantest.Workload("shop", "a_b"), plantest.Workload("shop", "echo")},
			settings: func(s *mesh.Settings) { s.TLS = true },
			want:     []string{`shop-a_b.yaml:1:1: document 1 (Deployment shop/a_b): the service gets no certificate: host "a_b.shop": not a DNS name`}},
		{name: "a long name", workloads: []inject.Workload{plantest.Workload(strings.Repeat("n", 63), strings.Repeat("a", 63))},
			settings: func(s *mesh.Settings) { s.TLS = true }},
		{name: "one app in two namespaces", workloads: []inject.Workload{plantest.Workload("a", "web", plantest.Route("/a")), plantest.Workload("b", "web", plantest.Route("/b"))},
			want: []string{"a-web.yaml:1:1: document 1 (Deployment a/web): service a/web and service b/web at b-web.yaml:1:1", "b-web.yaml:1:1"}},
		{name: "one app in two namespaces, told apart", workloads: []inject.Workload{plantest.Workload("a", "web", plantest.Route("/a")), plantest.Workload("b", "web", plantest.Route("/b"))},
			settings: func(s *mesh.Settings) { s.Slugs = mesh.NamespacedSlugs }},
		{name: "one route twice", workloads: []inject.Workload{plantest.Workload("shop", "a", plantest.Route("/x")), plantest.Workload("shop", "b", plantest.Route("/x/"))},
			want: []string{`shop-a.yaml:10:9: document 1 (Deployment shop/a): route "/x" of service shop/a is also the route of service shop/b at shop-b.yaml:10:9`,
				`shop-b.yaml:10:9: document 1 (Deployment shop/b): route "/x/" of service shop/b`}},
		{name: "two workloads of a service", workloads: []inject.Workload{echo, plantest.Workload("shop", "echo", elsewhere, plantest.Route("/echo-svc"))}},
		{name: "with two routes", workloads: []inject.Workload{echo, plantest.Workload("shop", "echo", elsewhere, plantest.Route("/b"))},
			want: []string{`shop-echo.yaml:110:9: document 2 (Deployment shop/echo-canary): route "/b" differs from "/echo-svc" at shop-echo.yaml:10:9`}},
		{name: "with two protocols", workloads: []inject.Workload{echo, plantest.Workload("shop", "echo", elsewhere, plantest.Route("/echo-svc"), speaks(kube.GRPC))},
			want: []string{`shop-echo.yaml:101:1: document 2 (Deployment shop/echo-canary): the app speaks gRPC, and HTTP at shop-echo.yaml:1:1`}},
		{name: "with two names of HTTP/2", workloads: []inject.Workload{plantest.Workload("shop", "echo", speaks(kube.HTTP2)), plantest.Workload("shop", "echo", elsewhere, speaks(kube.GRPC))}},
		{name: "with other annotations", workloads: []inject.Workload{
			plantest.Workload("shop", "echo", plantest.Annotated("bool", "active", true), plantest.Annotated("bool", "use-oauth2", false)),
			plantest.Workload("shop", "echo", elsewhere, plantest.Annotated("bool", "active", false), plantest.Annotated("bool", "use-openid", false)),
		}, want: []string{
			"shop-echo.yaml:20:9: document 2 (Deployment shop/echo-canary): annotation bool.service.tyk.io/active differs from the one at shop-echo.yaml:20:9",
			"shop-echo.yaml:21:9: document 2 (Deployment shop/echo-canary): annotation bool.service.tyk.io/use-openid is missing at shop-echo.yaml:1:1",
			"shop-echo.yaml:101:1: document 2 (Deployment shop/echo-canary): annotation bool.service.tyk.io/use-oauth2 at shop-echo.yaml:21:9 is missing here",
		}},
		{name: "a template without a folder", workloads: []inject.Workload{plantest.Workload("shop", "echo", templated("tokenAuth"))},
			want: []string{`shop-echo.yaml:11:9: document 1 (Deployment shop/echo): annotation template.service.tyk.io: no template "tokenAuth"`}},
		{name: "an empty template name without a folder", workloads: []inject.Workload{plantest.Workload("shop", "echo", templated(""))},
			want: []string{`no template "default"`}},
		{name: "overlapping annotations", workloads: []inject.Workload{plantest.Workload("shop", "echo",
			plantest.Annotated("object", "cache-options", map[string]any{"enable_cache": true}), plantest.Annotated("num", "cache_options.cache_timeout", number("1")))},
			want: []string{"shop-echo.yaml:21:9: document 1 (Deployment shop/echo): annotation object.service.tyk.io/cache-options overlaps with annotation num.service.tyk.io/cache_options.cache_timeout at shop-echo.yaml:20:9"}},
		{name: "annotations on one path", workloads: []inject.Workload{plantest.Workload("shop", "echo",
			plantest.Annotated("bool", "use-oauth2", true), plantest.Annotated("bool", "use_oauth2", false))},
			want: []string{"overlaps"}},
		{name: "annotations that only begin alike", workloads: []inject.Workload{plantest.Workload("shop", "echo",
			plantest.Annotated("num", "expire-analytics-after", number("1")), plantest.Annotated("string", "expiration", "x"), plantest.Annotated("bool", "active", true))}},
		{name: "a host of the mesh", workloads: []inject.Workload{plantest.Workload("prod", "edge")},
			settings: func(s *mesh.Settings) { s.MeshHosts = []string{"mesh", "Edge.prod"} },
			want:     []string{"prod-edge.yaml:1:1: document 1 (Deployment prod/edge): the host of the service, edge.prod, is also a mesh host"}},
		{name: "a part of another namespace's route", workloads: []inject.Workload{plantest.Workload("shop", "pay", plantest.Route("/pay")), plantest.Workload("evil", "x", plantest.Route("/pay/v1/charge"))},
			want: []string{`evil-x.yaml:10:9: document 1 (Deployment evil/x): route "/pay/v1/charge" lies under route "/pay" of service shop/pay at shop-pay.yaml:10:9`}},
		{name: "a part of a shared route", workloads: []inject.Workload{plantest.Workload("shop", "api", plantest.Route("/api/")), plantest.Workload("evil", "x", plantest.Route("/api/x"))},
			settings: func(s *mesh.Settings) { s.SharedRoutes = []string{"/api"} }},
		{name: "a part of the namespace's own route", workloads: []inject.Workload{plantest.Workload("shop", "api", plantest.Route("/api")), plantest.Workload("shop", "x", plantest.Route("/api/x"))}},
		{name: "routes that only begin alike", workloads: []inject.Workload{plantest.Workload("shop", "a", plantest.Route("/a")), plantest.Workload("other", "ab", plantest.Route("/ab"))}},
		{name: "several at once", workloads: []inject.Workload{plantest.Workload("shop", "echo",
			plantest.Annotated("string", "slug", "x"), plantest.Annotated("bool", "name", true), plantest.Annotated("string", "no-such-field", "x"))},
			want: []string{"annotation bool.service.tyk.io/name: name must be", "annotation string.service.tyk.io/no-such-field", "slug identifies the API"}},
		{name: "no valid definition left", workloads: []inject.Workload{plantest.Workload("shop", "echo", plantest.Annotated("object", "proxy", nil))},
			want: []string{"no valid API definition"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := plantest.Settings()
			if c.settings != nil {
				c.settings(&s)
			}

			_, _, problems := plan.Wanted(c.workloads, s)
			if len(problems) != len(c.want) {
				t.Fatalf("problems %v", problems)
			}

			for i, part := range c.want {
				if !strings.Contains(problems[i].Error(), part) {
					t.Errorf("%v\nlacks %s", problems[i], part)
				}
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	_, warnings, problems := plan.Wanted([]inject.Workload{plantest.Workload("shop", "echo", plantest.Annotated("bool", "cache-options.brand-new", true))}, plantest.Settings())
	if len(problems) > 0 || len(warnings) != 1 || warnings[0].Pos.Line != 20 {
		t.Errorf("warnings %v, problems %v", warnings, problems)
	}
}

// TestDefinition: annotations go to the inbound API alone, and nothing that templates or
// annotations say changes whose API it is.
func TestDefinition(t *testing.T) {
	templates, err := dashboard.ParseTemplates(map[string]string{"t.json": `{{define "hostile"}}{
		"id": "x", "api_id": "x", "name": "{{.Name}}", "slug": "x", "org_id": "x", "domain": "x", "tags": ["x"], "certificates": ["", "pinned"],
		"config_data": {"tykmesh": {"app": "x"}, "kept": 1}, "allowed_ips": [], "proxy": {"listen_path": "{{.ListenPath}}", "target_url": "{{.Target}}"},
		"version_data": {"not_versioned": true, "versions": {}}}{{end}}`})
	plantest.Must(t, err)
	s := plantest.Settings()
	s.Templates = templates
	w := plantest.Workload("shop", "echo", plantest.Annotated("array", "jwt-default-policies", []any{}), plantest.Annotated("object", "config-data.more", map[string]any{"a.b": "c"}))
	w.HasTemplate, w.Template = true, "hostile"

	services, _, problems := plan.Wanted([]inject.Workload{w}, s)
	if len(problems) > 0 {
		t.Fatal(problems)
	}

	got := services[0].Inbound.Definition
	want := dashboard.Definition{
		"api_id": mesh.APIID(s.Org, w.Service, mesh.Inbound), "name": "echo-inbound", "slug": "echo-inbound", "org_id": s.Org, "domain": "echo.shop",
		"tags": []any{"x", "echo"}, "certificates": []any{"pinned"}, "allowed_ips": []any{}, "jwt_default_policies": []any{},
		"config_data": map[string]any{
			"kept": json.Number("1"), "more": map[string]any{"a.b": "c"},
			"tykmesh": map[string]any{"namespace": "shop", "app": "echo", "role": "inbound", "paths": []any{`config_data.more.a\.b`, "jwt_default_policies"}},
		},
		"proxy":        map[string]any{"listen_path": "/", "target_url": "http://localhost:6767"},
		"version_data": map[string]any{"not_versioned": true, "versions": map[string]any{}},
		"auth":         got["auth"],
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("inbound API (-want +got):\n%s", diff)
	}

	if _, ok := services[0].Inbound.LeavesFor(nil)["allowed_ips"]; ok {
		t.Error("updates enforce an empty array that only the template has")
	}

	if _, ok := services[0].Inbound.LeavesFor(nil)["jwt_default_policies"]; !ok {
		t.Error("updates do not enforce an empty array that an annotation asks for")
	}

	if _, ok := services[0].Mesh.Definition["jwt_default_policies"]; ok {
		t.Error("annotations went to the mesh API")
	}
}

func TestMeshDomain(t *testing.T) {
	for _, c := range []struct {
		hosts   []string
		literal string
		want    string
	}{
		{[]string{"mesh"}, "", "mesh"},
		{[]string{"mesh", "mesh.local", "localhost"}, "", `{host:mesh|mesh\.local|localhost}`},
		{[]string{"mesh", "mesh.local"}, "mesh.local", "mesh.local"},
	} {
		s := plantest.Settings()
		s.MeshHosts, s.MeshDomain = c.hosts, c.literal
		services, _, _ := plan.Wanted([]inject.Workload{echo}, s)
		if got := services[0].Mesh.Definition.Domain(); got != c.want {
			t.Errorf("%v, %q: domain %q, want %q", c.hosts, c.literal, got, c.want)
		}
	}
}
