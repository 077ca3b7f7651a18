package ca

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

var (
	// ErrUnauthorized means that CFSSL refused the key, by "invalid token" or an HTTP status.
	ErrUnauthorized = errors.New("CFSSL refused the key")
	// ErrNoProvider means that CFSSL's signing profile has no authentication key, so that every key
	// is wrong.
	ErrNoProvider = errors.New("CFSSL has no authentication for its signing profile")
	// ErrUnreachable means that CFSSL answers at none of its addresses.
	ErrUnreachable = errors.New("no answer")
	// ErrCertPath means that the file Config.CertPath is missing or has no valid certificate of a
	// CA.
	ErrCertPath = errors.New("no usable CA certificate")
	// ErrExpired means that a CA has expired.
	ErrExpired = errors.New("expired")
	// ErrNotAsAsked means that the certificate differs from the request in its key, hosts, usage or
	// validity.
	ErrNotAsAsked = errors.New("the certificate differs from the request")
	// ErrNotYetValid means that the certificate is valid only later, because clocks differ. It
	// comes with ErrNotAsAsked.
	ErrNotYetValid = errors.New("it is not valid yet")
	// ErrForeignCA means that another CA than the one of Signer.Chain signed, which sidecars need
	// not trust.
	ErrForeignCA = errors.New("signed by another CA")
	// ErrUntrusted means that pods do not trust a CA, according to their TrustBundle.
	ErrUntrusted = errors.New("pods do not trust the CA")
	// ErrNoProfile means that CFSSL does not have the configured signing profile, and would
	// silently use its default one.
	ErrNoProfile = errors.New("CFSSL has no such signing profile")
)

// OpenError means that CFSSL issues certificates to every client that reaches it.
type OpenError struct{ Endpoints []string }

// Error names the endpoints that ask for no key.
func (e *OpenError) Error() string {
	return "CFSSL issues certificates without a key: " + strings.Join(e.Endpoints, ", ")
}

// Hint returns the setting of CFSSL that closes them.
func (e *OpenError) Hint() string {
	if slices.Contains(e.Endpoints, "sign") {
		return "CFSSL's configuration needs an auth_key on signing.default"
	}
	return "start it with: cfssl serve -disable " + Disabled
}

// Error is a refusal by CFSSL. errors.Is finds ErrUnauthorized and ErrNoProvider.
type Error struct {
	Server  string // the address, without credentials
	Op      string // the endpoint: authsign or info
	Status  int    // of HTTP
	Code    int    // CFSSL's own, 0 where it gave none
	Message string // one line, bounded
}

// CallError is a request to CFSSL without an answer: ErrUnreachable, a TLS failure, the end of the
// context.
type CallError struct {
	Server string // the address, without credentials
	Op     string // the endpoint: authsign or info
	Err    error
}

// Error returns the endpoint, the server and the reason.
func (e *CallError) Error() string { return fmt.Sprintf("cfssl %s at %s: %v", e.Op, e.Server, e.Err) }

// Unwrap returns the reason.
func (e *CallError) Unwrap() error { return e.Err }

// Messages of CFSSL's authsign, with its error code 400.
const (
	messageToken    = "invalid token"              // the key is wrong
	messageProvider = "no authentication provider" // the profile has no key
)

// messageAuthentication is the message of CFSSL's sign for a profile with a key.
const messageAuthentication = "authentication required"

// Error returns one line: the endpoint, the server, the message, the status.
func (e *Error) Error() string {
	return fmt.Sprintf("cfssl %s at %s: %s (HTTP %d)", e.Op, e.Server, e.Message, e.Status)
}

// Is reports whether the refusal is ErrUnauthorized or ErrNoProvider.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrUnauthorized:
		return e.Message == messageToken || e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden
	case ErrNoProvider:
		return e.Message == messageProvider
	}
	return false
}
