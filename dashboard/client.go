package dashboard

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-resty/resty/v2"
)

// Config says where the Dashboard is and how to talk to it.
type Config struct {
	// URL is the Dashboard's address, without /api. A path in front of /api may be part of it.
	URL string

	// Secret is the API access key of a user. The key belongs to one organisation, so no request
	// names one.
	Secret string

	// Org is the organisation's id: certificate ids begin with it.
	Org string

	// InsecureSkipVerify trusts any TLS certificate.
	InsecureSkipVerify bool

	// RequestTimeout bounds one attempt of one request; 0 means 30 seconds. A listing takes as long
	// as the caller's context lets it.
	RequestTimeout time.Duration

	// Backoff is the wait before the first repetition of a request, which doubles with each further
	// one; 0 means 200 milliseconds.
	Backoff time.Duration

	// Trace, unless nil, is called after each attempt, from many goroutines.
	Trace func(Request)
}

// String names the Dashboard, without its key.
func (c Config) String() string { return "Dashboard at " + oneLine(c.URL, c.Secret) }

// GoString returns the same as String.
func (c Config) GoString() string { return c.String() }

// LogValue returns the same as String, for log/slog.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Request is one attempt at a request, without its secrets.
type Request struct {
	Method   string
	Path     string // without host and query
	Status   int    // 0 when no answer came
	Duration time.Duration
	Attempt  int       // from 1
	Date     time.Time // of the server's clock, to the second (RFC 9110, section 6.6.1); zero if unknown
}

// Client is a Dashboard behind its REST API. It is safe for concurrent use.
//
// Client repeats a request only if that is safe and may help; see retry.go. It never follows a
// redirect: the key goes to the configured host and to no other.
//
// Its methods return errors of type [*Error]. Each of them may be ErrUnauthorized; a method's
// comment names the others.
type Client struct {
	http      *resty.Client
	config    Config // with the defaults
	listLimit int64  // bytes of one listing
}

// New returns a client. It sends nothing yet.
//
// Errors: a URL that is not http(s)://host[:port][/path], or has credentials or a query; a key that
// is empty, or that no HTTP header can carry.
func New(cfg Config) (*Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 16 // more than --parallel, so that connections are kept
	transport.MaxResponseHeaderBytes = 1 << 20
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: cfg.InsecureSkipVerify}
	return newClient(cfg, transport)
}

func newClient(cfg Config, transport http.RoundTripper) (*Client, error) {
	var err error
	if cfg.URL, err = baseURL(cfg.URL); err != nil {
		return nil, err
	}
	if cfg.Secret == "" {
		return nil, errors.New("the Dashboard's key is empty")
	}
	if strings.ContainsFunc(cfg.Secret, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return nil, errors.New("the Dashboard's key contains a space, a line break or another character that no key has")
	}

	cfg.RequestTimeout = cmp.Or(cfg.RequestTimeout, 30*time.Second)
	cfg.Backoff = cmp.Or(cfg.Backoff, 200*time.Millisecond)
	if cfg.Trace == nil {
		cfg.Trace = func(Request) {}
	}

	h := resty.NewWithClient(&http.Client{Transport: transport}).
		SetBaseURL(cfg.URL).
		SetLogger(silent{}).
		SetHeader("User-Agent", "tykmesh").
		SetRedirectPolicy(resty.RedirectPolicyFunc(func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}))

	return &Client{http: h, config: cfg, listLimit: listLimit}, nil
}

// String names the Dashboard, without its key.
func (c *Client) String() string { return c.config.String() }

// GoString returns the same as String.
func (c *Client) GoString() string { return c.String() }

func baseURL(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil {
		// The parser's error shows the text, which may hold a password.
		return "", errors.New("the Dashboard's URL is not a URL")
	}

	if u.User != nil {
		return "", errors.New("the Dashboard's URL must not contain a user name or password")
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return "", fmt.Errorf("the Dashboard's URL must be http://HOST[:PORT] or https://HOST[:PORT], not %q", s)
	}
	if u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return "", fmt.Errorf("the Dashboard's URL must not have a query or fragment: %q", s)
	}

	return strings.TrimRight(u.String(), "/"), nil
}

// silent is a logger that does not log: a library never prints on its own.
type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Warnf(string, ...any)  {}
func (silent) Debugf(string, ...any) {}
