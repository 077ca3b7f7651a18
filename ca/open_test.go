package ca_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/catest"
)

// Endpoints that ask for no key are found, and sign nothing for the check.
func TestOpenEndpoints(t *testing.T) {
	for _, c := range []struct {
		name    string
		options catest.Options
		want    []string
	}{
		{"closed", catest.Options{}, nil},
		{"newcert not disabled", catest.Options{Newcert: true}, []string{"newcert"}},
		{"no key on the default profile", catest.Options{NoProvider: true}, []string{"sign"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := catest.New(c.options)
			defer s.Close()

			client, err := ca.New(ca.Config{Addr: s.URL, Key: catest.Key})
			if err != nil {
				t.Fatal(err)
			}

			var open ca.OpenError
			if err := client.CheckAccess(t.Context()); err != nil {
				found, ok := errors.AsType[*ca.OpenError](err)
				if !ok {
					t.Fatal(err)
				}
				open = *found
			}

			if diff := cmp.Diff(c.want, open.Endpoints); diff != "" {
				t.Error(diff)
			}

			for _, r := range s.Requests() {
				if r.Status == 200 {
					t.Errorf("%s made a certificate", r)
				}
			}
		})
	}
}

func TestServedIsAskedForWhateverIsConfigured(t *testing.T) {
	s := catest.New(catest.Options{})
	defer s.Close()

	other := filepath.Join(t.TempDir(), "other.pem")
	if err := os.WriteFile(other, catest.NewCA("other").PEM(), 0o600); err != nil {
		t.Fatal(err)
	}

	client, err := ca.New(ca.Config{Addr: s.URL, Key: catest.Key, CertPath: other})
	if err != nil {
		t.Fatal(err)
	}

	served, err := client.Served(t.Context())
	if err != nil || !served.Equal(s.CA.Cert) {
		t.Errorf("%v, %v", served, err)
	}
}
