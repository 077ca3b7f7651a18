package check

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/ca"
)

// Ledger records certificates.
type Ledger interface {
	Records(ctx context.Context) ([]ca.Record, error)
	Insert(ctx context.Context, r ca.Record) error
	Delete(ctx context.Context, id, fingerprint string) error
}

// PartRecords is the part of a ledger after the server itself.
const PartRecords = "records"

// Records checks a ledger. name is the kind of its server; open connects to it.
func Records(ctx context.Context, name string, open func(context.Context) (Ledger, error)) []Result {
	var l list
	var ledger Ledger
	l.need(name, func() (_ string, err error) {
		ledger, err = open(ctx)
		return "answers", err
	})
	l.try(PartRecords, func() (string, error) {
		records, err := ledger.Records(ctx)
		if err != nil {
			return "", err
		}

		for _, r := range records {
			if strings.HasPrefix(r.ID, leftBehind) {
				if err := ledger.Delete(ctx, r.ID, r.Fingerprint); err != nil {
					return "", err
				}
			}
		}

		return fmt.Sprintf("writable; there are %d", len(records)), tryRecord(ctx, ledger)
	})

	return l.results
}

// tryRecord inserts a record and deletes it.
func tryRecord(ctx context.Context, ledger Ledger) error {
	name := newName()
	if err := ledger.Insert(ctx, ca.Record{ID: name, Fingerprint: name, Created: time.Now()}); err != nil {
		return err
	}
	ctx, cancel := afterwards(ctx)
	defer cancel()
	return ledger.Delete(ctx, name, name)
}
