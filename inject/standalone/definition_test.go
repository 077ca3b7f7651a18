package standalone_test

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

var update = flag.Bool("update", false, "write the golden files")

// tokenKey is a public key for P-256: the base point of the curve (SEC 2, section 2.4.2).
const tokenKey = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----
`

func usual() standalone.Mesh {
	return standalone.Mesh{
		Hosts: []string{"mesh", "mesh.local", "localhost"}, Port: 8080,
		TLS: true, Certificates: true, Mutual: true, Authorities: []string{"CA 1\n"},
	}
}

func echo() standalone.Pod {
	return standalone.Pod{Service: standalone.Service{Namespace: "default", App: "echo"}, Target: "http://127.0.0.1:3000", Listen: 8080}
}

// cases are meshes and pods of each kind.
func cases() map[string]func(*standalone.Mesh, *standalone.Pod) {
	return map[string]func(*standalone.Mesh, *standalone.Pod){
		"usual": func(*standalone.Mesh, *standalone.Pod) {},
		"plain": func(m *standalone.Mesh, _ *standalone.Pod) {
			m.TLS, m.Certificates, m.Mutual, m.Authorities = false, false, false, nil
		},
		"tls-off": func(m *standalone.Mesh, _ *standalone.Pod) { m.TLS, m.Mutual = false, false },
		"mutual-off": func(m *standalone.Mesh, p *standalone.Pod) {
			m.Mutual, m.Port, m.Methods = false, 9000, []string{"PROPFIND"}
			p.Service, p.Target, p.Listen = standalone.Service{Namespace: "shop", App: "pay"}, "h2c://127.0.0.1:50051", 9000
		},
		"two-authorities": func(m *standalone.Mesh, _ *standalone.Pod) {
			m.Authorities, m.Hosts = []string{"CA 2\n", "CA 1\n"}, []string{"mesh.example.com"}
		},
		"tokens": func(m *standalone.Mesh, _ *standalone.Pod) { m.TokenKey = tokenKey },
		"allow": func(m *standalone.Mesh, p *standalone.Pod) {
			m.TokenKey = tokenKey
			p.Allow = []standalone.Service{{Namespace: "shop", App: "pay"}, {Namespace: "default", App: "sleep"}, {Namespace: "shop", App: "pay"}}
		},
	}
}

func TestConfigGolden(t *testing.T) {
	for name, change := range cases() {
		t.Run(name, func(t *testing.T) {
			m, p := usual(), echo()
			change(&m, &p)
			c := m.Config(p)

			archive := &txtar.Archive{Comment: []byte("hash " + c.Hash + "\n")}
			for _, f := range c.Files {
				archive.Files = append(archive.Files, txtar.File{Name: f.Path, Data: []byte(f.Text)})
			}
			got := txtar.Format(archive)

			path := filepath.Join("testdata", "config", name+".txtar")
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}

			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("go test ./inject/standalone -update writes it, but it restarts all pods (-want +got):\n%s", diff)
			}
		})
	}
}

// TestConfigIsReference compares definitions with those of the lab, written by hand.
func TestConfigIsReference(t *testing.T) {
	const (
		one    = `(?s)^/[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(/.*)?$`
		two    = `(?s)^/[a-z0-9](?:[-a-z0-9]*[a-z0-9])?\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(/.*)?$`
		either = `(?s)^/[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)?(/.*)?$`
		tail   = `([/?][^$]*(?:\$(?:[^$st][^$]*|s(?:[^$e][^$]*|e(?:[^$c][^$]*)?)?|t(?:[^$y][^$]*|y(?:[^$k][^$]*)?)?)?)*)?$`
	)
	type tree = map[string]any

	var rewrites []any
	actions := tree{}
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} {
		rewrites = append(rewrites,
			tree{"path": one, "method": method, "match_pattern": `^/([a-z0-9](?:[-a-z0-9]*[a-z0-9])?)` + tail, "rewrite_to": "https://$1.default.svc:8080$2"},
			tree{"path": two, "method": method, "match_pattern": `^/([a-z0-9](?:[-a-z0-9]*[a-z0-9])?\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)` + tail, "rewrite_to": "https://$1.svc:8080$2"})
		actions[method] = tree{"action": "no_action", "code": 200., "data": "", "headers": tree{}}
	}

	begin := tree{"use_keyless": true, "active": true, "auth": tree{"auth_header_name": "Authorization"}}
	mesh := maps.Clone(begin)
	maps.Copy(mesh, tree{
		"version_data": tree{"not_versioned": true, "versions": tree{"Default": tree{
			"name": "Default", "use_extended_paths": true, "extended_paths": tree{
				"url_rewrites": rewrites, "white_list": []any{tree{"path": either, "method_actions": actions}},
			},
		}}},
		"proxy": tree{"listen_path": "/", "target_url": "http://127.0.0.1:1", "strip_listen_path": true},
	})

	inbound, http, https := maps.Clone(begin), maps.Clone(mesh), maps.Clone(mesh)
	maps.Copy(inbound, tree{
		"name": "inbound", "api_id": "b7204ac6564939112b679ab0c3a12eba",
		"version_data": tree{"not_versioned": true, "versions": tree{"Default": tree{"name": "Default"}}},
		"proxy":        tree{"listen_path": "/", "target_url": "http://127.0.0.1:3000", "strip_listen_path": true, "preserve_host_header": true},
		"domain":       "", "listen_port": 8080., "protocol": "https", "certificates": []any{"/etc/tykmesh/tls/tls.pem"},
		"use_mutual_tls_auth": true, "client_certificates": []any{"/etc/tykmesh/mesh/ca-1.pem"},
	})
	maps.Copy(http, tree{
		"name": "mesh-http", "api_id": "fff7dc44f61e5b15237f45e28dbe284b",
		"domain": `{h:mesh|mesh\.local|localhost}`, "listen_port": 15080., "protocol": "http",
	})
	maps.Copy(https, tree{
		"name": "mesh-https", "api_id": "956a1598f7862a1c9b212c0cf15ba37d",
		"domain": `{g:mesh|mesh\.local|localhost}`, "listen_port": 15443., "protocol": "https", "certificates": []any{"/etc/tykmesh/tls/tls.pem"},
	})

	want := map[string]tree{"apis/inbound.json": inbound, "apis/mesh-http.json": http, "apis/mesh-https.json": https}
	if diff := cmp.Diff(want, definitions(t, usual().Config(echo()))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// definitions returns a configuration's API definitions by path.
func definitions(t *testing.T, c standalone.Config) map[string]map[string]any {
	t.Helper()
	out := map[string]map[string]any{}
	for _, f := range c.Files {
		if !strings.HasPrefix(f.Path, standalone.APIPath+"/") {
			continue
		}

		var d map[string]any
		if err := json.Unmarshal([]byte(f.Text), &d); err != nil {
			t.Fatalf("%s: %v", f.Path, err)
		}
		out[f.Path] = d
	}

	return out
}

// TestHash changes each thing that a pod's files depend on, and expects another hash; and the same
// hash for the same things.
func TestHash(t *testing.T) {
	changes := cases()
	delete(changes, "usual")
	maps.Copy(changes, map[string]func(*standalone.Mesh, *standalone.Pod){
		"host":      func(m *standalone.Mesh, _ *standalone.Pod) { m.Hosts = []string{"mesh", "mesh.local"} },
		"method":    func(m *standalone.Mesh, _ *standalone.Pod) { m.Methods = []string{"LOCK"} },
		"port":      func(m *standalone.Mesh, _ *standalone.Pod) { m.Port++ },
		"mutual":    func(m *standalone.Mesh, _ *standalone.Pod) { m.Mutual = false },
		"authority": func(m *standalone.Mesh, _ *standalone.Pod) { m.Authorities = []string{"CA 2\n"} },
		"app":       func(_ *standalone.Mesh, p *standalone.Pod) { p.Service.App = "echo2" },
		"namespace": func(_ *standalone.Mesh, p *standalone.Pod) { p.Service.Namespace = "shop" },
		"target":    func(_ *standalone.Mesh, p *standalone.Pod) { p.Target = "http://127.0.0.1:3001" },
		"listen":    func(_ *standalone.Mesh, p *standalone.Pod) { p.Listen++ },
		"allowed nothing": func(m *standalone.Mesh, p *standalone.Pod) {
			m.TokenKey, p.Allow = tokenKey, []standalone.Service{}
		},
		"allowed another": func(m *standalone.Mesh, p *standalone.Pod) {
			m.TokenKey, p.Allow = tokenKey, []standalone.Service{{Namespace: "shop", App: "pay"}}
		},
	})

	names := map[string]string{usual().Config(echo()).Hash: "usual"}
	for name, change := range changes {
		m, p := usual(), echo()
		change(&m, &p)
		c := m.Config(p)
		if other, is := names[c.Hash]; is {
			t.Errorf("%s and %s have the same hash", name, other)
		}
		names[c.Hash] = name

		if !regexp.MustCompile(`^[0-9a-f]{10}$`).MatchString(c.Hash) {
			t.Errorf("%s: the hash is %q", name, c.Hash)
		}
		if again := m.Namespace(p.Service.Namespace).Config(p); !cmp.Equal(again, c) {
			t.Errorf("%s: a second time, the files differ", name)
		}
		if slices.Reverse(p.Allow); !cmp.Equal(m.Config(p), c) {
			t.Errorf("%s: the order of allowed services matters", name)
		}
	}
}

// TestNamespaceShares makes the files of two pods, and expects one text of what is the same.
func TestNamespaceShares(t *testing.T) {
	n, other := usual().Namespace("default"), echo()
	other.Service.App = "sleep"

	files := map[string]string{}
	for _, f := range n.Config(echo()).Files {
		files[f.Path] = f.Text
	}
	for _, f := range n.Config(other).Files {
		if same := files[f.Path] == f.Text; same != (f.Path != "apis/inbound.json") {
			t.Errorf("%s: the same text: %t", f.Path, same)
		}
	}
}

// TestConfigIsSmall measures ConfigMaps as inject prints them: with the CAs of two key types, tokens
// and allowed callers, for the longest names.
func TestConfigIsSmall(t *testing.T) {
	authority := strings.Repeat(strings.Repeat("x", 64)+"\n", 12) // P-256 with long names: 750 bytes
	p := echo()
	p.Service = standalone.Service{Namespace: strings.Repeat("n", 63), App: strings.Repeat("a", 63)}
	p.Allow = []standalone.Service{p.Service}

	m := usual()
	m.TokenKey, m.Authorities = tokenKey, []string{authority, authority}
	if size := len(manifest.Block(m.ConfigMap(p.Service, m.Config(p)))); size > 20_000 {
		t.Errorf("a ConfigMap with the usual methods takes %d bytes", size)
	} else {
		t.Logf("the usual methods: %d bytes", size)
	}

	for range standalone.MaxMethods {
		m.Methods = append(m.Methods, "MKCALENDAR")
	}
	if size := len(manifest.Block(m.ConfigMap(p.Service, m.Config(p)))); size > 42_000 {
		t.Errorf("a ConfigMap with as many methods as possible takes %d bytes", size)
	} else {
		t.Logf("all methods: %d bytes", size)
	}
}

// BenchmarkConfig makes the files of another pod of a namespace.
func BenchmarkConfig(b *testing.B) {
	n, p := usual().Namespace("default"), echo()
	for b.Loop() {
		_ = n.Config(p)
	}
}
