package ca_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/catest"
)

// BenchmarkIssue issues one certificate with a P-256 key.
func BenchmarkIssue(b *testing.B) {
	_, client := newCFSSL(b, catest.Options{})
	for _, signer := range []struct {
		name string
		s    ca.Signer
	}{{"cfssl", client}, {"local", newLocal(b, b.TempDir())}} {
		b.Run("signer="+signer.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := ca.Issue(b.Context(), signer.s, ca.Request{Hosts: []string{"echo.default"}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkHundred issues 100 certificates with P-256 keys from CFSSL, 8 at a time, as a run does:
// less than 3 s. That includes CFSSL's work: signatures with the CA's key, which has RSA with 4096
// bits in the guide.
func BenchmarkHundred(b *testing.B) {
	for _, authority := range []*catest.CA{catest.NewCA("ecdsa-256"), catest.NewRSACA("rsa-4096", 4096)} {
		_, client := newCFSSL(b, catest.Options{CA: authority})
		b.Run("ca="+authority.Cert.Subject.CommonName, func(b *testing.B) {
			for b.Loop() {
				issueMany(b, client, 100, 8, ca.KeyRequest{})
			}
		})
	}
}

// issueMany issues n certificates, several at a time.
func issueMany(b *testing.B, s ca.Signer, n, parallel int, key ca.KeyRequest) {
	b.Helper()
	var group errgroup.Group
	group.SetLimit(parallel)
	for i := range n {
		group.Go(func() error {
			_, err := ca.Issue(b.Context(), s, ca.Request{Hosts: []string{fmt.Sprintf("app-%d.default", i)}, Key: key})
			return err
		})
	}

	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkLedger inserts one record into a file and makes it active. There is no benchmark of
// MongoDB, because FerretDB reads all records to change one.
func BenchmarkLedger(b *testing.B) {
	l, n := openFile(b, filepath.Join(b.TempDir(), "ledger.db")), 0
	for b.Loop() {
		r := record(fmt.Sprint("app", n), fmt.Sprint("fp", n))
		n++
		if err := l.Insert(b.Context(), r); err != nil {
			b.Fatal(err)
		}

		r.State = ca.Active
		if err := l.Replace(b.Context(), r.Fingerprint, r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLedgerWrite inserts the records of 1,000 services into a file: certificates and tokens.
func BenchmarkLedgerWrite(b *testing.B) {
	changes := manyChanges(2000)
	for b.Loop() {
		for _, err := range openFile(b, filepath.Join(b.TempDir(), "ledger.db")).Write(b.Context(), changes) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
