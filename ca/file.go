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
	// fileTimeout bounds the wait for another process that has the file open, which takes
	// milliseconds.
	fileTimeout = 10 * time.Second
	// fileTurn is how long one try waits, and so how late the end of a context is noticed.
	fileTurn = 100 * time.Millisecond
)

// FileLedger keeps the records in a bbolt file that only its owner may read: the documents that a
// MongoLedger stores, in JSON, by id. The file is open only while an operation needs it, so that
// several processes can use it in turn. It is safe for concurrent use.
//
// Errors of its methods, besides those that they name: a file that cannot be read or written, is
// something else, or is held by another process for longer than ten seconds; the context's.
type FileLedger struct {
	path string
	turn chan struct{} // holds a token; the lock of the file keeps goroutines out too, but lets them in by polling
}

// OpenFileLedger opens the ledger in a file. The first insert makes the file.
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

// Records lists all records, ordered by id.
func (l *FileLedger) Records(ctx context.Context) ([]Record, error) {
	var records []Record
	err := l.use(ctx, true, func(db *bbolt.DB) error {
		return db.View(func(tx *bbolt.Tx) error {
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
// Errors: ErrRecordExists when its id is taken: of two inserts at once one gets it.
func (l *FileLedger) Insert(ctx context.Context, r Record) error {
	err := l.update(ctx, r.ID, func(d *document) (*document, error) {
		if d != nil {
			return nil, ErrRecordExists
		}
		return new(newDocument(r)), nil
	})
	return l.wrap("inserting record "+r.ID, err)
}

// Replace makes the record with r's id that of r, if the certificate that it holds has still the
// fingerprint old: it compares the id and the fingerprint and nothing else. Where r has another
// fingerprint, the old certificate moves to the history.
//
// Errors: ErrRecordChanged when there is no such record.
func (l *FileLedger) Replace(ctx context.Context, old string, r Record) error {
	err := l.update(ctx, r.ID, func(d *document) (*document, error) {
		if d == nil || d.Content.Bundle.Fingerprint != old {
			return nil, ErrRecordChanged
		}
		if r.Fingerprint != old {
			d.BundleHistory = append(d.BundleHistory, d.Content.Bundle.past(r.Created))
		}

		d.Content = newContent(r)
		return d, nil
	})

	return l.wrap("replacing record "+r.ID, err)
}

// Delete removes a record that holds the certificate with this fingerprint. One that is not there
// is deleted.
//
// Errors: ErrRecordChanged when it holds another.
func (l *FileLedger) Delete(ctx context.Context, id, fingerprint string) error {
	err := l.update(ctx, id, func(d *document) (*document, error) {
		if d != nil && d.Content.Bundle.Fingerprint != fingerprint {
			return nil, ErrRecordChanged
		}
		return nil, nil
	})
	return l.wrap("deleting record "+id, err)
}

// Close does nothing: the file is not open. It is there so that both ledgers are used alike.
func (l *FileLedger) Close(context.Context) error { return nil }

// update replaces a document by what change makes of it, in one transaction: nil stands for no
// document on both sides. It is on the disk when update returns.
func (l *FileLedger) update(ctx context.Context, id string, change func(*document) (*document, error)) error {
	return l.use(ctx, false, func(db *bbolt.DB) error {
		return db.Update(func(tx *bbolt.Tx) error {
			bucket, err := tx.CreateBucketIfNotExists([]byte(collection))
			if err != nil {
				return err
			}

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
		})
	})
}

// use opens the file for the time of do.
func (l *FileLedger) use(ctx context.Context, readOnly bool, do func(*bbolt.DB) error) (err error) {
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

	return do(db)
}

// create makes the file if it is not there: complete or not at all, because what a full disk leaves
// of a new file is broken for bbolt, for good.
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
	if err := os.Link(path, l.path); err != nil && !errors.Is(err, fs.ErrExist) { // another process made it meanwhile
		return err
	}

	return nil
}

// open waits for other processes in short turns, because bbolt's wait does not end with a context.
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

// wrap names the file and what failed; nil stays nil.
func (l *FileLedger) wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s in %s: %w", op, l.path, err)
}
