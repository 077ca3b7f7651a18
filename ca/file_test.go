package ca_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/tykmesh/tykmesh/ca"
)

func openFile(t testing.TB, path string) *ca.FileLedger {
	t.Helper()
	l, err := ca.OpenFileLedger(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Two processes share one file: each opens it for one operation at a time, and sees the other's
// records.
func TestFileLedgerIsShared(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	one, two := openFile(t, path), openFile(t, path)
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a ledger that was only read made a file: %v", err)
	}

	if err := one.Insert(t.Context(), record("echo", "e1")); err != nil {
		t.Fatal(err)
	}

	if err := two.Replace(t.Context(), "e1", record("echo", "e2")); err != nil {
		t.Fatal(err)
	}

	if err := one.Replace(t.Context(), "e1", record("echo", "e3")); !errors.Is(err, ca.ErrRecordChanged) {
		t.Errorf("after the other process replaced it: %v", err)
	}

	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}

	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

// Waiting for the file can be interrupted.
func TestFileLedgerHeldByAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := openFile(t, path)

	other, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	wantError(t, l.Insert(ctx, record("echo", "e1")), context.DeadlineExceeded, path)
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}

	if err := l.Insert(t.Context(), record("echo", "e1")); err != nil {
		t.Error(err)
	}
}

func TestFileLedgerOfSomethingElse(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.db")
	if err := os.WriteFile(garbage, make([]byte, 8192), 0o600); err != nil {
		t.Fatal(err)
	}

	odd := filepath.Join(dir, "odd.db")

	db, err := bbolt.Open(odd, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}

	err = db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte("k8s_ca"))
		if err != nil {
			return err
		}
		return b.Put([]byte("inbound/shop/echo"), []byte("{"))
	})

	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}

	for path, want := range map[string]string{dir: "listing the records", garbage: "invalid database", odd: "record inbound/shop/echo"} {
		_, err := ca.OpenFileLedger(t.Context(), path)
		wantError(t, err, nil, want)
	}
}
