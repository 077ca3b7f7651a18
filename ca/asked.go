package ca

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"slices"
	"time"
)

// MaxYears bounds the lifetime of a new certificate. Many signing profiles use ten years, and no
// mesh should rely on a key for longer. Certificates also end with their CA.
const MaxYears = 10

// Backdate is the time by which issuers date certificates back, for clocks that differ (cfssl,
// signer.FillTemplate).
const Backdate = 5 * time.Minute

// maxLife is MaxYears with every leap day; maxBackdate is more than clocks differ and profiles
// backdate.
const (
	maxLife     = MaxYears * 366 * 24 * time.Hour
	maxBackdate = 7 * 24 * time.Hour
)

// LeafUsages returns the usages of certificates, in cfssl's words: both ends of a TLS connection,
// without key encipherment. RFC 8813 forbids that for ecdsa keys, and rsa keys only need it for a
// key exchange that TLS 1.3 removed.
func LeafUsages() []string { return []string{"signing", "server auth", "client auth"} }

// authorityUsages are the key usages of CAs (RFC 5280, section 4.2.1.3).
const authorityUsages = x509.KeyUsageCertSign | x509.KeyUsageCRLSign

// acceptable returns ErrForeignCA or ErrNotAsAsked for a certificate that differs from the request.
func acceptable(leaf *x509.Certificate, hosts []string, key crypto.PublicKey, authority *x509.Certificate, now time.Time) error {
	if !signedBy(leaf, authority) {
		return fmt.Errorf("%w, not by %q", ErrForeignCA, authority.Subject.CommonName)
	}
	if reason := unlike(leaf, hosts, key, authority, now); reason != "" {
		return fmt.Errorf("%w: %s", ErrNotAsAsked, reason)
	}
	if now.Before(leaf.NotBefore) {
		return fmt.Errorf("%w: %w: from %s on, and the clock here says %s", ErrNotAsAsked, ErrNotYetValid,
			leaf.NotBefore.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}

	return nil
}

// unlike returns the first difference between a certificate and the request; "" without one.
func unlike(leaf *x509.Certificate, hosts []string, key crypto.PublicKey, authority *x509.Certificate, now time.Time) string {
	switch {
	case !SameKey(leaf.PublicKey, key):
		return "it is for another key"
	case leaf.IsCA:
		return "it is the certificate of a CA"
	case !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageServerAuth) || !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageClientAuth):
		return "the signing profile does not allow both server and client authentication"
	case leaf.KeyUsage&authorityUsages != 0:
		return "its key may sign certificates or revocation lists, as that of a CA"
	case slices.ContainsFunc(leaf.ExtKeyUsage, beyondTLS) || len(leaf.UnknownExtKeyUsage) > 0:
		return "the signing profile allows more than server and client authentication"
	case len(leaf.IPAddresses)+len(leaf.EmailAddresses)+len(leaf.URIs) > 0:
		return "it names more than hosts"
	}

	if reason := (Terms{CA: authority, Now: now}).Unusable(leaf, hosts); reason != "" {
		return reason
	}

	return untimely(leaf, now)
}

// beyondTLS reports whether an extended usage allows anything other than TLS servers and clients.
func beyondTLS(usage x509.ExtKeyUsage) bool {
	return usage != x509.ExtKeyUsageServerAuth && usage != x509.ExtKeyUsageClientAuth
}

// untimely returns why the validity of a new certificate is not accepted; "" if it is.
func untimely(leaf *x509.Certificate, now time.Time) string {
	switch {
	case leaf.NotAfter.Sub(leaf.NotBefore) > maxLife:
		return fmt.Sprintf("it is valid until %s, for more than %d years", day(leaf.NotAfter), MaxYears)
	case now.Sub(leaf.NotBefore) > maxBackdate:
		return fmt.Sprintf("it is valid since %s, more than a week before it was asked for", day(leaf.NotBefore))
	}
	return ""
}
