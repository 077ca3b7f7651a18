package ca

import (
	"encoding/pem"
	"fmt"
	"os"
	"time"

	"github.com/cloudflare/cfssl/helpers"

	"github.com/tykmesh/tykmesh/ca/internal/quiet"
)

// OpenKey opens a CA whose certificate, and those above it, are in one file and whose private key is in another: it signs here what a CFSSL
// would sign elsewhere.
//
// Errors: ErrCertPath; a key file that cannot be read, is encrypted, or holds no private key or that of another certificate.
func OpenKey(certPath, keyPath string, now time.Time) (*Local, error) {
	quiet.CFSSL()
	chain, err := Config{CertPath: certPath}.chain(now)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(keyPath)
	if err != nil {
		return nil, fmt.Errorf("reading the CA's private key: %w", err)
	}
	if encrypted(text) {
		return nil, fmt.Errorf("the CA's private key in %s is encrypted: openssl pkey -in %s -out FILE decrypts it", keyPath, keyPath)
	}
	key, err := helpers.ParsePrivateKeyPEM(text)
	if err != nil {
		return nil, fmt.Errorf("the CA's private key: %s holds none in PEM form", keyPath) // what cfssl says may depend on the key
	}
	if !SameKey(chain[0].PublicKey, key.Public()) {
		return nil, fmt.Errorf("the CA's private key in %s is not that of the certificate in %s", keyPath, certPath)
	}
	return newLocal(chain, key)
}

// encrypted says whether a private key in PEM needs a password: by its type (RFC 7468, section 11), or as OpenSSL marked it before.
func encrypted(text []byte) bool {
	block, _ := pem.Decode(text)
	return block != nil && (block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "")
}
