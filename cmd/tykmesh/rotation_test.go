package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// A change of the CA as the program says to do it, while two sidecars go on calling each other:
// real TLS handshakes, with the certificates that the Dashboard holds at that moment, by pods that
// trust what the ConfigMap held when they started. None fails, in pods that never started again
// neither until the very last step.
func TestRotationIsNotNoticed(t *testing.T) {
	t.Parallel()
	m := newRotatedMesh(t)
	defer m.close()

	m.inject()
	first := m.trustAnnotation()
	m.traffic.start(m.newPod("before the change"))
	m.rounds(3)

	m.mustRun("ca", "rotate", "--dir", m.dir, "--step", "1")
	m.inject()
	if m.trustAnnotation() == first {
		t.Error("pods do not roll although they are to trust another CA")
	}

	m.traffic.start(m.newPod("after step 1"))
	m.rounds(3)

	second := m.trustAnnotation()
	m.mustRun("ca", "rotate", "--dir", m.dir, "--step", "2")
	if status, _, report := m.run("inject", "-f", samples+"/echo-and-sleep.yaml"); status == 0 {
		t.Errorf("inject succeeds before CFSSL signs with the new CA:\n%s", report)
	}

	m.rounds(3)
	if status, _, report := m.run("ca", "rotate", "--dir", m.dir, "--step", "3"); status == 0 || !strings.Contains(report, "of the previous CA in use") {
		t.Errorf("step 3 is taken although certificates of the previous CA are in use: exit status %d\n%s", status, report)
	}

	m.serveCFSSL() // kubectl apply
	m.mustRun("certs", "renew")
	m.inject()
	if m.trustAnnotation() != second {
		t.Error("pods roll although they trust what they trusted before")
	}

	m.rounds(3)
	m.onlyOf("after step 2")

	m.traffic.stop("before the change") // step 2 said: all pods run that were injected since step 1
	m.mustRun("ca", "rotate", "--dir", m.dir, "--step", "3")
	m.inject()
	if m.trustAnnotation() == second {
		t.Error("pods do not roll although they are to trust one CA less")
	}

	m.traffic.start(m.newPod("after step 3"))
	m.rounds(3)
	m.mustRun("certs", "renew", "default/echo", "default/sleep", "mesh")
	m.rounds(3)
	m.onlyOf("after step 3")
}

// rotatedMesh is a mesh with a CA of its own.
type rotatedMesh struct {
	*cluster
	t       *testing.T
	dir     string // of the CA
	printed string // by the last inject
	traffic *traffic
}

func newRotatedMesh(t *testing.T) *rotatedMesh {
	t.Helper()
	c := newCluster(t, catest.Mongo(t), "rotated", dashboardtest.Options{})
	m := &rotatedMesh{cluster: c, t: t, dir: c.file("ca"), traffic: &traffic{dashboard: c.dashboard}}
	m.mustRun("ca", "init", "--dir", m.dir, "--algo", "ecdsa")
	m.serveCFSSL()
	t.Cleanup(func() {
		m.traffic.stopAll()
		for _, failure := range m.traffic.failures {
			t.Error(failure)
		}
		if m.traffic.handshakes == 0 {
			t.Error("nobody called anybody")
		}
	})

	return m
}

// serveCFSSL is what kubectl apply does with the folder's manifests: CFSSL signs with the CA that
// is there now.
func (m *rotatedMesh) serveCFSSL() {
	m.t.Helper()
	m.cfssl.Close()
	m.cfssl = catest.New(catest.Options{
		CA: catest.ReadCA(m.read(pki.CertFile), m.read(pki.KeyFile)), Key: strings.TrimSpace(string(m.read(pki.AuthKeyFile))),
	})
}

func (m *rotatedMesh) read(name string) []byte {
	m.t.Helper()
	text, err := os.ReadFile(filepath.Join(m.dir, filepath.FromSlash(name)))
	if err != nil {
		m.t.Fatal(err)
	}
	return text
}

// run runs the program with the folder's CA.
func (m *rotatedMesh) run(args ...string) (status int, printed, report string) {
	in := func(name string) string { return filepath.Join(m.dir, name) }
	environ := slices.Concat(m.environ(), []string{
		"TYKMESH_CONFIG=" + samples + "/tykmesh.yaml",
		"TYKMESH_CA_KEY=file:" + in(pki.AuthKeyFile), "TYKMESH_CA_CERTPATH=" + in(pki.ChainFile), "TYKMESH_CA_BUNDLEPATH=" + in(pki.BundleFile),
	})
	var stdout, stderr bytes.Buffer
	status = run(context.Background(), process{
		name: "tykmesh", args: args, environ: environ, stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr,
	})
	for _, text := range []string{stdout.String(), stderr.String()} {
		if secret := m.secretIn(text); secret != "" {
			m.t.Errorf("tykmesh %s prints %s", strings.Join(args, " "), secret)
		}
	}

	return status, stdout.String(), stderr.String()
}

func (m *rotatedMesh) mustRun(args ...string) string {
	m.t.Helper()
	status, printed, report := m.run(args...)
	if status != 0 {
		m.t.Fatalf("tykmesh %s: exit status %d\n%s", strings.Join(args, " "), status, report)
	}
	return printed
}

func (m *rotatedMesh) inject() {
	m.t.Helper()
	m.printed = m.mustRun("inject", "-q", "-f", samples+"/echo-and-sleep.yaml")
}

var trustAnnotation = regexp.MustCompile(`injector\.tyk\.io/ca-bundle: "?([0-9a-f]{16})`)

// trustAnnotation returns the one in the pod templates of the last inject: pods roll when it
// changes.
func (m *rotatedMesh) trustAnnotation() string {
	m.t.Helper()
	found := trustAnnotation.FindAllStringSubmatch(m.printed, -1)
	if len(found) != 2 || found[0][1] != found[1][1] {
		m.t.Fatalf("the pod templates name the CAs so: %v", found)
	}
	return found[0][1]
}

// onlyOf checks that every certificate in the store is of the present CA, and that there is one for
// each service and one for the mesh.
func (m *rotatedMesh) onlyOf(when string) {
	m.t.Helper()
	present := catest.ReadCA(m.read(pki.CertFile), m.read(pki.KeyFile)).Cert.Subject.CommonName

	certificates := m.dashboard.Certificates()
	for _, c := range certificates {
		if c.IssuerCN != present {
			m.t.Errorf("%s: the certificate of %v is signed by %q still", when, c.DNSNames, c.IssuerCN)
		}
	}

	if len(certificates) != 3 {
		m.t.Errorf("%s: there are %d certificates", when, len(certificates))
	}
}

// newPod returns a pod that starts now: what it trusts is in the ConfigMap of its namespace.
func (m *rotatedMesh) newPod(name string) *pod {
	m.t.Helper()
	var trust corev1.ConfigMap
	if err := yaml.UnmarshalStrict(m.read("k8s/ca-pem.yaml"), &trust); err != nil {
		m.t.Fatal(err)
	}

	p := &pod{name: name, roots: x509.NewCertPool(), gone: make(chan struct{})}
	if !p.roots.AppendCertsFromPEM([]byte(trust.Data["ca.pem"])) {
		m.t.Fatal("the ConfigMap ca-pem holds no certificate")
	}

	return p
}

// rounds waits until every pod has called everybody so many times.
func (m *rotatedMesh) rounds(n int) {
	m.t.Helper()
	if !m.traffic.wait(n) {
		m.t.Error("a pod has stopped calling")
	}
}

// traffic is pods that call each other's sidecars and their own.
type traffic struct {
	dashboard *dashboardtest.Server

	mu         sync.Mutex
	pods       []*pod
	handshakes int
	failures   []string
}

// pod calls until it is gone.
type pod struct {
	name    string
	roots   *x509.CertPool
	rounds  int
	gone    chan struct{}
	stopped sync.WaitGroup
}

func (tr *traffic) start(p *pod) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.pods = append(tr.pods, p)
	p.stopped.Go(func() {
		for {
			select {
			case <-p.gone:
				return
			case <-time.After(2 * time.Millisecond):
				tr.round(p)
			}
		}
	})
}

// round is one call of every kind, each over a connection of its own.
func (tr *traffic) round(p *pod) {
	var failed []string
	names := []string{"mesh", "localhost", "echo.default", "sleep.default"}
	for _, name := range names {
		if err := handshake(tr.dashboard, name, p.roots); err != nil {
			failed = append(failed, fmt.Sprintf("a pod of %s calls %s: %v", p.name, name, err))
		}
	}

	tr.mu.Lock()
	defer tr.mu.Unlock()
	p.rounds++
	tr.handshakes += len(names)
	if len(tr.failures) < 10 {
		tr.failures = append(tr.failures, failed...)
	}
}

func (tr *traffic) stop(name string) {
	tr.mu.Lock()
	i := slices.IndexFunc(tr.pods, func(p *pod) bool { return p.name == name })
	p := tr.pods[i]
	tr.pods = slices.Delete(tr.pods, i, i+1)
	tr.mu.Unlock()
	close(p.gone)
	p.stopped.Wait()
}

func (tr *traffic) stopAll() {
	for len(tr.pods) > 0 {
		tr.stop(tr.pods[0].name)
	}
}

// wait waits for so many more rounds of every pod.
func (tr *traffic) wait(rounds int) bool {
	made := func(p *pod) int {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		return p.rounds
	}
	for _, p := range slices.Clone(tr.pods) {
		begin, deadline := made(p), time.Now().Add(time.Minute)
		for made(p) < begin+rounds {
			if time.Now().After(deadline) {
				return false
			}
			time.Sleep(time.Millisecond)
		}
	}

	return true
}

// handshake calls a sidecar under a name, as a gateway does: it verifies what it is shown, and
// shows nothing.
func handshake(d *dashboardtest.Server, name string, roots *x509.CertPool) error {
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { return served(d, hello.ServerName) },
	})
	if err != nil {
		return err
	}

	defer listener.Close()
	go func() {
		if conn, err := listener.Accept(); err == nil {
			_ = conn.(*tls.Conn).Handshake()
			_ = conn.Close()
		}
	}()

	conn, err := tls.Dial("tcp", listener.Addr().String(), &tls.Config{ServerName: name, RootCAs: roots})
	if err != nil {
		return err
	}

	return conn.Close()
}

// served returns the certificate that a gateway which starts now serves for a name: of all that its
// APIs carry the last that names it.
func served(d *dashboardtest.Server, name string) (found *tls.Certificate, err error) {
	for _, api := range d.APIs() {
		for _, id := range api.Definition.Certificates() {
			text := d.PEM(id)
			if text == nil {
				return nil, fmt.Errorf("API %s names a certificate that is not in the store", api.Definition.Slug())
			}
			pair, err := tls.X509KeyPair(text, text)
			if err != nil {
				return nil, err
			}

			if pair.Leaf.VerifyHostname(name) == nil {
				found = &pair
			}
		}
	}

	if found == nil {
		return nil, fmt.Errorf("no certificate for %s", name)
	}

	return found, nil
}
