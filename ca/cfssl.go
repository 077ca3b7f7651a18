package ca

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cloudflare/cfssl/auth"
	"github.com/cloudflare/cfssl/info"
	"github.com/go-resty/resty/v2"
)

// Limits of one request to CFSSL, whose answer holds one certificate.
const (
	requestTimeout = 30 * time.Second
	maxAnswer      = 1 << 20
	rounds         = 3 // over all addresses
)

// Client is a Signer that sends requests to CFSSL: to authsign and info of its HTTP API, version 1.
// It is safe for concurrent use.
type Client struct {
	servers []string
	http    *resty.Client
	token   func(request []byte) ([]byte, error) // a function: fmt would print the key in cfssl's provider
	backoff time.Duration                        // before the second round; doubles
	trace   func(Call)
	now     func() time.Time

	profile string // "" is the default one

	turn  chan struct{}       // the lock of the fields below: waiting for it can be cancelled
	chain []*x509.Certificate // the CA's certificate and those above it; nil before they are known
	known bool                // CFSSL has the profile
}

// New returns a client. It sends nothing.
//
// Errors: an invalid address, a key that is not hexadecimal, an unreadable file, a certificate that
// is not a CA's or has expired.
func New(c Config) (*Client, error) {
	servers, err := parseAddresses(c.Addr, c.Secure)
	if err != nil {
		return nil, err
	}

	provider, err := c.provider()
	if err != nil {
		return nil, err
	}

	chain, err := readChain(c.CertPath, clock(c.Now)())
	if err != nil {
		return nil, err
	}

	tlsConfig, err := c.tls()
	if err != nil {
		return nil, err
	}

	client := &Client{
		servers: servers, http: newHTTP(tlsConfig), token: provider.Token, backoff: 200 * time.Millisecond, trace: c.Trace, now: clock(c.Now),
		profile: c.Profile, turn: make(chan struct{}, 1), chain: chain, known: c.Profile == "",
	}
	if client.trace == nil {
		client.trace = func(Call) {}
	}

	return client, nil
}

// String names the server: "CFSSL at https://cfssl:8888".
func (c *Client) String() string { return c.Name() + " at " + strings.Join(c.servers, ", ") }

// Name returns "CFSSL".
func (*Client) Name() string { return cfsslName }

// newHTTP returns a resty client that never follows a redirect (CFSSL sends none, and a request is
// a credential that can be replayed), never reads more than maxAnswer and never logs.
func newHTTP(config *tls.Config) *resty.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	transport.MaxIdleConnsPerHost = 16 // more than --parallel, so that connections are kept
	return resty.NewWithClient(&http.Client{
		Transport:     transport,
		Timeout:       requestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}).SetResponseBodyLimit(maxAnswer).SetLogger(silent{})
}

// silent is a logger for resty, which otherwise writes errors to standard error.
type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Warnf(string, ...any)  {}
func (silent) Debugf(string, ...any) {}

// Chain returns the CA's certificate and those above it: from Config.CertPath or, without it, the
// answer of CFSSL's info, which is requested once.
//
// Errors: those of Sign; a certificate that is not a CA's or is not valid now.
func (c *Client) Chain(ctx context.Context) ([]*x509.Certificate, error) {
	if err := c.lock(ctx); err != nil {
		return nil, err
	}

	defer c.unlock()
	if c.chain == nil {
		served, err := c.Served(ctx)
		if err != nil {
			return nil, err
		}
		c.chain = []*x509.Certificate{served}
	}

	return c.chain, nil
}

func (c *Client) lock(ctx context.Context) error {
	select {
	case c.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for CFSSL: %w", ctx.Err())
	}
}

func (c *Client) unlock() { <-c.turn }

// Served returns the certificate of the CA with which CFSSL says that it signs, and ignores
// Config.CertPath.
//
// Errors: those of Chain.
func (c *Client) Served(ctx context.Context) (*x509.Certificate, error) {
	a, err := c.info(ctx, c.profile)
	if err != nil {
		return nil, err
	}

	cert, err := parseCertificate(a.certificate)
	if err == nil {
		err = CheckCA(cert, c.now())
	}

	if err != nil {
		return nil, fmt.Errorf("the CA's certificate from CFSSL: %w", err)
	}

	return cert, nil
}

// noProfile is a profile that no server has.
const noProfile = "tykmesh: no such profile"

// checkProfile returns an error if CFSSL does not have the configured profile. CFSSL answers for an
// unknown profile as for its default one (cfssl, signer.Profile). So checkProfile compares the
// answers for the configured profile and for one that cannot exist.
//
// Errors: ErrNoProfile, those of Chain.
func (c *Client) checkProfile(ctx context.Context) error {
	if err := c.lock(ctx); err != nil {
		return err
	}

	defer c.unlock()
	if c.known {
		return nil
	}

	asked, err := c.info(ctx, c.profile)
	if err != nil {
		return err
	}

	other, err := c.info(ctx, noProfile)
	if err != nil {
		return err
	}

	c.known = !asked.signsLike(other)
	if !c.known {
		return fmt.Errorf("%w: %q, or it equals the default one; without CA.profile the default one is used", ErrNoProfile, c.profile)
	}

	return nil
}

// CheckAccess returns an OpenError if CFSSL issues certificates without a key: by sign, if the
// default profile has no authentication key, or by newcert, which only "cfssl serve -disable" turns
// off. Nothing is signed: the requests lack a CSR, and only an open endpoint complains about that.
//
// Errors: *OpenError, ErrUnreachable, the context's.
func (c *Client) CheckAccess(ctx context.Context) error {
	var open []string
	for _, probe := range []struct{ op, body string }{
		{"sign", `{"hostname":"check.invalid","certificate_request":"none"}`},
		{"newcert", `{"request":null}`}, // newcert would issue a certificate for an empty object
	} {
		_, err := c.call(ctx, probe.op, []byte(probe.body))
		var refusal *Error
		switch {
		case err == nil:
			open = append(open, probe.op)
		case !errors.As(err, &refusal):
			return err
		case refusal.Code != 0 && refusal.Message != messageAuthentication:
			open = append(open, probe.op)
		}
	}

	if len(open) > 0 {
		return &OpenError{open}
	}

	return nil
}

// info requests the CA and the properties of a profile.
func (c *Client) info(ctx context.Context, profile string) (answer, error) {
	body, err := json.Marshal(info.Req{Profile: profile})
	if err != nil {
		return answer{}, fmt.Errorf("encoding a request for the CA's certificate: %w", err)
	}
	return c.call(ctx, "info", body)
}

// Sign has authsign sign a request, more than once if a connection fails: a lost certificate is
// harmless.
//
// Errors: *Error for a refusal, which may be ErrUnauthorized or ErrNoProvider; ErrNoProfile;
// *CallError without an answer, which is ErrUnreachable if no server could be reached; the
// context's.
func (c *Client) Sign(ctx context.Context, hosts []string, csrPEM []byte) ([]byte, error) {
	if err := c.checkProfile(ctx); err != nil {
		return nil, err
	}

	// hostname, not hosts: servers of tyk-k8s's time know nothing else. It overrides the CSR's
	// names.
	fields := map[string]string{"hostname": strings.Join(hosts, ","), "certificate_request": string(csrPEM)}
	if c.profile != "" {
		fields["profile"] = c.profile
	}

	request, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("encoding a signing request: %w", err)
	}

	token, err := c.token(request)
	if err != nil {
		return nil, fmt.Errorf("authenticating a signing request: %w", err)
	}

	body, err := json.Marshal(auth.AuthenticatedRequest{Timestamp: time.Now().Unix(), Token: token, Request: request})
	if err != nil {
		return nil, fmt.Errorf("encoding a signing request: %w", err)
	}

	a, err := c.call(ctx, "authsign", body)

	return a.certificate, err
}

// call posts to the first server that answers. If there is no answer, it waits and tries again.
func (c *Client) call(ctx context.Context, op string, body []byte) (answer, error) {
	for round := range rounds - 1 {
		a, err := c.round(ctx, op, body)
		if err == nil || !passing(err) {
			return a, err
		}
		wait := c.backoff << round
		select {
		case <-time.After(wait/2 + rand.N(wait/2+1)):
		case <-ctx.Done():
			return answer{}, fmt.Errorf("%w; then: %w", err, ctx.Err())
		}
	}

	return c.round(ctx, op, body)
}

// round tries the servers in their order.
func (c *Client) round(ctx context.Context, op string, body []byte) (answer, error) {
	var failed error
	for _, server := range c.servers {
		a, err := c.post(ctx, server, op, body)
		if err == nil || !unavailable(err) {
			return a, err
		}
		if failed != nil {
			err = fmt.Errorf("%w; %w", failed, err)
		}

		failed = err
	}

	return answer{}, failed
}

// post sends one request to one server.
func (c *Client) post(ctx context.Context, server, op string, body []byte) (answer, error) {
	start := time.Now()
	resp, err := c.http.R().SetContext(ctx).SetHeader("Content-Type", "application/json").SetBody(body).Post(server + "/api/v1/cfssl/" + op)
	date, _ := http.ParseTime(resp.Header().Get("Date"))
	c.trace(Call{Issuer: "cfssl", Server: server, Op: op, Status: resp.StatusCode(), Duration: time.Since(start), Date: date})
	if err != nil {
		return answer{}, transportError(ctx, server, op, err)
	}

	a := parseAnswer(resp.StatusCode(), resp.Body())
	if a.message != "" {
		return answer{}, &Error{Server: server, Op: op, Status: resp.StatusCode(), Code: a.code, Message: a.message}
	}

	return a, nil
}

// transportError returns the error for a request without an answer: the end of the caller's
// context, a wrong setting, or an unreachable server.
func transportError(ctx context.Context, server, op string, err error) error {
	var asked *url.Error
	var alert *net.OpError
	if errors.As(err, &asked) {
		err = asked.Err // the rest of it repeats the address
	}

	if errors.As(err, &alert) && alert.Op == remoteAlert {
		err = alert // net/http puts varying words of its own before it
	}

	if ctx.Err() != nil {
		err = ctx.Err()
	} else if !misconfigured(err) {
		err = fmt.Errorf("%w: %w", ErrUnreachable, err)
	}

	return &CallError{server, op, err}
}

// remoteAlert is the name of an alert of the other side in crypto/tls.
const remoteAlert = "remote error"

// misconfigured reports whether neither waiting nor another server can help: the server has no TLS,
// is not trusted, does not trust the client (a TLS alert), or sends an endless answer.
func misconfigured(err error) bool {
	var untrusted *tls.CertificateVerificationError
	var noTLS tls.RecordHeaderError
	var op *net.OpError
	return errors.As(err, &untrusted) || errors.As(err, &noTLS) || errors.Is(err, http.ErrSchemeMismatch) ||
		errors.As(err, &op) && op.Op == remoteAlert || errors.Is(err, resty.ErrResponseBodyTooLarge)
}

// unavailable reports whether another server should be tried: there was no answer, or a proxy's.
func unavailable(err error) bool {
	var refusal *Error
	if errors.As(err, &refusal) {
		switch refusal.Status {
		case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
	}

	return errors.Is(err, ErrUnreachable)
}

// passing reports whether to try all servers again. After a timeout, it is not worth it.
func passing(err error) bool {
	var n net.Error
	return unavailable(err) && !(errors.As(err, &n) && n.Timeout())
}
