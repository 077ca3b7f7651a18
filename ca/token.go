package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// Token says who calls: a JWT (RFC 7519) that a mesh without a Dashboard gives a service. Whoever
// has it can call as that service, until it expires.
type Token struct {
	Subject   string     // the service: <app>.<ns>
	NotBefore time.Time  // to the second, like Expires
	Expires   time.Time  //
	Text      PrivateKey // the token itself, as secret as a key
}

// TokenLife is the lifetime of tokens for services whose certificates tykmesh does not issue: that
// of cert-manager's certificates (API reference, CertificateSpec.duration).
const TokenLife = 90 * 24 * time.Hour

// TokenKey signs tokens.
type TokenKey struct{ key *ecdsa.PrivateKey }

// pemPublicKey is the type of a PEM block with a public key (RFC 7468, section 13).
const pemPublicKey = "PUBLIC KEY"

// ReadTokenKey reads the private key of tokens from a file.
//
// Errors: those of ReadKey; a key of another kind.
func ReadTokenKey(path string) (*TokenKey, error) {
	key, err := ReadKey(path)
	if err != nil {
		return nil, err
	}
	if !isTokenKey(key.Public()) {
		return nil, fmt.Errorf("%s: %w", path, errTokenKey)
	}

	return &TokenKey{key.(*ecdsa.PrivateKey)}, nil
}

var errTokenKey = errors.New("not an ecdsa key of 256 bits; make one with tykmesh ca token")

// isTokenKey reports whether a key can verify ES256, the algorithm of tokens (RFC 7518, section
// 3.4).
func isTokenKey(key crypto.PublicKey) bool {
	k, ok := key.(*ecdsa.PublicKey)
	return ok && k.Curve == elliptic.P256()
}

// Public returns the public key in PEM, as sidecars verify tokens with it.
func (k *TokenKey) Public() ([]byte, error) { return encodePublicKey(&k.key.PublicKey) }

// encodePublicKey returns a public key in PEM.
func encodePublicKey(key crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding a public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemPublicKey, Bytes: der}), nil
}

// tokenHeader is the header of tokens (RFC 7515, section 4).
const tokenHeader = `{"alg":"ES256","typ":"JWT"}` //nolint:gosec // public

// tokenClaims are the claims of tokens, with times in seconds since 1970 (RFC 7519, section 4.1).
type tokenClaims struct {
	Subject string `json:"sub"`
	Issued  int64  `json:"iat"`
	Expires int64  `json:"exp"`
}

// Sign returns a token for a subject, <app>.<ns>, that is valid for a time, and dated back as
// certificates are. It has no other claims: the gateway splits a subject at spaces, and accepts a
// token without an expiry (measured).
//
// Errors: a subject that is not the name of a host; a life of less than a minute.
func (k *TokenKey) Sign(subject string, life time.Duration, now time.Time) (Token, error) {
	if err := checkHost(subject); err != nil {
		return Token{}, fmt.Errorf("the subject of a token: %w", err)
	}
	if life < time.Minute {
		return Token{}, fmt.Errorf("a token for %s must be valid for a minute or longer, not %v", subject, life)
	}

	begin := now.Add(-Backdate).UTC().Truncate(time.Second)
	t := Token{Subject: subject, NotBefore: begin, Expires: begin.Add(life).Truncate(time.Second)}
	claims, err := json.Marshal(tokenClaims{subject, t.NotBefore.Unix(), t.Expires.Unix()})
	if err != nil {
		return Token{}, fmt.Errorf("encoding a token for %s: %w", subject, err)
	}

	signed := segment([]byte(tokenHeader)) + "." + segment(claims)
	digest := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, k.key, digest[:])
	if err != nil {
		return Token{}, fmt.Errorf("signing a token for %s: %w", subject, err)
	}

	signature := make([]byte, 64) // two numbers of 32 bytes (RFC 7518, section 3.4)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	t.Text = PrivateKey(signed + "." + segment(signature))

	return t, nil
}

// segment returns a part of a token as tokens are encoded (RFC 7515, section 2).
func segment(part []byte) string { return base64.RawURLEncoding.EncodeToString(part) }

// NewTokenRecord returns the record of a token that is in use, with the public key that verifies it
// in the place of a certificate. The token cannot be found from its fingerprint.
func NewTokenRecord(namespace, app string, t Token, public []byte, now time.Time) Record {
	sum := sha256.Sum256(t.Text)
	return Record{
		ID:          RecordID(RoleToken, namespace, app),
		Role:        RoleToken,
		Namespace:   namespace,
		App:         app,
		Hosts:       []string{t.Subject},
		Certificate: public,
		Fingerprint: hex.EncodeToString(sum[:]),
		NotBefore:   t.NotBefore,
		Expires:     t.Expires,
		Created:     now,
		State:       Active,
	}
}

// Verify returns a token of this key. It accepts no other claims than Sign makes, and not even an
// expired token is an error.
//
// Errors: a text that is no token of this key. None shows a part of it.
func (k *TokenKey) Verify(text []byte) (Token, error) {
	signed, signature, isToken := cutLast(string(text), ".")
	header, claims, isSigned := strings.Cut(signed, ".")
	if !isToken || !isSigned || header != segment([]byte(tokenHeader)) {
		return Token{}, errNoToken
	}

	digest := sha256.Sum256([]byte(signed))
	raw, err := base64.RawURLEncoding.Strict().DecodeString(signature)
	if err != nil || len(raw) != 64 || !ecdsa.Verify(&k.key.PublicKey, digest[:], new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])) {
		return Token{}, errNoToken
	}

	var c tokenClaims
	raw, err = base64.RawURLEncoding.Strict().DecodeString(claims)
	if err != nil || json.Unmarshal(raw, &c) != nil {
		return Token{}, errNoToken
	}

	return Token{Subject: c.Subject, NotBefore: time.Unix(c.Issued, 0).UTC(), Expires: time.Unix(c.Expires, 0).UTC(), Text: text}, nil
}

var errNoToken = errors.New("not a token of this key")

// cutLast does what strings.Cut does, at the last separator.
func cutLast(text, separator string) (before, after string, found bool) {
	i := strings.LastIndex(text, separator)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+len(separator):], true
}
