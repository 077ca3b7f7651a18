package ca_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/catest"
)

// file writes a new file and returns its path.
func file(t testing.TB, parts ...[]byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(path, bytes.Join(parts, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// accepts reports whether a client that trusts one CA accepts a server with the certificates of a
// bundle.
func accepts(t testing.TB, root *x509.Certificate, b ca.Bundle, host string) bool {
	t.Helper()
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(root)
	between.AppendCertsFromPEM(b.Chain)
	_, err := b.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: roots, Intermediates: between})
	return err == nil
}

// Clients that trust the root accept the certificates of an intermediate CA, because the chain goes
// with them. After a rotation with a cross-signed CA, clients that trust either CA accept its
// certificates.
func TestChains(t *testing.T) {
	root, former := catest.NewCA("root"), catest.NewCA("former")
	issuing := root.NewCA("issuing")
	next := catest.NewCA("next")
	cross := former.CrossSign(next)
	for _, test := range []struct {
		name     string
		signs    *catest.CA
		chain    [][]byte
		accepted []*catest.CA
		refused  []*catest.CA
	}{
		{"intermediate", issuing, [][]byte{issuing.PEM()}, []*catest.CA{root, issuing}, []*catest.CA{former}},
		{"with its root", issuing, [][]byte{issuing.PEM(), root.PEM()}, []*catest.CA{root}, []*catest.CA{former}},
		{"cross-signed", next, [][]byte{cross.PEM()}, []*catest.CA{former, next}, []*catest.CA{root}},
		{"alone", next, [][]byte{next.PEM()}, []*catest.CA{next}, []*catest.CA{former}},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := catest.New(catest.Options{CA: test.signs})
			t.Cleanup(server.Close)
			certPath := file(t, test.chain...)
			remote := newClient(t, ca.Config{Addr: server.URL, Key: catest.Key, CertPath: certPath})

			local, err := ca.OpenKey(certPath, file(t, test.signs.KeyPEM()), time.Now())
			if err != nil {
				t.Fatal(err)
			}

			for _, signer := range []ca.Signer{remote, local} {
				b, err := ca.Issue(t.Context(), signer, ca.Request{Hosts: []string{"echo.shop"}})
				if err != nil {
					t.Fatal(err)
				}

				for _, a := range test.accepted {
					if !accepts(t, a.Cert, b, "echo.shop") {
						t.Errorf("%T: who trusts %q refuses it", signer, a.Cert.Subject.CommonName)
					}
				}

				for _, a := range test.refused {
					if accepts(t, a.Cert, b, "echo.shop") {
						t.Errorf("%T: who trusts %q accepts it", signer, a.Cert.Subject.CommonName)
					}
				}
			}
		})
	}
}

func TestChainRefusals(t *testing.T) {
	root := catest.NewCA("root")
	issuing := root.NewCA("issuing")
	for name, test := range map[string]struct {
		text []byte
		want string
	}{
		"upside down": {slices.Concat(root.PEM(), issuing.PEM()), `"root" is not signed by "issuing", which follows it`},
		"with a key":  {slices.Concat(issuing.PEM(), issuing.KeyPEM()), "contains a private key"},
		"a request":   {[]byte("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"), "contains a certificate request"},
	} {
		_, err := ca.New(ca.Config{Addr: "http://cfssl", Key: catest.Key, CertPath: file(t, test.text)})
		wantError(t, err, ca.ErrCertPath, test.want)
		if strings.Count(errText(err), "file.pem") != 1 {
			t.Errorf("%s: the file is not named once: %v", name, err)
		}
	}
}

// A certificate that pods would reject is not requested.
func TestTrust(t *testing.T) {
	former, next := catest.NewCA("former"), catest.NewCA("next")
	cross := former.CrossSign(next)
	trust := func(parts ...[]byte) ca.TrustBundle {
		read, err := ca.ParseTrustBundle(bytes.Join(parts, nil))
		if err != nil {
			t.Fatal(err)
		}
		return read
	}

	for _, test := range []struct {
		name  string
		chain []byte
		trust ca.TrustBundle
		want  error
	}{
		{"nobody says", next.PEM(), nil, nil},
		{"trusted", next.PEM(), trust(next.PEM()), nil},
		{"both", next.PEM(), trust(former.PEM(), next.PEM()), nil},
		{"by the former one", cross.PEM(), trust(former.PEM()), nil},
		{"not yet", next.PEM(), trust(former.PEM()), ca.ErrUntrusted},
		{"another of its name", next.PEM(), trust(catest.NewCA("next").PEM()), ca.ErrUntrusted},
	} {
		server := catest.New(catest.Options{CA: next})
		client := newClient(t, ca.Config{Addr: server.URL, Key: catest.Key, CertPath: file(t, test.chain)})

		_, err := ca.Issue(t.Context(), client, ca.Request{Hosts: []string{"echo.shop"}, Trust: test.trust})
		if !errors.Is(err, test.want) {
			t.Errorf("%s: error %v, want %v", test.name, err, test.want)
		}

		if asked := len(server.Requests()) > 0; asked != (test.want == nil) {
			t.Errorf("%s: CFSSL was asked: %t", test.name, asked)
		}

		server.Close()
	}

	if a, b := trust(former.PEM(), next.PEM()).Hash(), trust(next.PEM(), []byte("# a comment\n"), former.PEM(), next.PEM()).Hash(); a != b || len(a) != 16 {
		t.Errorf("the same CAs have the hashes %s and %s", a, b)
	}

	if a, b := trust(former.PEM()).Hash(), trust(former.PEM(), next.PEM()).Hash(); a == b || a == "" {
		t.Errorf("other CAs have the hashes %q and %q", a, b)
	}

	leaf, key := catest.New(catest.Options{}).ClientPair()
	for want, text := range map[string][]byte{
		"is not the certificate of a CA": leaf, "contains a private key": slices.Concat(former.PEM(), key), "no certificate in PEM form": nil,
	} {
		if _, err := ca.ParseTrustBundle(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// CFSSL silently uses its default profile for an unknown one.
func TestProfile(t *testing.T) {
	server := catest.New(catest.Options{Profile: "mesh"})
	t.Cleanup(server.Close)
	issue := func(profile string) error {
		client := newClient(t, ca.Config{Addr: server.URL, Key: catest.Key, Profile: profile})
		for range 2 {
			if _, err := ca.Issue(t.Context(), client, ca.Request{Hosts: []string{"echo.shop"}}); err != nil {
				return err
			}
		}
		return nil
	}

	if err := issue("mesh"); err != nil {
		t.Error(err)
	}

	wantRequests(t, server, "info 200", "info 200", "info 200", "authsign echo.shop 200", "authsign echo.shop 200")
	wantError(t, issue("mseh"), ca.ErrNoProfile, `"mseh"`)
	if err := issue(""); !errors.Is(err, ca.ErrNotAsAsked) {
		t.Errorf("the default profile: %v", err)
	}
}

func TestOpenKeyRefusals(t *testing.T) {
	a, other := catest.NewCA("ours"), catest.NewCA("another")
	encrypted := []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")

	old := []byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n")
	for _, test := range []struct {
		key  []byte
		want string
	}{
		{other.KeyPEM(), "does not match the certificate in"},
		{encrypted, "the key is encrypted"},
		{old, "the key is encrypted"},
		{[]byte("gibberish"), "no private key in PEM form"},
		{a.PEM(), "no private key in PEM form"},
		{[]byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "unknown kind of private key"},
	} {
		if _, err := ca.OpenKey(file(t, a.PEM()), file(t, test.key), time.Now()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want one with %q", err, test.want)
		}
	}

	_, err := ca.OpenKey(file(t, a.PEM()), filepath.Join(t.TempDir(), "absent"), time.Now())
	wantError(t, err, os.ErrNotExist, "reading the CA's private key")
}

// Clients reject a certificate after its CA has expired, so certificates of a local key end with
// it.
func TestOpenKeyEndsWithItsCA(t *testing.T) {
	end := time.Now().AddDate(0, 6, 0).Truncate(time.Second)
	a := catest.NewCAFor("half a year", time.Now().AddDate(-1, 0, 0), end)

	local, err := ca.OpenKey(file(t, a.PEM()), file(t, a.KeyPEM()), time.Now())
	if err != nil {
		t.Fatal(err)
	}

	b, err := ca.Issue(t.Context(), local, ca.Request{Hosts: []string{"echo.shop"}})
	if err != nil || !b.Leaf.NotAfter.Equal(end) {
		t.Errorf("valid until %v, want %v; error %v", b.Leaf.NotAfter, end, err)
	}
}
