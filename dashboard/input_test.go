package dashboard_test

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/dashboard"
)

// Any address of the Dashboard gives either an error without a password, or requests to its host
// and below its path.
func FuzzURL(f *testing.F) {
	for _, seed := range []string{
		"http://dash:3000", "https://dash/tyk/", "http://u:s3cr3tpw@dash", "http://u:s3cr3tpw%zz@dash", "dash:3000", "http://dash?x=s3cr3tpw", "http://[::1]:3000/a%2fb",
		"http://dash\\@evil", "http://dash#@evil", "HTTP://dash/..//x", "ftp://dash", "http://dash/\x00",
	} {
		f.Add(seed)
	}

	f.Fuzz(func(t *testing.T, text string) {
		var asked *url.URL
		answer := func(r *http.Request) (*http.Response, error) {
			asked = r.URL
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"apis":[],"pages":1}`)), Request: r}, nil
		}

		c, err := dashboard.NewWith(dashboard.Config{URL: text, Secret: "the-key"}, transport(answer))
		if err != nil {
			if u, bad := url.Parse(text); bad == nil && u.User != nil && strings.Contains(u.User.String(), "s3cr3tpw") && strings.Contains(err.Error(), "s3cr3tpw") {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}

		if _, err := c.APIs(t.Context()); err != nil {
			t.Fatalf("%q is accepted, and no request can be made: %v", text, err)
		}

		u, err := url.Parse(text)
		if err != nil || asked.Hostname() != u.Hostname() || asked.Port() != u.Port() || asked.User != nil || asked.EscapedPath() != strings.TrimRight(u.EscapedPath(), "/")+"/api/apis" {
			t.Fatalf("%q is asked at %q, %v", text, asked, err)
		}
	})
}

// Any file in a local directory or of templates gives either an error that names it, or a
// definition that is unchanged when it is written, or templates beside the built-in ones.
func FuzzFile(f *testing.F) {
	const good = `{"name":"n","slug":"web","api_id":"abc","proxy":{},"version_data":{}}`
	for _, seed := range []string{good, "", "{", "null", good + good, "\ufeff" + good, strings.Replace(good, "{}", `{"listen_path":"/<&>\u2028","x":1e400}`, 1), strings.Replace(good, "abc", "../x", 1)} {
		f.Add([]byte(seed))
	}

	for _, seed := range []string{
		`{{define "a"}}{"name": "{{.Name}}"}{{end}}`, `{{define "a"}}{{template "a" .}}{{end}}`, `{{define "a"}}{{if}}{{end}}`, `{{define "a"}}{{end}}{{define "a"}}x{{end}}`,
		`{{`, `{{define "default-mesh"}}{{range $i, $t := .GatewayTags}}{{break}}{{end}}{{end}}`, `{{/* a */}}`, `{{printf "%v" .}}`, `{{block "b" .}}{{end}}`, "{{define `a`}}\n{{nope}}{{end}}",
	} {
		f.Add([]byte(seed))
	}

	path := f.TempDir()

	file := filepath.Join(path, "apis", "web.json")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		f.Fatal(err)
	}

	f.Fuzz(func(t *testing.T, text []byte) {
		checkTemplates(t, string(text))
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}

		d, err := dashboard.OpenDir(path, "org")
		if err != nil {
			t.Fatal(err)
		}

		apis, err := d.APIs(t.Context())
		if err != nil {
			if !strings.Contains(err.Error(), "web.json") {
				t.Fatal(err)
			}
			return
		}

		if len(apis) != 1 || apis[0].Definition.Slug() != "web" || apis[0].Definition.APIID() == "" {
			t.Fatalf("listed: %v", apis)
		}

		if err := d.UpdateAPI(t.Context(), apis[0]); err != nil {
			t.Fatalf("what is listed cannot be written: %v", err)
		}

		again, err := d.APIs(t.Context())
		apis[0].Definition["org_id"] = "org" // which is the directory's to say
		if diff := cmp.Diff(apis, again); diff != "" || err != nil {
			t.Fatalf("%v, -read +written and read:\n%s", err, diff)
		}
	})
}

func checkTemplates(t *testing.T, text string) {
	t.Helper()
	templates, err := dashboard.ParseTemplates(map[string]string{"mine.json": text})
	if err != nil {
		if !strings.HasPrefix(err.Error(), "mine.json:") && !strings.Contains(err.Error(), "in mine.json") {
			t.Fatalf("%q: %v", text, err)
		}
		return
	}

	if !templates.Has("default-mesh") || !templates.Has("default-inbound") {
		t.Fatalf("%q: the built-in templates are gone", text)
	}
}
