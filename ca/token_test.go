package ca_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tykmesh/tykmesh/ca"
)

// newTokenKey makes a key for tokens in a new directory, and returns it with its public half.
func newTokenKey(t testing.TB) (*ca.TokenKey, []byte) {
	t.Helper()
	dir := t.TempDir()
	if _, err := ca.CreateTokenKey(dir, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	key, err := ca.ReadTokenKey(filepath.Join(dir, ca.TokenKeyFile))
	if err != nil {
		t.Fatal(err)
	}

	public, err := os.ReadFile(filepath.Join(dir, ca.TokenPublicFile))
	if err != nil {
		t.Fatal(err)
	}

	return key, public
}

// claimsOf returns the claims of a token that a public key verifies (RFC 7515, RFC 7518).
func claimsOf(token string, public []byte) (map[string]any, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errors.New("not three parts")
	}

	var decoded [3][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return nil, err
		}
	}

	var header map[string]string
	if err := json.Unmarshal(decoded[0], &header); err != nil || !maps.Equal(header, map[string]string{"alg": "ES256", "typ": "JWT"}) {
		return nil, fmt.Errorf("header %s: %v", decoded[0], err)
	}

	block, rest := pem.Decode(public)
	if block == nil || len(rest) > 0 {
		return nil, errors.New("not one PEM block")
	}

	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}

	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	r, s := new(big.Int).SetBytes(decoded[2][:len(decoded[2])/2]), new(big.Int).SetBytes(decoded[2][len(decoded[2])/2:])
	if len(decoded[2]) != 64 || !ecdsa.Verify(key.(*ecdsa.PublicKey), digest[:], r, s) {
		return nil, errors.New("the signature is another key's")
	}

	var claims map[string]any
	return claims, json.Unmarshal(decoded[1], &claims)
}

// A token says the subject, and from when to when it is valid, and no more. Its own key alone
// verifies it, and no change of it goes unnoticed. Short signatures keep their length: one in 128
// has a number that begins with a zero byte.
func TestTokens(t *testing.T) {
	key, public := newTokenKey(t)
	otherKey, other := newTokenKey(t)
	now := time.Date(2026, time.January, 2, 3, 4, 5, 678, time.FixedZone("", 3600))
	for i := range 600 {
		life := time.Minute + time.Duration(rand.Int64N(int64(10*365*24*time.Hour)))
		token, err := key.Sign("echo.shop", life, now)
		if err != nil {
			t.Fatal(err)
		}

		claims, err := claimsOf(string(token.Text), public)
		if err != nil {
			t.Fatalf("token %d: %v", i, err)
		}

		issued, expires := time.Unix(int64(claims["iat"].(float64)), 0), time.Unix(int64(claims["exp"].(float64)), 0)
		if len(claims) != 3 || claims["sub"] != "echo.shop" || token.Subject != "echo.shop" {
			t.Fatalf("claims %v", claims)
		}

		if !issued.Equal(token.NotBefore) || !expires.Equal(token.Expires) {
			t.Fatalf("valid from %v to %v, and the record says %v to %v", issued, expires, token.NotBefore, token.Expires)
		}

		if behind := now.Sub(issued); behind < ca.Backdate || behind > ca.Backdate+time.Second || expires.Sub(issued) > life || life-expires.Sub(issued) > time.Second {
			t.Fatalf("valid from %v to %v", issued, expires)
		}

		if again, err := key.Verify(token.Text); err != nil || again.Subject != token.Subject || !again.NotBefore.Equal(token.NotBefore) || !again.Expires.Equal(token.Expires) {
			t.Fatalf("verified as %v: %v", again, err)
		}

		if _, err := claimsOf(string(token.Text), other); err == nil {
			t.Fatal("another key verifies the token")
		}
		if _, err := otherKey.Verify(token.Text); err == nil || strings.Contains(err.Error(), "eyJ") {
			t.Fatal(err)
		}

		changed := slices.Clone(token.Text)
		at := rand.IntN(len(changed))
		if changed[at]++; changed[at] == '.' || changed[at] == '/' {
			changed[at]++
		}

		_, err = claimsOf(string(changed), public)
		_, verified := key.Verify(changed)
		if err == nil || verified == nil {
			t.Fatalf("byte %d can be changed: %v, %v", at, err, verified)
		}
	}
}

// The subject is a service's name and nothing else: a gateway splits it at spaces (measured).
func TestSubjectsAreServices(t *testing.T) {
	key, _ := newTokenKey(t)
	for _, subject := range []string{"", "echo.shop sleep.shop", "echo.shop\n", " ", "Echo.shop", "echo..shop", `echo"`, "*", "*.shop", "10.0.0.1", strings.Repeat("a", 64) + ".shop"} {
		if token, err := key.Sign(subject, time.Hour, time.Now()); err == nil || token.Text != nil {
			t.Errorf("%q is signed", subject)
		}
	}

	for _, life := range []time.Duration{-time.Hour, 0, time.Second} {
		if _, err := key.Sign("echo.shop", life, time.Now()); err == nil {
			t.Errorf("a token of %v is signed", life)
		}
	}
}

// Whatever prints a token or its key shows neither.
func TestTokensPrintAsRedacted(t *testing.T) {
	key, public := newTokenKey(t)
	token, err := key.Sign("echo.shop", time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}

	signature := string(token.Text[len(token.Text)-86:])
	encoded, err := json.Marshal(token)
	if err != nil {
		t.Fatal(err)
	}

	record, err := json.Marshal(ca.NewTokenRecord("shop", "echo", token, public, time.Now()))
	if err != nil {
		t.Fatal(err)
	}

	for _, text := range []string{fmt.Sprint(token), fmt.Sprintf("%+v %#v %s %x", token, token, token.Text, token.Text), string(encoded), string(record)} {
		if strings.Contains(text, signature) || strings.Contains(text, fmt.Sprintf("%x", signature)) || strings.Contains(text, base64.StdEncoding.EncodeToString(token.Text)) {
			t.Errorf("shown: %s", text)
		}
	}

	if n := strings.Count(fmt.Sprintf("%+v", token), "[redacted]"); n != 1 {
		t.Errorf("redacted %d times: %+v", n, token)
	}
}

// A record tells for whom a token is, how long, and by which key; it is one that no Dashboard knows.
func TestTokenRecord(t *testing.T) {
	key, public := newTokenKey(t)
	now := time.Now()
	token, err := key.Sign("echo.shop", time.Hour, now)
	if err != nil {
		t.Fatal(err)
	}

	ledger, err := ca.OpenFileLedger(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}

	r := ca.NewTokenRecord("shop", "echo", token, public, now)
	if err := ledger.Insert(t.Context(), r); err != nil {
		t.Fatal(err)
	}

	records, err := ledger.Records(t.Context())
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}

	got := records[0]
	if got.ID != "token/shop/echo" || !got.IsSecret() || got.State != ca.Active || !bytes.Equal(got.Certificate, public) ||
		!got.Expires.Equal(token.Expires) || !got.NotBefore.Equal(token.NotBefore) || len(got.Fingerprint) != 64 {
		t.Errorf("%+v", got)
	}

	if _, err := got.Leaf(); err == nil {
		t.Error("a token has a certificate")
	}

	for _, role := range []string{ca.RoleInbound, ca.RoleMesh, ""} {
		if (ca.Record{Role: role}).IsSecret() {
			t.Errorf("role %q is of no Dashboard", role)
		}
	}
}

// The key is made once, readable by its owner alone and hidden from Git. A public half that was
// lost is made again; nothing else is written to.
func TestTokenKeyIsMadeOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	create := func(confirm error) (bool, error) { return ca.CreateTokenKey(dir, func() error { return confirm }) }
	failed := errors.New("no room")
	if _, err := create(failed); !errors.Is(err, failed) {
		t.Fatal(err)
	}

	if left, _ := filepath.Glob(filepath.Join(dir, "*.pem")); len(left) > 0 {
		t.Fatalf("left behind: %v", left)
	}

	hidden, err := create(nil)
	if err != nil || !hidden {
		t.Fatal(hidden, err)
	}

	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}

	private, public := read(ca.TokenKeyFile), read(ca.TokenPublicFile)
	if info, err := os.Stat(filepath.Join(dir, ca.TokenKeyFile)); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o600 {
		t.Error(info.Mode(), err)
	}

	if _, err := create(nil); err == nil || !strings.Contains(err.Error(), "token.pem exists already") {
		t.Errorf("made twice: %v", err)
	}

	if err := os.Remove(filepath.Join(dir, ca.TokenPublicFile)); err != nil {
		t.Fatal(err)
	}

	if _, err := create(failed); !errors.Is(err, failed) {
		t.Error(err)
	}

	if _, err := create(nil); err != nil {
		t.Fatal(err)
	}

	if read(ca.TokenKeyFile) != private || read(ca.TokenPublicFile) != public {
		t.Error("the key is another")
	}

	if err := os.WriteFile(filepath.Join(dir, ".gitignore"), []byte("*.log\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	for _, name := range []string{ca.TokenKeyFile, ca.TokenPublicFile} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}

	if hidden, err = create(nil); err != nil || hidden || read(".gitignore") != "*.log\n" {
		t.Errorf("hidden %v, %v", hidden, err)
	}
}

// Keys of other kinds sign no tokens: gateways are told to expect ES256.
func TestOtherKeysSignNoTokens(t *testing.T) {
	for _, k := range []ca.KeyRequest{{Algo: ca.ECDSA, Size: 384}, {Algo: ca.RSA, Size: 2048}} {
		_, text, err := k.Generate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ca.ReadTokenKey(file(t, text)); err == nil || !strings.Contains(err.Error(), "not an ecdsa key of 256 bits") {
			t.Errorf("%v: %v", k, err)
		}
	}

	_, text, err := (ca.KeyRequest{Algo: ca.ECDSA, Size: 256}).Generate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ca.ReadTokenKey(file(t, text)); err != nil {
		t.Error(err)
	}
}
