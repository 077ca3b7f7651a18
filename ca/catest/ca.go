package catest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"
)

// CA is a CA for tests. Its default key is P-256.
type CA struct {
	Cert *x509.Certificate
	key  crypto.Signer
}

// NewCA returns a CA that is valid from 2000 to 2100, for any clock of a server.
func NewCA(name string) *CA { return NewCAFor(name, year(2000), year(2100)) }

func year(y int) time.Time { return time.Date(y, time.January, 1, 0, 0, 0, 0, time.UTC) }

// NewRSACA returns such a CA with an RSA key.
func NewRSACA(name string, bits int) *CA {
	a := &CA{key: must(rsa.GenerateKey(rand.Reader, bits))}
	a.Cert = a.sign(name, year(2000), year(2100), a)
	return a
}

// NewCAFor returns a CA with a validity.
func NewCAFor(name string, from, to time.Time) *CA {
	a := &CA{key: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))}
	a.Cert = a.sign(name, from, to, a)
	return a
}

// ReadCA returns a CA with this certificate and key, both in PEM, the key in PKCS#8.
func ReadCA(certificate, key []byte) *CA {
	return &CA{Cert: must(x509.ParseCertificate(der(certificate))), key: must(x509.ParsePKCS8PrivateKey(der(key))).(crypto.Signer)}
}

// der returns the content of the first PEM block.
func der(text []byte) []byte {
	block, _ := pem.Decode(text)
	return block.Bytes
}

// NewCA returns a CA below this one: an intermediate with the same validity.
func (a *CA) NewCA(name string) *CA {
	below := &CA{key: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))}
	below.Cert = a.sign(name, a.Cert.NotBefore, a.Cert.NotAfter, below)
	return below
}

// CrossSign returns another CA with a certificate that this one signs.
func (a *CA) CrossSign(other *CA) *CA {
	return &CA{key: other.key, Cert: a.sign(other.Cert.Subject.CommonName, other.Cert.NotBefore, other.Cert.NotAfter, other)}
}

// sign returns a certificate for a CA. Without a certificate, a signs its own.
func (a *CA) sign(name string, from, to time.Time, of *CA) *x509.Certificate {
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(time.Now().UnixNano()),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             from,
		NotAfter:              to,
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}

	parent := a.Cert
	if parent == nil {
		parent = template
	}

	return must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, template, parent, of.key.Public(), a.key))))
}

// KeyPEM returns the CA's private key.
func (a *CA) KeyPEM() []byte { return keyPEM(a.key) }

// PEM returns the CA's certificate.
func (a *CA) PEM() []byte { return certPEM(a.Cert.Raw) }

// issue returns a certificate that does not come from CFSSL: for a server or a client.
func issue(a *CA, template *x509.Certificate) (certificate, key []byte) {
	private := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	der := must(x509.CreateCertificate(rand.Reader, template, a.Cert, private.Public(), a.key))
	return certPEM(der), keyPEM(private)
}

func certPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func keyPEM(key crypto.Signer) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(key))})
}

// must returns a value, and panics for errors of a wrong program or a machine without random
// numbers.
func must[T any](v T, err error) T {
	if err != nil {
		panic("catest: " + err.Error())
	}
	return v
}
