package sidecar

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// gateways are a gateway in each mode in which its environment differs.
func gateways() []struct {
	mode string
	Gateway
} {
	with := func(change func(*Gateway)) Gateway {
		g := Gateway{Dashboard: "http://dashboard.tyk:3000", Redis: Redis{Addresses: []string{"redis.tyk:6379"}}, Tags: "mesh,echo", Grace: 30}
		g.Traffic.MaxConnTime = DefaultMaxConnTime
		change(&g)
		return g
	}
	begun := Traffic{
		MaxConnTime: DefaultMaxConnTime, ProxyTimeout: 60, StreamTimeout: 3600, WebSockets: true, PathsAsSent: true, MaxRequestBody: "16Mi", HTTP2: true,
	}
	withFiles := func(change func(*Gateway)) Gateway {
		g := Gateway{Image: DefaultImage, UID: DefaultUID, Grace: 30, Traffic: begun, Files: &Files{
			ConfigMap: "echo-tykmesh-0123456789", Paths: []string{"apis/inbound.json", "apis/mesh-http.json"},
		}}
		change(&g)
		return g
	}
	certified := func(g *Gateway) {
		g.TLS, g.Files.Secret, g.Files.Key = true, "echo-tykmesh", "tls-combined.pem"
		g.Files.Paths = append(g.Files.Paths, "apis/mesh-https.json", "ca-1.pem", "ca-2.pem")
	}
	cluster := Redis{Addresses: []string{"a:1", "b:2"}, Cluster: true, TLS: true, Username: "tyk"}

	return []struct {
		mode string
		Gateway
	}{
		{"plain", with(func(*Gateway) {})},
		{"TLS", with(func(g *Gateway) { g.TLS = true })},
		{"another port", with(func(g *Gateway) { g.Port = 18080 })},
		{"native", with(func(g *Gateway) { g.Native = true })},
		{"native, the app sleeps 10 s before it ends", with(func(g *Gateway) { g.Native, g.Sleep = true, 10 })},
		{"not native, sleeps 10 s before it ends", with(func(g *Gateway) { g.Sleep = 10 })},
		{"gRPC", with(func(g *Gateway) { g.GRPC, g.H2C, g.Traffic.HTTP2 = true, true, true })},
		{"gRPC, with the keys of config init", with(func(g *Gateway) { g.GRPC, g.H2C, g.Traffic = true, true, begun })},
		{"HTTP/2 to the app, with the keys of config init", with(func(g *Gateway) { g.H2C, g.Traffic = true, begun })},
		{"a memory limit", with(func(g *Gateway) { g.Resources = Resources{MemoryLimit: "192Mi"} })},
		{"connections that last", with(func(g *Gateway) { g.Traffic.MaxConnTime = 0 })},
		{"Redis cluster", with(func(g *Gateway) { g.Redis = cluster })},
		{"the keys of config init", with(func(g *Gateway) { g.Traffic = begun })},
		{"all keys", with(func(g *Gateway) {
			g.TLS, g.Traffic, g.LogLevel, g.Resources = true, begun, "debug", Resources{MemoryLimit: "1Gi"}
			g.Redis = Redis{Addresses: []string{"redis.tyk:6379"}, TLS: true, Username: "tyk", Database: 3}
			g.Env = []Variable{{"TYK_GW_LOGFORMAT", "json"}, {"GOMEMLIMIT", "500MiB"}, {"TYK_GW_MAXCONNTIME", "1"}, {variableMaxBody, "1000"}, {"EMPTY", ""}}
		})},
		{"standalone", withFiles(func(*Gateway) {})},
		{"standalone, another port, without keys for traffic", withFiles(func(g *Gateway) { g.Port, g.Traffic = 18080, Traffic{} })},
		{"standalone, certificates", withFiles(certified)},
		{"standalone, certificates, tokens, all keys", withFiles(func(g *Gateway) {
			certified(g)
			g.Files.Paths, g.Files.Policies, g.Files.TokenSecret = append(g.Files.Paths, "policies.json"), true, "echo-tykmesh-token"
			g.LogLevel, g.Resources, g.Authorities = "debug", Resources{MemoryLimit: "1Gi"}, []string{"f1a2b3c4.0"}
			g.Env = []Variable{{"TYK_GW_LOGFORMAT", "json"}, {"TYK_GW_STORAGE_ADDRS", "127.0.0.1:1"}}
		})},
	}
}

// TestEnvironment holds the environment of every mode against testdata/environment.txt. Each
// variable stands there once a mode, and each row of the table in some mode.
func TestEnvironment(t *testing.T) {
	var b strings.Builder
	type row struct {
		name  string
		files bool
	}
	seen := map[row]bool{}
	for _, g := range gateways() {
		fmt.Fprintf(&b, "# %s\n", g.mode)
		var names []string
		for _, e := range g.environment() {
			m, _ := e.(manifest.Map)
			name := m.String("name")
			if slices.Contains(names, name) {
				t.Errorf("%s: %s stands there twice", g.mode, name)
			}
			names, seen[row{name, g.Files != nil}] = append(names, name), true
			b.WriteString(written(m) + "\n")
		}
		b.WriteString("\n")
	}

	for _, s := range settings {
		for _, files := range []bool{false, true} {
			if s.mode.includes(files) && !seen[row{s.name, files}] {
				t.Errorf("no gateway shows %s, APIs from files: %v", s.name, files)
			}
		}
	}

	compare(t, "testdata/environment.txt", b.String())
}

// compare holds a text against a file, which -update writes.
func compare(t *testing.T, file, text string) {
	t.Helper()
	if flag.Lookup("update").Value.String() == "true" { // of the tests outside of the package
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}

	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("%s: -want +got\n%s", file, diff)
	}
}

// written returns a variable as NAME=VALUE, or with the key of the Secret behind it.
func written(variable manifest.Map) string {
	from, secret := variable.Lookup("valueFrom")
	if !secret {
		return variable.String("name") + "=" + variable.String("value")
	}
	source, _ := from.(manifest.Map)
	if field, ok := source.Lookup("fieldRef"); ok {
		m, _ := field.(manifest.Map)
		return variable.String("name") + " from the pod's " + m.String("fieldPath")
	}
	v, _ := source.Lookup("secretKeyRef")
	ref, _ := v.(manifest.Map)
	text := variable.String("name") + " from " + ref.String("name") + "/" + ref.String("key")
	if _, optional := ref.Lookup("optional"); optional {
		text += ", if it is there"
	}

	return text
}

// TestEveryVariableHasItsReason wants a reason with a source in every row of the table, each
// variable in one row a mode, and each in one text.
func TestEveryVariableHasItsReason(t *testing.T) {
	for _, files := range []bool{false, true} {
		rows := map[string]bool{}
		for _, s := range settings {
			if !s.mode.includes(files) {
				continue
			}
			if s.reason == "" || s.source == "" || s.value == nil || rows[s.name] {
				t.Errorf("%s: its row is not complete, or not the only one", s.name)
			}
			rows[s.name] = true
		}
	}

	texts := map[string]bool{}
	for _, v := range Environment() {
		if texts[v.Name] {
			t.Errorf("%s has two texts", v.Name)
		}
		texts[v.Name] = true
	}
	if len(texts) < len(settings)/2 {
		t.Errorf("%d texts for %d rows", len(texts), len(settings))
	}
}

// TestCheckSettable shows which variables a configuration may set with a Dashboard and without one.
func TestCheckSettable(t *testing.T) {
	for _, tt := range []struct{ name, dashboard, standalone string }{
		{"TYK_GW_LOGFORMAT", "", ""},
		{"ANY_OTHER", "", ""},
		{"TYK_GW_MAXCONNTIME", "", ""},
		{"TYK_GW_STORAGE_ADDRS", "", ""},
		{"SSL_CERT_DIR", "", ""},
		{"TYK_GW_SECRET", "set by tykmesh", "set by tykmesh"},
		{"TYK_GW_LISTENPORT", "set by tykmesh", "set by tykmesh"},
		{"TYK_GW_CONTROLAPIPORT", "set by tykmesh", "set by tykmesh"},
		{"TYK_GW_ENABLECUSTOMDOMAINS", "set by tykmesh", "set by tykmesh"},
		{"TYK_GW_USEDBAPPCONFIGS", "set by tykmesh", "set by tykmesh"},
		{"TYK_GW_HTTPSERVEROPTIONS_USESSL", "set by tykmesh", "only in a mesh with a Dashboard"},
		{"TYK_GW_HTTPSERVEROPTIONS_SSLCERTIFICATES", "", "only in a mesh with a Dashboard"},
		{"TYK_GW_NODESECRET", "set by tykmesh", "only in a mesh with a Dashboard"},
		{"TYK_GW_STORAGE_PASSWORD", "set by tykmesh", "only in a mesh with a Dashboard"},
		{"TYK_GW_APPPATH", "", "set by tykmesh"},
		{"TYK_GW_DISABLEPORTWHITELIST", "", "set by tykmesh"},
		{"TYK_GW_SECURITY_CERTIFICATES_UPSTREAM", "", "set by tykmesh"},
		{"TYK_GW_POLICIES_POLICYSOURCE", "", "set by tykmesh"},
		{"TYK_GW_KV_FILE_BASEPATH", "", "set by tykmesh"},
		{"TYK_GW_UPTIMETESTS_DISABLE", "", ""},
	} {
		for files, want := range map[bool]string{false: tt.dashboard, true: tt.standalone} {
			err := CheckSettable(tt.name, files)
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s, APIs from files: %v: %v, want %q", tt.name, files, err, want)
			}
		}
	}
}

// TestNoDelay holds all gateways to an end without a delay: a native one ends after its app in any
// case, and another one would serve on while its app is gone.
func TestNoDelay(t *testing.T) {
	for _, g := range gateways() {
		delays := 0
		for _, e := range g.environment() {
			if m, _ := e.(manifest.Map); m.String("name") == "TYK_GW_GRACEFULSHUTDOWNDELAYSECONDS" && m.String("value") == "0" {
				delays++
			}
		}
		if delays != 1 {
			t.Errorf("%s: a delay", g.mode)
		}
	}
}

// TestPreStop shows which sidecars sleep before they end.
func TestPreStop(t *testing.T) {
	for _, g := range gateways() {
		lifecycle, sleeps := g.Container().Lookup("lifecycle")
		want := manifest.Map{{Key: "preStop", Value: manifest.Map{{Key: "sleep", Value: manifest.Map{{Key: "seconds", Value: g.Sleep}}}}}}
		if sleeps != (g.Sleep > 0 && !g.Native) || sleeps && !cmp.Equal(lifecycle, any(want)) {
			t.Errorf("%s: %v", g.mode, lifecycle)
		}
	}
}

// TestFinishes holds the time for the last requests against the grace period: with a sleep and its
// own end a gateway never takes longer, unless the period is too short for any.
func TestFinishes(t *testing.T) {
	for grace := int64(1); grace < 100; grace++ {
		for sleep := range max(1, (Gateway{Grace: grace}).LongestSleep()+1) {
			g := Gateway{Grace: grace, Sleep: sleep}
			switch got := g.finishes(); {
			case grace < Needs && got != 1:
				t.Errorf("grace period %d: %d", grace, got)
			case grace >= Needs && (got < 1 || sleep+got+ending != grace):
				t.Errorf("grace period %d, sleep %d: %d", grace, sleep, got)
			}
		}
	}
}

// TestCheckBody holds memory limits against request bodies. The limit that an error names is
// enough, and one MiB less is not.
func TestCheckBody(t *testing.T) {
	for _, tt := range []struct{ body, limit, want string }{
		{"", "1Ki", ""},
		{"32Mi", "", ""},
		{"16Mi", DefaultMemoryLimit, ""},
		{"32Mi", "256Mi", ""},
		{"32Mi", "192Mi", "256Mi"},
		{"32Mi", "255Mi", "256Mi"},
		{"64Mi", "384Mi", "448Mi"},
		{"50M", "192Mi", "351Mi"},
		{"1Ki", "64Mi", "65Mi"},
		{"1Gi", "4Gi", "6208Mi"},
		{"1Ti", "1Gi", "6291520Mi"},
	} {
		err := CheckBody(tt.body, tt.limit, "HERE")
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s in %s: %v", tt.body, tt.limit, err)
		case tt.want != "" && (err == nil || !strings.HasSuffix(err.Error(), "; set HERE to "+tt.want) || CheckBody(tt.body, tt.want, "") != nil):
			t.Errorf("%s in %s: %v", tt.body, tt.limit, err)
		}
	}

	for text, ok := range map[string]bool{"32Mi": true, "1Ki": true, "1Ti": true, "1024": true, "1023": false, "32m": false, "0": false, "-1Mi": false, "": false, "x": false, "2Ti": false, "9E": false} {
		if err := CheckBodySize(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}
