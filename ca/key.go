package ca

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/cloudflare/cfssl/csr"
)

// redacted is what a secret prints as.
const redacted = "[redacted]"

// PrivateKey is a private key in PEM. However it is printed, logged or encoded, it shows as
// [redacted]; the bytes are had by conversion.
type PrivateKey []byte

// String is [redacted].
func (PrivateKey) String() string { return redacted }

// GoString is [redacted].
func (PrivateKey) GoString() string { return redacted }

// Format prints [redacted] for every verb: %x and %d would show the bytes otherwise.
func (PrivateKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText is [redacted].
func (PrivateKey) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON is "[redacted]".
func (PrivateKey) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// LogValue is [redacted].
func (PrivateKey) LogValue() slog.Value { return slog.StringValue(redacted) }

// The algorithms of a KeyRequest, as cfssl names them.
const (
	RSA   = "rsa"
	ECDSA = "ecdsa"
)

// KeyRequest says which key to make. The zero value asks for the default of tyk-k8s, ECDSA on
// P-256.
type KeyRequest struct {
	Algo string // RSA or ECDSA
	Size int    // bits: RSA 2048 to 8192, ECDSA 256, 384 or 521
}

// String is "rsa 4096".
func (k KeyRequest) String() string { return fmt.Sprintf("%s %d", k.Algo, k.Size) }

// orDefault fills in the zero value.
func (k KeyRequest) orDefault() KeyRequest {
	if k == (KeyRequest{}) {
		return KeyRequest{Algo: ECDSA, Size: 256}
	}
	return k
}

// Check refuses keys that cfssl cannot make, and Ed25519, which it can: the certificate store of a
// Tyk Gateway takes such a key and cannot read it again, which breaks its listing for the whole
// organisation (Tyk Dashboard API, certificates).
func (k KeyRequest) Check() error {
	k = k.orDefault()
	switch {
	case k.Algo == RSA && (k.Size < 2048 || k.Size > 8192):
		return fmt.Errorf("key %v: the size of an rsa key is 2048 to 8192", k)
	case k.Algo == ECDSA && k.Size != 256 && k.Size != 384 && k.Size != 521:
		return fmt.Errorf("key %v: the size of an ecdsa key is 256, 384 or 521", k)
	case k.Algo == "ed25519":
		return errors.New("key ed25519: Tyk gateways cannot read such keys; use ecdsa or rsa")
	case k.Algo != RSA && k.Algo != ECDSA:
		return fmt.Errorf("key %q: the algorithm is rsa or ecdsa", k.Algo)
	}

	return nil
}

// Generate makes the key, and its PEM in PKCS#8, unless ctx ends before.
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

// until is what f returns, unless ctx ends before. Then f is left to itself: nothing stops what
// takes no context, like the search for the primes of a large key, which takes seconds, and nobody
// who wants to end is to wait for it.
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

// generate makes the key, and its PEM in PKCS#8: one form for both algorithms, which gateways and
// OpenSSL read alike.
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
