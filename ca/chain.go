package ca

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/ca/internal/file"
)

// readChain reads the certificate of the CA that signs, followed by those above it, each of which
// signed the previous one; nil without a path.
//
// Errors: ErrCertPath.
func readChain(path string, now time.Time) ([]*x509.Certificate, error) {
	if path == "" {
		return nil, nil
	}
	text, err := file.Read(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCertPath, err)
	}

	chain, err := parseCertificates(text)
	if err == nil {
		err = checkChain(chain, now)
	}

	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCertPath, path, err)
	}

	return chain, nil
}

func checkChain(chain []*x509.Certificate, now time.Time) error {
	if err := CheckCA(chain[0], now); err != nil {
		return err
	}
	for i, above := range chain[1:] {
		if !signedBy(chain[i], above) {
			return fmt.Errorf("%q is not signed by %q, which follows it; put the CA that signs first, then the one above it, and so on",
				chain[i].Subject.CommonName, above.Subject.CommonName)
		}
	}

	return nil
}

// parseCertificates parses certificates in PEM: at least one, and nothing else.
func parseCertificates(text []byte) (all []*x509.Certificate, err error) {
	for {
		block, rest := pem.Decode(text)
		switch {
		case block == nil && len(all) == 0:
			return nil, errors.New("no certificate in PEM form")
		case block == nil:
			return all, nil
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			return nil, errors.New("contains a private key, although others read this file; remove the key")
		case block.Type != pemCertificate:
			return nil, fmt.Errorf("contains a %s, but only certificates are allowed", strings.ToLower(oneLine(block.Type)))
		}

		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(all)+1, err)
		}

		all, text = append(all, cert), rest
	}
}

// EncodeCertificates returns certificates in PEM, in their order.
func EncodeCertificates(certs ...*x509.Certificate) (text []byte) {
	for _, c := range certs {
		text = append(text, encodeCertificate(c)...)
	}
	return text
}

// SameCA reports whether two certificates belong to one CA: they have the same name and key,
// whatever their signers. During a rotation, the new CA has two: its own, and one that the previous
// CA signed.
func SameCA(a, b *x509.Certificate) bool {
	return bytes.Equal(a.RawSubject, b.RawSubject) && bytes.Equal(a.RawSubjectPublicKeyInfo, b.RawSubjectPublicKeyInfo)
}

// TrustBundle is the CAs that pods trust, as the ConfigMap ca-pem contains them. An empty one is
// unknown and accepts every CA.
type TrustBundle []*x509.Certificate

// ParseTrustBundle parses a trust bundle: certificates of CAs in PEM. They may have expired.
//
// Errors: a text without certificates of CAs, or with anything else.
func ParseTrustBundle(text []byte) (TrustBundle, error) {
	t, err := parseCertificates(text)
	if err != nil {
		return nil, err
	}
	for _, c := range t {
		if !c.BasicConstraintsValid || !c.IsCA {
			return nil, fmt.Errorf("%q is not the certificate of a CA", c.Subject.CommonName)
		}
	}

	return t, nil
}

// Hash returns 16 hexadecimal digits that identify the set of CAs, in any order; "" for an empty
// bundle.
func (t TrustBundle) Hash() string {
	if len(t) == 0 {
		return ""
	}
	sums := make([]string, len(t))
	for i, c := range t {
		sum := sha256.Sum256(c.Raw)
		sums[i] = string(sum[:])
	}

	slices.Sort(sums)
	sum := sha256.Sum256([]byte(strings.Join(slices.Compact(sums), "")))

	return hex.EncodeToString(sum[:8])
}

// CheckDates reports whether one of the CAs can vouch for certificates now: whether it has begun
// and has not expired. An empty bundle passes.
//
// Errors: ErrExpired, ErrNotYetValid.
func (t TrustBundle) CheckDates(now time.Time) error {
	for _, c := range t {
		if !now.Before(c.NotBefore) && !now.After(c.NotAfter) {
			return nil
		}
	}
	if len(t) == 0 {
		return nil
	}

	last := t[len(t)-1]
	if now.Before(last.NotBefore) {
		return fmt.Errorf("%q begins on %s: %w", last.Subject.CommonName, day(last.NotBefore), ErrNotYetValid)
	}

	return fmt.Errorf("%q: %w on %s", last.Subject.CommonName, ErrExpired, day(last.NotAfter))
}

// Check returns an error unless pods trust the first CA of a chain.
//
// Errors: ErrUntrusted.
func (t TrustBundle) Check(chain []*x509.Certificate, now time.Time) error {
	if len(t) == 0 {
		return nil
	}

	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, c := range t {
		roots.AddCert(c)
	}

	for _, c := range chain[1:] {
		between.AddCert(c)
	}

	// Any key usage: constraints of a CA are checked with the certificates that it signs.
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return fmt.Errorf("%w: %q: %w", ErrUntrusted, chain[0].Subject.CommonName, err)
	}

	return nil
}
