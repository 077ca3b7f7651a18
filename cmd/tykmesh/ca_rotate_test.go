package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tykmesh/tykmesh/ca/pki"
)

// unique is what differs from CA to CA: what its name ends with, and the hash of a bundle.
var unique = regexp.MustCompile(`[0-9a-f]{8}"|\b[0-9a-f]{16}\b`)

// anonymous is the command anonymous [stderr]: it prints the last output again. Letters stand for the
// parts that differ from CA to CA, in the order of the script.
func anonymous(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	fmt.Fprint(ts.Stdout(), unique.ReplaceAllStringFunc(ts.ReadFile(cmp.Or(strings.Join(args, ""), "stdout")), func(text string) string {
		if !slices.Contains(w.authorities, text) {
			w.authorities = append(w.authorities, text)
		}

		letter := string(rune('A' + slices.Index(w.authorities, text)))
		if strings.HasSuffix(text, `"`) {
			letter += `"`
		}

		return letter
	}))
}

// replaceText is the command replace: it edits a file as a user does.
func replaceText(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace OLD NEW FILE")
	}

	text := ts.ReadFile(args[2])
	if !strings.Contains(text, args[0]) {
		ts.Fatalf("%s has no %q", args[2], args[0])
	}
	edited := strings.Replace(text, args[0], strings.ReplaceAll(args[1], `\n`, "\n"), 1)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(edited), 0o600))
}

// caRotateIn runs ca rotate for a folder.
func caRotateIn(ctx context.Context, dir string, stdout io.Writer, now func() time.Time, args ...string) (status int, stderr string) {
	var told bytes.Buffer
	args = append([]string{"ca", "rotate", "--dir", dir}, args...)
	return run(ctx, process{name: "tykmesh", args: args, stdin: strings.NewReader(""), stdout: stdout, stderr: &told, now: now}), told.String()
}

// newCA makes a CA, and returns its folder.
func newCA(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ca")
	if status, stderr := caInitIn(t.Context(), dir, io.Discard, nil, "-q", "--algo", "ecdsa"); status != 0 {
		t.Fatal(stderr)
	}
	return dir
}

// If the next commands cannot be printed, the step is taken all the same, and the next run prints
// them.
func TestCARotateIsNotPrinted(t *testing.T) {
	dir := newCA(t)
	want := fmt.Sprintf("error: writing to standard output: no space left on device\nhint: the step is taken; tykmesh ca rotate --dir %s prints what to do now\n", dir)
	if status, stderr := caRotateIn(t.Context(), dir, full{}, nil, "--step", "1"); status != 1 || stderr != want {
		t.Errorf("exit status %d: %s", status, stderr)
	}

	var said [2]bytes.Buffer
	for i, args := range [][]string{nil, {"--step", "1"}} {
		if status, stderr := caRotateIn(t.Context(), dir, &said[i], nil, args...); status != 0 || !strings.HasPrefix(said[i].String(), "step 1 of 3 is taken:") {
			t.Errorf("exit status %d: %s\n%s", status, stderr, &said[i])
		}
	}

	if said[0].String() != said[1].String() {
		t.Errorf("the same step again says something else:\n%s", &said[1])
	}
}

// A CA that may have none below it cannot sign its successor, and whoever changes it has to know
// what that means.
func TestCARotateWithoutCrossSigning(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	if status, stderr := caInitIn(t.Context(), dir, io.Discard, nil, "-q", "--from", crosslessCA(t)); status != 0 {
		t.Fatal(stderr)
	}

	var said bytes.Buffer
	if status, stderr := caRotateIn(t.Context(), dir, &said, nil, "--step", "1"); status != 0 {
		t.Fatal(stderr)
	}

	want := "\nwait for every pod: \"Old CA\" may not sign another CA, so a pod that does not trust the next one yet would refuse its certificates\nthen:\n"
	if !strings.Contains(said.String(), want) {
		t.Errorf("said is:\n%s", &said)
	}

	said.Reset()
	alone := process{name: "tykmesh", args: []string{"ca", "rotate", "--dir", dir}, environ: []string{"TYKMESH_INJECTOR_MODE=standalone"}, stdout: &said, stderr: io.Discard}
	if status := run(t.Context(), alone); status != 0 || !strings.Contains(said.String(), want) {
		t.Errorf("exit status %d, said is:\n%s", status, &said)
	}
}

// crosslessCA makes a CA that may have none below it, and returns its directory.
func crosslessCA(t *testing.T) string {
	t.Helper()
	from := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}

	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "Old CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(10000 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}

	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}

	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}

	for name, block := range map[string]*pem.Block{pki.CertFile: {Type: "CERTIFICATE", Bytes: cert}, pki.KeyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(from, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	return from
}
