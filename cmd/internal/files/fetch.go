package files

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxRedirects is the number of redirects that are followed for a URL. Hosts of raw files need one
// or two.
const maxRedirects = 5

// isURL reports whether a path is the URL of a server.
func isURL(path string) bool {
	for _, scheme := range []string{"https://", "http://"} {
		if len(path) >= len(scheme) && strings.EqualFold(path[:len(scheme)], scheme) {
			return true
		}
	}
	return false
}

// remote returns the source of a URL.
//
// Errors: [InputError] for an invalid URL, several ones, and http:// without the flag.
func (in Inputs) remote(text string) ([]Source, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" { // the error may show a part of a password
		return nil, &InputError{"a URL is not valid; write https://HOST/PATH, and encode special characters with %"}
	}

	name := shown(u)
	for _, another := range []string{",https://", ",http://"} {
		if strings.Contains(strings.ToLower(text), another) {
			return nil, &InputError{name + ": commas do not separate URLs; write -f before each"}
		}
	}
	if u.Scheme != "https" && !in.PlainHTTP {
		return nil, &InputError{name + ": every host on the way can change the answer; use https://, or allow it with --plain-http"}
	}

	return []Source{{Name: name, kind: aURL, from: u}}, nil
}

// shown returns a URL without the parts that may be secret: the user and the query.
func shown(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

// client reads URLs. It has no cookies, and sends no credentials but those in the URL.
type client struct{ transport *http.Transport }

func (in Inputs) newClient() client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxResponseHeaderBytes = 1 << 20
	transport.Proxy = func(r *http.Request) (*url.URL, error) {
		proxy, err := http.ProxyFromEnvironment(r)
		if err != nil { // it shows the value, which may hold a password
			return nil, errors.New("HTTPS_PROXY or HTTP_PROXY is no valid URL; correct it")
		}
		return proxy, nil
	}
	if in.roots != nil {
		transport.TLSClientConfig = &tls.Config{RootCAs: in.roots, MinVersion: tls.VersionTLS12}
	}

	return client{transport}
}

// get returns the answer of a server. It follows redirects itself: [http.Client] would send the
// query of a URL to the next host (Referer), let a server choose the credentials for it, and show
// the addresses of redirects in errors.
func (c client) get(ctx context.Context, typed *url.URL) ([]byte, error) {
	defer c.transport.CloseIdleConnections()
	at := typed
	for range maxRedirects + 1 {
		resp, err := c.ask(ctx, at)
		if err != nil {
			return nil, err
		}

		if !redirects(resp.StatusCode) {
			data, err := read(resp, at)
			_ = resp.Body.Close() // it was read to its end, or is refused
			return data, err
		}

		_ = resp.Body.Close()
		if at, err = follow(at, resp.Header.Get("Location")); err != nil {
			return nil, err
		}
	}

	return nil, fmt.Errorf("the server redirects more than %d times", maxRedirects)
}

// ask sends a request.
func (c client) ask(ctx context.Context, at *url.URL) (*http.Response, error) {
	bare := *at
	bare.User, bare.Fragment = nil, ""
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, bare.String(), http.NoBody)
	if err != nil {
		return nil, errors.New("the URL is not valid")
	}

	req.Header.Set("User-Agent", "tykmesh")
	if at.User != nil {
		password, _ := at.User.Password()
		req.SetBasicAuth(at.User.Username(), password)
	}

	resp, err := c.transport.RoundTrip(req)
	if err != nil && strings.Contains(err.Error(), "malformed") { // it shows the answer, which may hold secrets
		err = errors.New("the answer of the server is not valid HTTP")
	}

	return resp, err
}

func redirects(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// errNoURL says that a redirect leads nowhere. It does not show it, because it may hold secrets.
var errNoURL = errors.New("the server redirects, but not to a valid URL")

// follow returns the URL of a redirect, without user and password: they belong to the URL that was
// typed.
//
// Errors: the redirect is no URL, or leads from https:// to anything else.
func follow(at *url.URL, location string) (*url.URL, error) {
	next, err := at.Parse(location)
	if err != nil || location == "" {
		return nil, errNoURL
	}
	if next.Scheme != "https" && (next.Scheme != "http" || at.Scheme == "https") {
		return nil, fmt.Errorf("the server redirects from %s:// to %s, which is not followed", at.Scheme, shown(next))
	}
	if next.Hostname() == "" {
		return nil, errNoURL
	}

	next.User, next.Fragment = nil, ""

	return next, nil
}

// read returns the body of an answer.
//
// Errors: another status than 200; the body is cut off, larger than manifests may be, or a web
// page.
func read(resp *http.Response, at *url.URL) ([]byte, error) {
	switch status := strings.TrimSpace(fmt.Sprint(resp.StatusCode, " ", http.StatusText(resp.StatusCode))); resp.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return nil, fmt.Errorf("the server answered %s; if the file is private, write https://USER:TOKEN@HOST/PATH, or download it", status)
	default:
		return nil, fmt.Errorf("the server answered %s", status)
	}

	if resp.ContentLength > maxManifests {
		return nil, tooLarge(maxManifests)
	}
	data, err := readAll(resp.Body, maxManifests, resp.ContentLength)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the answer is cut off")
	}
	if err != nil {
		return nil, err
	}

	if bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), " \t\r\n"), []byte("<")) {
		return nil, errors.New("the answer is a web page, and no manifest; " + insteadOf(at))
	}

	return data, nil
}

// insteadOf returns what to do about a web page. GitHub and GitLab show a file at /blob/, and have
// its text at /raw/.
func insteadOf(at *url.URL) string {
	if before, after, ok := strings.Cut(at.EscapedPath(), "/blob/"); ok {
		return "read the text of the file: " + at.Scheme + "://" + at.Host + before + "/raw/" + after
	}
	return "read the URL of the raw file; if the server wants a login, download the file"
}
