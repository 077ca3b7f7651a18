package ca

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"regexp"
)

// UniqueName makes a CA's common name one that no other CA has: behind it comes what no other key
// has, in nine characters.
func UniqueName(name string, key crypto.PublicKey) (string, error) {
	public, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", fmt.Errorf("encoding the CA's public key: %w", err)
	}
	sum := sha256.Sum256(public)
	return fmt.Sprintf("%s %x", name, sum[:4]), nil
}

var uniqueName = regexp.MustCompile(`^(.+) [0-9a-f]{8}$`)

// BaseName returns a name without what UniqueName added: what CAs have in common that follow one
// another.
func BaseName(name string) string {
	if m := uniqueName.FindStringSubmatch(name); m != nil {
		return m[1]
	}
	return name
}
