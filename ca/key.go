package ca

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"

	"github.com/cloudflare/cfssl/csr"
)

// redacted stands for a secret in every output.
const redacted = "[redacted]"

// PrivateKey is a private key in PEM. Printed, logged or encoded, it shows as [redacted]; convert
// it to []byte to get the key.
type PrivateKey []byte

// String returns [redacted].
func (PrivateKey) String() string { return redacted }

// GoString returns [redacted].
func (PrivateKey) GoString() string { return redacted }

// Format prints [redacted] for every verb, even %x and %d.
func (PrivateKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns [redacted], to every encoder and logger.
func (PrivateKey) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Name is a part of a certificate's subject, as CA.defaultNames of the configuration has it.
type Name = csr.Name

// The algorithms of a KeyRequest, in cfssl's words.
const (
	RSA   = "rsa"
	ECDSA = "ecdsa"
)

// KeyRequest describes the key to make. The zero value is the default of tyk-k8s, ECDSA on P-256.
type KeyRequest struct {
	Algo string // RSA or ECDSA
	Size int    // bits: RSA 2048 to 8192, ECDSA 256, 384 or 521
}

// String returns text like "rsa 4096".
func (k KeyRequest) String() string { return fmt.Sprintf("%s %d", k.Algo, k.Size) }

// orDefault returns k, or the default for the zero value.
func (k KeyRequest) orDefault() KeyRequest {
	if k == (KeyRequest{}) {
		return KeyRequest{Algo: ECDSA, Size: 256}
	}
	return k
}

// Check returns an error for keys that cfssl cannot make, and for Ed25519: the certificate store of
// a Tyk Gateway accepts such a key and cannot read it back, which breaks its listing for the whole
// organisation (Tyk Dashboard API, certificates).
func (k KeyRequest) Check() error {
	k = k.orDefault()
	switch {
	case k.Algo == RSA && (k.Size < 2048 || k.Size > 8192):
		return fmt.Errorf("key %v: the size of an rsa key must be 2048 to 8192", k)
	case k.Algo == ECDSA && k.Size != 256 && k.Size != 384 && k.Size != 521:
		return fmt.Errorf("key %v: the size of an ecdsa key must be 256, 384 or 521", k)
	case k.Algo == "ed25519":
		return errors.New("key ed25519: Tyk gateways cannot read such keys; use ecdsa or rsa")
	case k.Algo != RSA && k.Algo != ECDSA:
		return fmt.Errorf("key %q: the algorithm must be rsa or ecdsa", k.Algo)
	}

	return nil
}

// Generate makes a key and returns it also as PKCS#8 in PEM. It ends with ctx.
//
// Errors: the context's.
func (k KeyRequest) Generate(ctx context.Context) (crypto.Signer, PrivateKey, error) {
	type made struct {
		key crypto.Signer
		pem PrivateKey
	}
	m, err := until(ctx, func() (m made, err error) {
		if ctx.Err() != nil {
			return m, ctx.Err()
		}
		m.key, m.pem, err = k.generate()
		return m, err
	})

	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("making a key %v: %w", k.orDefault(), ctx.Err())
	}

	return m.key, m.pem, err
}

// until returns the result of f, or the context's error when ctx ends first. Then f goes on in the
// background: some functions take no context and need seconds, such as the search for the primes of
// a large key, and a program that ends must not wait for them.
func until[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// generate makes a key and returns it also as PKCS#8 in PEM, which suits both algorithms, gateways
// and OpenSSL.
func (k KeyRequest) generate() (crypto.Signer, PrivateKey, error) {
	k = k.orDefault()
	key, err := (&csr.KeyRequest{A: k.Algo, S: k.Size}).Generate()
	if err != nil {
		return nil, nil, fmt.Errorf("making a key %v: %w", k, err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("encoding a key %v: %w", k, err)
	}

	return key.(crypto.Signer), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
