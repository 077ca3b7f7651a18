package ca_test

import (
	"bytes"
	"encoding/pem"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/catest"
)

// Addresses on which cfssl's own client panics or fails, and their meaning here.
func TestAddresses(t *testing.T) {
	for _, test := range []struct {
		text   string
		secure bool
		want   string // or a part of the error
	}{
		{"http://cfssl-svc.default", false, "http://cfssl-svc.default"},
		{"cfssl-svc.default", false, "http://cfssl-svc.default:8888"},
		{"cfssl-svc.default", true, "https://cfssl-svc.default:8888"},
		{"127.0.0.1:8888", false, "http://127.0.0.1:8888"},
		{"localhost:8888", false, "http://localhost:8888"},
		{"[::1]:8888", false, "http://[::1]:8888"},
		{"http://h:8888/", false, "http://h:8888"},
		{"https://h/pki/ca//", false, "https://h/pki/ca"},
		{"h/pki", false, "http://h:8888/pki"},
		{"HTTP://H", false, "http://H"},
		{"::bad", false, "want [http://]HOST"},
		{"::1", false, "want [http://]HOST"},
		{"http://", false, "want [http://]HOST"},
		{"/prefix", false, "want [http://]HOST"},
		{"http://h/?x=1", false, "want [http://]HOST"},
		{"http://h/#x", false, "want [http://]HOST"},
		{"h h", false, "want [http://]HOST"},
		{"ftp://h", false, "http or https"},
		{"h:", false, "no port"},
		{"h:0", false, "not a port"},
		{"h:70000", false, "not a port"},
		{"h:http", false, "want [http://]HOST"},
		{"http://h", true, "although Secure"},
		{"http://user:s3cr3t-pw@h", false, "knows neither"},
	} {
		got, err := ca.ParseAddress(test.text, test.secure)
		if err != nil {
			got = err.Error()
			wantHidden(t, got, "s3cr3t-pw")
		}

		if got != test.want && (err == nil || !strings.Contains(got, test.want)) {
			t.Errorf("%q, secure %t: %s, want %s", test.text, test.secure, got, test.want)
		}
	}

	for _, list := range []string{"", " , "} {
		_, err := ca.New(ca.Config{Addr: list, Key: catest.Key})
		wantError(t, err, nil, "no CFSSL address")
	}
}

// Any address gives either an error, or a URL to which a path can be appended and which parses as
// itself.
func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"127.0.0.1:8888", "::bad", "http://h/%2f", "[::1%25eth0]:1", "h:99999", "http://[::1]/a b", "//h", "http:///x", "h/..//"} {
		f.Add(seed, true)
		f.Add(seed, false)
	}

	f.Fuzz(func(t *testing.T, text string, secure bool) {
		server, err := ca.ParseAddress(text, secure)
		if err != nil {
			return
		}

		u, err := url.Parse(server + "/api")
		if err != nil {
			t.Fatal(err)
		}

		if u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || !strings.HasSuffix(u.Path, "/api") {
			t.Fatalf("%q became %q", text, server)
		}

		if secure && u.Scheme != "https" {
			t.Fatalf("%q became %q although it must be secure", text, server)
		}

		if again, err := ca.ParseAddress(server, secure); err != nil || again != server {
			t.Fatalf("%q became %q and that became %q: %v", text, server, again, err)
		}
	})
}

// Any answer gives either a certificate or a message, never both, and the message is fit for an
// error.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"success":true,"result":{"certificate":"x"},"errors":[],"messages":[]}`,
		`{"success":false,"result":null,"errors":[{"code":400,"message":"invalid token"}],"messages":[]}`,
		`{"success":false,"errors":[{"message":""}]}`, `{"errors":[{"message":"a\nb\u0000\u202e"}]}`,
		"404 page not found\n", "<html>", "", "null", "[]", "\xff\xfe",
	} {
		f.Add(200, []byte(seed))
		f.Add(400, []byte(seed))
	}

	f.Fuzz(func(t *testing.T, status int, body []byte) {
		certificate, message := ca.ParseAnswer(status, body)
		if (len(certificate) == 0) == (message == "") {
			t.Fatalf("certificate %q and message %q", certificate, message)
		}

		if len(certificate) > 0 && status != 200 {
			t.Fatalf("a certificate with status %d", status)
		}

		odd := func(r rune) bool { return !unicode.IsPrint(r) }
		if len(message) > ca.MaxMessage || !utf8.ValidString(message) || strings.ContainsFunc(message, odd) {
			t.Fatalf("message %q", message)
		}
	})
}

// Any text of CertPath, a signer or a bundle gives either an error without a key, or certificates.
// Encoded again, they parse as themselves, and the hash of a bundle ignores their order.
func FuzzCertificate(f *testing.F) {
	one, other := catest.NewCA("fuzz CA"), catest.NewCA("other CA")
	authority, key := one.PEM(), strings.Split(string(one.KeyPEM()), "\n")[1]
	f.Add(authority)
	f.Add(slices.Concat(authority, []byte("# other\n"), other.PEM(), authority))
	f.Add(slices.Concat(authority, one.KeyPEM()))
	f.Add(append([]byte("text before\n"), authority...))
	f.Add(append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}), authority...))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		trust, err := ca.ParseTrustBundle(text)
		if err != nil && strings.Contains(err.Error(), key) {
			t.Fatalf("said: %v", err)
		}

		turned := slices.Clone(trust)
		slices.Reverse(turned)
		if again, err := ca.ParseTrustBundle(ca.EncodeCertificates(turned...)); len(trust) > 0 && (err != nil || len(again) != len(trust) || again.Hash() != trust.Hash()) {
			t.Fatalf("%d certificates of hash %q became %d of hash %q: %v", len(trust), trust.Hash(), len(again), again.Hash(), err)
		}

		c, err := ca.ParseCertificate(text)
		if err != nil {
			return
		}

		again, err := ca.ParseCertificate(ca.EncodeCertificate(c))
		if err != nil || !bytes.Equal(again.Raw, c.Raw) {
			t.Fatalf("the certificate changed: %v", err)
		}
	})
}

// The error about a file with a key does not quote the key.
func TestErrorsAboutKeyFiles(t *testing.T) {
	_, key := func() ([]byte, []byte) {
		s := catest.New(catest.Options{})
		defer s.Close()
		return s.ClientPair()
	}()
	path := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(path, key, 0o600); err != nil {
		t.Fatal(err)
	}

	for _, c := range []ca.Config{{CertPath: path}, {TLSRemoteCA: path}, {MutualTLSCert: path, MutualTLSKey: path}} {
		c.Addr, c.Key = "cfssl", catest.Key
		_, err := ca.New(c)
		wantError(t, err, nil, "")
		wantHidden(t, printed(t, err), strings.Split(string(key), "\n")[1], catest.Key)
	}
}
