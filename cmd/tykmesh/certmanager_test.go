package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/tykmesh/tykmesh/cmd/internal/exit"
)

// certManagerModule pins cert-manager.
const certManagerModule = root + "/testdata/certmanager"

// certManager is a program that makes Secrets of Certificates, as cert-manager does.
type certManager string

// buildCertManager builds cert-manager as far as it needs no cluster: half a minute the first time.
func buildCertManager(t *testing.T) certManager {
	t.Helper()
	program := filepath.Join(t.TempDir(), "certmanager")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-C", certManagerModule, "-trimpath", "-ldflags=-s -w", "-o", program, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building cert-manager: %v\n%s", err, out)
	}

	return certManager(program)
}

// certManagerCRDs returns a folder with the schemas of the kinds of cert-manager that users of a mesh
// need.
func certManagerCRDs(t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "-C", certManagerModule, "-json", "github.com/cert-manager/cert-manager")
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}

	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		t.Fatal(err)
	}

	crds := t.TempDir()
	for _, kind := range []string{"certificates", "clusterissuers", "issuers"} {
		name := "cert-manager.io_" + kind + ".yaml"
		text, err := os.ReadFile(filepath.Join(module.Dir, "deploy", "crds", name))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(crds, name), text)
	}

	return crds
}

// secrets returns the Secrets of the Certificates in a stream by their names, or what cert-manager
// says against one.
func (m certManager) secrets(t *testing.T, stream []byte) (secrets map[string]corev1.Secret, refusal string) {
	t.Helper()
	var out, report bytes.Buffer
	cmd := exec.CommandContext(t.Context(), string(m))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stream), &out, &report
	if err := cmd.Run(); err != nil {
		return nil, err.Error() + "\n" + report.String()
	}

	secrets = map[string]corev1.Secret{}
	for _, text := range split(out.Bytes()) {
		var s corev1.Secret
		if err := yaml.UnmarshalStrict(text, &s); err != nil {
			t.Fatal(err)
		}
		secrets[s.Name] = s
	}

	return secrets, ""
}

// certificate is what a test wants to know of a Certificate.
type certificate struct {
	metav1.TypeMeta `json:",inline"`
	Spec            struct {
		SecretName string   `json:"secretName"`
		DNSNames   []string `json:"dnsNames"`
	} `json:"spec"`
}

// certificatesOf returns the Certificates in a stream, and their texts.
func certificatesOf(t *testing.T, stream []byte) (all []certificate, texts [][]byte) {
	t.Helper()
	for _, text := range split(stream) {
		var c certificate
		if !bytes.Contains(text, []byte("cert-manager.io/")) || yaml.Unmarshal(text, &c) != nil || c.Kind != "Certificate" {
			continue
		}
		all, texts = append(all, c), append(texts, text)
	}

	return all, texts
}

// injectStandalone returns what inject prints with a configuration of samples/standalone, whose CA
// lies beside it.
func injectStandalone(t *testing.T, config string, args ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	to := filepath.Join(dir, "tykmesh.yaml")
	writeFile(t, to, []byte(readSample(t, "standalone/"+config)))

	var out bytes.Buffer
	for _, args := range [][]string{
		{"ca", "init", "-q", "--algo", "ecdsa", "--dir", filepath.Join(dir, "ca-quickstart")},
		append([]string{"inject", "-q", "--config", to}, args...),
	} {
		var report strings.Builder
		out.Reset()
		if status := run(t.Context(), process{args: args, stdin: strings.NewReader(""), stdout: &out, stderr: &report}); status != exit.Done {
			t.Fatalf("tykmesh %v: exit status %d\n%s", args, status, &report)
		}
	}

	return out.Bytes()
}

// TestCertManager holds the Certificates that inject prints to cert-manager: it accepts them, and
// with the Secrets that it makes sidecars call each other.
func TestCertManager(t *testing.T) {
	m := buildCertManager(t)
	printed := injectStandalone(t, "cert-manager.yaml", "-n", "shop", "-f", samples+"/echo-and-sleep.yaml")
	certificates, texts := certificatesOf(t, printed)
	if len(certificates) != 2 {
		t.Fatalf("%d Certificates are printed, want those of echo and sleep:\n%s", len(certificates), printed)
	}

	secrets, refusal := m.secrets(t, printed)
	if refusal != "" {
		t.Fatal(refusal)
	}

	mounted := mountedSecrets(t, printed)
	for _, c := range certificates {
		secret, key := secrets[c.Spec.SecretName], mounted[c.Spec.SecretName]
		if len(secret.Data[key]) == 0 {
			t.Fatalf("no sidecar gets the Secret %s, or it lacks the key %q; volumes: %v", c.Spec.SecretName, key, mounted)
		}

		for _, caller := range certificates {
			from := secrets[caller.Spec.SecretName]
			for _, name := range c.Spec.DNSNames {
				if err := call(name, secret.Data[key], from.Data[key], secret.Data["ca.crt"]); err != nil {
					t.Errorf("%s calls %s as %s: %v", caller.Spec.SecretName, c.Spec.SecretName, name, err)
				}
			}
			if err := call("other.shop.svc", secret.Data[key], from.Data[key], secret.Data["ca.crt"]); err == nil {
				t.Errorf("%s can say that it is other.shop.svc", c.Spec.SecretName)
			}
		}
	}

	for was, is := range map[string]string{
		"dnsNames": "dnsnames", "ECDSA": "DSA", "renewBefore: ": "renewBefore: 1m #", "kind: ClusterIssuer": "kind: Isuer", "server auth": "server-auth",
	} {
		edited := bytes.Replace(texts[0], []byte(was), []byte(is), 1)
		if _, refusal := m.secrets(t, edited); refusal == "" || bytes.Equal(edited, texts[0]) {
			t.Errorf("with %q for %q cert-manager accepts\n%s", is, was, edited)
		}
	}

	t.Run("goldens", m.goldens)
}

// goldens holds the Certificates of all goldens and scripts to cert-manager.
func (m certManager) goldens(t *testing.T) {
	found := 0
	err := filepath.WalkDir(root+"/testdata", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".txtar" {
			return err
		}

		archive, err := txtar.ParseFile(path)
		if err != nil {
			return err
		}

		for _, file := range archive.Files {
			_, texts := certificatesOf(t, file.Data)
			for _, text := range texts {
				found++
				if _, refusal := m.secrets(t, text); refusal != "" {
					t.Errorf("%s: %s: %s", path, file.Name, refusal)
				}
			}
		}

		return nil
	})
	if err != nil || found == 0 {
		t.Errorf("%d Certificates are found, %v", found, err)
	}
	t.Logf("%d Certificates", found)
}

// mountedSecrets returns the Secrets that the sidecars of a stream take their certificates from,
// and the keys under which these stand.
func mountedSecrets(t *testing.T, stream []byte) map[string]string {
	t.Helper()
	mounted := map[string]string{}
	for _, text := range split(stream) {
		var workload appsv1.Deployment
		if err := yaml.Unmarshal(text, &workload); err != nil || workload.Kind != "Deployment" {
			continue
		}
		for _, v := range workload.Spec.Template.Spec.Volumes {
			if v.Secret == nil {
				continue
			}
			for _, item := range v.Secret.Items {
				mounted[v.Secret.SecretName] = item.Key
			}
		}
	}

	return mounted
}

// call reports whether a sidecar can call another one by a name with mutual TLS. Certificates are
// files of a key and a certificate in PEM, as sidecars load them.
func call(name string, callee, caller, authority []byte) error {
	server, err := tls.X509KeyPair(callee, callee)
	if err != nil {
		return err
	}

	client, err := tls.X509KeyPair(caller, caller)
	if err != nil {
		return err
	}

	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(authority)
	one, other := net.Pipe()
	defer one.Close()
	defer other.Close()

	served := make(chan error, 1)
	go func() {
		served <- tls.Server(one, &tls.Config{Certificates: []tls.Certificate{server}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: trusted}).Handshake()
		one.Close()
	}()

	err = tls.Client(other, &tls.Config{Certificates: []tls.Certificate{client}, RootCAs: trusted, ServerName: name}).Handshake()
	other.Close()

	return errors.Join(err, <-served)
}
