package config

import (
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// viewText is what config view prints of a configuration.
func viewText(t *testing.T, v Viewed) string {
	t.Helper()
	return string(v.YAML())
}

// checkView compares a configuration that loads with what config view prints of it: read again,
// with the secrets beside it, it is the same. Of containers and variables config view prints only
// names, so they cannot be read again, and whole is false.
func checkView(t *testing.T, src Source) (whole bool) {
	t.Helper()
	want, _, err := Load(src)
	if err != nil {
		t.Fatal(err)
	}

	v, err := View(src)
	if err != nil {
		t.Fatal("loads, and cannot be viewed:", err)
	}

	text := viewText(t, v)
	if len(want.Injector.Containers) > 0 || len(want.Sidecar.Env) > 0 {
		return false
	}

	src.Data, src.Environ = []byte(text), nil
	for variable, secret := range map[string]Secret{"TYK_SECRET": want.Tyk.Secret, "CA_KEY": want.CA.Key, "CA_MONGOCONNSTR": want.CA.MongoConnStr} {
		if secret.IsSet() {
			src.Environ = append(src.Environ, envPrefix+variable+"="+secret.Reveal())
		}
	}

	got, _, err := Load(src)
	if err != nil {
		t.Fatalf("what was viewed is refused: %v\n%s", err, text)
	}

	if diff := cmp.Diff(want, got, sameConfig()); diff != "" {
		t.Errorf("viewed and loaded again, -want +got:\n%s\n%s", diff, text)
	}

	return true
}

func noFile(string) ([]byte, error) { return nil, fs.ErrNotExist }

// What config view prints is a configuration that says the same: of what config init prints, of the
// sample, and of all others that load.
func TestConfigViewIsAConfiguration(t *testing.T) {
	environ := []string{"TYK_DASHBOARD_KEY=dash", "CFSSL_KEY=beef", "TYKMESH_SIDECAR_CPU=70m", "TYKMESH_INJECTOR_EXEMPTCIDRS=10.0.0.0/8,::1"}
	ours := strings.Replace(begun(t), placeholderOrg, "5d64a47fed63100001b2f2ac", 1)
	read := func(path string) ([]byte, error) {
		if path == "ca-quickstart/cfssl.key" {
			return []byte("beef"), nil
		}
		return noFile(path)
	}

	for _, local := range []bool{false, true} {
		for name, src := range map[string]Source{
			"config init":          {Data: []byte(ours), Environ: environ, Local: local},
			"all of it":            {Data: []byte(everyKeyOfDashboards(t)), Local: true},
			"testdata/samples":     {Data: []byte(readSample(t, "tykmesh.yaml")), Environ: environ[:2], Local: local},
			"nothing, and no file": {Environ: []string{"TYKMESH_TYK_URL=http://dashboard", "TYKMESH_SIDECAR_REDIS=a:1,b:2"}, Local: local},
		} {
			src.ReadFile = read
			if src.Data != nil {
				src.Name = "tykmesh.yaml"
			}
			if whole := checkView(t, src); whole != (name != "testdata/samples" && name != "all of it") {
				t.Errorf("%s: read again: %v", name, whole)
			}
		}
	}

	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}

	loaded := 0
	for _, file := range cases {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}

		files := map[string]string{}
		for _, f := range archive.Files {
			files[f.Name] = string(f.Data)
		}

		src := Source{
			Name: "tykmesh.yaml", Data: []byte(files["tykmesh.yaml"]), Environ: strings.Fields(files["environ"]),
			Local: strings.Contains(string(archive.Comment), "--local"),
			ReadFile: func(path string) ([]byte, error) {
				if text, ok := files[path]; ok {
					return []byte(text), nil
				}
				return noFile(path)
			},
		}

		if _, _, err := Load(src); err == nil {
			checkView(t, src)
			loaded++
		}
	}

	if loaded == 0 {
		t.Error("none of the cases loads")
	}
}

// secretive is a configuration with a secret wherever there may be one.
const secretive = `
Tyk: {url: http://dashboard, secret: hunter2, org: 5d64a47fed63100001b2f2ac}
CA: {addr: "cfssl:8888", key: beef, mongoConnStr: "mongodb://u:hunter2@mongo/db"}
Injector:
  createRoutes: true
  containers:
    - name: tyk-mesh
      image: gateway:1@sha256:beef
      command: [sh, -c, "serve --password hunter2 REDIS_PASSWORD=hunter2 --api-key=hunter2"]
      args: [--token, hunter2, --auth-token=hunter2, "--redis=redis://:hunter2@redis:6379", --plain, shown]
      env:
        - {name: TYK_GW_NODESECRET, value: hunter2}
        - {name: Redis_Password, value: hunter2}
        - {name: MONGO, value: "mongodb://u:hun/hunter2@mongo:27017/db?x=y"}
        - {name: SETTINGS, value: '{"password": "hunter2", "level": 1}'}
        - {name: EMPTY_KEY, value: ""}
        - {name: PORT, value: "8080"}
        - {name: SHOWN, valueFrom: {secretKeyRef: {name: tyk, key: node-secret}}}
      readinessProbe: {httpGet: {port: 80, httpHeaders: [{name: Authorization, value: Bearer hunter2}]}}
`

// No secret is shown, and of containers only names: anything else may hold one.
func TestConfigViewHidesSecrets(t *testing.T) {
	sidecars := "Tyk: {url: http://dashboard}\nSidecar: {redis: 'r:1', env: {TYK_GW_X_TOKEN: hunter2, TYK_GW_Y: 'http://u:hunter2@h/', TYK_GW_Z: hunter2}}"
	for _, tt := range []struct {
		text  string
		shown string
	}{
		{secretive, "\n  containers: # f.yaml:7\n    - name: tyk-mesh\n      image: gateway:1@sha256:beef\n      env:\n        - TYK_GW_NODESECRET\n        - Redis_Password\n" +
			"        - MONGO\n        - SETTINGS\n        - EMPTY_KEY\n        - PORT\n        - SHOWN\n  initContainers:"},
		{sidecars, "\n  env: [TYK_GW_X_TOKEN, TYK_GW_Y, TYK_GW_Z] # f.yaml:2\n"},
	} {
		for _, local := range []bool{false, true} {
			v, err := View(Source{Name: "f.yaml", Data: []byte(tt.text), ReadFile: noFile, Local: local})
			if err != nil {
				t.Fatal(err)
			}

			asJSON, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}

			asYAML := viewText(t, v)
			for _, text := range []string{asYAML, string(asJSON)} {
				if strings.Contains(text, "hunter2") || strings.Contains(text, "key: beef") {
					t.Errorf("a secret is shown:\n%s", text)
				}
			}

			if !strings.Contains(asYAML, tt.shown) {
				t.Errorf("%q is not shown:\n%s", tt.shown, asYAML)
			}
		}
	}
}

// A comment tells where a value comes from, whatever the names of its file and its variable are.
// They never become a key.
func TestConfigViewSaysWhereFrom(t *testing.T) {
	v, err := View(Source{
		Name: "odd\nTyk: {url: x}.yaml", Data: []byte("Tyk: {secret: \"env:A\\nB\"}\nInjector: {slugs: namespaced}\nSidecar: {redis: 'r:1'}"),
		Environ: []string{"TK8S_TYK_URL=http://dashboard", "TYKMESH_SIDECAR_UID="}, ReadFile: noFile,
	})
	if err != nil {
		t.Fatal(err)
	}

	text := viewText(t, v)
	for _, line := range []string{
		`# odd\nTyk: {url: x}.yaml`,
		"  url: http://dashboard # TK8S_TYK_URL",
		`  secret: # odd\nTyk: {url: x}.yaml:1: not found`,
		`  slugs: namespaced # odd\nTyk: {url: x}.yaml:2`,
		"  uid: 10777 # default",
		"  dashboard: http://dashboard # default: Tyk.url",
		"  certPath: # not set: requested from CFSSL",
	} {
		if !strings.Contains("\n"+text, "\n"+line+"\n") {
			t.Errorf("%s\nis not in\n%s", line, text)
		}
	}
}

// What cannot be read shows nothing, and says why.
func TestConfigViewOfNothing(t *testing.T) {
	for _, name := range []string{"not-yaml", "two-documents", "not-a-mapping", "alias-bomb"} {
		archive, err := txtar.ParseFile("testdata/" + name + ".txtar")
		if err != nil {
			t.Fatal(err)
		}

		v, err := View(Source{Name: "f.yaml", Data: archive.Files[0].Data, ReadFile: noFile})
		if all := (Error)(nil); !errors.As(err, &all) || len(all) == 0 || v.Settings != nil {
			t.Errorf("%s: error %v, shows %v", name, err, v)
		}
	}
}
