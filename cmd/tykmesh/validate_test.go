package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// TestValidate holds all manifests that the program prints against the schemas of Kubernetes. It
// takes minutes the first time, because kubectl-validate is built: make test-validate.
func TestValidate(t *testing.T) {
	if os.Getenv("TYKMESH_TEST_VALIDATE") == "" {
		t.Skip("make test-validate runs this: it builds kubectl-validate")
	}

	v := validator{filepath.Join(buildTools(t, "sigs.k8s.io/kubectl-validate@v0.0.4"), "kubectl-validate"), certManagerCRDs(t), buildProgram(t)}
	t.Run("ca init", v.caInit)
	t.Run("cron jobs", v.cronJobs)
	t.Run("inject", v.inject)
	t.Run("standalone", v.standalone)
	t.Run("goldens", v.goldens)
}

// validator is kubectl-validate, with the schemas of Kubernetes that are built into it, and a folder
// with those of cert-manager.
type validator struct{ program, crds, tykmesh string }

// verdicts are what it says of each document of the files in a folder, by its file and number; ""
// of those that Kubernetes takes.
func (v validator) verdicts(t *testing.T, folder string) map[string]string {
	t.Helper()
	cmd := exec.Command(v.program, "--version", "1.30", "--local-crds", v.crds, "--output", "json", ".")
	cmd.Dir = folder
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, _ := cmd.Output() // it fails if one document does
	var files map[string][]metav1.Status
	if err := json.Unmarshal(out, &files); err != nil {
		t.Fatalf("%v\n%s%s", err, out, &stderr)
	}

	said := map[string]string{}
	for file, documents := range files {
		for i, status := range documents {
			said[fmt.Sprint(file, " ", i+1)] = sayings(status)
		}
	}

	return said
}

// sayings returns the reasons of a verdict, which come in any order.
func sayings(status metav1.Status) string {
	lines := []string{}
	if status.Details != nil {
		for _, c := range status.Details.Causes {
			lines = append(lines, strings.TrimSpace(c.Field+" "+c.Message))
		}
	}

	if len(lines) == 0 {
		return status.Message
	}
	slices.Sort(lines)

	return strings.Join(lines, "\n")
}

// accepts makes sure that a folder has so many documents, and that all of them are what Kubernetes
// takes.
func (v validator) accepts(t *testing.T, folder string, documents int) {
	t.Helper()
	said := v.verdicts(t, folder)
	if len(said) != documents {
		t.Errorf("%d documents are looked at, want %d: %v", len(said), documents, said)
	}

	for _, name := range slices.Sorted(maps.Keys(said)) {
		if said[name] != "" {
			t.Errorf("%s: %s", name, said[name])
		}
	}
}

// run runs the program, and returns what it prints.
func (v validator) run(t *testing.T, args ...string) []byte {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(v.tykmesh, args...)
	cmd.Stderr = &stderr

	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tykmesh %v: %v\n%s", args, err, &stderr)
	}

	return out
}

func (v validator) caInit(t *testing.T) {
	for _, args := range [][]string{
		nil,
		{"--intermediate", "-n", "pki", "--mesh-namespace", "shop", "--mesh-namespace", "web", "--allow-namespace", "ci", "--allow-namespace", "pki"},
	} {
		dir := filepath.Join(t.TempDir(), "ca")
		v.run(t, append([]string{"ca", "init", "--algo", "ecdsa", "--dir", dir}, args...)...)
		manifests := filepath.Join(dir, pki.Manifests)

		documents := 0
		for _, file := range []string{"secrets.yaml", "ca-pem.yaml", "cfssl.yaml"} {
			documents += len(splitFile(t, filepath.Join(manifests, file)))
		}

		v.accepts(t, manifests, documents)

		broken := filepath.Join(manifests, "cfssl.yaml")

		text, err := os.ReadFile(broken)
		if err != nil {
			t.Fatal(err)
		}

		writeFile(t, broken, bytes.Replace(text, []byte("replicas: 1"), []byte("replica: 1"), 1))
		if said := slices.Collect(maps.Values(v.verdicts(t, manifests))); !strings.Contains(strings.Join(said, "\n"), "unknown field") {
			t.Errorf("an unknown field is let through: %v", said)
		}
	}
}

// The samples for cron jobs are of the schemas, too.
func (v validator) cronJobs(t *testing.T) {
	jobs, err := filepath.Glob(samples + "/*-cronjob.yaml")
	if err != nil || len(jobs) == 0 {
		t.Fatalf("there are no cron jobs: %v", err)
	}

	folder, documents := t.TempDir(), 0
	for _, job := range jobs {
		text := readSample(t, filepath.Base(job))
		writeFile(t, filepath.Join(folder, filepath.Base(job)), []byte(text))
		documents += len(split([]byte(text)))
	}

	v.accepts(t, folder, documents)
}

// Whatever Kubernetes has of ours in test-cluster is of its schemas too, in both profiles.
func (v validator) inject(t *testing.T) {
	local := t.TempDir() // its CA is made by the first run, and can be emitted by those after it
	v.run(t, "inject", "-q", "--config", samples+"/tykmesh.yaml", "--local", local, "-n", "shop", "-f", samples+"/sleep.yaml")

	emits := []string{"#bundlePath: ca-quickstart/bundle.pem", "bundlePath: " + filepath.Join(local, "ca", "ca.pem"), "#emitCA: false", "emitCA: true"}
	for name, c := range map[string]struct {
		config string
		edit   []string
	}{
		"configured":           {config: "tykmesh.yaml"},
		"built-in":             {configInit, emits},
		"built-in native":      {configInit, append(emits, `#kubeVersion: "1.33"`, `kubeVersion: "1.33"`)},
		"built-in without TLS": {configInit, []string{"enableMeshTLS: true", "enableMeshTLS: false", "#servicePorts: replace", "servicePorts: preserve"}},
	} {
		t.Run(name, func(t *testing.T) {
			config, folder := filepath.Join(t.TempDir(), "config.yaml"), t.TempDir()
			writeFile(t, config, []byte(strings.NewReplacer(c.edit...).Replace(configOf(t, c.config))))

			documents := 0
			for _, file := range v.manifests(t, name) {
				to := filepath.Join(folder, filepath.Base(file))
				writeFile(t, to, v.run(t, "inject", "-q", "--upgrade-api", "--config", config, "--local", local, "-n", "shop", "-f", file))
				documents += len(splitFile(t, to))
			}

			v.accepts(t, folder, documents)
		})
	}
}

// manifests returns those of the samples and of test-cluster that can be injected in a profile.
func (v validator) manifests(t *testing.T, profile string) (files []string) {
	t.Helper()
	for _, pattern := range []string{"/echo-and-sleep.yaml", "/curl.yaml", "/guide/*.yaml", "/../cluster/*.yaml"} {
		found, err := filepath.Glob(samples + pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no %s, %v", pattern, err)
		}
		files = append(files, found...)
	}

	return slices.DeleteFunc(files, func(file string) bool {
		name := filepath.Base(file)
		if name == "aliases.yaml" {
			return true // refused; with configured containers warned of
		}
		if name == "allow.yaml" {
			return profile != "tokens" // refused without
		}

		ends := name == "kinds.yaml" || name == "former.yaml" // Jobs, for which a sidecar must be native

		own := strings.HasPrefix(name, "own-")
		switch profile {
		case "configured":
			return own || name == "overrides.yaml" || name == "ca-file.yaml"
		case "built-in native":
			return false
		}

		return ends || name == "own-native.yaml"
	})
}

// secondAlias is what only server-side apply refuses. With configured containers inject warns of
// it.
const secondAlias = `spec.template.spec.hostAliases[2] Duplicate value: map[string]interface {}{"ip":"127.0.0.1"}`

// What Kubernetes takes it takes when it is injected, and of what it does not take it says the
// same.
func (v validator) goldens(t *testing.T) {
	archives, err := filepath.Glob(root + "/testdata/inject/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}

	before, after := t.TempDir(), t.TempDir()
	for _, path := range archives {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}

		var in, out [][]byte
		for _, f := range archive.Files {
			switch f.Name {
			case "settings", "want.err", "report", "findings":
			case "want.yaml":
				out = split(f.Data)
			default:
				in = append(in, split(f.Data)...)
			}
		}

		if out == nil {
			continue // refused
		}

		golden := strings.TrimSuffix(filepath.Base(path), ".txtar")
		if len(in) != len(out) { // what inject adds has to be right by itself
			for i, text := range slices.DeleteFunc(slices.Clone(out), isNotEmitted) {
				writeFile(t, filepath.Join(after, fmt.Sprintf("%s-added-%d.yaml", golden, i+1)), text)
			}
			in, out = slices.DeleteFunc(in, isEmitted), slices.DeleteFunc(out, isEmitted)
		}

		if len(in) != len(out) {
			t.Fatalf("%s has %d documents before and %d after", path, len(in), len(out))
		}

		for i := range in {
			name := fmt.Sprintf("%s-%d.yaml", golden, i+1)
			writeFile(t, filepath.Join(before, name), in[i])
			writeFile(t, filepath.Join(after, name), out[i])
		}
	}

	saidBefore, saidAfter := v.verdicts(t, before), v.verdicts(t, after)

	taken := 0
	for name, said := range saidAfter {
		if said == "" {
			taken++
		} else if was, ok := saidBefore[name]; (unplaced(said) != unplaced(was) || !ok) && said != secondAlias {
			t.Errorf("%s: before it says\n%s\nand after\n%s", name, was, said)
		}
	}

	t.Logf("%d documents, of which Kubernetes takes %d", len(saidAfter), taken)
	if len(saidAfter) < len(saidBefore) || taken == 0 {
		t.Errorf("%d documents before, %d after", len(saidBefore), len(saidAfter))
	}
}

// isEmitted reports whether inject added a document to a stream.
func isEmitted(document []byte) bool {
	return bytes.Contains(document, []byte("injector.tyk.io/emitted"))
}

func isNotEmitted(document []byte) bool { return !isEmitted(document) }

// unplaced returns a verdict without the numbers of lines, which injection moves.
func unplaced(said string) string {
	return regexp.MustCompile(`line \d+: `).ReplaceAllString(said, "")
}

// split returns the documents of a stream, without what holds nothing.
func split(text []byte) (documents [][]byte) {
	for _, d := range manifest.Split("", text) {
		if len(bytes.TrimSpace(d.Text)) > 0 {
			documents = append(documents, d.Text)
		}
	}
	return documents
}

func splitFile(t *testing.T, path string) [][]byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return split(text)
}

func writeFile(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
