package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// rotatingMesh is a mesh without a Dashboard while its CA changes, with everything that may be in
// use at a moment: the newest comes last.
type rotatingMesh struct {
	t   *testing.T
	dir string // the working directory: configuration, CA, ledger

	printed   string     // by the last inject
	templates []revision // that pods may have
	identity  []secretsOf
	handshake int
}

// revision is what pods of a revision have: by service the files of their ConfigMap.
type revision map[string]map[string]string

// secretsOf holds the content of Secrets: of certificates by service, and all documents as printed.
type secretsOf struct {
	pem     map[string][]byte
	printed string
}

func newRotatingMesh(t *testing.T, init ...string) *rotatingMesh {
	t.Helper()
	m := &rotatingMesh{t: t, dir: t.TempDir()}
	configuration := strings.ReplaceAll(`Injector: {mode: standalone, enableMeshTLS: true}
CA:
  keyPath: "DIR/ca/ca-key.pem"
  certPath: "DIR/ca/chain.pem"
  bundlePath: "DIR/ca/bundle.pem"
  tokenPath: "DIR/ca/token.pem"
  tokenKeyPath: "DIR/ca/token-key.pem"
  ledgerPath: "DIR/ledger.db"
`, "DIR", m.dir)
	if err := os.WriteFile(filepath.Join(m.dir, "tykmesh.yaml"), []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}

	if !slices.Contains(init, "--from") {
		init = append(slices.Clone(init), "--algo", "ecdsa")
	}
	m.mustRun("", append([]string{"ca", "init", "-q", "--dir", filepath.Join(m.dir, "ca")}, init...)...)
	m.mustRun("", "ca", "token", "-q", "--dir", filepath.Join(m.dir, "ca"))
	m.inject()
	m.issue()
	m.mustCall("before the change")
	t.Cleanup(func() {
		if m.handshake < 8 {
			t.Errorf("%d handshakes prove nothing", m.handshake)
		}
	})

	return m
}

func (m *rotatingMesh) run(stdin string, args ...string) (status int, printed, report string) {
	var stdout, stderr bytes.Buffer
	status = run(context.Background(), process{
		name: "tykmesh", args: args, environ: []string{"TYKMESH_CONFIG=" + filepath.Join(m.dir, "tykmesh.yaml")},
		stdin: strings.NewReader(stdin), stdout: &stdout, stderr: &stderr,
	})
	return status, stdout.String(), stderr.String()
}

func (m *rotatingMesh) mustRun(stdin string, args ...string) string {
	m.t.Helper()
	status, printed, report := m.run(stdin, args...)
	if status != 0 {
		m.t.Fatalf("tykmesh %s: exit status %d\n%s", strings.Join(args, " "), status, report)
	}
	return printed
}

// rotate takes a step. The last one looks at live objects, unless flags say otherwise.
func (m *rotatingMesh) rotate(step int, flags ...string) {
	m.t.Helper()
	args, stdin := []string{"ca", "rotate", "-q", "--dir", filepath.Join(m.dir, "ca"), "--step", fmt.Sprint(step)}, ""
	if step == 3 && len(flags) == 0 {
		flags, stdin = []string{"-f", "-"}, m.live()
	}
	m.mustRun(stdin, append(args, flags...)...)
}

// mustRefuse checks that a step is refused because certificates of the previous CA are in use.
func (m *rotatingMesh) mustRefuse(flags ...string) {
	m.t.Helper()
	args := append([]string{"ca", "rotate", "--dir", filepath.Join(m.dir, "ca"), "-f", "-"}, flags...)
	if status, _, report := m.run(m.live(), args...); status != 1 || !strings.Contains(report, "error: 2 certificates not signed by ") {
		m.t.Errorf("exit status %d\n%s", status, report)
	}
}

// live returns the objects of the cluster.
func (m *rotatingMesh) live() string {
	return m.printed + m.identity[len(m.identity)-1].printed
}

// inject is inject --reinject and kubectl apply: pods of the new template start beside the others.
func (m *rotatingMesh) inject() {
	m.t.Helper()
	printed := m.mustRun("", "inject", "-q", "--reinject", "-f", samples+"/echo-and-sleep.yaml")
	if again := m.mustRun(printed, "inject", "-q", "--reinject", "-f", "-"); again != printed {
		m.t.Fatal("inject --reinject of injected manifests prints others")
	}
	if printed == m.printed {
		return
	}

	m.printed = printed
	m.templates = append(m.templates, m.read(printed))
}

// read returns the files of the pods in printed manifests.
func (m *rotatingMesh) read(printed string) revision {
	m.t.Helper()
	pods, configs := revision{}, make(map[string]map[string]string)
	var deployments []appsv1.Deployment
	for _, text := range strings.Split(printed, "\n---\n") {
		var kind struct{ Kind string }
		m.decode(text, &kind)
		switch kind.Kind {
		case "ConfigMap":
			var c corev1.ConfigMap
			m.decode(text, &c)
			configs[c.Name] = c.Data
		case "Deployment":
			var d appsv1.Deployment
			m.decode(text, &d)
			deployments = append(deployments, d)
		}
	}

	for _, d := range deployments {
		pods[d.Spec.Template.Labels["app"]] = mountedFiles(d.Spec.Template.Spec.Volumes, configs)
	}
	if len(pods) != 2 {
		m.t.Fatalf("printed are %d workloads", len(pods))
	}

	return pods
}

func (m *rotatingMesh) decode(text string, into any) {
	m.t.Helper()
	if err := yaml.Unmarshal([]byte(text), into); err != nil {
		m.t.Fatal(err)
	}
}

// mountedFiles returns the files of the volumes with the definitions and with the CAs that are
// trusted, as the kubelet makes them.
func mountedFiles(volumes []corev1.Volume, configs map[string]map[string]string) map[string]string {
	mounts := map[string]string{"tyk-mesh": "/etc/tykmesh/mesh", "ca-pem": "/etc/tykmesh/ca"}
	files := make(map[string]string)
	for _, v := range volumes {
		if v.ConfigMap == nil {
			continue
		}
		for _, item := range v.ConfigMap.Items {
			files[path.Join(mounts[v.Name], item.Path)] = configs[v.ConfigMap.Name][item.Key]
		}
	}

	return files
}

// issue is certs secrets and kubectl apply: some sidecars use the new certificates, some still the
// previous ones. Tokens are issued once, because another key signs them.
func (m *rotatingMesh) issue() {
	m.t.Helper()
	printed := m.mustRun("", "certs", "secrets", "-q", "-f", samples+"/echo-and-sleep.yaml")
	found := secretsOf{make(map[string][]byte), printed}
	tokens := 0
	for _, text := range strings.Split(strings.TrimPrefix(printed, "---\n"), "\n---\n") {
		var s corev1.Secret
		m.decode(text, &s)
		if token := s.Data["token"]; token != nil {
			tokens++
			public, err := os.ReadFile(filepath.Join(m.dir, "ca", "token.pem"))
			if err == nil {
				_, err = verifyToken(token, public, time.Now())
			}
			if err != nil {
				m.t.Error(err)
			}
			continue
		}

		found.pem[strings.TrimSuffix(s.Name, "-tykmesh")] = s.Data["tls.pem"]
	}

	if want := map[bool]int{true: 2}[len(m.identity) == 0]; len(found.pem) != 2 || tokens != want {
		m.t.Fatalf("issued are %d certificates and %d tokens", len(found.pem), tokens)
	}

	m.identity = append(m.identity, found)
}

// roll waits until all pods are of the last template.
func (m *rotatingMesh) roll() { m.templates = m.templates[len(m.templates)-1:] }

// wait waits until all sidecars use the last Secrets.
func (m *rotatingMesh) wait() { m.identity = m.identity[len(m.identity)-1:] }

// trustedPath is where containers find the CAs that they trust.
const trustedPath = "/etc/tykmesh/ca/ca.pem"

// mustTrustOne checks that pods trust one CA at the end.
func (m *rotatingMesh) mustTrustOne() {
	m.t.Helper()
	for name, files := range m.templates[len(m.templates)-1] {
		if n := strings.Count(files[trustedPath], "BEGIN CERTIFICATE"); n != 1 {
			m.t.Errorf("%s trusts %d CAs", name, n)
		}
		if _, two := files["/etc/tykmesh/mesh/ca-2.pem"]; two {
			m.t.Errorf("%s accepts clients of two CAs", name)
		}
	}
}

func (m *rotatingMesh) mustCall(when string) {
	m.t.Helper()
	for _, failure := range m.call() {
		m.t.Errorf("%s: %s", when, failure)
	}
}

// call lets every pod that may exist at this moment call every other one, and returns the failures.
func (m *rotatingMesh) call() (failed []string) {
	m.t.Helper()
	for c := range m.sidecars() {
		if err := handshakeMutual(nil, c, "mesh"); err != nil { // the app, over TLS
			failed = append(failed, fmt.Sprintf("the app calls its own sidecar (%v): %v", c, err))
		}

		for s := range m.sidecars() {
			m.handshake++
			if err := handshakeMutual(&c, s, s.service+".default.svc"); err != nil {
				failed = append(failed, fmt.Sprintf("%v calls %v: %v", c, s, err))
			}
		}
	}

	return failed
}

// sidecars iterates over all sidecars that may exist at this moment.
func (m *rotatingMesh) sidecars() func(yield func(gateway) bool) {
	var all []gateway
	for i, pods := range m.templates {
		for service, files := range pods {
			roots := x509.NewCertPool()
			roots.AppendCertsFromPEM([]byte(files[trustedPath]))
			for k, identity := range m.identity {
				pair, err := tls.X509KeyPair(identity.pem[service], identity.pem[service])
				if err != nil {
					m.t.Fatal(err)
				}
				all = append(all, gateway{service, i, k, files, roots, &pair})
			}
		}
	}

	return slices.Values(all)
}
