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

// parseCertificate reads the first certificate of a PEM text; what follows it is not looked at.
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

// encodeCertificate is c in PEM.
func encodeCertificate(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: c.Raw})
}

// CheckAuthority says why c cannot be the certificate of a CA at this time.
//
// Errors: ErrExpired; it is no CA's, or valid only later.
func CheckAuthority(c *x509.Certificate, now time.Time) error {
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

// Terms say which certificates are kept.
type Terms struct {
	Authority   *x509.Certificate // who ought to have signed them; nil: nobody knows
	RenewBefore time.Duration     // what has to be left of a certificate's life; 0: a third of it
	Now         time.Time
}

// Unusable says why a certificate must be replaced: "expires in 9 days", "hosts a -> b", "not
// signed by CA". It is "" for one to keep.
func (t Terms) Unusable(leaf *x509.Certificate, hosts []string) string {
	switch {
	case t.Now.After(leaf.NotAfter):
		return "expired on " + day(leaf.NotAfter)
	case t.Foreign(leaf):
		return fmt.Sprintf("not signed by %q", t.Authority.Subject.CommonName)
	case !sameHosts(leaf.DNSNames, hosts):
		return fmt.Sprintf("hosts %s -> %s", list(leaf.DNSNames), list(hosts))
	case t.Due(leaf.NotBefore, leaf.NotAfter):
		return "expires in " + Days(leaf.NotAfter.Sub(t.Now))
	}

	return ""
}

// Foreign reports whether another CA signed a certificate than the one that ought to have.
func (t Terms) Foreign(leaf *x509.Certificate) bool {
	return t.Authority != nil && !issuedBy(leaf, t.Authority)
}

// Due reports whether a certificate that is valid from one time to another is to be renewed.
func (t Terms) Due(notBefore, notAfter time.Time) bool {
	needed := t.RenewBefore
	if needed == 0 {
		needed = notAfter.Sub(notBefore) / 3
	}
	return notAfter.Sub(t.Now) < needed
}

// issuedBy reports whether a certificate that was accepted when it was issued is of this authority:
// it names its key (RFC 5280, section 4.2.1.1). Only where no key is named the signature is
// checked, which takes longer than all else that is asked of a certificate.
func issuedBy(leaf, authority *x509.Certificate) bool {
	if len(leaf.AuthorityKeyId) == 0 || len(authority.SubjectKeyId) == 0 {
		return signedBy(leaf, authority)
	}
	return bytes.Equal(leaf.RawIssuer, authority.RawSubject) && bytes.Equal(leaf.AuthorityKeyId, authority.SubjectKeyId)
}

func signedBy(leaf, authority *x509.Certificate) bool {
	return bytes.Equal(leaf.RawIssuer, authority.RawSubject) && leaf.CheckSignatureFrom(authority) == nil
}

// SameKey compares public keys, whose types in the standard library all have Equal.
func SameKey(a, b crypto.PublicKey) bool {
	key, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(b)
}

// sameHosts compares as sets: the order of names in a certificate means nothing.
func sameHosts(a, b []string) bool {
	sorted := func(hosts []string) []string { return slices.Compact(slices.Sorted(slices.Values(hosts))) }
	return slices.Equal(sorted(a), sorted(b))
}

// list is hosts for a message.
func list(hosts []string) string {
	if len(hosts) == 0 {
		return "none"
	}
	return strings.Join(hosts, ", ")
}

// day returns the date of t.
func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// Days returns a time span for people: in hours below two days, where days say too little.
func Days(d time.Duration) string {
	if d < 48*time.Hour {
		return fmt.Sprintf("%.0f h", d.Hours())
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
