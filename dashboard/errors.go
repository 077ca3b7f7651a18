package dashboard

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"unicode"
)

// The errors that callers can test for with errors.Is.
var (
	// ErrNotFound: the Dashboard, not only a server in front of it, says that there is no such API
	// or certificate.
	ErrNotFound = errors.New("not found")

	// ErrExists: the API or certificate exists already, or another API has its id, slug or listen
	// path.
	ErrExists = errors.New("exists already")

	// ErrUnauthorized: the key is unknown, or its owner lacks the right.
	ErrUnauthorized = errors.New("not authorised")

	// ErrNotVisible: there is no such object, or the key may not see it. An unknown key gets the
	// same answer; a key that could list objects is known.
	ErrNotVisible = errors.New("not there, or not visible with this key")

	// ErrPartial: a listing contradicts itself and is incomplete.
	ErrPartial = errors.New("the listing is incomplete")

	// ErrLicence: the Dashboard's licence does not allow it.
	ErrLicence = errors.New("not allowed by the licence")

	// ErrNoGateway: the Dashboard does not reach the gateway that keeps its certificates.
	ErrNoGateway = errors.New("the Dashboard does not reach its gateway")

	// ErrUnsupported: the Dashboard does not have the endpoint.
	ErrUnsupported = errors.New("not supported by this Dashboard")
)

// errForeign marks answers that do not come from a Dashboard.
var errForeign = errors.New("not a Dashboard's answer")

const redacted = "[redacted]"

// maxMessage bounds the part of a foreign text that errors quote, in characters.
const maxMessage = 300

// Error is a request that failed.
type Error struct {
	Op      string // the operation: "listing APIs"
	Method  string
	Path    string // of the request, without host and query
	Status  int    // of the answer; 0 without an answer
	Message string // from the Dashboard or the network: one line of limited length, never the key

	kind error // one of the sentinels, or the cause, or nil
}

// Error returns the operation, the request, and the Dashboard's or the network's message.
func (e *Error) Error() string {
	if e.Status == 0 {
		return fmt.Sprintf("%s: %s %s: %s", e.Op, e.Method, e.Path, e.Message)
	}
	return fmt.Sprintf("%s: %s %s answered %d: %s", e.Op, e.Method, e.Path, e.Status, e.Message)
}

// Unwrap returns the sentinel for the answer or, without an answer, the cause (a context's end, a
// TLS failure, a refused connection).
func (e *Error) Unwrap() error { return e.kind }

// Refused reports whether the error proves that the request did not take effect: the Dashboard
// refused it, or no connection was made.
func (e *Error) Refused() bool {
	var dial *net.OpError
	if errors.As(e.kind, &dial) && dial.Op == "dial" {
		return true
	}
	return e.Status/100 == 4 && e.Status != http.StatusRequestTimeout && e.Status != http.StatusTooManyRequests
}

// SameID reports whether the Dashboard says that it has an API with the same id. The status 409
// means this and nothing else ("Tyk Dashboard API, create").
func (e *Error) SameID() bool { return e.Method == http.MethodPost && e.Status == http.StatusConflict }

// Unreachable reports whether there was no answer.
func (e *Error) Unreachable() bool {
	return e.Status == 0 && !e.Foreign()
}

// Foreign reports whether the answer cannot come from a Dashboard: an HTML page, a redirect, an
// endless answer.
func (e *Error) Foreign() bool {
	return errors.Is(e.kind, errForeign) || errors.As(e.kind, new(*sizeError))
}

// Passing reports whether the next try may succeed: there was no answer, or the server is
// overloaded or restarting.
func (e *Error) Passing() bool {
	return e.Status == 0 || overloaded(e.Status)
}

// privateKey matches a private key from its first line on: a server may echo an upload.
var privateKey = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY.*`)

// oneLine returns a foreign text as errors may quote it: one line of limited length, no secret.
func oneLine(s, secret string) string {
	if secret != "" {
		s = strings.ReplaceAll(s, secret, redacted)
	}

	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)

	s = strings.Join(strings.Fields(s), " ")
	s = privateKey.ReplaceAllString(s, redacted)
	if runes := []rune(s); len(runes) > maxMessage {
		s = string(runes[:maxMessage]) + "..."
	}

	return s
}
