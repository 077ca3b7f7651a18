package ca

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/cloudflare/cfssl/config"
	"github.com/cloudflare/cfssl/csr"
	"github.com/cloudflare/cfssl/initca"
	"github.com/cloudflare/cfssl/signer"
	"github.com/cloudflare/cfssl/signer/local"

	"github.com/tykmesh/tykmesh/ca/internal/file"
	"github.com/tykmesh/tykmesh/ca/internal/quiet"
)

// The files of a local CA in its directory.
const (
	LocalCertificate = "ca.pem" // which pods must trust
	localKey         = "ca-key.pem"
)

// Lifetimes of a local CA and of its certificates. The latter is the setting in the guide of the
// original service mesh. A CA for trying out the tool is never rotated, so it lives for ten years.
const (
	localLife   = 365 * 24 * time.Hour
	localCALife = 10 * localLife
)

// Local is a Signer with a CA's key from a file. It is safe for concurrent use.
type Local struct {
	chain  []*x509.Certificate
	signer *local.Signer
	now    func() time.Time
}

// OpenLocal opens the CA in dir. The first use creates dir, a P-256 key in ca-key.pem that only its
// owner may read, and a certificate of ten years in ca.pem. names are its subject besides the
// common name, which is unique: some programs identify a CA by its name alone. Two processes that
// create it at once get the same CA.
//
// Errors: a file that cannot be read or written or has other content, the key of another
// certificate, a CA that has expired.
func OpenLocal(dir string, names []Name) (*Local, error) {
	quiet.CFSSL()
	l, err := openLocal(dir, names)
	if err != nil {
		return nil, fmt.Errorf("opening the local CA in %s: %w", dir, err)
	}
	return l, nil
}

func openLocal(dir string, names []Name) (*Local, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}

	keyPath, certPath := filepath.Join(dir, localKey), filepath.Join(dir, LocalCertificate)

	// The key is made before the certificate. So an interrupted run may leave a key without a
	// certificate, but never a certificate without a key.
	if _, err := os.Stat(certPath); err == nil {
		if _, err := os.Stat(keyPath); err != nil {
			return nil, fmt.Errorf("a certificate without its key: %w", err)
		}
	}

	err := makeFile(keyPath, 0o600, func() ([]byte, error) {
		_, key, err := KeyRequest{}.generate()
		return key, err
	})
	if err != nil {
		return nil, err
	}

	err = makeFile(certPath, 0o644, func() ([]byte, error) {
		key, err := ReadKey(keyPath)
		if err != nil {
			return nil, err
		}
		cert, err := selfSign(key, names)
		if err != nil {
			return nil, err
		}
		return encodeCertificate(cert), nil
	})
	if err != nil {
		return nil, err
	}

	return OpenKey(certPath, keyPath, time.Now())
}

// makeFile creates a file unless it exists, or another process creates it at the same time.
func makeFile(path string, mode fs.FileMode, content func() ([]byte, error)) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text, err := content()
	if err == nil {
		err = file.Create(path, mode, text)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}

	return err
}

func newLocal(chain []*x509.Certificate, key crypto.Signer) (*Local, error) {
	s, err := local.NewSigner(key, chain[0], signer.DefaultSigAlgo(key), &config.Signing{Default: &config.SigningProfile{
		Usage:        LeafUsages(),
		Expiry:       localLife,
		ExpiryString: localLife.String(),
	}})
	if err != nil {
		return nil, fmt.Errorf("setting up the signer: %w", err)
	}

	return &Local{chain: chain, signer: s, now: time.Now}, nil
}

// selfSign returns a CA's certificate. Its name depends on the key alone, so that two concurrent
// processes agree on it.
func selfSign(key crypto.Signer, names []Name) (*x509.Certificate, error) {
	name, err := UniqueName("tykmesh local CA", key.Public())
	if err != nil {
		return nil, err
	}

	text, _, err := initca.NewFromSigner(&csr.CertificateRequest{
		CN:    name,
		Names: names,
		CA:    &csr.CAConfig{Expiry: localCALife.String(), PathLength: 1}, // so that it may sign the next CA, as one of ca init
	}, key)
	if err != nil {
		return nil, fmt.Errorf("making the CA's certificate: %w", err)
	}

	return parseCertificate(text)
}

// String names the CA: `CA "tykmesh local CA 1a2b3c4d"`.
func (l *Local) String() string { return fmt.Sprintf("CA %q", l.chain[0].Subject.CommonName) }

// Chain returns the CA's certificate and those above it. Its error is always nil.
func (l *Local) Chain(context.Context) ([]*x509.Certificate, error) { return l.chain, nil }

// Sign signs a request for exactly these hosts. The certificate is valid for a year, but not longer
// than the CA.
//
// Errors: an invalid request, or one with a wrong signature.
func (l *Local) Sign(_ context.Context, hosts []string, csrPEM []byte) ([]byte, error) {
	now := l.now()
	request := signer.SignRequest{Hosts: hosts, Request: string(csrPEM), NotBefore: now.Round(time.Minute).Add(-Backdate)}
	if end := l.chain[0].NotAfter; end.Before(now.Add(localLife)) {
		request.NotAfter = end
	}

	leaf, err := l.signer.Sign(request)
	if err != nil {
		return nil, fmt.Errorf("signing for %s: %w", list(hosts), err)
	}

	return leaf, nil
}
