package ca

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// pemCertificate is the type of a PEM block that holds a certificate (RFC 7468, section 5).
const pemCertificate = "CERTIFICATE"

// parseCertificate returns the first certificate of a PEM text and ignores the rest.
func parseCertificate(text []byte) (*x509.Certificate, error) {
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			return nil, errors.New("no certificate in PEM form")
		}
		if block.Type == pemCertificate {
			return x509.ParseCertificate(block.Bytes)
		}

		text = rest
	}
}

// encodeCertificate returns c in PEM.
func encodeCertificate(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: c.Raw})
}

// CheckCA returns an error if c is not a valid certificate of a CA.
//
// Errors: ErrExpired; it is not a CA's, or not valid yet.
func CheckCA(c *x509.Certificate, now time.Time) error {
	switch {
	case !c.BasicConstraintsValid || !c.IsCA:
		return fmt.Errorf("%q is not the certificate of a CA", c.Subject.CommonName)
	case now.After(c.NotAfter):
		return fmt.Errorf("the CA %q %w on %s", c.Subject.CommonName, ErrExpired, day(c.NotAfter))
	case now.Before(c.NotBefore):
		return fmt.Errorf("the CA %q is not valid before %s", c.Subject.CommonName, c.NotBefore.UTC().Format(time.RFC3339))
	}

	return nil
}

// Terms decide which certificates to keep.
type Terms struct {
	CA          *x509.Certificate // the required CA; nil accepts any
	RenewBefore time.Duration     // the required rest of a certificate's lifetime; 0 means a third
	Now         time.Time
}

// Unusable returns why a certificate must be replaced: "expires in 9 days", "hosts a -> b", "not
// signed by CA". It returns "" for a certificate to keep.
func (t Terms) Unusable(leaf *x509.Certificate, hosts []string) string {
	switch {
	case t.Now.After(leaf.NotAfter):
		return "expired on " + day(leaf.NotAfter)
	case t.Foreign(leaf):
		return fmt.Sprintf("not signed by %q", t.CA.Subject.CommonName)
	case !sameHosts(leaf.DNSNames, hosts):
		return fmt.Sprintf("hosts %s -> %s", list(leaf.DNSNames), list(hosts))
	case t.Due(leaf.NotBefore, leaf.NotAfter):
		return "expires in " + Days(leaf.NotAfter.Sub(t.Now))
	}

	return ""
}

// Foreign reports whether a CA other than the required one signed a certificate.
func (t Terms) Foreign(leaf *x509.Certificate) bool {
	return t.CA != nil && !issuedBy(leaf, t.CA)
}

// Due reports whether to renew a certificate that is valid from notBefore to notAfter.
func (t Terms) Due(notBefore, notAfter time.Time) bool {
	needed := t.RenewBefore
	if needed == 0 {
		needed = notAfter.Sub(notBefore) / 3
	}
	return notAfter.Sub(t.Now) < needed
}

// issuedBy reports whether a CA issued a certificate that was verified when it was issued: the
// certificate names the CA's key (RFC 5280, section 4.2.1.1). If it names no key, issuedBy verifies
// the signature, which is by far the slowest check.
func issuedBy(leaf, authority *x509.Certificate) bool {
	if len(leaf.AuthorityKeyId) == 0 || len(authority.SubjectKeyId) == 0 {
		return signedBy(leaf, authority)
	}
	return bytes.Equal(leaf.RawIssuer, authority.RawSubject) && bytes.Equal(leaf.AuthorityKeyId, authority.SubjectKeyId)
}

func signedBy(leaf, authority *x509.Certificate) bool {
	return bytes.Equal(leaf.RawIssuer, authority.RawSubject) && leaf.CheckSignatureFrom(authority) == nil
}

// SameKey reports whether two public keys are equal. All their types in the standard library have
// Equal.
func SameKey(a, b crypto.PublicKey) bool {
	key, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(b)
}

// sameHosts reports whether two lists have the same hosts: their order in a certificate means
// nothing.
func sameHosts(a, b []string) bool {
	sorted := func(hosts []string) []string { return slices.Compact(slices.Sorted(slices.Values(hosts))) }
	return slices.Equal(sorted(a), sorted(b))
}

// list returns hosts for a message.
func list(hosts []string) string {
	if len(hosts) == 0 {
		return "none"
	}
	return strings.Join(hosts, ", ")
}

// day returns the date of t.
func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// Days returns a time span for messages, in days, or in hours below two days.
func Days(d time.Duration) string {
	if d < 48*time.Hour {
		return fmt.Sprintf("%.0f h", d.Hours())
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
