package dashboard

import (
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	maxAttempts   = 4
	maxBackoff    = 5 * time.Second
	maxRetryAfter = 20 * time.Second // if the Dashboard asks for more, the run fails
)

// retry reports whether to send a request again, and after which wait.
//
//	result                             GET, PUT, DELETE   POST
//	connection refused: nothing sent   again              again
//	connection cut                     again              no: it may have taken effect
//	429, 502, 503, 504                 again              no: it may have taken effect
//	anything else                      no                 no
//
// resty's own retries would need the same table, and would send bodies from a buffer that requests
// share.
func (c *Client) retry(r call, attempt int, got *reply, err error) (time.Duration, bool) {
	if attempt == maxAttempts {
		return 0, false
	}
	if notListening(err) {
		return c.pause(attempt), true
	}
	if r.method == http.MethodPost {
		return 0, false
	}
	if err != nil {
		return c.pause(attempt), cutOff(err)
	}

	wait := retryAfter(got.header.Get("Retry-After"), time.Now())

	return max(wait, c.pause(attempt)), overloaded(got.status) && wait <= maxRetryAfter
}

// overloaded reports whether a status says that the server, or one behind it, cannot answer now.
func overloaded(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// pause returns the wait before the next attempt. It grows exponentially, with jitter, so that
// clients that failed together do not come back together.
func (c *Client) pause(attempt int) time.Duration {
	d := min(c.config.Backoff<<(attempt-1), maxBackoff)
	return d/2 + rand.N(d/2+1)
}

// Windows has its own numbers for the ends of connections (Winsock, "Windows Sockets Error Codes").
// Package syscall does not map them to ECONNREFUSED and the like. No other system uses them.
const (
	winsockAborted = syscall.Errno(10053)
	winsockReset   = syscall.Errno(10054)
	winsockRefused = syscall.Errno(10061)
)

// notListening reports whether a connection was refused because no server listens.
func notListening(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, winsockRefused)
}

// cutOff reports whether a connection ended in the middle of a request or an answer.
func cutOff(err error) bool {
	for _, cut := range []error{syscall.ECONNRESET, syscall.EPIPE, winsockAborted, winsockReset, io.EOF, io.ErrUnexpectedEOF} {
		if errors.Is(err, cut) {
			return true
		}
	}
	// net/http does not export this one.
	return strings.Contains(err.Error(), "server closed idle connection")
}

// retryAfter parses the header Retry-After: seconds or a date (RFC 9110, section 10.2.3). It
// returns 0 for anything else.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return at.Sub(now)
	}
	return 0
}
