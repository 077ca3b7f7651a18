package ca

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
	"go.mongodb.org/mongo-driver/v2/bson"
)

const (
	// fileTimeout bounds the wait for another process, which usually takes milliseconds.
	fileTimeout = 10 * time.Second
	// fileTurn bounds one attempt to open the file, and so the delay before an ended context is
	// noticed.
	fileTurn = 100 * time.Millisecond
)

// FileLedger keeps the records in a bbolt file that only its owner may read: the documents of a
// MongoLedger, in JSON, by id. The file is open only during an operation, so that several processes
// can take turns. It is safe for concurrent use.
//
// All methods return errors for a file that cannot be read or written, is not a bbolt file, or that
// another process keeps open for longer than ten seconds; and the context's.
type FileLedger struct {
	path string
	turn chan struct{} // holds a token; goroutines would have to poll the lock of the file
}

// OpenFileLedger opens the ledger in a file. The first insert creates the file.
//
// Errors: those of the ledger's methods.
func OpenFileLedger(ctx context.Context, path string) (*FileLedger, error) {
	l := &FileLedger{path: path, turn: make(chan struct{}, 1)}
	l.turn <- struct{}{}
	if _, err := l.Records(ctx); err != nil {
		return nil, err
	}
	return l, nil
}

// String returns the path of the file.
func (l *FileLedger) String() string { return l.path }

// Records lists all records, ordered by id.
func (l *FileLedger) Records(ctx context.Context) ([]Record, error) {
	var records []Record
	err := l.use(ctx, true, func(tx *bbolt.Tx) error {
		bucket := tx.Bucket([]byte(collection))
		if bucket == nil {
			return nil
		}

		return bucket.ForEach(func(id, value []byte) error {
			d, err := parseDocument(value)
			if err != nil {
				return fmt.Errorf("record %s: %w", id, err)
			}
			records = append(records, d.record())
			return nil
		})
	})

	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, l.wrap("listing the records", err)
	}

	return records, nil
}

// Insert adds a record.
//
// Errors: ErrRecordExists when its id is taken. Of two concurrent inserts, one fails.
func (l *FileLedger) Insert(ctx context.Context, r Record) error {
	return l.Write(ctx, []Change{{Record: r, IsNew: true}})[0]
}

// Replace replaces the record with r's id by r, if its certificate still has the fingerprint old.
// It compares nothing else. If r has another fingerprint, the old certificate moves to the history.
//
// Errors: ErrRecordChanged when there is no such record.
func (l *FileLedger) Replace(ctx context.Context, old string, r Record) error {
	return l.Write(ctx, []Change{{Record: r, Old: old}})[0]
}

// Write makes changes in one transaction, and returns an error for each. A change that meets
// another record than it expects stops no other; any other error undoes all, and is returned for
// each. When Write returns, the result is on disk.
func (l *FileLedger) Write(ctx context.Context, changes []Change) []error {
	errs := make([]error, len(changes))
	if len(changes) == 0 {
		return errs
	}

	err := l.update(ctx, func(bucket *bbolt.Bucket) error {
		for i, c := range changes {
			err := edit(bucket, c.ID, c.apply)
			switch {
			case isRefusal(err):
				errs[i] = l.wrap(c.op(), err)
			case err != nil:
				return fmt.Errorf("record %s: %w", c.ID, err)
			case ctx.Err() != nil:
				return ctx.Err()
			}
		}

		return nil
	})

	if err != nil {
		all := l.wrap(opOf(changes), err)
		for i := range errs {
			errs[i] = all
		}
	}

	return errs
}

// Delete deletes a record if its certificate has the fingerprint; deleting an absent one succeeds.
//
// Errors: ErrRecordChanged when it has another certificate.
func (l *FileLedger) Delete(ctx context.Context, id, fingerprint string) error {
	err := l.update(ctx, func(bucket *bbolt.Bucket) error {
		return edit(bucket, id, func(d *document) (*document, error) {
			if d != nil && d.Content.Bundle.Fingerprint != fingerprint {
				return nil, ErrRecordChanged
			}
			return nil, nil
		})
	})

	return l.wrap("deleting record "+id, err)
}

// Close does nothing: the file is not open between operations.
func (l *FileLedger) Close(context.Context) error { return nil }

// update calls do in a transaction that may write. When update returns, the result is on disk.
func (l *FileLedger) update(ctx context.Context, do func(*bbolt.Bucket) error) error {
	return l.use(ctx, false, func(tx *bbolt.Tx) error {
		bucket, err := tx.CreateBucketIfNotExists([]byte(collection))
		if err != nil {
			return err
		}
		return do(bucket)
	})
}

// edit replaces a document by the result of change; nil means no document.
func edit(bucket *bbolt.Bucket, id string, change func(*document) (*document, error)) error {
	var before *document
	if value := bucket.Get([]byte(id)); value != nil {
		d, err := parseDocument(value)
		if err != nil {
			return err
		}
		before = &d
	}

	after, err := change(before)
	if err != nil {
		return err
	}
	if after == nil {
		return bucket.Delete([]byte(id))
	}

	value, err := bson.MarshalExtJSON(after, false, false)
	if err != nil {
		return err
	}

	return bucket.Put([]byte(id), value)
}

// use opens the file, calls do in a transaction, and closes the file.
func (l *FileLedger) use(ctx context.Context, readOnly bool, do func(*bbolt.Tx) error) (err error) {
	select {
	case <-l.turn:
		defer func() { l.turn <- struct{}{} }()
	case <-ctx.Done():
		return ctx.Err()
	}

	if !readOnly {
		if err := l.create(); err != nil {
			return err
		}
	}

	db, err := l.open(ctx, readOnly)
	if err != nil {
		return err
	}

	defer func() { err = errors.Join(err, db.Close()) }()
	if readOnly {
		return db.View(do)
	}

	return db.Update(do)
}

// create creates the file unless it exists: completely or not at all, because bbolt can never open
// a file that was truncated by a full disk.
func (l *FileLedger) create() error {
	if _, err := os.Stat(l.path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}

	dir, err := os.MkdirTemp(filepath.Dir(l.path), ".new-*") // 0700
	if err != nil {
		return err
	}

	defer os.RemoveAll(dir)
	path := filepath.Join(dir, filepath.Base(l.path))
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	if err := os.Link(path, l.path); err != nil && !errors.Is(err, fs.ErrExist) { // another process was faster
		return err
	}

	return nil
}

// open opens the file. It waits for other processes in short turns, because bbolt's wait does not
// end with a context.
func (l *FileLedger) open(ctx context.Context, readOnly bool) (*bbolt.DB, error) {
	for deadline := time.Now().Add(fileTimeout); ; {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		db, err := bbolt.Open(l.path, 0o600, &bbolt.Options{ReadOnly: readOnly, Timeout: fileTurn})
		if err == nil || !errors.Is(err, berrors.ErrTimeout) {
			return db, err
		}
		if time.Now().After(deadline) {
			return nil, errors.New("another process has it open")
		}
	}
}

// wrap adds the operation and the file to an error; nil stays nil.
func (l *FileLedger) wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s in %s: %w", op, l.path, err)
}
