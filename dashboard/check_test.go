package dashboard_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/dashboard"
)

func TestCheckField(t *testing.T) {
	num := json.Number("20")
	list := []any{"a"}

	obj := func(key string, v any) map[string]any { return map[string]any{key: v} }
	for _, c := range []struct {
		path  string
		value any
		want  string // "" is accepted; "warning: ..." and anything else is the error
	}{
		// Values that the webhook accepted.
		{"allowed_ips", nil, ""},
		{"use_keyless", false, ""},
		{"cache_options.cache_timeout", num, ""},
		{"config_data", nil, ""},
		{"proxy.target_url", "http://foo.bar/bazington", ""},
		{"name", `a"b\c <&>`, ""},
		{"version_data.versions.Default.global_headers.X_Foo", "bar", ""},

		{"config_data.anything.at.all", list, ""},
		{"config_data.0", num, ""},
		{"CORS.allowed_origins.3", "x", ""},
		{"allowed_ips.0", "10.0.0.1", ""},
		{"version_data.versions.v2.paths.ignored", list, ""},
		{"proxy", obj("listen_path", "/"), ""},

		{"auth_configs.jwt", obj("disable_header", true), `warning: unknown nested field "auth_configs.jwt"`},
		{"proxy.listen_paht", "/", `warning: unknown nested field "proxy.listen_paht"`},
		{"proxy", map[string]any{"listen_path": "/", "b": num, "a": num}, `warning: unknown nested field "proxy.a"; unknown nested field "proxy.b"`},

		{"use_keyles", true, `unknown field "use_keyles" of an API definition`},
		{"Name", "x", `unknown field "Name": it is spelled "name"`},
		{"proxy.Listen_Path", "/x", `unknown field "proxy.Listen_Path": it is spelled "listen_path"`},
		{"proxy", obj("LISTEN_PATH", "/x"), `unknown field "proxy.LISTEN_PATH": it is spelled "listen_path"`},
		{"cache_options.cache_timeout", "20", "cache_options.cache_timeout must be a number, not a string"},
		{"proxy", obj("target_url", num), "proxy.target_url must be a string, not a number"},
		{"use_keyless", num, "use_keyless must be true or false, not a number"},
		{"config_data", list, "config_data must be an object, not an array"},
		{"allowed_ips", obj("a", "b"), "allowed_ips must be an array, not an object"},
		{"allowed_ips.first", "x", `allowed_ips is an array: "first" is not an index`},
		{"allowed_ips.1000", "x", "allowed_ips: index 1000 is over 999"},
		{"CORS.0", "x", `unknown field "CORS.0" of an API definition`},
		{"name.x", "y", `name is a string and has no field "x"`},
		{"name", nil, "name must be a string, not null"},
		{"name", struct{}{}, "name must be a string, not a value that JSON does not have"},

		{"", "x", `path "": the path is empty`},
		{"pro*y", "x", `path "pro*y": '*' cannot be part of a path`},

		{"id", "x", "id identifies the API and cannot be set"},
		{"api_id", "x", "api_id identifies the API and cannot be set"},
		{"slug", "x", "slug identifies the API and cannot be set"},
		{"org_id", "x", "org_id identifies the API and cannot be set"},
		{"domain", "x", "domain identifies the API and cannot be set"},
		{"tags", list, "tags identifies the API and cannot be set"},
		{"tags._1", "edge", "tags identifies the API and cannot be set"},
		{"certificates.0", "x", "certificates identifies the API and cannot be set"},
		{"is_oas", true, "is_oas identifies the API and cannot be set"},
		{"internal", true, "internal identifies the API and cannot be set"},
		{"listen_port", num, "listen_port identifies the API and cannot be set"},
		{"protocol", "tcp", "protocol identifies the API and cannot be set"},
		{"domain_disabled", true, "domain_disabled identifies the API and cannot be set"},
		{"tags_disabled", true, "tags_disabled identifies the API and cannot be set"},
		{"config_data.tykmesh", nil, "config_data.tykmesh identifies the API and cannot be set"},
		{"config_data.tykmesh.app", "x", "config_data.tykmesh identifies the API and cannot be set"},
		{"config_data", obj("tykmesh", obj("app", "x")), "config_data.tykmesh identifies the API and cannot be set"},
	} {
		got, err := dashboard.CheckField(c.path, c.value)
		if got != "" {
			got = "warning: " + got
		}

		if err != nil {
			got = err.Error()
		}

		if got != c.want {
			t.Errorf("CheckField(%q, %v)\n got %s\nwant %s", c.path, c.value, got, c.want)
		}
	}
}

func TestCheckWantsTheFieldsThatEveryAPINeeds(t *testing.T) {
	whole := `{"name":"n","proxy":{},"version_data":{}}`
	if warnings, err := parse(t, whole).Check(); err != nil || warnings != nil {
		t.Errorf("Check(%s) = %v, %v", whole, warnings, err)
	}

	for _, field := range []string{"name", "proxy", "version_data"} {
		d := parse(t, whole)
		delete(d, field)
		if _, err := d.Check(); err == nil || err.Error() != "field "+field+" is missing" {
			t.Errorf("without %s: %v", field, err)
		}
	}
}

// Set can put each value that CheckField accepts into a definition of tykmesh, and that changes no
// field that identifies the API.
func FuzzCheckField(f *testing.F) {
	f.Add("name", `"x"`)
	f.Add("proxy.transport", `{"ssl_min_version":771}`)
	f.Add("allowed_ips.4", `"10.0.0.1"`)
	f.Add("config_data.a.0.b", `[1,{"c":null}]`)
	f.Add("version_data.versions.7.name", `"7"`)
	f.Fuzz(func(t *testing.T, path, text string) {
		var value any
		if json.Unmarshal([]byte(text), &value) != nil {
			t.Skip()
		}

		if _, err := dashboard.CheckField(path, value); err != nil {
			return
		}

		d, err := dashboard.BuiltinTemplates().Render("default-inbound", vars)
		if err != nil {
			t.Fatal(err)
		}

		slug, tags := d.Slug(), strings.Join(d.Tags(), ",")
		if err := d.Set(path, value); err != nil {
			t.Fatalf("accepted, but: %v", err)
		}

		if d.Slug() != slug || strings.Join(d.Tags(), ",") != tags {
			t.Fatalf("%s changed what identifies the API", path)
		}
	})
}
