package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
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

	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/cmd/internal/exit"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// certManagerModule pins cert-manager.
const certManagerModule = root + "/testdata/certmanager"

// certManager makes Secrets of Certificates, as cert-manager does.
type certManager struct {
	program          string
	certificate, key string // files of the CA that signs
}

// buildCertManager builds cert-manager as far as it needs no cluster: half a minute the first time.
func buildCertManager(t *testing.T) certManager {
	t.Helper()
	program := filepath.Join(t.TempDir(), "certmanager")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-C", certManagerModule, "-trimpath", "-ldflags=-s -w", "-o", program, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building cert-manager: %v\n%s", err, out)
	}

	return certManager{program: program}
}

// from returns a cert-manager whose CA is in a folder of ca init.
func (m certManager) from(folder string) certManager {
	return certManager{m.program, filepath.Join(folder, pki.ChainFile), filepath.Join(folder, pki.KeyFile)}
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
	cmd := exec.CommandContext(t.Context(), m.program, m.certificate, m.key)
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

// injectStandalone returns what inject prints with a configuration of samples/standalone, and the
// folder of the CA that it trusts, which ca init makes with more arguments.
func injectStandalone(t *testing.T, config string, initArgs []string, args ...string) (printed []byte, folder string) {
	t.Helper()
	dir := t.TempDir()
	to, folder := filepath.Join(dir, "tykmesh.yaml"), filepath.Join(dir, "ca-quickstart")
	writeFile(t, to, []byte(readSample(t, "standalone/"+config)))

	var out bytes.Buffer
	for _, args := range [][]string{
		append([]string{"ca", "init", "-q", "--algo", "ecdsa", "--dir", folder}, initArgs...),
		append([]string{"inject", "-q", "--config", to}, args...),
	} {
		var report strings.Builder
		out.Reset()
		if status := run(t.Context(), process{args: args, stdin: strings.NewReader(""), stdout: &out, stderr: &report}); status != exit.Done {
			t.Fatalf("tykmesh %v: exit status %d\n%s", args, status, &report)
		}
	}

	return out.Bytes(), folder
}

// TestCertManager holds the Certificates that inject prints to cert-manager: it accepts them, and
// with the Secrets that it makes sidecars call each other.
func TestCertManager(t *testing.T) {
	m := buildCertManager(t)
	for name, initArgs := range map[string][]string{"root": nil, "intermediate": {"--intermediate"}} {
		t.Run(name, func(t *testing.T) {
			printed, folder := injectStandalone(t, "cert-manager.yaml", initArgs, "-n", "store", "-f", samples+"/echo-and-sleep.yaml")
			m.from(folder).connects(t, printed)
		})
	}

	printed, folder := injectStandalone(t, "cert-manager.yaml", nil, "-n", "store", "-f", samples+"/echo-and-sleep.yaml")
	m = m.from(folder)
	_, texts := certificatesOf(t, printed)
	t.Run("refusals", func(t *testing.T) { m.refuses(t, texts[0]) })
	t.Run("issuers", func(t *testing.T) { m.issuers(t, string(texts[0])) })
	t.Run("goldens", m.goldens)
}

// connects makes sure that the services of a stream can call each other with the Secrets that
// cert-manager makes of their Certificates.
func (m certManager) connects(t *testing.T, printed []byte) {
	secrets, refusal := m.secrets(t, printed)
	if refusal != "" {
		t.Fatal(refusal)
	}

	certificates, _ := certificatesOf(t, printed)
	mounted, trusted := sidecarFiles(t, printed)
	if len(certificates) != 2 || len(mounted) != 2 || len(trusted) == 0 {
		t.Fatalf("%d Certificates, %d Secrets in sidecars and %d CAs are printed, want those of echo and sleep:\n%s", len(certificates), len(mounted), len(trusted), printed)
	}

	file := func(c certificate) []byte {
		text := secrets[c.Spec.SecretName].Data[mounted[c.Spec.SecretName]]
		if len(text) == 0 {
			t.Fatalf("the Secret %s lacks the key %q that the sidecar mounts", c.Spec.SecretName, mounted[c.Spec.SecretName])
		}
		return text
	}
	for _, callee := range certificates {
		for _, caller := range certificates {
			for _, name := range callee.Spec.DNSNames {
				if err := call(name, file(callee), file(caller), trusted); err != nil {
					t.Errorf("%s calls %s as %s: %v", caller.Spec.SecretName, callee.Spec.SecretName, name, err)
				}
			}
			if err := call("other.store.svc", file(callee), file(caller), trusted); err == nil {
				t.Errorf("%s can say that it is other.store.svc", callee.Spec.SecretName)
			}
		}
	}
}

// refuses makes sure that cert-manager looks at Certificates at all.
func (m certManager) refuses(t *testing.T, text []byte) {
	for was, is := range map[string]string{
		"dnsNames": "dnsnames", "ECDSA": "DSA", "renewBefore: ": "renewBefore: 1m #", "kind: ClusterIssuer": "kind: Isuer", "server auth": "server-auth",
	} {
		edited := bytes.Replace(text, []byte(was), []byte(is), 1)
		if _, refusal := m.secrets(t, edited); refusal == "" || bytes.Equal(edited, text) {
			t.Errorf("with %q for %q cert-manager accepts\n%s", is, was, edited)
		}
	}
}

// issuers holds references to issuers to cert-manager: tykmesh refuses those that it refuses.
func (m certManager) issuers(t *testing.T, text string) {
	before, _, found := strings.Cut(text, "  issuerRef:\n")
	if !found {
		t.Fatalf("there is no reference to an issuer:\n%s", text)
	}

	refused := 0
	for _, ref := range []standalone.IssuerRef{
		{Name: "mesh"}, {Name: "mesh", Kind: "Issuer"}, {Name: "mesh", Kind: "ClusterIssuer", Group: "cert-manager.io"}, {Name: "mesh", Group: "cert-manager.io"},
		{Name: "mesh", Kind: "AWSPCAClusterIssuer", Group: "awspca.cert-manager.io"}, {}, {Kind: "Issuer"}, {Name: "mesh", Kind: "issuer"},
		{Name: "mesh", Kind: "AWSPCAClusterIssuer"}, {Name: "mesh", Kind: "Certificate", Group: "cert-manager.io"},
	} {
		own := ref.Check()
		_, refusal := m.secrets(t, fmt.Appendf(nil, "%s  issuerRef: {name: %q, kind: %q, group: %q}\n", before, ref.Name, ref.Kind, ref.Group))
		if (own == nil) != (refusal == "") {
			t.Errorf("%+v: cert-manager says %q, and tykmesh %v", ref, refusal, own)
		}
		if refusal != "" {
			refused++
		}
	}
	if refused == 0 {
		t.Error("cert-manager refuses no reference")
	}
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
				if !bytes.Contains(text, []byte("injector.tyk.io/emitted")) {
					continue // a user's own, of which a golden shows the name alone
				}
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

// sidecarFiles returns the Secrets that the sidecars of a stream take their certificates from, with
// the keys under which these stand, and the CAs from which they accept calls, in PEM.
func sidecarFiles(t *testing.T, stream []byte) (mounted map[string]string, trusted []byte) {
	t.Helper()
	mounted = map[string]string{}
	for _, text := range split(stream) {
		var config corev1.ConfigMap
		var workload appsv1.Deployment
		switch {
		case yaml.UnmarshalStrict(text, &config) == nil:
			for key, value := range config.Data {
				if strings.HasPrefix(key, "ca-") {
					trusted = append(trusted, value...)
				}
			}
		case yaml.UnmarshalStrict(text, &workload) == nil && workload.Kind == "Deployment":
			for _, v := range workload.Spec.Template.Spec.Volumes {
				if v.Secret != nil {
					mounted[v.Secret.SecretName] = v.Secret.Items[0].Key
				}
			}
		}
	}

	return mounted, trusted
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
