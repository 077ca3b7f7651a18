package pki_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudflare/cfssl/csr"
	"github.com/cloudflare/cfssl/initca"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/internal/quiet"
	"github.com/tykmesh/tykmesh/ca/pki"
)

// folder returns a folder with these files.
func folder(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	return dir
}

// A CA that cfssl gencert -initca made, as the guide has it, goes on in use, with a new key for the
// API: the guide's is known to all.
func TestGuidesCAIsBrought(t *testing.T) {
	quiet.CFSSL()
	for _, key := range []*csr.KeyRequest{{A: "ecdsa", S: 256}, {A: "rsa", S: 2048}} {
		cert, _, keyPEM, err := initca.New(&csr.CertificateRequest{CN: "Mesh Internal Signing CA", KeyRequest: key})
		if err != nil {
			t.Fatal(err)
		}

		dir := folder(t, map[string][]byte{"ca.pem": cert, "ca-key.pem": keyPEM, "config_ca.json": []byte("6dcb98e9d24cc68ed627017e4a1a03b8")})

		s, err := pki.Bring(dir, options())
		if err != nil {
			t.Fatal(err)
		}

		if string(file(t, s, pki.CertFile)) != string(cert) || string(file(t, s, pki.BundleFile)) != string(cert) {
			t.Error("the certificate is another")
		}

		issue(t, s)
		checkModes(t, s, []string{"ca-key.pem", "cfssl.key", "config_ca.json", "k8s/secrets.yaml"})
		checkSecrets(t, s)
		checkManifests(t, s, pki.DefaultServing())
		if strings.Contains(string(file(t, s, pki.ConfigFile)), "6dcb98e9d24cc68ed627017e4a1a03b8") {
			t.Error("the API has the old key")
		}
	}
}

// An intermediate CA comes with those above it, wherever in the folder they are; pods trust the
// root alone.
func TestIntermediateIsBrought(t *testing.T) {
	three := func() (pki.Setup, []*x509.Certificate) { // root, a CA between, the CA
		top, middle := setUp(t, intermediate), setUp(t)
		between := sign(t, middle.Certificate, top.Root(), middle.Certificate.PublicKey, file(t, top, pki.RootKeyFile))
		issuing := setUp(t)
		issuing.Certificate = sign(t, issuing.Certificate, between, issuing.Certificate.PublicKey, file(t, middle, pki.KeyFile))
		return issuing, []*x509.Certificate{between, top.Root()}
	}

	s, above := three()

	key, cert := file(t, s, pki.KeyFile), pemOf(s.Certificate)
	for name, files := range map[string]map[string][]byte{
		"chain and bundle": {"ca.pem": cert, "chain.pem": pemOf(s.Certificate, above[0]), "bundle.pem": pemOf(above[1])},
		"bundle":           {"ca.pem": cert, "bundle.pem": pemOf(above[1], above[0])},
		"all in one":       {"ca.pem": pemOf(s.Certificate, above[0], above[1])},
		"root":             {"ca.pem": pemOf(s.Certificate, above[0]), "root.pem": pemOf(above[1])},
	} {
		files["ca-key.pem"] = key
		brought, err := pki.Bring(folder(t, files), options())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}

		if got, want := string(file(t, brought, pki.ChainFile)), string(pemOf(s.Certificate, above[0])); got != want {
			t.Errorf("%s: the chain is\n%s", name, got)
		}

		if got := string(file(t, brought, pki.BundleFile)); got != string(pemOf(above[1])) {
			t.Errorf("%s: the bundle is\n%s", name, got)
		}

		if got := string(file(t, brought, pki.CertFile)); got != string(cert) {
			t.Errorf("%s: ca.pem is\n%s", name, got)
		}

		issue(t, brought)
	}

	_, err := pki.Bring(folder(t, map[string][]byte{"ca.pem": cert, "ca-key.pem": key, "root.pem": pemOf(above[1])}), options())
	if err == nil || !strings.Contains(err.Error(), "whose certificate is missing: add it as") {
		t.Errorf("without the one between: %v", err)
	}
}

func pemOf(certs ...*x509.Certificate) (text []byte) {
	for _, c := range certs {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return text
}

// What cannot sign for a mesh is not brought, and the error says which file it is about, and never
// shows a key.
func TestNotBrought(t *testing.T) {
	good, other := setUp(t), setUp(t)
	cert, key := file(t, good, pki.CertFile), file(t, good, pki.KeyFile)
	block, _ := pem.Decode(key)
	curve224, _ := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	_, edwards, _ := ed25519.GenerateKey(rand.Reader)

	weak, err := x509.ParsePKCS1PrivateKey(weakRSA(t))
	if err != nil {
		t.Fatal(err)
	}

	for want, files := range map[string]map[string][]byte{
		"ca.pem: no such file":                              {"ca-key.pem": key},
		"ca-key.pem: no such file":                          {"ca.pem": cert},
		"ca.pem: contains a private key":                    {"ca.pem": key, "ca-key.pem": key},
		"ca-key.pem: no private key in PEM form":            {"ca.pem": cert, "ca-key.pem": cert},
		"ca-key.pem: unknown kind of private key":           {"ca.pem": cert, "ca-key.pem": pemKey("PRIVATE KEY", block.Bytes[1:])},
		"ca-key.pem: not the key of":                        {"ca.pem": cert, "ca-key.pem": file(t, other, pki.KeyFile)},
		"ca.pem: certificate 1: ":                           {"ca.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}), "ca-key.pem": key},
		"bundle.pem: no certificate in PEM form":            {"ca.pem": cert, "ca-key.pem": key, "bundle.pem": []byte("\n")},
		"ca-key.pem: the key is encrypted":                  {"ca.pem": cert, "ca-key.pem": pemKey("ENCRYPTED PRIVATE KEY", block.Bytes)},
		`ca.pem: "leaf" is not the certificate of a CA`:     selfSigned(t, good, func(c *x509.Certificate) { c.IsCA, c.KeyUsage, c.Subject.CommonName = false, 0, "leaf" }),
		"does not let it sign certificates":                 selfSigned(t, good, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature }),
		"expired on 2001-01-01":                             selfSigned(t, good, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = year(2000), year(2001) }),
		"is not valid before 2100":                          selfSigned(t, good, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = year(2100), year(2101) }),
		"pods would refuse certificates of this CA":         selfSigned(t, good, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }),
		"the size of an ecdsa key must be 256":              ownCA(t, curve224.Public(), curve224),
		"Tyk gateways cannot read such keys":                ownCA(t, edwards.Public(), edwards),
		"key rsa 1024: the size of an rsa key must be 2048": ownCA(t, weak.Public(), weak),
	} {
		s, err := pki.Bring(folder(t, files), options())
		if err == nil || !strings.Contains(err.Error(), want) || len(s.Files) > 0 {
			t.Errorf("%v with %d files, want %q", err, len(s.Files), want)
		} else if strings.Contains(err.Error(), "PRIVATE KEY") {
			t.Errorf("%v", err)
		}
	}

	old := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}, Bytes: block.Bytes})
	_, err = pki.Bring(folder(t, map[string][]byte{"ca.pem": cert, "ca-key.pem": old}), options())
	if !errors.As(err, new(*ca.EncryptedError)) {
		t.Errorf("encrypted as OpenSSL did it before: %v", err)
	}
}

// Keys come in all the forms that OpenSSL and cfssl write, OpenSSL's with the parameters of the
// curve before it.
func TestKeyForms(t *testing.T) {
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	sec1, _ := x509.MarshalECPrivateKey(ec)
	pkcs8, _ := x509.MarshalPKCS8PrivateKey(ec)
	parameters := pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7}})
	for _, key := range [][]byte{pemKey("EC PRIVATE KEY", sec1), pemKey("PRIVATE KEY", pkcs8), append(parameters, pemKey("EC PRIVATE KEY", sec1)...)} {
		files := ownCA(t, ec.Public(), ec)
		files["ca-key.pem"] = key

		s, err := pki.Bring(folder(t, files), options())
		if err != nil {
			t.Error(err)
			continue
		}

		issue(t, s)
	}
}

func pemKey(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func year(y int) time.Time { return time.Date(y, time.January, 1, 0, 0, 0, 0, time.UTC) }

// selfSigned returns the files of a CA like another, with its key, but for a change.
func selfSigned(t *testing.T, s pki.Setup, change func(*x509.Certificate)) map[string][]byte {
	t.Helper()
	c := *s.Certificate
	c.ExtraExtensions, c.RawSubject = nil, nil
	if change(&c); !c.IsCA {
		c.MaxPathLen, c.MaxPathLenZero = 0, false
	}

	return map[string][]byte{
		"ca.pem":     pemOf(sign(t, &c, &c, c.PublicKey, file(t, s, pki.KeyFile))),
		"ca-key.pem": file(t, s, pki.KeyFile),
	}
}

// ownCA returns the files of a CA with any key.
func ownCA(t *testing.T, public, private any) map[string][]byte {
	t.Helper()
	c := &x509.Certificate{
		Subject: pkix.Name{CommonName: "CA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(5 * 365 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}

	der, err := x509.CreateCertificate(rand.Reader, c, c, public, private)
	if err != nil {
		t.Fatal(err)
	}

	key, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}

	return map[string][]byte{"ca.pem": pemOf(&x509.Certificate{Raw: der}), "ca-key.pem": pemKey("PRIVATE KEY", key)}
}

// weakRSA returns a key of 1024 bits, which Go no longer makes.
func weakRSA(t *testing.T) []byte {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0")
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return x509.MarshalPKCS1PrivateKey(key)
}

// A CA that ends before its certificates do is brought all the same: there is no other.
func TestShortLivedCAIsBrought(t *testing.T) {
	s := setUp(t, func(o *pki.Options) { o.Request.Expiry, o.Serving.CertExpiry = 3*time.Hour, time.Hour })
	dir := folder(t, map[string][]byte{"ca.pem": file(t, s, pki.CertFile), "ca-key.pem": file(t, s, pki.KeyFile)})
	if _, err := pki.Bring(dir, options()); err != nil {
		t.Error(err)
	}

	if _, err := pki.Bring(dir, options(func(o *pki.Options) { o.Serving.Image = "" })); err == nil {
		t.Error("options that cannot be are taken")
	}
}
