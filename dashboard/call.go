package dashboard

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	listLimit = 128 << 20 // bytes of a listing: about 20,000 APIs
	itemLimit = 4 << 20   // bytes of any other answer
)

// call is one request of the Dashboard's API.
type call struct {
	op          string
	method      string
	path        string
	query       map[string]string
	body        []byte
	contentType string
	item        bool // is about one API or certificate, which may be absent
	listing     bool // has no time limit but the caller's
	uses        bool // lists the APIs that name a certificate, which not every Dashboard supports
}

// callOf returns a call about one API or certificate.
func callOf(op, method, base, id string) (call, error) {
	if !isID(id) {
		return call{}, fmt.Errorf("%s: %q is not an id", op, id)
	}
	return call{op: op, method: method, path: base + "/" + id, item: true}, nil
}

// failed returns the error of a call; status is 0 without an answer. The message must not contain
// the key.
func (r call) failed(status int, message string, kind error) *Error {
	return &Error{Op: r.op, Method: r.method, Path: r.path, Status: status, Message: message, kind: kind}
}

// misread returns the error of a successful answer that lacks what every Dashboard sends.
func (r call) misread(why string) *Error {
	return r.failed(http.StatusOK, "not a Dashboard's answer: "+why, errForeign)
}

// do sends a request, repeats it as retry allows, and decodes the answer.
func (c *Client) do(ctx context.Context, r call, into answered) error {
	for attempt := 1; ; attempt++ {
		got, err := c.attempt(ctx, r, attempt, into)
		if wait, again := c.retry(r, attempt, got, err); again {
			select {
			case <-time.After(wait):
				continue
			case <-ctx.Done():
				err = ctx.Err()
			}
		}

		if err != nil {
			return c.unanswered(ctx, r, err)
		}

		return c.decode(r, got, into)
	}
}

// attempt sends a request once. No other function sets the key.
func (c *Client) attempt(ctx context.Context, r call, attempt int, into answered) (*reply, error) {
	limited := ctx
	if !r.listing {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeoutCause(ctx, c.config.RequestTimeout, errSlow)
		defer cancel()
	}

	req := c.http.R().
		SetContext(limited).
		SetHeader("Authorization", c.config.Secret).
		SetHeader("Accept", "application/json").
		SetQueryParams(r.query).
		SetDoNotParseResponse(true)

	if r.body != nil {
		// Not a byte slice: resty would copy it into pooled buffers, which would keep private keys.
		req.SetHeader("Content-Type", r.contentType).SetBody(bytes.NewReader(r.body))
	}

	limit := int64(itemLimit)
	if r.listing {
		limit = c.listLimit
	}

	start := time.Now()
	got := &reply{}

	resp, err := req.Execute(r.method, r.path)
	if err == nil {
		got, err = receive(resp.RawResponse, limit, into)
	}

	seen := Request{Method: r.method, Path: r.path, Status: got.status, Duration: time.Since(start), Attempt: attempt}
	seen.Date, _ = http.ParseTime(got.header.Get("Date"))
	c.config.Trace(seen)
	if err != nil && errors.Is(context.Cause(limited), errSlow) {
		err = errSlow
	}

	return got, err
}

// errSlow is the cause when an attempt, not the caller's context, has run out of time.
var errSlow = errors.New("no complete answer in time")

// unanswered returns the error of a request that got no complete answer.
func (c *Client) unanswered(ctx context.Context, r call, err error) error {
	e := r.failed(0, err.Error(), err)
	var u *url.Error
	switch {
	case ctx.Err() != nil:
		e.kind = ctx.Err()
		e.Message = context.Cause(ctx).Error()
	case errors.Is(err, errSlow):
		e.Message = fmt.Sprintf("%s (%s)", errSlow, c.config.RequestTimeout)
	case cutOff(err):
		e.Message = "the connection was cut"
	case errors.As(err, &u):
		// Without the URL: Op, Method and Path name it already.
		e.kind = u.Err
		e.Message = u.Err.Error()
	}

	e.Message = oneLine(e.Message, c.config.Secret)
	if strings.Contains(e.kind.Error(), c.config.Secret) {
		e.kind = nil // net/http quotes malformed answers
	}

	return e
}

// decode reads an answer. Success is HTTP 200 with the status OK; listings and look-ups carry no
// status.
func (c *Client) decode(r call, got *reply, into answered) error {
	if got.status != http.StatusOK {
		var a answer
		isJSON := lenient(got.body, &a)

		message := a.message()
		if !isJSON {
			message = foreign(got, c.config.Secret)
		}

		kind := classify(r, got, isJSON, message)
		if kind == nil && !isJSON {
			kind = errForeign
		}

		return r.failed(got.status, oneLine(message, c.config.Secret), kind)
	}

	if err := got.decode(into); err != nil {
		message := "not a Dashboard's answer: " + err.Error()
		if errors.As(err, new(*json.SyntaxError)) || errors.Is(err, errCutOff) {
			message = foreign(got, c.config.Secret)
		}
		return r.failed(got.status, oneLine(message, c.config.Secret), errForeign)
	}

	a := into.base()
	switch {
	case strings.EqualFold(a.Status, "ok"), a.Status == "" && r.method == http.MethodGet:
		return nil
	case a.Status == "":
		return r.misread("no status")
	}

	return r.failed(got.status, oneLine(a.message(), c.config.Secret), classify(r, got, true, a.message()))
}
