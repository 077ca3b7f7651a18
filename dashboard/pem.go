package dashboard

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"
)

// leafOf returns the first certificate of a PEM bundle.
func leafOf(bundle []byte) (*x509.Certificate, error) {
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		leaf, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("failed to decode certificate: %w", err)
		}
		return leaf, nil
	}

	return nil, errors.New("failed to decode certificate: it should be PEM encoded")
}

// storeID returns the id that the store will give a certificate: the organisation's id and the
// SHA-256 of its DER ("Tyk Dashboard API, certificates").
func storeID(org string, leaf *x509.Certificate) string {
	sum := sha256.Sum256(leaf.Raw)
	return org + hex.EncodeToString(sum[:])
}

// uploadID returns the id that a bundle will have in the store. It refuses a leaf with an Ed25519
// key, which Tyk stores and then cannot read ("Tyk Dashboard API, certificates, upload").
func uploadID(org string, bundle []byte) (string, error) {
	leaf, err := leafOf(bundle)
	if err != nil {
		return "", err
	}
	if leaf.PublicKeyAlgorithm == x509.Ed25519 {
		return "", errors.New("certificates with an Ed25519 key cannot be used with Tyk")
	}

	return storeID(org, leaf), nil
}

// ParseCertificate describes a PEM bundle as the Dashboard's store would: its id in the
// organisation and the properties of its first certificate.
//
// Errors: the bundle has no certificate, or its first one cannot be parsed.
func ParseCertificate(org string, bundle []byte) (Certificate, error) {
	leaf, err := leafOf(bundle)
	if err != nil {
		return Certificate{}, err
	}

	return Certificate{
		ID:         storeID(org, leaf),
		IssuerCN:   leaf.Issuer.CommonName,
		SubjectCN:  leaf.Subject.CommonName,
		DNSNames:   leaf.DNSNames,
		NotBefore:  leaf.NotBefore,
		NotAfter:   leaf.NotAfter,
		HasPrivate: privateKeys(bundle) > 0,
		IsCA:       leaf.IsCA,
	}, nil
}

// CheckBundle returns an error for a bundle that the store would refuse, in similar words: an
// expired leaf, more than one private key, the key of another certificate. The store accepts a
// bundle without a key (a CA, a client's certificate).
func CheckBundle(bundle []byte, now time.Time) error {
	c, err := ParseCertificate("", bundle)
	if err != nil {
		return err
	}

	keys := privateKeys(bundle)
	if keys > 1 {
		return errors.New("found multiple private keys")
	}
	if now.After(c.NotAfter) {
		return errors.New("certificate is expired")
	}

	if keys == 1 {
		_, err = tls.X509KeyPair(bundle, bundle)
	}

	return err
}

func privateKeys(bundle []byte) int {
	n := 0
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			n++
		}
	}
	return n
}
