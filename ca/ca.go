// Package ca makes keys and has certificates for them signed: by a CFSSL server, or by a key on disk. It keeps the ledger of what was
// issued (MongoDB, or a file), and says when a certificate can no longer be used.
//
// A private key leaves this package only in a Bundle, whose key prints as [redacted]. The package never writes a key anywhere but a local
// CA's own, never uploads anything, never prints or logs, and never puts a key, an API key or a connection string into an error.
package ca

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/cloudflare/cfssl/csr"

	"github.com/tykmesh/tykmesh/ca/internal/quiet"
)

// Signer signs certificate requests: a *Client or a *Local.
type Signer interface {
	// Chain is the certificate of the CA that signs, and after it those above it, which go with what it signs.
	Chain(ctx context.Context) ([]*x509.Certificate, error)
	// Sign has csrPEM signed for exactly hosts and returns the certificate in PEM.
	Sign(ctx context.Context, hosts []string, csrPEM []byte) (leafPEM []byte, err error)
}

// Request says what is wanted of a new certificate.
type Request struct {
	// Hosts are the DNS names of the certificate. The first is its common name too, and so has at most 64 bytes (RFC 5280, appendix A.1,
	// ub-common-name).
	Hosts []string
	// Names are the rest of the subject, as the CA.defaultNames of a tyk-k8s configuration has them.
	Names []csr.Name
	Key   KeyRequest
	// Trust is what pods trust, which must be what signs.
	Trust Trust
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Bundle is a certificate with its private key: a secret.
type Bundle struct {
	Leaf        *x509.Certificate
	Certificate []byte // the leaf in PEM
	Chain       []byte // the certificate of the CA in PEM, and of those above it
	Key         PrivateKey
}

// PEM is the certificate, the CA's and the private key, in the order that the Dashboard's certificate store is given them
// (Tyk Dashboard API, certificates). It is a secret.
func (b Bundle) PEM() []byte {
	return slices.Concat(b.Certificate, b.Chain, b.Key)
}

// StoreID is the id that the Dashboard's certificate store gives a certificate of an organisation: the organisation's id and the SHA-256 of
// the certificate's DER in hex (Tyk Dashboard API, certificates). So it is known before the upload.
func StoreID(org string, leaf *x509.Certificate) string {
	sum := sha256.Sum256(leaf.Raw)
	return org + hex.EncodeToString(sum[:])
}

// Issue makes a key, has s sign a certificate for it and checks what comes back, because a CFSSL server answers a request for an unknown
// profile with its default one and never looks at names. Issue ends with ctx, even while a large key is made.
//
// Errors: a host or a key request that cannot be served (before anything is sent), those of s, ErrUntrusted, ErrNotAsAsked and
// ErrForeignCA; the context's.
func Issue(ctx context.Context, s Signer, r Request) (Bundle, error) {
	quiet.CFSSL()
	if err := CheckHosts(r.Hosts); err != nil {
		return Bundle{}, err
	}
	if err := r.Key.Check(); err != nil {
		return Bundle{}, err
	}
	chain, err := s.Chain(ctx) // first: a large key takes seconds to make
	if err != nil {
		return Bundle{}, err
	}
	now := clock(r.Now)
	if err := r.Trust.Check(chain, now()); err != nil {
		return Bundle{}, err
	}
	key, keyPEM, err := r.Key.Generate(ctx)
	if err != nil {
		return Bundle{}, err
	}
	csrPEM, err := csr.Generate(key, &csr.CertificateRequest{CN: r.Hosts[0], Names: r.Names, Hosts: r.Hosts})
	if err != nil {
		return Bundle{}, fmt.Errorf("making a certificate request for %s: %w", r.Hosts[0], err)
	}
	leafPEM, err := s.Sign(ctx, r.Hosts, csrPEM)
	if err != nil {
		return Bundle{}, err
	}
	leaf, err := parseCertificate(leafPEM)
	if err != nil {
		return Bundle{}, fmt.Errorf("reading the certificate for %s: %w", r.Hosts[0], err)
	}
	if err := acceptable(leaf, r.Hosts, key.Public(), chain[0], now()); err != nil {
		return Bundle{}, err
	}
	return Bundle{Leaf: leaf, Certificate: encodeCertificate(leaf), Chain: EncodeCertificates(chain...), Key: keyPEM}, nil
}

// clock is now, or the system's.
func clock(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}
