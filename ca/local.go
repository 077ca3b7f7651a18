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
	"github.com/cloudflare/cfssl/helpers"
	"github.com/cloudflare/cfssl/initca"
	"github.com/cloudflare/cfssl/signer"
	"github.com/cloudflare/cfssl/signer/local"

	"github.com/tykmesh/tykmesh/ca/internal/file"
	"github.com/tykmesh/tykmesh/ca/internal/quiet"
)

// The files of a local CA in its directory.
const (
	LocalCertificate = "ca.pem" // what pods are to trust
	localKey         = "ca-key.pem"
)

// How long a local CA and what it signs are valid. A year for certificates is what the
// configuration of the original service mesh's guide has CFSSL give; ten for the CA, because
// nothing rotates a CA that is made to try the tool with.
const (
	localLife   = 365 * 24 * time.Hour
	localCALife = 10 * localLife
)

// Local signs with a CA whose key is on disk. It is safe for concurrent use.
type Local struct {
	chain  []*x509.Certificate
	signer *local.Signer
}

// OpenLocal opens the CA in dir, and makes it (and dir) on first use: a P-256 key in ca-key.pem,
// which only the owner may read, and a certificate of ten years in ca.pem, whose name no other CA
// has: where certificates are told apart by their issuer's name alone, two CAs must not share one.
// names are the rest of its subject. Of two processes that make it at once, both end up with the
// same.
//
// Errors: a file that cannot be read or written or holds something else, a key of another
// certificate, a CA that has expired.
func OpenLocal(dir string, names []csr.Name) (*Local, error) {
	quiet.CFSSL()
	l, err := openLocal(dir, names)
	if err != nil {
		return nil, fmt.Errorf("opening the local CA in %s: %w", dir, err)
	}
	return l, nil
}

func openLocal(dir string, names []csr.Name) (*Local, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}

	keyPath, certPath := filepath.Join(dir, localKey), filepath.Join(dir, LocalCertificate)

	// The certificate is made after its key, from it: so a certificate without a key was put there
	// by somebody, and a key without a certificate is what a process left that was stopped in
	// between.
	if _, err := os.Stat(certPath); err == nil {
		if _, err := os.Stat(keyPath); err != nil {
			return nil, fmt.Errorf("a certificate without its key: %w", err)
		}
	}

	keyPEM, err := readOrMake(keyPath, 0o600, func() ([]byte, error) {
		_, key, err := KeyRequest{}.generate()
		return key, err
	})
	if err != nil {
		return nil, err
	}

	key, err := helpers.ParsePrivateKeyPEM(keyPEM)
	if err != nil {
		return nil, fmt.Errorf("%s: not a private key", localKey) // what cfssl says may depend on the key
	}

	certPEM, err := readOrMake(certPath, 0o644, func() ([]byte, error) { return selfSign(key, names) })
	if err != nil {
		return nil, err
	}

	return newLocalIn(certPEM, key)
}

// newLocalIn returns a local CA whose certificate has been read from its directory.
func newLocalIn(certPEM []byte, key crypto.Signer) (*Local, error) {
	cert, err := parseCertificate(certPEM)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", LocalCertificate, err)
	}
	if err := CheckAuthority(cert, time.Now()); err != nil {
		return nil, err
	}
	if !SameKey(cert.PublicKey, key.Public()) {
		return nil, fmt.Errorf("the key in %s is not that of %s", localKey, LocalCertificate)
	}

	return newLocal([]*x509.Certificate{cert}, key)
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

	return &Local{chain: chain, signer: s}, nil
}

// selfSign makes the CA's certificate. Its name depends on the key alone, so that two processes
// that do this at once agree on it.
func selfSign(key crypto.Signer, names []csr.Name) ([]byte, error) {
	name, err := UniqueName("tykmesh local CA", key.Public())
	if err != nil {
		return nil, err
	}

	cert, _, err := initca.NewFromSigner(&csr.CertificateRequest{
		CN:    name,
		Names: names,
		CA:    &csr.CAConfig{Expiry: localCALife.String(), PathLength: 1}, // it may sign the next CA, as one of ca init may
	}, key)
	if err != nil {
		return nil, fmt.Errorf("making the CA's certificate: %w", err)
	}

	return cert, nil
}

// Chain returns the CA's certificate and those above it. It returns no error.
func (l *Local) Chain(context.Context) ([]*x509.Certificate, error) { return l.chain, nil }

// Sign signs a request for exactly hosts: for a year, and not for longer than the CA itself is
// valid.
//
// Errors: a request that is none, or whose signature is not that of its key.
func (l *Local) Sign(_ context.Context, hosts []string, csrPEM []byte) ([]byte, error) {
	request := signer.SignRequest{Hosts: hosts, Request: string(csrPEM)}
	if end := l.chain[0].NotAfter; end.Before(time.Now().Add(localLife)) {
		request.NotAfter = end
	}

	leaf, err := l.signer.Sign(request)
	if err != nil {
		return nil, fmt.Errorf("signing for %s: %w", list(hosts), err)
	}

	return leaf, nil
}

// readOrMake reads a file, or makes it if it is not there: complete or not at all, and never over
// one that another process made meanwhile, which is read instead.
func readOrMake(path string, mode fs.FileMode, content func() ([]byte, error)) ([]byte, error) {
	present, err := file.Read(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return present, err
	}

	text, err := content()
	if err != nil {
		return nil, err
	}

	temp, err := writeTemp(filepath.Dir(path), mode, text)
	if err != nil {
		return nil, err
	}

	defer os.Remove(temp)
	if err := os.Link(temp, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}

	file.SyncFolder(filepath.Dir(path))

	return file.Read(path)
}

// writeTemp writes a file of a name of its own and returns the name.
func writeTemp(dir string, mode fs.FileMode, text []byte) (name string, err error) {
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return "", err
	}

	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()

	if err := f.Chmod(mode); err != nil {
		return "", err
	}
	if _, err := f.Write(text); err != nil {
		return "", err
	}

	return f.Name(), f.Sync()
}
