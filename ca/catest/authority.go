package catest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"
)

// Authority is a CA for tests, with a P-256 key.
type Authority struct {
	Cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes a CA that is valid from 2000 to 2100, so that a server's clock can be anywhere.
func NewAuthority(name string) *Authority {
	year := func(y int) time.Time { return time.Date(y, time.January, 1, 0, 0, 0, 0, time.UTC) }
	return NewAuthorityFor(name, year(2000), year(2100))
}

// NewAuthorityFor makes a CA that is valid for a time.
func NewAuthorityFor(name string, from, to time.Time) *Authority {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             from,
		NotAfter:              to,
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	return &Authority{Cert: must(x509.ParseCertificate(der)), key: key}
}

// PEM is the CA's certificate.
func (a *Authority) PEM() []byte { return certPEM(a.Cert.Raw) }

// issue makes a certificate without CFSSL: a server's own, a client's.
func (a *Authority) issue(template *x509.Certificate) (certificate, key []byte) {
	private := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	der := must(x509.CreateCertificate(rand.Reader, template, a.Cert, private.Public(), a.key))
	return certPEM(der), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(private))})
}

func certPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// must is for what fails only if the program is wrong or the machine has no random numbers: a test cannot go on without it.
func must[T any](v T, err error) T {
	if err != nil {
		panic("catest: " + err.Error())
	}
	return v
}
