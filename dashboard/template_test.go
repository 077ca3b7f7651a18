package dashboard_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/dashboard"
)

var vars = dashboard.Vars{
	Name:        "echo-inbound",
	Slug:        "echo-inbound",
	Org:         "5d64a47fed63100001b2f2ac",
	ListenPath:  "/",
	Target:      "http://localhost:6767",
	HostName:    "echo.default",
	GatewayTags: []string{"echo"},
}

func TestBuiltinTemplatesMakeTheDefinitionsOfTheWebhook(t *testing.T) {
	inbound, err := dashboard.BuiltinTemplates().Render("default-inbound", vars)
	if err != nil {
		t.Fatal(err)
	}

	want := parse(t, `{
		"name": "echo-inbound #echo", "slug": "echo-inbound", "org_id": "5d64a47fed63100001b2f2ac", "domain": "echo.default",
		"active": true, "use_keyless": true, "enable_context_vars": true, "disable_rate_limit": true, "disable_quota": true,
		"auth": {"auth_header_name": "Authorization"},
		"definition": {"location": "header", "key": "x-api-version", "strip_path": true},
		"version_data": {"not_versioned": true, "versions": {"Default": {
			"name": "Default", "use_extended_paths": true, "extended_paths": {},
			"global_headers": {"X-Tyk-Mesh-Inbound-Request-ID": "$tyk_context.request_id"},
			"paths": {"ignored": [], "white_list": [], "black_list": []}}}},
		"proxy": {"listen_path": "/", "target_url": "http://localhost:6767", "strip_listen_path": true},
		"cache_options": {"enable_cache": true, "cache_timeout": 60},
		"custom_middleware": {"pre": [], "post": [], "post_key_auth": [], "response": [], "id_extractor": {"extractor_config": {}}},
		"response_processors": [], "allowed_ips": [], "certificates": [], "config_data": {}, "tags": ["echo"]}`)

	if diff := cmp.Diff(want, inbound); diff != "" {
		t.Error(diff)
	}

	v := vars
	v.Name, v.GatewayTags, v.CertificateID = "echo-mesh", []string{"mesh", "edge"}, []string{"abc"}

	mesh, err := dashboard.BuiltinTemplates().Render("default-mesh", v)
	if err != nil {
		t.Fatal(err)
	}

	header, _ := mesh.Lookup("version_data.versions.Default.global_headers")
	if diff := cmp.Diff(any(map[string]any{"X-Tyk-Mesh-Request-ID": "$tyk_context.request_id"}), header); diff != "" {
		t.Error(diff)
	}

	if got, want := mesh.Name(), "echo-mesh #mesh #edge"; got != want {
		t.Errorf("name %q, want %q", got, want)
	}

	if diff := cmp.Diff([][]string{{"mesh", "edge"}, {"abc"}}, [][]string{mesh.Tags(), mesh.Certificates()}); diff != "" {
		t.Error(diff)
	}
}

// Rendered definitions have every leaf of the webhook's recorded ones.
func TestBuiltinTemplatesAgreeWithTheRecordedRuns(t *testing.T) {
	cases, _ := filepath.Glob("../../shared/parity/cases/*/want.json")
	if len(cases) == 0 {
		t.Skip("../shared is not here: the recorded runs cannot be compared")
	}

	compared := 0
	for _, file := range cases {
		name := filepath.Base(filepath.Dir(file))
		if strings.HasPrefix(name, "5") {
			continue // changed by annotations
		}

		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}

		var recorded struct{ APIs []map[string]any }
		dec := json.NewDecoder(strings.NewReader(string(b)))
		dec.UseNumber()
		if err := dec.Decode(&recorded); err != nil {
			t.Fatal(err)
		}

		for _, api := range recorded.APIs {
			want := dashboard.Definition(api)
			bare, _, _ := strings.Cut(want.Name(), " #")

			template := "default-inbound"
			if strings.HasSuffix(want.Slug(), "-mesh") {
				template = "default-mesh"
			}

			got, err := dashboard.BuiltinTemplates().Render(template, dashboard.Vars{
				Name: bare, Slug: want.Slug(), Org: want.OrgID(), ListenPath: want.ListenPath(),
				Target: want.TargetURL(), HostName: want.Domain(), GatewayTags: want.Tags(),
			})
			if err != nil {
				t.Fatal(err)
			}

			missing(t, name+" "+want.Slug(), api, map[string]any(got))
			compared++
		}
	}

	if compared < 10 {
		t.Errorf("only %d definitions compared", compared)
	}
}

// missing reports the leaves of want that got lacks.
func missing(t *testing.T, at string, want, got any) {
	t.Helper()
	if m, ok := want.(map[string]any); ok {
		g, _ := got.(map[string]any)
		for key, value := range m {
			missing(t, at+"."+key, value, g[key])
		}
		return
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s:\n%s", at, diff)
	}
}

const minimal = `{"name":"{{.Name}}","proxy":{"listen_path":"{{.ListenPath}}"},"version_data":{}}`

func TestATemplatesFolderOfTykK8sWorksAsItIs(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "token.json"), `{{ define "tokenAuth" }}
{
  "name": "{{.Name}}{{ range $i, $e := .GatewayTags }} #{{$e}}{{ end }}",
  "slug": "{{.Slug}}", "org_id": "{{.Org}}", "domain": "{{.HostName}}",
  "use_standard_auth": true,
  "version_data": {"not_versioned": true, "versions": {"Default": {"name": "Default"}}},
  "proxy": {"listen_path": "{{.ListenPath}}", "target_url": "{{.Target}}"},
  "tags": [{{ range $i, $e := .GatewayTags }}{{ if $i }},{{ end }}"{{ $e }}"{{ end }}],
  "certificates": [{{ range $i, $e := .CertificateID }}{{ if $i }},{{ end }}"{{ $e }}"{{ end }}]
}
{{ end }}`)

	write(t, filepath.Join(dir, "mesh.json"), `{{define "default-mesh"}}`+minimal+`{{end}}`)
	write(t, filepath.Join(dir, "notes.txt"), `{{ not a template`)

	templates, err := dashboard.LoadTemplates(dir)
	if err != nil {
		t.Fatal(err)
	}

	for name, want := range map[string]bool{"tokenAuth": true, "default-mesh": true, "default-inbound": true, "default": false, "token.json": false, "": false} {
		if got := templates.Has(name); got != want {
			t.Errorf("Has(%q) = %v", name, got)
		}
	}

	v := vars
	v.CertificateID, v.GatewayTags = []string{"c1"}, []string{"a", "b"}

	d, err := templates.Render("tokenAuth", v)
	if err != nil {
		t.Fatal(err)
	}

	if d.Name() != "echo-inbound #a #b" || len(d.Tags()) != 2 || len(d.Certificates()) != 1 {
		t.Errorf("rendered %v", d)
	}

	if header, _ := d.Lookup("auth.auth_header_name"); header != "Authorization" {
		t.Errorf("auth_header_name is %v: older Dashboards refuse a definition without auth", header)
	}

	if d, err := templates.Render("default-mesh", vars); err != nil || d["tags"] != nil {
		t.Errorf("the folder's default-mesh does not win: %v, %v", d, err)
	}
}

func TestTemplateErrorsNameTheTemplateAndTheLine(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"syntax", "{{define \"x\"}}\n{{if}}{{end}}", []string{"f.json:2:", "missing value for if"}},
		{"unknown field", "{{define \"x\"}}\n\n{\"name\":\"{{.Nmae}}\"}{{end}}", []string{"f.json:3:", "Nmae"}},
		{"not JSON", "{{define \"x\"}}{\n\"name\": \"a\",\n}{{end}}", []string{`"x"`, "line 3"}},
		{"two objects", `{{define "x"}}{}{}{{end}}`, []string{`"x"`, "more than one JSON value"}},
		{"not an object", `{{define "x"}}[1]{{end}}`, []string{`"x"`, "not a JSON object"}},
		{"nothing", `{{define "x"}} {{if false}}a{{end}}{{end}}`, []string{`"x"`, "not a JSON object"}},
		{"unknown top-level field", `{{define "x"}}{"name":"n","proxy":{},"version_data":{},"use_keyles":true}{{end}}`, []string{`"x"`, `"use_keyles"`}},
		{"wrong type", `{{define "x"}}{"name":"n","proxy":{},"version_data":{},"active":"yes"}{{end}}`, []string{`"x"`, "active must be true or false"}},
		{"missing field", `{{define "x"}}{"name":"n"}{{end}}`, []string{`"x"`, "proxy is missing"}},
		{"outside quotes", "{{define \"x\"}}{\"name\":\n{{.Name}}}{{end}}", []string{"f.json:2:", "outside quotes"}},
		{"after a backslash", `{{define "x"}}{"name":"\{{.Name}}"}{{end}}`, []string{"f.json:1:", "backslash"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			templates, err := dashboard.ParseTemplates(map[string]string{"f.json": c.text})
			if err == nil {
				_, err = templates.Render("x", vars)
			}

			if err == nil {
				t.Fatal("accepted")
			}

			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not tell %q", err, want)
				}
			}
		})
	}

	if _, err := dashboard.BuiltinTemplates().Render("nope", vars); err == nil || !strings.Contains(err.Error(), `template "nope": not defined`) {
		t.Errorf("unknown template: %v", err)
	}

	if _, err := dashboard.ParseTemplates(map[string]string{"a.json": `{{define "x"}}1{{end}}`, "b.json": `{{define "x"}}2{{end}}`}); err == nil ||
		!strings.Contains(err.Error(), `"x" is defined in a.json and in b.json`) {
		t.Errorf("a name that is defined twice: %v", err)
	}

	if _, err := dashboard.LoadTemplates(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no *.json in") {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestConstantsNumbersAndPartialsPrintAsTheyStand(t *testing.T) {
	templates, err := dashboard.ParseTemplates(map[string]string{"f.json": `
{{define "x"}}{{$n := len .GatewayTags}}{
 "name": "{{with .Name}}{{.}}{{else}}none{{end}}", "session_lifetime": {{$n}}, "active": {{eq $n 1}},
 {{"\"proxy\": {},"}} {{template "rest" .}}
}{{end}}
{{define "rest"}}"version_data": {"default_version": "{{.Slug | printf "%s-%s" .Org}}"}{{end}}`})

	if err != nil {
		t.Fatal(err)
	}

	v := vars
	v.Slug = `q"uote`

	d, err := templates.Render("x", v)
	if err != nil {
		t.Fatal(err)
	}

	want := parse(t, `{"name":"echo-inbound","session_lifetime":1,"active":true,"proxy":{},
		"version_data":{"default_version":"5d64a47fed63100001b2f2ac-q\"uote"},"auth":{"auth_header_name":"Authorization"}}`)
	if diff := cmp.Diff(want, d); diff != "" {
		t.Error(diff)
	}
}

// For any values, the definition has the same fields, and each field has exactly its value (fault
// B7 of the webhook).
func FuzzValuesAreData(f *testing.F) {
	f.Add("echo", "/web", "mesh", "tag")
	f.Add(`a"b\c <&>`, `/web","target_url":"http://evil.example","listen_path":"/x`, "{{.Org}}", "\u2028\n\x00")
	f.Add(`\`, `\"`, `"`, `\u0022`)
	f.Fuzz(func(t *testing.T, name, path, host, tag string) {
		for _, s := range []string{name, path, host, tag} {
			if !utf8.ValidString(s) {
				t.Skip("YAML holds no such text")
			}
		}

		plain, err := dashboard.BuiltinTemplates().Render("default-mesh", vars)
		if err != nil {
			t.Fatal(err)
		}

		v := vars
		v.Name, v.ListenPath, v.HostName, v.GatewayTags, v.Slug, v.Target = name, path, host, []string{tag}, name, path

		d, err := dashboard.BuiltinTemplates().Render("default-mesh", v)
		if err != nil {
			t.Fatal(err)
		}

		got := []string{d.Name(), d.Slug(), d.ListenPath(), d.TargetURL(), d.Domain(), fmt.Sprint(d.Tags())}

		want := []string{name + " #" + tag, name, path, path, host, fmt.Sprint([]string{tag})}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}

		if diff := cmp.Diff(shape(map[string]any(plain)), shape(map[string]any(d))); diff != "" {
			t.Fatal(diff)
		}
	})
}

// shape returns a value with every scalar replaced.
func shape(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, x := range v {
			out[key] = shape(x)
		}
		return out

	case []any:
		out := []any{}
		for _, x := range v {
			out = append(out, shape(x))
		}
		return out
	}

	return fmt.Sprintf("%T", v)
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
