package ca_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/tykmesh/tykmesh/ca"
)

// Many changes at once do what Insert and Replace do one by one, and give the same errors.
func TestLedgerWrite(t *testing.T) {
	eachLedger(t, func(t *testing.T, l ledger) {
		taken, replaced, changed := record("taken", "t1"), record("replaced", "r1"), record("changed", "c1")
		for _, r := range []ca.Record{taken, replaced, changed} {
			if err := l.Insert(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}

		added, successor := record("added", "a1"), record("replaced", "r2")
		errs := l.Write(t.Context(), []ca.Change{
			{Record: record("taken", "t2"), IsNew: true},
			{Record: added, IsNew: true},
			{Record: record("changed", "c3"), Old: "c2"},
			{Record: successor, Old: "r1"},
			{Record: record("absent", "x2"), Old: "x1"},
		})

		want := []error{ca.ErrRecordExists, nil, ca.ErrRecordChanged, nil, ca.ErrRecordChanged}
		for i, err := range errs {
			if !errors.Is(err, want[i]) {
				t.Errorf("change %d: %v, want %v", i, err, want[i])
			}
		}

		successor.History = []ca.Past{{Fingerprint: "r1", Replaced: successor.Created}}
		if diff := cmp.Diff([]ca.Record{added, changed, successor, taken}, mustRecords(t, l)); len(errs) != len(want) || diff != "" {
			t.Errorf("%d errors, and records (-want +got):\n%s", len(errs), diff)
		}

		if errs := l.Write(t.Context(), nil); len(errs) != 0 {
			t.Errorf("no changes: %v", errs)
		}
	})
}

// manyChanges returns new records.
func manyChanges(n int) (all []ca.Change) {
	for i := range n {
		all = append(all, ca.Change{Record: record(fmt.Sprintf("app-%04d", i), fmt.Sprint("fp", i)), IsNew: true})
	}
	return all
}

// A file has all changes in one transaction, or none: whether one meets a record that cannot be
// read, the file is in use, or the context has ended.
func TestFileLedgerWritesAllOrNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := openFile(t, path)
	if errs := l.Write(t.Context(), manyChanges(1)); errs[0] != nil {
		t.Fatal(errs[0])
	}

	before := transaction(t, path, func(b *bbolt.Bucket) error { return b.Put([]byte("inbound/shop/app-0070"), []byte("{")) })
	changes := manyChanges(100)
	wantAll(t, l.Write(t.Context(), changes), nil, "writing 100 records in "+path+": record inbound/shop/app-0070: it is not JSON")

	after := transaction(t, path, func(b *bbolt.Bucket) error {
		if n := b.Stats().KeyN; n != 2 {
			t.Errorf("%d records after changes that failed", n)
		}
		return b.Delete([]byte("inbound/shop/app-0070"))
	})
	if after != before+1 {
		t.Errorf("transaction %d came after %d: something was written", after, before)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantAll(t, l.Write(ctx, changes), context.Canceled, "writing 100 records")

	other, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	wantAll(t, l.Write(ctx, changes), context.DeadlineExceeded, "writing 100 records")
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}

	if n := len(mustRecords(t, l)); n != 1 {
		t.Errorf("%d records", n)
	}

	for i, err := range l.Write(t.Context(), changes) {
		if (i == 0) != errors.Is(err, ca.ErrRecordExists) || i > 0 && err != nil {
			t.Errorf("change %d: %v", i, err)
		}
	}

	last := transaction(t, path, func(b *bbolt.Bucket) error { return b.Put([]byte("x"), nil) })
	if last != after+2 {
		t.Errorf("100 changes took %d transactions, want 1", last-after-1)
	}
}

// wantAll checks that each of the changes has the same error.
func wantAll(t *testing.T, errs []error, is error, want string) {
	t.Helper()
	for _, err := range errs {
		wantError(t, err, is, want)
	}
}

// transaction changes the file of a ledger and returns the number of the transaction, which counts
// those of the file.
func transaction(t *testing.T, path string, do func(*bbolt.Bucket) error) (number int) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}

	err = db.Update(func(tx *bbolt.Tx) error {
		number = tx.ID()
		return do(tx.Bucket([]byte("k8s_ca")))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}

	return number
}

// MongoDB gets a few changes at once, and those that fail stop no others.
func TestMongoLedgerWrites(t *testing.T) {
	var underway, most, inserted atomic.Int32
	uri := serveStub(t, func(request bson.Raw) bson.D {
		if element, err := request.IndexErr(0); err != nil || element.Key() != "insert" {
			return stubAnswer(request, "", 0)
		}

		for n := underway.Add(1); ; {
			if seen := most.Load(); n <= seen || most.CompareAndSwap(seen, n) {
				break
			}
		}
		defer underway.Add(-1)
		time.Sleep(5 * time.Millisecond)

		if strings.Contains(string(request), "app-0003") {
			return stubAnswer(request, "insert", 13)
		}
		inserted.Add(1)

		return stubAnswer(request, "", 0)
	})

	errs := openMongo(t, uri).Write(t.Context(), manyChanges(40))
	for i, err := range errs {
		if i == 3 {
			wantError(t, err, ca.ErrLedgerForbidden, "inserting record inbound/shop/app-0003")
		} else if err != nil {
			t.Errorf("change %d: %v", i, err)
		}
	}

	if len(errs) != 40 || inserted.Load() != 39 {
		t.Errorf("%d errors, %d records", len(errs), inserted.Load())
	}
	if n := most.Load(); n < 2 || n > 4 {
		t.Errorf("%d changes at once", n)
	}
}
