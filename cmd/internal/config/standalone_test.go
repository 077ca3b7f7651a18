package config

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// meshFiles are the files that config init --mode standalone names, and those of tokens.
func meshFiles(t *testing.T) map[string]string {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/standalone-tokens.txtar")
	if err != nil {
		t.Fatal(err)
	}

	files := map[string]string{}
	for _, f := range archive.Files {
		files[f.Name] = string(f.Data)
	}

	files["ca-quickstart/bundle.pem"], files["ca-quickstart/token.pem"] = files["bundle.pem"], files["token.pem"]

	return files
}

// The output of config init --mode standalone loads beside the CA of ca init, and agrees with the
// defaults.
func TestConfigInitStandaloneLoads(t *testing.T) {
	c, warnings, err := load(BeginStandalone(), nil, meshFiles(t), false)
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	if !c.Standalone() || !c.Injector.EnableMeshTLS || !c.Injector.MutualTLS || !c.Certificates() || c.Injector.EmitCA || c.Sidecar.Port == sidecar.DefaultPort {
		t.Errorf("got %+v", c)
	}

	if err := validate(t, compiledSchema(t), BeginStandalone()); err != nil {
		t.Error("the schema refuses it:", err)
	}
}

// It names each key that has a meaning once, and no other.
func TestConfigInitStandaloneNamesKeys(t *testing.T) {
	text := BeginStandalone()
	for _, k := range keys {
		found := len(regexp.MustCompile(`(?m)^  #?`+k.short()+`: `).FindAllString(text, -1))
		for list := range strings.SplitSeq(text, "# Further keys: ") {
			list, _, _ = strings.Cut(list, "\n\n")
			if !strings.Contains(list, ":") && slices.Contains(strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune("# ,\n", r) }), k.short()) {
				found++
			}
		}
		if want := map[bool]int{true: 0, false: 1}[k.of == ModeDashboard]; found != want {
			t.Errorf("%s is there %d times, want %d", k.name, found, want)
		}
	}
}

// The keys that are comments in it show values that load: tokens beside the CA, cert-manager
// instead of it.
func TestConfigInitStandaloneOffers(t *testing.T) {
	files := meshFiles(t)
	tokens := strings.NewReplacer("#tokenPath", "tokenPath", "#tokenKeyPath", "tokenKeyPath", "#methods", "methods", "#kubeVersion", "kubeVersion").Replace(BeginStandalone())
	c, _, err := load(tokens, nil, files, false)
	if err != nil || c.CA.TokenKey != files["token.pem"] || len(c.Sidecar.Methods) != 2 {
		t.Errorf("tokens: %v, %+v", err, c.CA)
	}

	manager := regexp.MustCompile(`(?m)^  (certPath|keyPath):.*\n`).ReplaceAllString(strings.Replace(BeginStandalone(), "#issuerRef", "issuerRef", 1), "")
	if c, _, err = load(manager, nil, files, false); err != nil || c.CA.IssuerRef.Kind != "ClusterIssuer" {
		t.Errorf("cert-manager: %v, %+v", err, c.CA.IssuerRef)
	}
}

// Without keys, a mesh without a Dashboard has what config init writes for one with a Dashboard.
// Set values count.
func TestDefaultsOfStandaloneMode(t *testing.T) {
	c, _, err := load("Injector: {mode: standalone}", nil, nil, false)
	if err != nil {
		t.Fatal(err)
	}

	want := sidecar.Traffic{MaxConnTime: 5, ProxyTimeout: 60, StreamTimeout: 3600, WebSockets: true, PathsAsSent: true, MaxRequestBody: "16Mi", HTTP2: true}
	if diff := cmp.Diff(want, c.Sidecar.Traffic); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if c.Injector.ServicePorts != inject.AddPort || c.Sidecar.Rules.Intercept != sidecar.Mesh || !c.Sidecar.SleepAsApp || c.Injector.MutualTLS || c.Injector.EmitCA {
		t.Errorf("got %+v, %+v", c.Injector, c.Sidecar)
	}

	if _, _, err := load("Injector: {mode: Standalone, servicePorts: replace}", nil, nil, false); err == nil {
		t.Error("the mode may be written in another case")
	}

	c, _, err = load("Injector: {mode: dashboard, servicePorts: replace}\nSidecar: {websockets: false, maxRequestBody: '', streamTimeout: 90}",
		[]string{"TYKMESH_INJECTOR_MODE=standalone", "TYKMESH_SIDECAR_MAXCONNTIME=0"}, nil, false)
	if err != nil {
		t.Fatal(err)
	}

	want = sidecar.Traffic{ProxyTimeout: 60, StreamTimeout: 90, PathsAsSent: true, HTTP2: true}
	if diff := cmp.Diff(want, c.Sidecar.Traffic); diff != "" || c.Injector.ServicePorts != inject.ReplacePort {
		t.Errorf("set values, -want +got:\n%s", diff)
	}
}

// config view says which defaults are those of the mode, and shows no key without a meaning.
func TestConfigViewStandalone(t *testing.T) {
	v, err := View(Source{Name: "f.yaml", Data: []byte("Injector: {mode: standalone}"), ReadFile: noFile})
	if err != nil {
		t.Fatal(err)
	}

	text := viewText(t, v)
	for _, line := range []string{
		"  servicePorts: add # default: that of Injector.mode: standalone", "  maxConnTime: 5 # default: that of Injector.mode: standalone",
		"  slugs: # not set", "  mutualTLS: false # default", "  port: 18080 # default: that of Injector.mode: standalone", "  keyPath: # not set",
	} {
		if !strings.Contains("\n"+text, "\n"+line+"\n") {
			t.Errorf("%s\nis not in\n%s", line, text)
		}
	}
}

// Sidecars of such a mesh need no Secret.
func TestBuiltInTLSStandalone(t *testing.T) {
	_, err := BuiltInTLS(Source{Name: "f.yaml", Data: []byte("Injector: {mode: standalone}"), ReadFile: noFile})
	if err == nil || !strings.HasPrefix(err.Error(), "f.yaml:1:18: Injector.mode: sidecars of a mesh without a Dashboard need no Secret tykmesh-sidecar") {
		t.Error(err)
	}
}
