package ca_test

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/catest"
)

// authorityOf returns a local CA's certificate.
func authorityOf(t testing.TB, l *ca.Local) *x509.Certificate {
	t.Helper()
	chain, err := l.Chain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return chain[0]
}

func TestLocalCAIsMadeOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mesh", "ca")
	first := authorityOf(t, newLocal(t, dir))
	if again := authorityOf(t, newLocal(t, dir)); !first.Equal(again) {
		t.Error("a second run has another CA")
	}

	if life := first.NotAfter.Sub(first.NotBefore); life < 3650*24*time.Hour || !first.IsCA {
		t.Errorf("the CA lives for %v, CA: %t", life, first.IsCA)
	}

	if first.MaxPathLen != 1 {
		t.Errorf("the CA may have %d CAs between it and a leaf, want 1", first.MaxPathLen)
	}

	if name := first.Subject.String(); !regexp.MustCompile(`^CN=tykmesh local CA [0-9a-f]{8},O=tykmesh tests$`).MatchString(name) {
		t.Errorf("the CA's name is %q", name)
	}

	if other := authorityOf(t, newLocal(t, t.TempDir())); other.Subject.CommonName == first.Subject.CommonName {
		t.Errorf("two CAs are called %q", other.Subject.CommonName)
	}

	got := map[string]string{}

	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}

	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		got[e.Name()] = info.Mode().String()
	}

	want := map[string]string{"ca.pem": "-rw-r--r--", "ca-key.pem": "-rw-------"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// Concurrent processes end with one CA and leave nothing else behind, even if one was stopped
// between the two files.
func TestLocalCAIsMadeByOne(t *testing.T) {
	for _, half := range []bool{false, true} {
		dir := t.TempDir()
		if half {
			newLocal(t, dir)
			if err := os.Remove(filepath.Join(dir, "ca.pem")); err != nil {
				t.Fatal(err)
			}
		}

		authorities := make([]*x509.Certificate, 8)
		var wg sync.WaitGroup
		for i := range authorities {
			wg.Go(func() {
				l, err := ca.OpenLocal(dir, nil)
				if err != nil {
					t.Error(err)
					return
				}
				authorities[i] = authorityOf(t, l)
			})
		}

		wg.Wait()
		if t.Failed() {
			return
		}

		if slices.ContainsFunc(authorities, func(c *x509.Certificate) bool { return !c.Equal(authorities[0]) }) {
			t.Error("there is more than one CA")
		}

		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
			t.Errorf("%v, %v", entries, err)
		}
	}
}

func TestLocalCAThatCannotSign(t *testing.T) {
	write := func(dir, name string, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	old := catest.NewCAFor("old CA", time.Unix(0, 0), time.Unix(1, 0))
	for _, test := range []struct {
		name   string
		damage func(dir string)
		want   string
	}{
		{"key of another", func(dir string) { write(dir, "ca.pem", catest.NewCA("other").PEM()) }, "ca-key.pem does not match the certificate in"},
		{"key lost", func(dir string) { os.Remove(filepath.Join(dir, "ca-key.pem")) }, "a certificate without its key"},
		{"key garbage", func(dir string) { write(dir, "ca-key.pem", []byte("garbage")) }, "ca-key.pem: no private key in PEM form"},
		{"certificate garbage", func(dir string) { write(dir, "ca.pem", []byte("garbage")) }, "ca.pem: no certificate in PEM form"},
		{"expired", func(dir string) { write(dir, "ca.pem", old.PEM()) }, "expired on 1970-01-01"},
	} {
		dir := t.TempDir()
		newLocal(t, dir)
		test.damage(dir)
		_, err := ca.OpenLocal(dir, nil)
		wantError(t, err, nil, test.want)
	}

	file := filepath.Join(t.TempDir(), "file")
	write(filepath.Dir(file), "file", nil)
	_, err := ca.OpenLocal(filepath.Join(file, "ca"), nil)
	wantError(t, err, nil, "opening the local CA")
}

func TestLocalRefusesGarbage(t *testing.T) {
	l := newLocal(t, t.TempDir())
	for _, csr := range []string{"", "garbage", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: []byte{1}}))} {
		_, err := l.Sign(t.Context(), []string{"echo.default"}, []byte(csr))
		wantError(t, err, nil, "signing for echo.default")
	}
}

// TestLocalUsages: a leaf has the usages that TLS needs and no others, for every kind of key.
func TestLocalUsages(t *testing.T) {
	l := newLocal(t, t.TempDir())
	for _, key := range []ca.KeyRequest{{}, {Algo: ca.RSA, Size: 2048}} {
		b, err := ca.Issue(t.Context(), l, ca.Request{Hosts: []string{"echo.default"}, Key: key})
		if err != nil {
			t.Fatal(err)
		}

		want := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
		if b.Leaf.KeyUsage != x509.KeyUsageDigitalSignature || !slices.Equal(b.Leaf.ExtKeyUsage, want) {
			t.Errorf("%v: usages %b, %v", key, b.Leaf.KeyUsage, b.Leaf.ExtKeyUsage)
		}
	}
}

// The id is the one of the Dashboard's store: org and SHA-256 of the DER, as `openssl x509
// -fingerprint -sha256` prints it.
func TestStoreID(t *testing.T) {
	leaf := &x509.Certificate{Raw: []byte("abc")}
	const want = "5e9d9544a1dcd60001d0ed20" + "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // FIPS 180-2, appendix B.1
	if got := ca.StoreID("5e9d9544a1dcd60001d0ed20", leaf); got != want || len(got) != 88 {
		t.Errorf("id %s, want %s", got, want)
	}

	if got := fmt.Sprint(ca.RecordID("inbound", "shop", "echo")); got != "inbound/shop/echo" {
		t.Errorf("record id %s", got)
	}
}
