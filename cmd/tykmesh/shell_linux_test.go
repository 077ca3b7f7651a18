package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// noLabel is what cannot stand in the name of a namespace.
var noLabel = regexp.MustCompile(`[^a-z0-9]+`)

// shell is somebody at a shell, with a namespace, a configuration and the servers that it leads to.
type shell struct {
	*testing.T
	*world
	env map[string]string
}

// shell begins with an empty namespace, $NS, and the files and flags of a case.
func (k *kubernetes) shell(t *testing.T, c meshCase) *shell {
	t.Helper()
	s := &shell{T: t, world: newWorld(t.TempDir()), env: map[string]string{}}
	if err := errors.Join(copySamples(s.folder), k.copyManifest(c.manifest, s.folder)); err != nil {
		t.Fatal(err)
	}

	config := configOf(t, c.config)
	for edit := range slices.Chunk(c.edit, 2) {
		if !strings.Contains(config, edit[0]) {
			t.Fatalf("the configuration does not say %s", edit[0])
		}
		config = strings.ReplaceAll(config, edit[0], edit[1])
	}

	writeSecret(t, filepath.Join(s.folder, "config.yaml"), config)
	s.dashboard = dashboardtest.New(dashboardtest.Options{Secret: plantedDashboardKey})
	t.Cleanup(s.dashboard.Close)
	s.cfssl = catest.New(catest.Options{Key: plantedCFSSLKey})
	t.Cleanup(s.cfssl.Close)

	writeSecret(t, filepath.Join(s.folder, "bundle.pem"), string(s.cfssl.CA.PEM()))

	namespace := strings.Trim(noLabel.ReplaceAllString(strings.ToLower(strings.TrimPrefix(t.Name(), "TestCluster/")), "-"), "-")
	writeSecret(t, filepath.Join(s.folder, "kubeconfig"), k.kubeconfig(namespace))
	for _, pair := range [][2]string{
		{"PATH", k.tools + ":" + filepath.Dir(k.program) + ":" + os.Getenv("PATH")}, {"HOME", s.folder},
		{"KUBECONFIG", filepath.Join(s.folder, "kubeconfig")}, {"TYKMESH_CONFIG", filepath.Join(s.folder, "config.yaml")},
		{"TYKMESH_TYK_URL", s.dashboard.URL}, {"TYK_DASHBOARD_KEY", plantedDashboardKey},
		{"TYKMESH_CA_ADDR", s.cfssl.URL}, {"CFSSL_KEY", plantedCFSSLKey},
		{"NS", namespace}, {"MANIFEST", c.manifest}, {"FLAGS", c.flags},
	} {
		s.set(pair[0], pair[1])
	}

	if strings.HasPrefix(c.config, "standalone/") { // where no server is to be reached
		maps.DeleteFunc(s.env, func(variable, _ string) bool {
			return strings.HasPrefix(variable, "TYKMESH_TYK_") || strings.HasPrefix(variable, "TYKMESH_CA_")
		})
		s.must(`tykmesh ca init -q --algo ecdsa && tykmesh ca token -q`)
	}

	s.must(`kubectl create namespace $NS`)
	if c.level != "" {
		s.enforce(c.level)
	}

	return s
}

// nodePort matches the port of nodes that a Service wants.
var nodePort = regexp.MustCompile(`nodePort: 30\d{3}`)

// copyManifest copies one of testdata/cluster into a folder that does not have it. Every copy has
// ports of nodes of its own, because namespaces share them.
func (k *kubernetes) copyManifest(name, to string) error {
	text, err := os.ReadFile(filepath.Join(kubernetesModule, name))
	if errors.Is(err, fs.ErrNotExist) { // of the samples
		return nil
	}
	text = nodePort.ReplaceAllFunc(text, func([]byte) []byte { return fmt.Appendf(nil, "nodePort: %d", 30000+k.nodePort.Add(1)) })
	return errors.Join(err, os.WriteFile(filepath.Join(to, name), text, 0o644))
}

// enforce sets the level of Pod Security.
func (s *shell) enforce(level string) {
	s.must(`kubectl label namespace $NS pod-security.kubernetes.io/enforce=` + level)
}

func (s *shell) set(variable, value string) { s.env[variable] = value }

// run runs a script of bash. Whatever it says holds no secret.
func (s *shell) run(script string) outcome {
	s.Helper()
	r := &running{Cmd: exec.CommandContext(s.Context(), "bash", "-o", "pipefail", "-c", script)}
	r.Dir, r.Stdout, r.Stderr = s.folder, &r.out, &r.report
	for _, variable := range slices.Sorted(maps.Keys(s.env)) {
		r.Env = append(r.Env, variable+"="+s.env[variable])
	}

	r.failed = r.Start()

	o := r.wait()
	if what, _, _ := strings.Cut(s.secretIn(o.stdout+o.stderr), ":"); what != "" {
		s.Fatalf("%s shows %s", script, what)
	}

	return o
}

// must runs what must succeed, and returns what it prints.
func (s *shell) must(script string) string {
	s.Helper()
	o := s.run(script)
	if o.status != 0 {
		s.Fatalf("%s: exit status %d\n%s%s", script, o.status, o.stdout, o.stderr)
	}
	return o.stdout
}

// says runs a kubectl that has one line for each of so many objects, which ends so.
func (s *shell) says(script string, lines int, end string) {
	s.Helper()
	out := s.must(script)
	if strings.Count(out, "\n") != lines {
		s.Errorf("%s speaks of other than %d objects:\n%s", script, lines, out)
	}

	for line := range strings.Lines(out) {
		if !strings.HasSuffix(line, end+"\n") {
			s.Errorf("%s does not say %q:\n%s", script, end, out)
		}
	}

	s.Logf("%s\n%s", script, out)
}

// until repeats a script until what comes of it is as it should be. Controllers work meanwhile:
// what they make is not there at once, and what they write comes between what kubectl reads and
// what it writes. That takes them a second; a machine that needs minutes for it is broken.
func (s *shell) until(script string, ok func(outcome) bool) outcome {
	s.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		o := s.run(script)
		if ok(o) {
			return o
		}
		if time.Now().After(end) {
			s.Fatalf("%s: exit status %d\n%s%s\n%s", script, o.status, o.stdout, o.stderr, s.must(`kubectl get events; kubectl get all`))
		}
	}
}

// What scripts are repeated for: to succeed, and to print something or nothing.
func succeeds(o outcome) bool  { return o.status == 0 }
func finds(o outcome) bool     { return o.status == 0 && o.stdout != "" }
func findsNone(o outcome) bool { return o.status == 0 && o.stdout == "" }

// versions changes whenever something that a manifest says does. What controllers write does not
// count.
func (s *shell) versions() string {
	return s.must(`
		kubectl get deployments,statefulsets,daemonsets,jobs,cronjobs \
			-o jsonpath='{range .items[*]}{.kind} {.metadata.name} {.metadata.uid} {.spec}{"\n"}{end}'
		kubectl get services -o jsonpath='{range .items[*]}{.metadata.name} {.metadata.uid} {.metadata.annotations} {.spec}{"\n"}{end}'
		kubectl get configmaps,networkpolicies,certificates \
			-o jsonpath='{range .items[*]}{.kind} {.metadata.name} {.metadata.uid} {.metadata.resourceVersion}{"\n"}{end}'`)
}

// object is a tree that Kubernetes knows, or a part of it.
type object map[string]any

func (o object) kind() string { return fmt.Sprint(o["kind"]) }

// String is what kubectl calls it.
func (o object) String() string { return o.kind() + "/" + fmt.Sprint(o.at("metadata")["name"]) }

// at returns a part, empty where there is none.
func (o object) at(path ...string) object {
	for _, key := range path {
		o, _ = o[key].(map[string]any)
	}
	return o
}

// template is what Pods are made of, where they are.
func (o object) template() object {
	switch o.kind() {
	case "Pod":
		return o
	case "CronJob":
		return o.at("spec", "jobTemplate", "spec", "template")
	}
	return o.at("spec", "template")
}

// count is how many of a list a Pod or a template has.
func count(pod object, list string) int {
	items, _ := pod.at("spec")[list].([]any)
	return len(items)
}

// objects returns those of a stream of YAML, or of JSON.
func (s *shell) objects(stream string) []object {
	var all []object
	for text := range strings.SplitSeq(strings.ReplaceAll(stream, "\n{", "\n---\n{"), "\n---\n") {
		var o object
		if err := yaml.UnmarshalStrict([]byte(text+"\n"), &o); err != nil {
			s.Fatal(err)
		}
		all = append(all, o)
	}

	return all
}

// object is what the cluster has.
func (s *shell) object(name string) object {
	var o object
	if err := json.Unmarshal([]byte(s.must(`kubectl get -o json `+name)), &o); err != nil {
		s.Fatal(err)
	}
	return o
}

func (s *shell) list(script string) []object {
	var list struct{ Items []object }
	if err := json.Unmarshal([]byte(s.must(script)), &list); err != nil {
		s.Fatal(err)
	}
	return list.Items
}

// holds makes sure that a tree has all of another one: the API server sets fields, but drops,
// changes and reorders nothing.
func (s *shell) holds(path string, want, have any) {
	s.Helper()
	switch want := want.(type) {
	case object:
		s.holds(path, map[string]any(want), have)
	case map[string]any:
		if o, ok := have.(object); ok {
			have = map[string]any(o)
		}

		fields, ok := have.(map[string]any)
		if !ok {
			s.Errorf("%s is %v, want %v", path, have, want)
			return
		}

		for key, value := range want {
			s.holds(path+"."+key, value, fields[key])
		}

	case []any:
		items, _ := have.([]any)
		if len(items) != len(want) {
			s.Errorf("%s is %v, want %v", path, have, want)
			return
		}
		for i, value := range want {
			s.holds(fmt.Sprintf("%s[%d]", path, i), value, items[i])
		}

	default:
		if want != have {
			s.Errorf("%s is %v, want %v", path, have, want)
		}
	}
}
