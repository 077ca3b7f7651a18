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

// leafID returns the id that the store will give a certificate: the organisation's id and the
// SHA-256 of the first certificate's DER ("Tyk Dashboard API, certificates").
func leafID(org string, bundle []byte) (string, error) {
	leaf, err := leafOf(bundle)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(leaf.Bytes)
	return org + hex.EncodeToString(sum[:]), nil
}

func leafOf(bundle []byte) (*pem.Block, error) {
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			return block, nil
		}
	}
	return nil, errors.New("failed to decode certificate: it should be PEM encoded")
}

// ParseCertificate describes a PEM bundle as the Dashboard's store would: its id in the
// organisation and the properties of its first certificate.
//
// Errors: the bundle has no certificate, or its first one cannot be parsed.
func ParseCertificate(org string, bundle []byte) (Certificate, error) {
	id, err := leafID(org, bundle)
	if err != nil {
		return Certificate{}, err
	}

	block, _ := leafOf(bundle)
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return Certificate{}, fmt.Errorf("failed to decode certificate: %w", err)
	}

	return Certificate{
		ID:         id,
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

// refuseEd25519 returns an error for a leaf with an Ed25519 key, which Tyk stores and then cannot
// read ("Tyk Dashboard API, certificates, upload").
func refuseEd25519(bundle []byte) error {
	block, err := leafOf(bundle)
	if err != nil {
		return err
	}

	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return fmt.Errorf("failed to decode certificate: %w", err)
	}
	if leaf.PublicKeyAlgorithm == x509.Ed25519 {
		return errors.New("certificates with an Ed25519 key cannot be used with Tyk")
	}

	return nil
}
