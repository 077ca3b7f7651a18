package ca_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/catest"
)

// BenchmarkIssue shows that certificates cost what their keys do, and that callers in several goroutines make RSA-4096 keys, the guide's default, on
// all cores. Run it with -cpu 1,2,4 and -benchtime 20x: the time of a key varies much.
func BenchmarkIssue(b *testing.B) {
	_, client := newCFSSL(b, catest.Options{})
	for _, signer := range []struct {
		name string
		s    ca.Signer
	}{{"cfssl", client}, {"local", newLocal(b, b.TempDir())}} {
		for _, key := range []ca.KeyRequest{{Algo: ca.ECDSA, Size: 256}, {Algo: ca.RSA, Size: 4096}} {
			r := ca.Request{Hosts: []string{"echo.default"}, Key: key}
			b.Run(fmt.Sprintf("%s/%s-%d/serial", signer.name, key.Algo, key.Size), func(b *testing.B) {
				for b.Loop() {
					if _, err := ca.Issue(b.Context(), signer.s, r); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run(fmt.Sprintf("%s/%s-%d/parallel", signer.name, key.Algo, key.Size), func(b *testing.B) {
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if _, err := ca.Issue(b.Context(), signer.s, r); err != nil {
							b.Error(err)
						}
					}
				})
			})
		}
	}
}

// BenchmarkHundred is 100 certificates with P-256 keys from a CFSSL, 8 at a time, as a run asks for them: less than 3 s. What CFSSL does for them is
// part of it: a signature of the CA's key, which the guide makes RSA with 4096 bits.
func BenchmarkHundred(b *testing.B) {
	for _, size := range []int{256, 4096} {
		authority := catest.NewAuthority("P-256")
		if size == 4096 {
			authority = catest.NewRSAAuthority("RSA 4096", size)
		}
		_, client := newCFSSL(b, catest.Options{Authority: authority})
		b.Run(authority.Cert.Subject.CommonName, func(b *testing.B) {
			for b.Loop() {
				issueMany(b, client, 100, 8, ca.KeyRequest{})
			}
		})
	}
}

// issueMany issues n certificates, so many at a time.
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

// BenchmarkLedger shows what one service costs: a record inserted, and made active.
func BenchmarkLedger(b *testing.B) {
	file := openFile(b, filepath.Join(b.TempDir(), "ledger.db"))
	b.Run("file", func(b *testing.B) { benchmarkLedger(b, file) })
	b.Run("mongo", func(b *testing.B) {
		l, err := ca.OpenMongo(b.Context(), catest.Mongo(b))
		if err != nil {
			b.Fatal(err)
		}
		defer l.Close(b.Context())
		benchmarkLedger(b, l)
	})
}

func benchmarkLedger(b *testing.B, l ledger) {
	n := 0
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
