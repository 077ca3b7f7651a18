package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"path/filepath"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/internal/file"
)

// readCA reads the CA of a directory, and makes sure that it can sign for a mesh.
func readCA(dir string, now time.Time) (CA, error) {
	certPath, keyPath := filepath.Join(dir, CertFile), filepath.Join(dir, KeyFile)
	certs, err := readCertificates(certPath)
	if err != nil {
		return CA{}, err
	}

	key, err := ca.ReadKey(keyPath)
	if err != nil {
		return CA{}, err
	}

	a := CA{Certificate: certs[0]}
	if err := checkSigning(a.Certificate, now); err != nil {
		return CA{}, fmt.Errorf("%s: %w", certPath, err)
	}
	if !ca.SameKey(a.Certificate.PublicKey, key.Public()) {
		return CA{}, fmt.Errorf("%s: not the key of %s", keyPath, certPath)
	}

	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return CA{}, fmt.Errorf("%s: encoding the key: %w", keyPath, err)
	}

	a.Key = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if a.Above, err = findAbove(dir, a.Certificate, certs[1:], now); err != nil {
		return CA{}, err
	}

	return a, a.verify(certPath, now)
}

// checkSigning returns an error if the CA of a certificate cannot sign for a mesh.
func checkSigning(c *x509.Certificate, now time.Time) error {
	if err := ca.CheckCA(c, now); err != nil {
		return err
	}
	if c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageCertSign == 0 { // RFC 5280, section 4.2.1.3
		return fmt.Errorf("the key usage of %q does not let it sign certificates", c.Subject.CommonName)
	}
	if err := kindOf(c.PublicKey).Check(); err != nil {
		return fmt.Errorf("%q: %w", c.Subject.CommonName, err)
	}

	return nil
}

// verify makes sure that pods that trust the root accept certificates of the CA.
func (a CA) verify(path string, now time.Time) error {
	options := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: now}
	options.Roots.AddCert(a.Root())
	for _, c := range a.Above {
		options.Intermediates.AddCert(c)
	}

	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		options.KeyUsages = []x509.ExtKeyUsage{usage}
		if _, err := a.Certificate.Verify(options); err != nil {
			return fmt.Errorf("%s: pods would refuse certificates of this CA: %w", path, err)
		}
	}

	return nil
}

// maxAbove limits the path to a root, because planted certificates may form a circle.
const maxAbove = 10

// findAbove returns the CAs that signed a CA, up to a root. It searches the certificates that came
// with the CA, and the directory's other files.
func findAbove(dir string, c *x509.Certificate, known []*x509.Certificate, now time.Time) (above []*x509.Certificate, err error) {
	others, err := readExisting(dir, ChainFile, BundleFile, RootFile)
	if err != nil {
		return nil, err
	}

	known = append(known, others...)
	for !isRoot(c) {
		issuer := issuerOf(c, known)
		if issuer == nil || len(above) == maxAbove {
			return nil, fmt.Errorf("%s: %q was signed by %q, whose certificate is missing: add it as %s",
				dir, c.Subject.CommonName, c.Issuer.CommonName, filepath.Join(dir, RootFile))
		}

		if err := ca.CheckCA(issuer, now); err != nil {
			return nil, fmt.Errorf("%s: above %q: %w", dir, c.Subject.CommonName, err)
		}
		above = append(above, issuer)
		c = issuer
	}

	return above, nil
}

// issuerOf returns the CA that signed a certificate. If a root and another CA with the same key
// did, as after a rotation, it returns the root.
func issuerOf(c *x509.Certificate, known []*x509.Certificate) (issuer *x509.Certificate) {
	for _, k := range known {
		if bytes.Equal(c.RawIssuer, k.RawSubject) && c.CheckSignatureFrom(k) == nil && (issuer == nil || isRoot(k)) {
			issuer = k
		}
	}
	return issuer
}

func isRoot(c *x509.Certificate) bool { return bytes.Equal(c.RawIssuer, c.RawSubject) }

// readCertificates reads a file of CAs' certificates, at least one.
func readCertificates(path string) ([]*x509.Certificate, error) {
	text, err := file.Read(path)
	if err != nil {
		return nil, err
	}
	certs, err := ca.ParseTrustBundle(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}

	return certs, nil
}

// readExisting returns the certificates in those of a directory's files that exist.
func readExisting(dir string, names ...string) (all []*x509.Certificate, err error) {
	for _, name := range names {
		certs, err := readCertificates(filepath.Join(dir, name))
		if gone(err) != nil {
			return nil, err
		}
		all = append(all, certs...)
	}

	return all, nil
}
