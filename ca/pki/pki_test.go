package pki_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudflare/cfssl/api/info"
	"github.com/cloudflare/cfssl/api/signhandler"
	"github.com/cloudflare/cfssl/config"
	"github.com/cloudflare/cfssl/helpers"
	"github.com/cloudflare/cfssl/signer"
	"github.com/cloudflare/cfssl/signer/local"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/pki"
)

// options returns the guide's, with a key that is made at once.
func options(change ...func(*pki.Options)) pki.Options {
	o := pki.Options{Request: pki.GuideRequest(), Serving: pki.DefaultServing(), Now: time.Now()}
	o.Request.Key = ca.KeyRequest{Algo: ca.ECDSA, Size: 256}
	for _, c := range change {
		c(&o)
	}
	return o
}

func intermediate(o *pki.Options) { o.Intermediate = true }

func setUp(t *testing.T, change ...func(*pki.Options)) pki.Setup {
	t.Helper()
	s, err := pki.Make(t.Context(), options(change...))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// file returns the text of one that was made.
func file(t *testing.T, s pki.Setup, name string) []byte {
	t.Helper()
	for _, f := range s.Files {
		if f.Name == name {
			return f.Text
		}
	}

	t.Fatalf("there is no %s", name)
	return nil
}

func certificates(t *testing.T, text []byte) (certs []*x509.Certificate) {
	t.Helper()
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return certs
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}

		certs = append(certs, c)
	}
}

// Every kind of CA comes with files that work together: CFSSL signs with them, and who trusts
// bundle.pem accepts what it signed.
func TestMade(t *testing.T) {
	for _, test := range []struct {
		name   string
		change []func(*pki.Options)
		above  int
		path   int // how many CAs may be below
		secret []string
	}{
		{name: "self-signed", path: 1, secret: []string{"ca-key.pem", "cfssl.key", "config_ca.json", "k8s/secrets.yaml"}},
		{name: "intermediate", change: []func(*pki.Options){intermediate}, above: 1,
			secret: []string{"ca-key.pem", "cfssl.key", "config_ca.json", "k8s/secrets.yaml", "root-key.pem"}},
		{name: "rsa", change: []func(*pki.Options){func(o *pki.Options) { o.Request.Key = ca.KeyRequest{Algo: ca.RSA, Size: 2048} }}, path: 1,
			secret: []string{"ca-key.pem", "cfssl.key", "config_ca.json", "k8s/secrets.yaml"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := options(test.change...)
			s := setUp(t, test.change...)
			checkAuthority(t, s.Certificate, o.Request.Expiry, test.path)
			if got := certificates(t, file(t, s, pki.CertFile)); len(got) != 1 || !got[0].Equal(s.Certificate) {
				t.Errorf("%s has %d certificates", pki.CertFile, len(got))
			}

			if s.KeyRequest() != o.Request.Key {
				t.Errorf("the key is %v", s.KeyRequest())
			}

			if len(s.Above) != test.above {
				t.Errorf("%d certificates above", len(s.Above))
			}

			if test.above > 0 {
				checkAuthority(t, s.Root(), 2*o.Request.Expiry, 2)
				if _, err := helpers.ParsePrivateKeyPEM(file(t, s, pki.RootKeyFile)); err != nil {
					t.Error(err)
				}
			}

			issue(t, s)
			checkModes(t, s, test.secret)
			checkSecrets(t, s)
			checkManifests(t, s, o.Serving)
		})
	}
}

func checkAuthority(t *testing.T, c *x509.Certificate, expiry time.Duration, path int) {
	t.Helper()
	if !c.IsCA || !c.BasicConstraintsValid || c.KeyUsage != x509.KeyUsageCertSign|x509.KeyUsageCRLSign || len(c.ExtKeyUsage) > 0 {
		t.Errorf("%v: CA %v, key usage %b, extended %v", c.Subject, c.IsCA, c.KeyUsage, c.ExtKeyUsage)
	}

	if c.MaxPathLen != path || c.MaxPathLenZero != (path == 0) {
		t.Errorf("%v: path length %d, want %d", c.Subject, c.MaxPathLen, path)
	}

	if got := c.NotAfter.Sub(c.NotBefore); got != expiry {
		t.Errorf("%v: valid for %v, want %v", c.Subject, got, expiry)
	}

	if !slices.ContainsFunc(c.Extensions, func(e pkix.Extension) bool { return e.Critical && e.Id.String() == "2.5.29.19" }) {
		t.Errorf("%v: the basic constraints are not critical", c.Subject)
	}

	if !regexp.MustCompile(`^Mesh Internal Signing CA( Root)? [0-9a-f]{8}$`).MatchString(c.Subject.CommonName) {
		t.Errorf("common name %q", c.Subject.CommonName)
	}
}

// cfssl is CFSSL with what was made, as cfssl serve puts it together.
func cfssl(t *testing.T, s pki.Setup) *httptest.Server {
	t.Helper()
	settings, err := config.LoadConfig(file(t, s, pki.ConfigFile))
	if err != nil {
		t.Fatal(err)
	}

	key, err := helpers.ParsePrivateKeyPEM(file(t, s, pki.KeyFile))
	if err != nil {
		t.Fatal(err)
	}

	signs, err := local.NewSigner(key, s.Certificate, signer.DefaultSigAlgo(key), settings.Signing)
	if err != nil {
		t.Fatal(err)
	}

	if _, err := signhandler.NewHandlerFromSigner(signs); err == nil {
		t.Error("CFSSL would sign for anybody")
	}

	authsign, err := signhandler.NewAuthHandlerFromSigner(signs)
	if err != nil {
		t.Fatal(err)
	}

	about, err := info.NewHandler(signs)
	if err != nil {
		t.Fatal(err)
	}

	mux := http.NewServeMux()
	mux.Handle("/api/v1/cfssl/authsign", authsign)
	mux.Handle("/api/v1/cfssl/info", about)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)

	return server
}

// issue has a certificate signed with the key that was made, and not with another.
func issue(t *testing.T, s pki.Setup) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ca")
	if err := write(dir, s.Files); err != nil {
		t.Fatal(err)
	}

	server := cfssl(t, s)
	request := ca.Request{Hosts: []string{"echo.shop"}}

	client, err := ca.New(ca.Config{Addr: server.URL, Key: strings.TrimSpace(string(file(t, s, pki.AuthKeyFile))), CertPath: filepath.Join(dir, pki.ChainFile)})
	if err != nil {
		t.Fatal(err)
	}

	bundle, err := ca.Issue(t.Context(), client, request)
	if err != nil {
		t.Fatal(err)
	}

	verify(t, bundle.Leaf, certificates(t, file(t, s, pki.ChainFile)), certificates(t, file(t, s, pki.BundleFile)))
	if usage := bundle.Leaf.KeyUsage; usage != x509.KeyUsageDigitalSignature {
		t.Errorf("key usage %b: an ecdsa key enciphers no key", usage)
	}

	if other, err := ca.New(ca.Config{Addr: server.URL, Key: "5ec4e75ec4e75ec4e75ec4e75ec4e75e"}); err != nil {
		t.Fatal(err)
	} else if _, err := ca.Issue(t.Context(), other, request); !errors.Is(err, ca.ErrUnauthorized) {
		t.Errorf("with another key: %v", err)
	}
}

func verify(t *testing.T, leaf *x509.Certificate, chain, roots []*x509.Certificate) {
	t.Helper()
	o := x509.VerifyOptions{Roots: pool(roots...), Intermediates: pool(chain...), DNSName: leaf.DNSNames[0]}
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		o.KeyUsages = []x509.ExtKeyUsage{usage}
		if _, err := leaf.Verify(o); err != nil {
			t.Error(err)
		}
	}
}

func pool(certs ...*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range certs {
		p.AddCert(c)
	}
	return p
}

// Secret files are for their owner alone, and Git is told of all of them and of no others.
func checkModes(t *testing.T, s pki.Setup, want []string) {
	t.Helper()
	var secret []string
	for _, f := range s.Files {
		switch {
		case f.Mode == 0o600:
			secret = append(secret, f.Name)
		case f.Mode != 0o644:
			t.Errorf("mode %v", f)
		}

		if f.Name != pki.RequestFile && f.Name != pki.IgnoreFile && !slices.Contains(pki.Names(), f.Name) {
			t.Errorf("%s could be overwritten: Free does not look for it", f.Name)
		}
	}

	slices.Sort(secret)
	if !slices.Equal(secret, want) {
		t.Errorf("secret are %q, want %q", secret, want)
	}

	var ignored []string
	for line := range strings.Lines(string(file(t, s, pki.IgnoreFile))) {
		if !strings.HasPrefix(line, "#") {
			ignored = append(ignored, strings.TrimPrefix(strings.TrimSpace(line), "/"))
		}
	}

	slices.Sort(ignored)
	want = slices.Sorted(slices.Values(slices.Concat(want, []string{".tykmesh-change*/", "former/", "next/", ca.TokenKeyFile}))) // while the CA is changed, and if there are tokens
	if !slices.Equal(ignored, want) {
		t.Errorf("Git ignores %q, want %q", ignored, want)
	}
}

// No secret is in a file that others may read, and no file prints its text.
func checkSecrets(t *testing.T, s pki.Setup) {
	t.Helper()
	secrets := []string{strings.TrimSpace(string(file(t, s, pki.AuthKeyFile))), "PRIVATE KEY"}
	for _, f := range s.Files {
		if strings.HasSuffix(f.Name, "key.pem") {
			secrets = append(secrets, strings.Split(string(f.Text), "\n")[1])
		}
	}

	for _, f := range s.Files {
		printed := fmt.Sprintf("%v %+v %#v %s %x", f, f, f, f, f)
		for _, secret := range secrets {
			if !f.Secret() && bytes.Contains(f.Text, []byte(secret)) {
				t.Errorf("%s holds a secret", f.Name)
			}
			if strings.Contains(printed, secret) {
				t.Errorf("%s prints a secret", f.Name)
			}
		}
	}
}

// No two CAs share a name, a key, or the key of their API.
func TestEachIsItsOwn(t *testing.T) {
	a, b := setUp(t), setUp(t)
	if a.Certificate.Subject.String() == b.Certificate.Subject.String() {
		t.Errorf("both are %v", a.Certificate.Subject)
	}

	for _, name := range []string{pki.KeyFile, pki.AuthKeyFile} {
		if bytes.Equal(file(t, a, name), file(t, b, name)) {
			t.Errorf("both have the same %s", name)
		}
	}

	if key := file(t, a, pki.AuthKeyFile); !regexp.MustCompile(`^[0-9a-f]{32}\n$`).Match(key) {
		t.Error("the API's key is not 16 bytes in hex")
	}
}

// A CA can be changed without a moment at which somebody is not trusted: the old one, or its root,
// signs the next one, and who trusts the old one alone accepts what the next one signs. What signs
// leafs under a root cannot make further CAs.
func TestTheNextIsTrusted(t *testing.T) {
	for _, change := range [][]func(*pki.Options){nil, {intermediate}} {
		old, next := setUp(t, change...), setUp(t, change...)
		cross := crossSign(t, next.Root(), old)
		leaf := leafOf(t, next)

		chain := []*x509.Certificate{cross}
		if len(next.Above) > 0 {
			chain = append(chain, next.Certificate)
		}

		verify(t, leaf, chain, []*x509.Certificate{old.Root()})
	}

	old, next := setUp(t, intermediate), setUp(t)
	below := sign(t, next.Certificate, old.Certificate, next.Certificate.PublicKey, file(t, old, pki.KeyFile))
	o := x509.VerifyOptions{Roots: pool(old.Root()), Intermediates: pool(old.Certificate, below)}
	if _, err := leafOf(t, next).Verify(o); err == nil {
		t.Error("an intermediate CA could make further CAs")
	}
}

// crossSign has the root of one CA signed by that of another.
func crossSign(t *testing.T, c *x509.Certificate, by pki.Setup) *x509.Certificate {
	t.Helper()
	key := pki.KeyFile
	if len(by.Above) > 0 {
		key = pki.RootKeyFile
	}
	return sign(t, c, by.Root(), c.PublicKey, file(t, by, key))
}

func leafOf(t *testing.T, s pki.Setup) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return sign(t, &x509.Certificate{DNSNames: []string{"echo.shop"}, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour)},
		s.Certificate, key.Public(), file(t, s, pki.KeyFile))
}

func sign(t *testing.T, template, parent *x509.Certificate, public any, keyPEM []byte) *x509.Certificate {
	t.Helper()
	key, err := helpers.ParsePrivateKeyPEM(keyPEM)
	if err != nil {
		t.Fatal(err)
	}

	copied := *template
	copied.SerialNumber, copied.AuthorityKeyId = nil, nil
	copied.SignatureAlgorithm = x509.UnknownSignatureAlgorithm

	der, err := x509.CreateCertificate(rand.Reader, &copied, parent, public, key)
	if err != nil {
		t.Fatal(err)
	}

	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}

	return c
}

// Whoever interrupts the making of a large key does not wait for it.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := pki.Make(ctx, options(intermediate, func(o *pki.Options) { o.Request.Key = ca.KeyRequest{Algo: ca.RSA, Size: 8192} }))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
