package config

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudflare/cfssl/csr"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
	"github.com/tykmesh/tykmesh/inject/spelling"
)

var update = flag.Bool("update", false, "rewrite golden files with what the program says now")

const samples = "../../../testdata/samples"

func readSample(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(samples, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// load reads a configuration from text, with secrets in files.
func load(text string, environ []string, files map[string]string, local bool) (Config, []Finding, error) {
	return Load(sourceOf(text, environ, files, local))
}

// sourceOf is a configuration in a text, with secrets in files.
func sourceOf(text string, environ []string, files map[string]string, local bool) Source {
	name := "tykmesh.yaml"
	if text == "" {
		name = ""
	}

	return Source{
		Name:    name,
		Data:    []byte(text),
		Environ: environ,
		Local:   local,
		ReadFile: func(path string) ([]byte, error) {
			if data, ok := files[path]; ok {
				return []byte(data), nil
			}
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		},
	}
}

// TestConfigSays holds what users are told of their configuration. A case is a txtar archive:
// tykmesh.yaml, perhaps environ, "--local" in the comment where that is given, "(secrets)" where the
// run needs those of the section CA, files for secrets, and want.
func TestConfigSays(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}

	for _, file := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}

			files := map[string]string{}
			for _, f := range archive.Files {
				files[f.Name] = string(f.Data)
			}

			src := sourceOf(files["tykmesh.yaml"], strings.Fields(files["environ"]), files, strings.Contains(string(archive.Comment), "--local"))
			if strings.Contains(string(archive.Comment), "(secrets)") {
				src.Secrets = []string{CAKey, CAMongoConnStr}
			}
			_, warnings, err := Load(src)

			got := said(warnings, err)
			if !*update {
				if diff := cmp.Diff(files["want"], got); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
				return
			}

			archive.Files[len(archive.Files)-1] = txtar.File{Name: "want", Data: []byte(got)}
			if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func said(warnings []Finding, err error) string {
	if all := (Error)(nil); errors.As(err, &all) {
		return strings.TrimSuffix(all.Error()+"\nhint: "+all.Hint()+"\n", "hint: \n")
	}
	out := "loads\n"
	for _, w := range warnings {
		out += "warning: " + w.String() + "\n"
	}

	return out
}

// openDashboard is the warning about an address of a cluster, as samples have it.
const openDashboard = "is http:// to another machine, so the API key is sent unencrypted; use https://"

// The key of the Dashboard may go unencrypted to this machine, where kubectl port-forward listens,
// and to no other.
func TestOpenAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"http://dashboard.tyk:3000": true, "http://10.0.0.1": true, "http://[fd00::1]:3000": true, "http://localhost.example.com": true, "HTTP://dashboard": true,
		"https://dashboard": false, "http://localhost:3000": false, "http://LOCALHOST.": false, "http://tyk.localhost": false, "http://127.0.0.1:3000": false,
		"http://127.9.9.9": false, "http://[::1]:3000": false, "http://[::ffff:127.0.0.1]": false, "": false,
	} {
		if isOpen(address) != want {
			t.Errorf("%s can be listened to: %v", address, !want)
		}
	}
}

// A connection string says so in the options that MongoDB's driver reads.
func TestMongoThatIsNotVerified(t *testing.T) {
	for connStr, want := range map[string]bool{
		"mongodb://m/db?tlsInsecure=true": true, "mongodb://m/?ssl=true&SSLINSECURE=true": true, "mongodb://m/?a=b;tlsinsecure=true": true,
		"mongodb://m/db": false, "mongodb://m/?tlsInsecure=false": false, "mongodb://tlsInsecure=true@m/db": false,
	} {
		if trustsAnyMongo(connStr) != want {
			t.Errorf("%s is not verified: %v", connStr, !want)
		}
	}
}

// The sample configuration is typed, and its secrets come from where it says, and not at all with
// --local.
func TestLoadConfigSample(t *testing.T) {
	environ := []string{"TYK_DASHBOARD_KEY=dash", "CFSSL_KEY=6dcb"}
	got, warnings, err := load(readSample(t, "tykmesh.yaml"), environ, nil, false)
	if want := "loads\nwarning: tykmesh.yaml:10:8: Tyk.url: " + openDashboard + "\n"; said(warnings, err) != want {
		t.Fatalf("%s, want %s", said(warnings, err), want)
	}

	if names := []string{got.Injector.Containers[0].String("name"), got.Injector.InitContainers[0].String("name")}; !cmp.Equal(names, []string{"tyk-mesh", "run-iptables"}) {
		t.Errorf("containers %q", names)
	}

	got.Injector.Containers, got.Injector.InitContainers = nil, nil
	want := Config{
		File: "tykmesh.yaml",
		Tyk:  TykSection{URL: "http://dashboard.tyk:3000", Secret: NewSecret("dash"), Org: "5d64a47fed63100001b2f2ac"},
		CA: CASection{
			Addr:              "http://cfssl.tyk:8888",
			Key:               NewSecret("6dcb"),
			DefaultNames:      []csr.Name{{C: "GB", ST: "England", L: "London", O: "Example Ltd", OU: "Mesh"}},
			DefaultKeyRequest: csr.KeyRequest{A: "ecdsa", S: 256},
		},
		Injector: InjectorSection{
			Mode:          ModeDashboard,
			CreateRoutes:  true,
			EnableMeshTLS: true,
			ServiceLabels: []string{"app"},
			MeshHosts:     []string{"mesh", "mesh.local", "localhost"},
			Slugs:         SlugsPlain,
			ServicePorts:  inject.ReplacePort,
			NativeSidecar: NativeAuto,
		},
		Sidecar: defaultConfig("").Sidecar, // which does not count
	}

	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Secret{}), cmpopts.IgnoreUnexported(Config{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}

	local, _, err := load(readSample(t, "tykmesh.yaml"), nil, nil, true)
	if err != nil {
		t.Fatal("--local:", err)
	}

	if local.Tyk.Secret.IsSet() || local.CA.Key.IsSet() || local.Tyk.URL != "" || local.CA.Addr != "" {
		t.Errorf("--local keeps how to reach servers: %+v", local)
	}
}

const sidecarOnly = `
  containers:
    - {name: tyk-mesh, image: gateway}
`

// A file of tyk-k8s with keys in other case, sections of no interest, numbers for texts and bools
// of YAML 1.1 says the same.
func TestLoadConfigTykK8s(t *testing.T) {
	got, _, err := load(`
server: {addr: ":443", nonsense: true}
INGRESS: whatever
TYK:
  Url: "https://dashboard:3000"
  SECRET: 0123
  org: 593412345678901234567890
  templates: templates
  is`+`Gateway: off
ca:
  certpath: /etc/ca.pem
  defaultkeyrequest: {a: rsa, s: 4096}
injector:
  createroutes: yes
  MeshHosts: [mesh.example]
  slugs: namespaced
`+sidecarOnly, nil, nil, false)

	if err != nil {
		t.Fatal(err)
	}

	if !got.Injector.CreateRoutes || got.Tyk.Secret.Reveal() != "0123" || got.Tyk.Org != "593412345678901234567890" ||
		got.Tyk.Templates != "templates" || got.CA.CertPath != "/etc/ca.pem" || got.CA.DefaultKeyRequest != (csr.KeyRequest{A: "rsa", S: 4096}) ||
		!cmp.Equal(got.Injector.MeshHosts, []string{"mesh.example"}) || got.Injector.Slugs != SlugsNamespaced {
		t.Errorf("got %+v", got)
	}
}

// Containers keep the order of their keys, whatever the order of Kubernetes' own types, with
// aliases and merge keys written out.
func TestLoadConfigContainerTree(t *testing.T) {
	got, _, err := load(`
Injector:
  initContainers:
    - &base
      name: first
      image: busybox
      securityContext: {privileged: yes, capabilities: {add: [NET_ADMIN]}}
    - <<: *base
      name: second
      volumeMounts: []
  containers:
    - resources: {limits: {memory: 1Gi, cpu: 0.5}}
      ports: [{containerPort: 8080, name: }]
      name: tyk-mesh
      image: gateway
      env:
        - value: "8080"
          name: PORT
        - name: BIG
          valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1m}}
      envFrom: [{secretRef: {name: tyk}}]
      readinessProbe: {httpGet: {port: http, path: /ready}, periodSeconds: 0x10}
`, nil, nil, true)

	if err != nil {
		t.Fatal(err)
	}

	type m = manifest.Map
	type l = manifest.List
	e := func(key string, value any) manifest.Entry { return manifest.Entry{Key: key, Value: value} }
	security := e("securityContext", m{e("privileged", true), e("capabilities", m{e("add", l{"NET_ADMIN"})})})

	wantInit := []m{
		{e("name", "first"), e("image", "busybox"), security},
		{e("image", "busybox"), security, e("name", "second"), e("volumeMounts", l{})},
	}
	want := []m{{
		e("resources", m{e("limits", m{e("memory", "1Gi"), e("cpu", 0.5)})}),
		e("ports", l{m{e("containerPort", int64(8080)), e("name", nil)}}),
		e("name", "tyk-mesh"),
		e("image", "gateway"),
		e("env", l{
			m{e("value", "8080"), e("name", "PORT")},
			m{e("name", "BIG"), e("valueFrom", m{e("resourceFieldRef", m{e("resource", "limits.cpu"), e("divisor", "1m")})})},
		}),
		e("envFrom", l{m{e("secretRef", m{e("name", "tyk")})}}),
		e("readinessProbe", m{e("httpGet", m{e("port", "http"), e("path", "/ready")}), e("periodSeconds", int64(16))}),
	}}

	if diff := cmp.Diff(wantInit, got.Injector.InitContainers); diff != "" {
		t.Errorf("initContainers, -want +got:\n%s", diff)
	}

	if diff := cmp.Diff(want, got.Injector.Containers); diff != "" {
		t.Errorf("containers, -want +got:\n%s", diff)
	}
}

// The environment wins over the file, our prefix over that of tyk-k8s, and an empty variable is
// none.
func TestLoadConfigEnvironment(t *testing.T) {
	file := "Tyk: {url: 'http://file', org: 5d64a47fed63100001b2f2ac, secret: file}\nInjector:\n  createRoutes: true" + sidecarOnly
	got, warnings, err := load(file, []string{
		"TK8S_TYK_URL=http://old", "TYKMESH_TYK_URL=http://ours", "TK8S_TYK_SECRET=old", "TYKMESH_TYK_ORG=",
		"TYKMESH_INJECTOR_ENABLEMESHTLS=1", "TYKMESH_CA_ADDR=cfssl:8888", "TYKMESH_CA_KEY=env:HEX", "HEX=beef",
		"TYKMESH_CA_MONGOCONNSTR=file:/mongo", "TYKMESH_INJECTOR_MESHHOSTS=a, b.c",
		"TYKMESH_CONFIG=x", "TYKMESH_TEST_DASHBOARD=x", "TYKMESH_CA_SERVICE_HOST=10.0.0.1", "TYKMESH_CA_PORT_443_TCP=x", "TYKMESH_PS1=$",
	}, map[string]string{"/mongo": "mongodb://u:p@m/db\r\n"}, false)

	if err != nil {
		t.Fatal(err, warnings)
	}

	want := []string{"http://ours", "old", "5d64a47fed63100001b2f2ac", "cfssl:8888", "beef", "mongodb://u:p@m/db", "a|b.c", "true"}
	if diff := cmp.Diff(want, []string{
		got.Tyk.URL, got.Tyk.Secret.Reveal(), got.Tyk.Org, got.CA.Addr, got.CA.Key.Reveal(), got.CA.MongoConnStr.Reveal(),
		strings.Join(got.Injector.MeshHosts, "|"), fmt.Sprint(got.Injector.EnableMeshTLS),
	}); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// An image that is set to nothing is the default one: Kubernetes takes no container without.
func TestLoadConfigEmptyImages(t *testing.T) {
	file := "Tyk: {url: 'http://file', org: 5d64a47fed63100001b2f2ac, secret: s}\nInjector: {rulesImage: ''}\nSidecar: {redis: 'r:1', image: }"
	got, _, err := load(file, nil, nil, false)
	if err != nil {
		t.Fatal(err)
	}

	want := []string{sidecar.DefaultImage, sidecar.DefaultRulesImage}
	if diff := cmp.Diff(want, []string{got.Sidecar.Image, got.Sidecar.RulesImage}); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Paths in the file count from its folder, those of the environment from where the user is.
func TestLoadConfigPaths(t *testing.T) {
	src := Source{
		Name:    "/etc/mesh/tykmesh.yaml",
		Data:    []byte("Tyk: {templates: api, secret: 'file:key'}\nCA: {certPath: ca.pem}\nInjector:" + sidecarOnly),
		Environ: []string{"TYKMESH_CA_CERTPATH=here.pem"},
		ReadFile: func(path string) ([]byte, error) {
			return []byte(path + "\n"), nil
		},
	}

	got, _, err := Load(src)
	if err != nil {
		t.Fatal(err)
	}

	paths := []string{got.Tyk.Templates, got.Tyk.Secret.Reveal(), got.CA.CertPath}
	if diff := cmp.Diff([]string{"/etc/mesh/api", "/etc/mesh/key", "here.pem"}, paths); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"createRoutes", "containers", "initContainers", "slugs", "url", "org"}
	for name, want := range map[string]string{
		"createRoute": "createRoutes", "CREATEROUTE": "createRoutes", "creatRoutse": "createRoutes", "container": "containers",
		"initcontainer": "initContainers", "slug": "slugs", "slgus": "slugs", "uri": "url", "rog": "org", "x": "", "timeout": "", "": "",
	} {
		if got := spelling.Nearest(name, known); got != want {
			t.Errorf("spelling.Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

// A file that PowerShell wrote has its remedy, and a byte that is not UTF-8 does no harm in a
// comment: a configuration is read like a manifest.
func TestLoadConfigEncoding(t *testing.T) {
	_, _, err := load("\xff\xfeT\x00y\x00k\x00", nil, nil, true)
	if err == nil || !strings.Contains(err.Error(), "save it as UTF-8") {
		t.Errorf("UTF-16: %v", err)
	}

	if _, _, err := load("# \xe9\nInjector:"+sidecarOnly, nil, nil, true); err != nil {
		t.Errorf("Latin-1 in a comment: %v", err)
	}
}
