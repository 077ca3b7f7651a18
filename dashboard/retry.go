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
	maxRetryAfter = 20 * time.Second // a Dashboard that wants more time gets it from the next run
)

// retry decides whether a request is sent again, and after what wait.
//
//	what came back                     GET, PUT, DELETE   POST
//	connection refused: nothing sent   again              again
//	connection cut                     again              no: it may have taken effect
//	429, 502, 503, 504                 again              no: the same
//	anything else                      no                 no
//
// resty's own retries would need the same table, and then send a body from a buffer that they share
// between requests.
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

	switch got.status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		if wait, ok := retryAfter(got.header.Get("Retry-After"), time.Now()); ok {
			return max(wait, c.pause(attempt)), wait <= maxRetryAfter
		}
		return c.pause(attempt), true
	}

	return 0, false
}

// pause is exponential with jitter, so that many clients that were turned away together do not come
// back together.
func (c *Client) pause(attempt int) time.Duration {
	d := min(c.backoff<<(attempt-1), maxBackoff)
	return d/2 + rand.N(d/2+1)
}

// Windows has numbers of its own for how connections end (Winsock, "Windows Sockets
// Error Codes"), which package syscall does not take for those of other systems.
// Nowhere else do they stand for anything.
const (
	winsockAborted = syscall.Errno(10053)
	winsockReset   = syscall.Errno(10054)
	winsockRefused = syscall.Errno(10061)
)

// notListening tells that no connection came about because nobody waits for one.
func notListening(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, winsockRefused)
}

// cutOff tells a connection that ended in the middle.
func cutOff(err error) bool {
	for _, cut := range []error{syscall.ECONNRESET, syscall.EPIPE, winsockAborted, winsockReset, io.EOF, io.ErrUnexpectedEOF} {
		if errors.Is(err, cut) {
			return true
		}
	}
	// net/http does not export this one.
	return strings.Contains(err.Error(), "server closed idle connection")
}

// retryAfter reads the header of RFC 9110, section 10.2.3: seconds or a date.
func retryAfter(value string, now time.Time) (time.Duration, bool) {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0), true
	}
	return 0, false
}
