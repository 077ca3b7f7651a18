package ca_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/catest"
)

// ledger is the common interface of both ledgers.
type ledger interface {
	Records(context.Context) ([]ca.Record, error)
	Insert(context.Context, ca.Record) error
	Replace(ctx context.Context, old string, r ca.Record) error
	Write(context.Context, []ca.Change) []error
	Delete(ctx context.Context, id, fingerprint string) error
	Close(context.Context) error
}

var (
	_ ledger = (*ca.MongoLedger)(nil)
	_ ledger = (*ca.FileLedger)(nil)
)

// eachLedger runs a test on both. FerretDB's updates are atomic only within one connection (see
// catest.Mongo), which this law needs.
func eachLedger(t *testing.T, test func(*testing.T, ledger)) {
	t.Run("mongo", func(t *testing.T) { test(t, openMongo(t, catest.Mongo(t)+"?maxPoolSize=1")) })
	t.Run("file", func(t *testing.T) {
		l, err := ca.OpenFileLedger(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
		if err != nil {
			t.Fatal(err)
		}
		test(t, l)
	})
}

func openMongo(t *testing.T, uri string) *ca.MongoLedger {
	t.Helper()
	l, err := ca.OpenMongo(t.Context(), uri)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := l.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})

	return l
}

// record returns a record whose times are in a ledger's precision, like those of certificates.
func record(app, fingerprint string) ca.Record {
	day := time.Date(2026, time.November, 22, 10, 30, 0, 0, time.UTC)
	return ca.Record{
		ID: ca.RecordID(ca.RoleInbound, "shop", app), Role: ca.RoleInbound, Namespace: "shop", App: app,
		Hosts: []string{app + ".shop"}, Serial: "1234567890123456789012345678901234567890",
		Certificate: []byte("certificate " + fingerprint), Fingerprint: fingerprint,
		NotBefore: day, Expires: day.AddDate(1, 0, 0), Created: day.Add(1500 * time.Millisecond), State: ca.Pending,
	}
}

func mustRecords(t *testing.T, l ledger) []ca.Record {
	t.Helper()
	records, err := l.Records(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func TestLedgerKeepsWhatItIsGiven(t *testing.T) {
	eachLedger(t, func(t *testing.T, l ledger) {
		if got := mustRecords(t, l); len(got) != 0 {
			t.Fatalf("a new ledger has %d records", len(got))
		}

		mesh := record("", "m1")
		mesh.ID, mesh.Role, mesh.State = ca.RecordID(ca.RoleMesh, "", ""), ca.RoleMesh, ca.Active

		want := []ca.Record{record("echo", "e1"), record("sleep", "s1"), mesh}
		for _, i := range []int{1, 2, 0} {
			if err := l.Insert(t.Context(), want[i]); err != nil {
				t.Fatal(err)
			}
		}

		if diff := cmp.Diff(want, mustRecords(t, l)); diff != "" {
			t.Errorf("records differ from what was inserted (-want +got):\n%s", diff)
		}
	})
}

func TestLedgerInsertsOnce(t *testing.T) {
	eachLedger(t, func(t *testing.T, l ledger) {
		var won atomic.Int32
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				switch err := l.Insert(t.Context(), record("echo", fmt.Sprint("e", i))); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, ca.ErrRecordExists):
					t.Errorf("insert: %v", err)
				}
			})
		}

		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("%d of 8 inserts won", won.Load())
		}

		if n := len(mustRecords(t, l)); n != 1 {
			t.Errorf("the ledger has %d records", n)
		}
	})
}

func TestLedgerReplacesOnlyWhatWasSeen(t *testing.T) {
	eachLedger(t, func(t *testing.T, l ledger) {
		first := record("echo", "e0")
		if err := l.Insert(t.Context(), first); err != nil {
			t.Fatal(err)
		}

		var won atomic.Int32
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				switch err := l.Replace(t.Context(), "e0", record("echo", fmt.Sprint("e", i+1))); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, ca.ErrRecordChanged):
					t.Errorf("replace: %v", err)
				}
			})
		}

		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("%d of 8 replacements won", won.Load())
		}

		if err := l.Replace(t.Context(), "x", record("nobody", "x")); !errors.Is(err, ca.ErrRecordChanged) {
			t.Errorf("replacing a record that is not there: %v", err)
		}
	})
}

func TestLedgerHistory(t *testing.T) {
	eachLedger(t, func(t *testing.T, l ledger) {
		if err := l.Insert(t.Context(), record("echo", "e1")); err != nil {
			t.Fatal(err)
		}

		active, renewed, last := record("echo", "e1"), record("echo", "e2"), record("echo", "e3")
		active.State = ca.Active
		renewed.Created, last.Created = active.Created.AddDate(0, 8, 0), active.Created.AddDate(1, 4, 0)
		renewed.Hosts = []string{"echo.shop", "echo.shop.svc"}
		for _, step := range []struct {
			old string
			new ca.Record
		}{{"e1", active}, {"e1", renewed}, {"e2", last}} {
			if err := l.Replace(t.Context(), step.old, step.new); err != nil {
				t.Fatal(err)
			}
		}

		want := last
		want.History = []ca.Past{{Fingerprint: "e1", Replaced: renewed.Created}, {Fingerprint: "e2", Replaced: last.Created}}
		if diff := cmp.Diff([]ca.Record{want}, mustRecords(t, l)); diff != "" {
			t.Errorf("after a change of state and two renewals (-want +got):\n%s", diff)
		}
	})
}

func TestLedgerDelete(t *testing.T) {
	eachLedger(t, func(t *testing.T, l ledger) {
		r := record("echo", "e1")
		if err := l.Insert(t.Context(), r); err != nil {
			t.Fatal(err)
		}

		if err := l.Delete(t.Context(), r.ID, "e0"); !errors.Is(err, ca.ErrRecordChanged) {
			t.Errorf("deleting a record that holds another certificate: %v", err)
		}

		for range 2 { // the second finds it gone
			if err := l.Delete(t.Context(), r.ID, "e1"); err != nil {
				t.Error(err)
			}
		}

		if n := len(mustRecords(t, l)); n != 0 {
			t.Errorf("%d records are left", n)
		}
	})
}

func TestLedgerHeedsItsContext(t *testing.T) {
	eachLedger(t, func(t *testing.T, l ledger) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()

		_, listing := l.Records(ctx)
		for _, err := range []error{listing, l.Insert(ctx, record("echo", "e1")), l.Replace(ctx, "e1", record("echo", "e2")), l.Delete(ctx, "x", "y")} {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("after cancellation: %v", err)
			}
		}
	})
}

// A stored record has all that mesh compares: the store's id, the hosts, the expiry.
func TestNewRecord(t *testing.T) {
	local, err := ca.OpenLocal(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}

	b, err := ca.Issue(t.Context(), local, ca.Request{Hosts: []string{"echo.shop"}})
	if err != nil {
		t.Fatal(err)
	}

	r := ca.NewRecord(ca.RoleInbound, "shop", "echo", "5e9d9544a1dcd60001d0ed20", b, time.Now())
	if r.ID != "inbound/shop/echo" || r.Fingerprint != ca.StoreID("5e9d9544a1dcd60001d0ed20", b.Leaf) || r.State != ca.Pending ||
		!slices.Equal(r.Hosts, []string{"echo.shop"}) || !r.Expires.Equal(b.Leaf.NotAfter) {
		t.Errorf("record: %+v", r)
	}

	if block, _ := pem.Decode(r.Certificate); block == nil || block.Type != "CERTIFICATE" {
		t.Errorf("the record's certificate is %q", r.Certificate)
	}

	if strings.Contains(string(r.Certificate), "PRIVATE") {
		t.Error("the record holds a private key")
	}
}
