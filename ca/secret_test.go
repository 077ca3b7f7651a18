package ca_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"log/slog"
	"math/big"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/catest"
)

// printed returns every form in which a program may print a value by mistake.
func printed(t *testing.T, values ...any) string {
	t.Helper()
	var out bytes.Buffer

	text, js := slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}

		if encoded, err := json.Marshal(v); err == nil {
			out.Write(encoded)
		}

		text.Info("shown", "value", v)
		js.Info("shown", "value", v)
	}

	return out.String()
}

// wantHidden looks for a secret in every printed form of a value.
func wantHidden(t *testing.T, out string, secrets ...string) {
	t.Helper()
	for _, s := range secrets {
		raw := []byte(s)
		for _, form := range []string{
			s, hex.EncodeToString(raw), base64.StdEncoding.EncodeToString(raw), strings.Trim(fmt.Sprint(raw), "[]"), fmt.Sprintf("%#v", raw),
		} {
			if strings.Contains(out, form) {
				t.Errorf("a secret shows as %.40q", form)
			}
		}
	}
}

// A private key only shows after conversion to bytes, wherever it is nested. A client and a
// configuration do not show the API key.
func TestSecretsArePrintedNowhere(t *testing.T) {
	server := catest.New(catest.Options{})
	t.Cleanup(server.Close)
	config := ca.Config{Addr: server.URL, Key: catest.Key}
	client := newClient(t, config)

	b, err := ca.Issue(t.Context(), client, ca.Request{Hosts: []string{"echo.default"}})
	if err != nil {
		t.Fatal(err)
	}

	key := string(b.Key)
	if text, err := b.Key.MarshalText(); err != nil || string(text)+b.Key.String()+b.Key.GoString() != "[redacted][redacted][redacted]" {
		t.Errorf("the key as text: %q, %v", text, err)
	}

	body := strings.Split(key, "\n")[1] // a line of its base64
	out := printed(t, b, &b, b.Key, []ca.PrivateKey{b.Key}, map[string]any{"bundle": b}, client, config, &config, struct{ CA ca.Config }{config},
		ca.NewRecord(ca.RoleInbound, "default", "echo", "org", b, b.Leaf.NotBefore))
	wantHidden(t, out, key, body, catest.Key)

	raw, err := hex.DecodeString(catest.Key)
	if err != nil {
		t.Fatal(err)
	}

	wantHidden(t, out, string(raw))
	if !strings.Contains(out, "[redacted]") || !strings.Contains(out, server.URL) {
		t.Errorf("what is not secret should show:\n%s", out)
	}

	dir := t.TempDir()
	out = printed(t, newLocal(t, dir))

	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "ca.pem"), filepath.Join(dir, "ca-key.pem"))
	if err != nil {
		t.Fatal(err)
	}

	scalar, err := pair.PrivateKey.(*ecdsa.PrivateKey).Bytes()
	if err != nil {
		t.Fatal(err)
	}

	wantHidden(t, out, string(scalar), new(big.Int).SetBytes(scalar).String())

	wantHidden(t, printed(t, ca.Config{Addr: "http://user:s3cr3t-pw@cfssl"}), "s3cr3t-pw")
}

// No logging of cfssl or resty reaches standard error, to which package log writes.
func TestNothingIsLogged(t *testing.T) {
	var logged bytes.Buffer
	old := log.Writer()
	log.SetOutput(&logged)
	t.Cleanup(func() { log.SetOutput(old) })

	for _, o := range []catest.Options{{}, {NoProvider: true}, {Faults: []catest.Fault{{Nth: 1, Cut: true}, {Nth: 2, Cut: true}, {Nth: 3, Cut: true}}}} {
		_, client := newCFSSL(t, o)
		ca.WithoutBackoff(client)
		_ = issueEcho(t, client) // what comes of it is other tests' matter
	}

	if err := issueEcho(t, newLocal(t, filepath.Join(t.TempDir(), "ca"))); err != nil {
		t.Error(err)
	}

	if logged.Len() > 0 {
		t.Errorf("logged:\n%s", &logged)
	}
}
