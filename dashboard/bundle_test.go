package dashboard_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

// bundle returns a self-signed certificate for a name, with its key, in the form of an upload.
func bundle(t testing.TB, name string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return append(certificatePEM(t, name, key, time.Now().Add(time.Hour)), keyPEM(t, key)...)
}

func ed25519Bundle(t testing.TB, name string) []byte {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return append(certificatePEM(t, name, key, time.Now().Add(time.Hour)), keyPEM(t, key)...)
}

func expiredBundle(t testing.TB, name string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return append(certificatePEM(t, name, key, time.Now().Add(-time.Hour)), keyPEM(t, key)...)
}

func certificatePEM(t testing.TB, name string, key crypto.Signer, notAfter time.Time) []byte {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}

	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		DNSNames:     []string{name},
		NotBefore:    notAfter.Add(-48 * time.Hour),
		NotAfter:     notAfter,
	}

	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}

	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func keyPEM(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// keyOf returns the private key of a bundle.
func keyOf(t testing.TB, bundle []byte) []byte {
	t.Helper()
	i := bytes.Index(bundle, []byte("-----BEGIN PRIVATE KEY"))
	if i < 0 {
		t.Fatal("the bundle has no key")
	}
	return bundle[i:]
}
