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

// What a caller may ask of an error, with errors.Is.
var (
	// ErrNotFound: the Dashboard, not merely a server in front of it, says that there is no such
	// API or certificate.
	ErrNotFound = errors.New("not found")

	// ErrExists: the API or certificate is there already, or another API holds its id, slug or
	// listen path.
	ErrExists = errors.New("exists already")

	// ErrUnauthorized: the key is unknown, or its owner lacks the right.
	ErrUnauthorized = errors.New("not authorised")

	// ErrNotVisible: there is no such object, or it is not the key's to see. A key that is unknown
	// gets the same answer: where a listing was accepted with the key, it is known.
	ErrNotVisible = errors.New("not there, or not visible with this key")

	// ErrPartial: a listing contradicts itself, and shows less than there is.
	ErrPartial = errors.New("the listing is not whole")

	// ErrLicence: the Dashboard's licence does not allow it.
	ErrLicence = errors.New("not allowed by the licence")

	// ErrNoGateway: the Dashboard does not reach the gateway that keeps its
	// certificates.
	ErrNoGateway = errors.New("the Dashboard does not reach its gateway")

	// ErrUnsupported: the Dashboard does not have the endpoint.
	ErrUnsupported = errors.New("not supported by this Dashboard")
)

// errForeign is the kind of an answer that no Dashboard gives.
var errForeign = errors.New("not a Dashboard's answer")

const redacted = "[redacted]"

// maxMessage bounds what is shown of a foreign text.
const maxMessage = 300

// Error is a request that failed.
type Error struct {
	Op      string // what was being done: "listing APIs"
	Method  string
	Path    string // of the request, without host and query
	Status  int    // of the answer; 0 when there was none
	Message string // what the Dashboard or the network said, one bounded line, never the key

	kind error // one of the sentinels, or the cause, or nil
}

// Error says what was being done, by which request, and what came back.
func (e *Error) Error() string {
	if e.Status == 0 {
		return fmt.Sprintf("%s: %s %s: %s", e.Op, e.Method, e.Path, e.Message)
	}
	return fmt.Sprintf("%s: %s %s answered %d: %s", e.Op, e.Method, e.Path, e.Status, e.Message)
}

// Unwrap returns the sentinel that the answer amounts to, or the cause of a request that got none
// (a context's end, a TLS failure, a refused connection).
func (e *Error) Unwrap() error { return e.kind }

// Refused reports whether the error proves that the request did not take effect: the Dashboard said
// no, or no connection came about.
func (e *Error) Refused() bool {
	var dial *net.OpError
	if errors.As(e.kind, &dial) && dial.Op == "dial" {
		return true
	}
	return e.Status/100 == 4 && e.Status != http.StatusRequestTimeout && e.Status != http.StatusTooManyRequests
}

// Rejected reports whether the Dashboard itself refused what was sent, whatever its words, and not
// who sent it, or when. If it has just accepted a request that differs in nothing but its names,
// then one of these names is taken.
func (e *Error) Rejected() bool {
	who := e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden
	return e.Refused() && !who && e.Status != 0 && !e.Foreign()
}

// SameID reports whether the Dashboard says that it has an API with the same id, which it does by
// the status 409 alone ("Tyk Dashboard API, create").
func (e *Error) SameID() bool { return e.Method == http.MethodPost && e.Status == http.StatusConflict }

// Unreachable reports whether nothing came back that an answer could be made of.
func (e *Error) Unreachable() bool {
	return e.Status == 0 && !errors.Is(e.kind, errTooLarge)
}

// Foreign reports whether what answered is no Dashboard, as far as that shows: a page, a redirect,
// an answer without end.
func (e *Error) Foreign() bool {
	return errors.Is(e.kind, errForeign) || errors.Is(e.kind, errTooLarge)
}

// Passing reports whether the error may be gone at the next try: there was no answer, or one by a
// server that is overloaded or restarting.
func (e *Error) Passing() bool {
	switch e.Status {
	case 0, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// privateKey matches a private key from its first line on: a server may echo what was uploaded.
var privateKey = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY.*`)

// oneLine makes a foreign text fit for an error: no secret, one line, bounded.
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
