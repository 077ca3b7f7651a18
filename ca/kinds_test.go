package ca_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/catest"
)

// Open returns the kind of issuer that the configuration describes. Each names itself, and an error
// comes without an issuer.
func TestOpen(t *testing.T) {
	a := catest.NewCA("Mesh CA")
	certPath := file(t, a.PEM())

	for _, test := range []struct {
		config     ca.Config
		kind, name string
	}{
		{ca.Config{CertPath: certPath, KeyPath: file(t, a.KeyPEM())}, "CA", `CA "Mesh CA"`},
		{ca.Config{Addr: "https://cfssl:8888", Key: "c0ffee"}, "CFSSL", "CFSSL at https://cfssl:8888"},
		{ca.Config{Addr: "one,two:80", Key: "c0ffee"}, "CFSSL", "CFSSL at http://one:8888, http://two:80"},
		{ca.Config{CertPath: certPath, KeyPath: filepath.Join(t.TempDir(), "absent")}, "CA", ""},
		{ca.Config{}, "CFSSL", ""},
	} {
		if got := test.config.Name(); got != test.kind {
			t.Errorf("%v: kind %q, want %q", test.config, got, test.kind)
		}

		s, err := ca.Open(test.config)
		if test.name == "" {
			if s != nil || err == nil {
				t.Errorf("%v: %v, %v", test.config, s, err)
			}
			continue
		}
		if err != nil || s.String() != test.name {
			t.Errorf("%v: %v, %v, want %s", test.config, s, err, test.name)
		}
	}
}

// OpenLedger connects to the kind of ledger at an address. An error comes without a ledger.
func TestOpenLedger(t *testing.T) {
	for _, address := range []string{"", "mongodb://mongo", "mongodb+srv://mongo"} {
		if got := ca.LedgerName(address); got != "MongoDB" {
			t.Errorf("%q: kind %q", address, got)
		}
	}

	uri := newStub(t, "", 0)
	l, err := ca.OpenLedger(t.Context(), uri)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(t.Context()) })
	host, _, _ := strings.Cut(strings.TrimPrefix(uri, "mongodb://"), "/")
	if got := l.String(); got != "MongoDB at "+host {
		t.Errorf("the ledger at %s is called %q", uri, got)
	}

	if l, err := ca.OpenLedger(t.Context(), "postgres://db"); l != nil || err == nil {
		t.Errorf("%v, %v", l, err)
	}
}

// Every error with advice gets it once, and other errors get none.
func TestHints(t *testing.T) {
	for _, test := range []struct {
		err  error
		hint string
	}{
		{errors.New("no error of this package"), ""},
		{&ca.Error{Message: "invalid token"}, "CA.key must be"},
		{&ca.Error{Message: "no authentication provider"}, "auth_key"},
		{&ca.Error{Message: "Client sent an HTTP request to an HTTPS server."}, "CFSSL at CA.addr wants https://"},
		{&ca.CallError{Err: ca.ErrUnreachable}, "is CA.addr right"},
		{ca.ErrLedgerForbidden, "k8s_ca"},
		{ca.ErrNotAsAsked, "signing profile"},
		{errors.Join(ca.ErrNotAsAsked, ca.ErrNotYetValid), ""},
	} {
		hints := ca.Hints(test.err)
		if got := strings.Join(hints, "\n"); len(hints) > 1 || !strings.Contains(got, test.hint) || (test.hint == "") != (got == "") {
			t.Errorf("%v: hints %q, want %q", test.err, hints, test.hint)
		}
	}
}
