package ca_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/catest"
)

func issueEcho(t testing.TB, s ca.Signer) error {
	t.Helper()
	_, err := ca.Issue(t.Context(), s, ca.Request{Hosts: []string{"echo.default"}})
	return err
}

// wantError checks an error's sentinel and text.
func wantError(t *testing.T, err, is error, text string) {
	t.Helper()
	if err == nil || is != nil && !errors.Is(err, is) || !strings.Contains(errText(err), text) {
		t.Errorf("error %v, want %v and the text %q", err, is, text)
	}
}

func TestRefusals(t *testing.T) {
	const wrongKey = "dead5ec4e7dead5ec4e7dead5ec4e7de"
	server, _ := newCFSSL(t, catest.Options{})
	err := issueEcho(t, newClient(t, ca.Config{Addr: server.URL, Key: wrongKey}))
	wantError(t, err, ca.ErrUnauthorized, "cfssl authsign at "+server.URL+": invalid token (HTTP 400)")
	var refusal *ca.Error
	if !errors.As(err, &refusal) || refusal.Code != 400 || refusal.Status != 400 {
		t.Errorf("a wrong key gives %#v", refusal)
	}

	_, client := newCFSSL(t, catest.Options{NoProvider: true})
	err = issueEcho(t, client)
	wantError(t, err, ca.ErrNoProvider, "no authentication provider")
	if errors.Is(err, ca.ErrUnauthorized) {
		t.Error("a server without a key is said to refuse ours")
	}

	for _, test := range []struct {
		fault catest.Fault
		is    error
		want  string
	}{
		{catest.Fault{Status: 401, Body: "who are you?\n"}, ca.ErrUnauthorized, "who are you? (HTTP 401)"},
		{catest.Fault{Status: 403, Body: `{"success":false,"errors":[{"code":7400,"message":"Invalid CN"}]}`},
			ca.ErrUnauthorized, "Invalid CN (HTTP 403)"},
		{catest.Fault{Status: 404, Body: "404 page not found\n"}, nil, "404 page not found (HTTP 404)"},
		{catest.Fault{Status: 500, Body: "<html><body>oh\nno</body></html>"}, nil, "internal server error (HTTP 500)"},
		{catest.Fault{Status: 200, Body: "<html>welcome</html>"}, nil, "not that of CFSSL"},
		{catest.Fault{Status: 200, Body: `{"success":true,"result":{}}`}, nil, "holds no certificate"},
		{catest.Fault{Status: 200, Body: `{"success":true,"result":{"certificate":"gibberish"}}`}, nil, "no certificate in PEM form"},
		{catest.Fault{Status: 400, Body: `{"success":false,"errors":[{"code":9002,"message":"CSR\nDecode\u001b[31m failed"}]}`},
			nil, "CSR Decode [31m failed"},
		{catest.Fault{Status: 200, Body: strings.Repeat(" ", 2<<20)}, nil, "too large"},
		{catest.Fault{Status: 302, Header: http.Header{"Location": {"http://192.0.2.1/steal"}}}, nil, "found (HTTP 302)"},
	} {
		t.Run(test.want, func(t *testing.T) {
			test.fault.Nth, test.fault.Endpoint = 1, catest.Authsign
			server, client := newCFSSL(t, catest.Options{Faults: []catest.Fault{test.fault}})
			err := issueEcho(t, client)
			wantError(t, err, test.is, test.want)
			if strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("the error is not one plain line: %q", err)
			}

			wantRequests(t, server, "info 200", fmt.Sprintf("authsign echo.default %d", test.fault.Status)) // not retried
		})
	}
}

// After a cut connection or the error of a proxy, a request is repeated, even if it had an effect:
// three attempts in all.
func TestPassingFailuresHeal(t *testing.T) {
	for _, when := range []catest.Moment{catest.Before, catest.After} {
		for _, fault := range []catest.Fault{{Cut: true}, {Status: 502}, {Status: 503}, {Status: 504}} {
			fault.Nth, fault.When = 1, when
			for _, endpoint := range []string{catest.Info, catest.Authsign} {
				fault.Endpoint = endpoint
				server, client := newCFSSL(t, catest.Options{Faults: []catest.Fault{fault}})
				ca.WithoutBackoff(client)
				if err := issueEcho(t, client); err != nil {
					t.Errorf("%+v: %v", fault, err)
				}

				if n := len(server.Requests()); n != 3 {
					t.Errorf("%+v: %d requests, want 3", fault, n)
				}
			}
		}
	}

	always := []catest.Fault{{Nth: 1, Status: 503}, {Nth: 2, Status: 503}, {Nth: 3, Status: 503}}
	server, client := newCFSSL(t, catest.Options{Faults: always})
	ca.WithoutBackoff(client)
	wantError(t, issueEcho(t, client), nil, "service unavailable (HTTP 503)")
	wantRequests(t, server, "info 503", "info 503", "info 503")
}

// unused returns an address without a listener.
func unused(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestUnreachable(t *testing.T) {
	nobody := unused(t)
	client := newClient(t, ca.Config{Addr: nobody, Key: catest.Key})
	ca.WithoutBackoff(client)
	wantError(t, issueEcho(t, client), ca.ErrUnreachable, "cfssl info at http://"+nobody+": no answer: dial tcp "+nobody)
}

// The addresses are tried in their order; a refusal is an answer and ends the search.
func TestFailover(t *testing.T) {
	authority := catest.NewCA("shared CA")
	second, _ := newCFSSL(t, catest.Options{CA: authority})

	nobody := unused(t)
	if err := issueEcho(t, newClient(t, ca.Config{Addr: nobody + ", " + second.URL + "/", Key: catest.Key})); err != nil {
		t.Error(err)
	}

	wantRequests(t, second, "info 200", "authsign echo.default 200")

	proxy, _ := newCFSSL(t, catest.Options{CA: authority, Faults: []catest.Fault{{Nth: 2, Status: 502}}})
	if err := issueEcho(t, newClient(t, ca.Config{Addr: proxy.URL + "," + second.URL, Key: catest.Key})); err != nil {
		t.Error(err)
	}

	wantRequests(t, proxy, "info 200", "authsign echo.default 502")

	refusing, _ := newCFSSL(t, catest.Options{CA: authority, NoProvider: true})
	before := len(second.Requests())
	wantError(t, issueEcho(t, newClient(t, ca.Config{Addr: refusing.URL + "," + second.URL, Key: catest.Key})), ca.ErrNoProvider, refusing.URL)
	if len(second.Requests()) != before {
		t.Error("a refusal was taken for an absence")
	}

	client := newClient(t, ca.Config{Addr: nobody + ",http://" + nobody + "/two", Key: catest.Key})
	ca.WithoutBackoff(client)
	err := issueEcho(t, client)
	wantError(t, err, ca.ErrUnreachable, "http://"+nobody+"/two: no answer")
	wantError(t, err, ca.ErrUnreachable, "http://"+nobody+": no answer")
}

func TestCancelledRequests(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server, client := newCFSSL(t, catest.Options{})
	if err := issueEcho(t, client); err != nil {
		t.Fatal(err)
	}

	cancel()
	_, err := ca.Issue(ctx, client, ca.Request{Hosts: []string{"echo.default"}})
	wantError(t, err, context.Canceled, "")
	if errors.Is(err, ca.ErrUnreachable) {
		t.Error("a run that was interrupted is said not to reach CFSSL")
	}

	wantRequests(t, server, "info 200", "authsign echo.default 200")
}

func TestTLS(t *testing.T) {
	server := catest.New(catest.Options{MutualTLS: true})
	t.Cleanup(server.Close)

	dir := t.TempDir()
	file := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}

	certificate, key := server.ClientPair()
	trusted, cert, keyFile := file("ca.pem", server.CA.PEM()), file("client.pem", certificate), file("client-key.pem", key)

	bare := strings.TrimPrefix(server.URL, "https://")

	for _, test := range []struct {
		name string
		c    ca.Config
		want string
	}{
		{"certificate and trust", ca.Config{Addr: server.URL, TLSRemoteCA: trusted, MutualTLSCert: cert, MutualTLSKey: keyFile}, ""},
		{"Secure means https", ca.Config{Addr: bare, Secure: true, TLSRemoteCA: trusted, MutualTLSCert: cert, MutualTLSKey: keyFile}, ""},
		{"SkipCACheck", ca.Config{Addr: bare, Secure: true, SkipCACheck: true, MutualTLSCert: cert, MutualTLSKey: keyFile}, ""},
		{"SkipCACheck without Secure", ca.Config{Addr: server.URL, SkipCACheck: true, MutualTLSCert: cert, MutualTLSKey: keyFile}, "unknown authority"},
		{"no trust", ca.Config{Addr: server.URL, MutualTLSCert: cert, MutualTLSKey: keyFile}, "unknown authority"},
		{"no certificate", ca.Config{Addr: server.URL, TLSRemoteCA: trusted}, "certificate required"},
		{"plain", ca.Config{Addr: "http://" + bare}, "HTTP 400"},
		{"http although Secure", ca.Config{Addr: "http://" + bare, Secure: true}, "although Secure is set"},
		{"absent trust", ca.Config{Addr: server.URL, TLSRemoteCA: filepath.Join(dir, "absent")}, "CFSSL's own certificate"},
		{"garbage trust", ca.Config{Addr: server.URL, TLSRemoteCA: keyFile}, "no certificate in PEM form"},
		{"certificate without key", ca.Config{Addr: server.URL, MutualTLSCert: cert}, "client certificate for CFSSL"},
	} {
		test.c.Key = catest.Key
		client, err := ca.New(test.c)
		if err == nil {
			ca.WithoutBackoff(client)
			err = issueEcho(t, client)
		}

		if got := errText(err); test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s: error %q, want one with %q", test.name, got, test.want)
		}
	}

	old, _ := newCFSSL(t, catest.Options{OldTLS: true, CA: server.CA})
	wantError(t, issueEcho(t, newClient(t, ca.Config{Addr: old.URL, Key: catest.Key, TLSRemoteCA: trusted})), nil, "protocol version not supported")
	plain, _ := newCFSSL(t, catest.Options{})
	client := newClient(t, ca.Config{Addr: strings.Replace(plain.URL, "http", "https", 1), Key: catest.Key})
	wantError(t, issueEcho(t, client), nil, "HTTP response to HTTPS client")
}

func TestKeys(t *testing.T) {
	for key, want := range map[string]string{
		"":                 "no CFSSL key",
		"5ec4e7e":          "odd number of hexadecimal digits",
		"not the s3cr3t!!": "not hexadecimal",
		"file:/etc/passwd": "not hexadecimal",
		"env:HOME":         "not hexadecimal",
	} {
		_, err := ca.New(ca.Config{Addr: "cfssl", Key: key})
		wantError(t, err, nil, want)
		if key != "" && strings.Contains(err.Error(), key) {
			t.Errorf("the error shows the key: %v", err)
		}
	}
}
