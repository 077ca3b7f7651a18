package ca

import (
	"crypto"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"github.com/cloudflare/cfssl/helpers/derhelpers"

	"github.com/tykmesh/tykmesh/ca/internal/file"
	"github.com/tykmesh/tykmesh/ca/internal/quiet"
)

// OpenKey opens a CA whose certificate, and those above it, are in one file and whose private key
// is in another.
//
// Errors: ErrCertPath; those of ReadKey; the key of another certificate.
func OpenKey(certPath, keyPath string, now time.Time) (*Local, error) {
	quiet.CFSSL()
	chain, err := readChain(certPath, now)
	if err != nil {
		return nil, err
	}

	key, err := ReadKey(keyPath)
	if err != nil {
		return nil, fmt.Errorf("reading the CA's private key: %w", err)
	}
	if !SameKey(chain[0].PublicKey, key.Public()) {
		return nil, fmt.Errorf("the CA's private key in %s does not match the certificate in %s", keyPath, certPath)
	}

	return newLocal(chain, key)
}

// openKeyOf opens the CA that a configuration describes, with its clock.
//
// Errors: those of OpenKey.
func openKeyOf(c Config) (*Local, error) {
	now := clock(c.Now)
	l, err := OpenKey(c.CertPath, c.KeyPath, now())
	if err == nil {
		l.now = now
	}

	return l, err
}

// EncryptedError is a private key that is protected by a password.
type EncryptedError struct{ Path string }

// Error names the file.
func (e *EncryptedError) Error() string { return e.Path + ": the key is encrypted" }

// ReadKey reads a private key from a file, in any of the forms that OpenSSL and cfssl write. It
// discards the messages of parsers, which may quote the key.
//
// Errors: *EncryptedError; a file that cannot be read or contains no key. Each names the file.
func ReadKey(path string) (crypto.Signer, error) {
	rest, err := file.Read(path)
	if err != nil {
		return nil, err
	}

	for {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		switch {
		case block == nil:
			return nil, fmt.Errorf("%s: no private key in PEM form", path)
		case block.Type == "ENCRYPTED PRIVATE KEY", strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
			return nil, &EncryptedError{path}
		case strings.HasSuffix(block.Type, "PRIVATE KEY"): // skip EC PARAMETERS, which OpenSSL puts before a key
			key, err := derhelpers.ParsePrivateKeyDER(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("%s: unknown kind of private key", path)
			}
			return key, nil
		}
	}
}
