package main

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// kubectl stands in for kubectl: it writes down how it was called, and keeps the files that a
// Secret is to hold as each namespace gets them.
const kubectl = `#!/bin/sh
echo "$@" | sed "s|--from-file=[^ ]*|--from-file=FILES|" >> "$CALLED/calls"
[ "$1" = create ] || { cat > "$CALLED/applied"; echo made; exit; }
for arg; do
	case $arg in --from-file=*) cp -r "${arg#--from-file=}" "$CALLED/$6"; ls -ld "${arg#--from-file=}" | cut -c1-10 > "$CALLED/mode" ;; esac
done
`

// runSecret runs the script that config secret prints, with variables, and returns what kubectl was
// called with, the folder where that is, and what the script said.
func runSecret(t *testing.T, s sidecarSecret, variables ...string) (calls, called, said string, err error) {
	t.Helper()
	var script strings.Builder
	if err := s.write(&script); err != nil {
		t.Fatal(err)
	}

	called = t.TempDir()

	bin, tmp := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "kubectl"), []byte(kubectl), 0o755); err != nil {
		t.Fatal(err)
	}

	cmd := exec.Command("sh", "-c", script.String())
	cmd.Env = append([]string{"PATH=" + bin + ":" + os.Getenv("PATH"), "CALLED=" + called, "TMPDIR=" + tmp}, variables...)

	out, err := cmd.CombinedOutput()
	if left, readErr := os.ReadDir(tmp); readErr != nil || len(left) > 0 {
		t.Errorf("files are left behind: %v, %v", left, readErr)
	}

	text, _ := os.ReadFile(filepath.Join(called, "calls")) // none where it was not called

	return string(text), called, string(out), err
}

// contents returns the files of a folder, without the certificate, which is another one in each
// run.
func contents(t *testing.T, folder string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}

	out := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = string(text)
	}

	return out
}

// The script makes the Secret that sidecars read, in each namespace, with values that no command
// line shows.
func TestSidecarSecret(t *testing.T) {
	s := newSidecarSecret([]string{"shop", "pay", "shop"}, true)
	calls, called, said, err := runSecret(t, s, "TYK_GW_SECRET=hunter 2", "TYK_GW_NODESECRET=$(node)'\"")
	if err != nil {
		t.Fatal(err, said)
	}

	if said != "made\nmade\n" {
		t.Errorf("it says more than kubectl does: %q", said)
	}

	want := ""
	for _, ns := range []string{"shop", "pay"} {
		want += "create secret generic tykmesh-sidecar --namespace " + ns + " --from-file=FILES --dry-run=client -o yaml\napply -f -\n"
	}

	if diff := cmp.Diff(want, sortedCalls(calls)); diff != "" {
		t.Errorf("calls, -want +got:\n%s", diff)
	}

	if strings.Contains(said+calls, "hunter") || strings.Contains(said+calls, "node)") {
		t.Errorf("a secret is shown:\n%s%s", said, calls)
	}

	for _, ns := range []string{"shop", "pay"} {
		files := contents(t, filepath.Join(called, ns))
		certificate := []byte(files[sidecar.KeyCertificate])
		delete(files, sidecar.KeyCertificate)
		if diff := cmp.Diff(map[string]string{sidecar.KeySecret: "hunter 2", sidecar.KeyNodeSecret: "$(node)'\""}, files); diff != "" {
			t.Errorf("%s, -want +got:\n%s", ns, diff)
		}
		checkControlCertificate(t, certificate)
	}

	if mode, err := os.ReadFile(filepath.Join(called, "mode")); err != nil || string(mode) != "drwx------\n" {
		t.Errorf("others may read the files: %s, %v", mode, err)
	}
}

// sortedCalls puts calls of both ends of a pipe in order.
func sortedCalls(calls string) (out string) {
	var created, applied []string
	for line := range strings.Lines(calls) {
		if strings.HasPrefix(line, "create") {
			created = append(created, line)
		} else {
			applied = append(applied, line)
		}
	}

	for i := range min(len(created), len(applied)) {
		out += created[i] + applied[i]
	}

	return out
}

// checkControlCertificate holds a certificate with its key against what a gateway serves its
// control port with.
func checkControlCertificate(t *testing.T, text []byte) {
	t.Helper()
	pair, err := tls.X509KeyPair(text, text)
	if err != nil {
		t.Errorf("%s: %v", sidecar.KeyCertificate, err)
		return
	}

	leaf := pair.Leaf
	if years := leaf.NotAfter.Sub(leaf.NotBefore); leaf.Subject.CommonName != sidecar.Secret || leaf.PublicKeyAlgorithm != x509.ECDSA || years != 3650*24*time.Hour {
		t.Errorf("certificate of %s, %s, valid for %s", leaf.Subject, leaf.PublicKeyAlgorithm, years)
	}
}

// What Redis and the Dashboard may want besides is there if its variable is; without TLS there is
// no certificate.
func TestSidecarSecretOptions(t *testing.T) {
	_, called, said, err := runSecret(t, newSidecarSecret([]string{"default"}, false), "TYK_GW_SECRET=a", "TYK_GW_NODESECRET=b",
		"TYK_GW_STORAGE_PASSWORD=c", "TYK_GW_SECURITY_PRIVATECERTIFICATEENCODINGSECRET=d")
	if err != nil {
		t.Fatal(err, said)
	}

	want := map[string]string{sidecar.KeySecret: "a", sidecar.KeyNodeSecret: "b", sidecar.KeyRedisPassword: "c", sidecar.KeyCertificateSecret: "d"}
	if diff := cmp.Diff(want, contents(t, filepath.Join(called, "default"))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Where openssl fails, the script says why, and makes no Secret.
func TestSidecarSecretWithoutOpenSSL(t *testing.T) {
	calls, _, said, err := runSecret(t, newSidecarSecret([]string{"default"}, true), "TYK_GW_SECRET=a", "TYK_GW_NODESECRET=b",
		"OPENSSL_CONF="+filepath.Join(t.TempDir(), "none.cnf"))
	if err == nil || calls != "" || !strings.Contains(said, "none.cnf") {
		t.Errorf("%v, called %q, said %q", err, calls, said)
	}
}

// Nothing is made of what is not there.
func TestSidecarSecretNeedsValues(t *testing.T) {
	for _, variable := range []string{"TYK_GW_SECRET", "TYK_GW_NODESECRET"} {
		calls, _, said, err := runSecret(t, newSidecarSecret([]string{"default"}, true), variable+"=x")
		if err == nil || calls != "" || !strings.Contains(said, "is not set; it is ") {
			t.Errorf("with %s alone: %v, %q, said %q", variable, err, calls, said)
		}
	}
}
