package ca

import (
	"errors"
	"fmt"
	"net/http"
)

var (
	// ErrUnauthorized says that CFSSL refused the key: "invalid token", or a status that says so.
	ErrUnauthorized = errors.New("CFSSL refused the key")
	// ErrNoProvider says that CFSSL has no authentication key for the profile it would sign with,
	// so that no key is right.
	ErrNoProvider = errors.New("CFSSL has no authentication for its signing profile")
	// ErrUnreachable says that CFSSL answered at none of its addresses.
	ErrUnreachable = errors.New("no answer")
	// ErrCertPath says that the file of Config.CertPath is not there, or holds no certificate of a
	// CA that is valid now.
	ErrCertPath = errors.New("no usable CA certificate")
	// ErrExpired says that the time of a CA is over.
	ErrExpired = errors.New("expired")
	// ErrNotAsAsked says that a certificate was signed that is not what was asked for: for another
	// key, other hosts, another use or time.
	ErrNotAsAsked = errors.New("what was signed is not what was asked for")
	// ErrNotYetValid says that what was signed is valid only later, which is to say that clocks
	// differ. It comes with ErrNotAsAsked.
	ErrNotYetValid = errors.New("it is not valid yet")
	// ErrForeignCA says that a certificate was signed by another CA than the one that sidecars are
	// to trust (Signer.Chain).
	ErrForeignCA = errors.New("signed by another CA")
	// ErrUntrusted says that pods do not trust a CA, as far as their trust bundle is known (Trust).
	ErrUntrusted = errors.New("pods do not trust the CA")
	// ErrNoProfile says that CFSSL has no signing profile of the configured name: it would sign
	// with its default one and not say so.
	ErrNoProfile = errors.New("CFSSL has no such signing profile")
)

// Error is a refusal by CFSSL. errors.Is finds ErrUnauthorized and ErrNoProvider.
type Error struct {
	Server  string // the address, without credentials
	Op      string // the endpoint: authsign or info
	Status  int    // of HTTP
	Code    int    // CFSSL's own, 0 where it gave none
	Message string // one line, bounded
}

// CallError is a request to CFSSL that got no answer: ErrUnreachable, TLS that did not come about,
// the end of the context.
type CallError struct {
	Server string // the address, without credentials
	Op     string // the endpoint: authsign or info
	Err    error
}

// Error returns the endpoint, the server and the reason.
func (e *CallError) Error() string { return fmt.Sprintf("cfssl %s at %s: %v", e.Op, e.Server, e.Err) }

// Unwrap returns the reason.
func (e *CallError) Unwrap() error { return e.Err }

// What CFSSL's authsign says, with its error code 400, when a token is wrong and when the profile
// has no key.
const (
	messageToken    = "invalid token"
	messageProvider = "no authentication provider"
)

// messageAuthentication is what CFSSL's sign says where the profile has a key.
const messageAuthentication = "authentication required"

// Error returns one line: the server, the endpoint, the message, the status.
func (e *Error) Error() string {
	return fmt.Sprintf("cfssl %s at %s: %s (HTTP %d)", e.Op, e.Server, e.Message, e.Status)
}

// Is tells refused keys and missing authentication from all else.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrUnauthorized:
		return e.Message == messageToken || e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden
	case ErrNoProvider:
		return e.Message == messageProvider
	}
	return false
}
