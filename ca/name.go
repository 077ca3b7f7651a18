package ca

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"regexp"
)

// UniqueName returns a common name that no other CA has: it appends nine characters that depend on
// the key.
func UniqueName(name string, key crypto.PublicKey) (string, error) {
	public, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", fmt.Errorf("encoding the CA's public key: %w", err)
	}
	sum := sha256.Sum256(public)
	return fmt.Sprintf("%s %x", name, sum[:4]), nil
}

var uniqueName = regexp.MustCompile(`^(.+) [0-9a-f]{8}$`)

// BaseName returns a name without the suffix of UniqueName. Successive CAs share it.
func BaseName(name string) string {
	if m := uniqueName.FindStringSubmatch(name); m != nil {
		return m[1]
	}
	return name
}
