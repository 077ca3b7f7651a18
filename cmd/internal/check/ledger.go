package check

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/ca"
)

// Ledger is what is asked of the ledger.
type Ledger interface {
	Records(ctx context.Context) ([]ca.Record, error)
	Insert(ctx context.Context, r ca.Record) error
	Delete(ctx context.Context, id, fingerprint string) error
}

// The parts of the ledger, in order.
const (
	PartMongoDB = "MongoDB"
	PartRecords = "records"
)

// MongoDB checks a ledger; open connects to it.
func MongoDB(ctx context.Context, open func(context.Context) (Ledger, error)) []Result {
	var l list
	var ledger Ledger
	l.need(PartMongoDB, func() (_ string, err error) {
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

		return fmt.Sprintf("may be written; there are %d", len(records)), tryRecord(ctx, ledger)
	})

	return l.results
}

// tryRecord writes a record and takes it away.
func tryRecord(ctx context.Context, ledger Ledger) error {
	name := newName()
	if err := ledger.Insert(ctx, ca.Record{ID: name, Fingerprint: name, Created: time.Now()}); err != nil {
		return err
	}
	ctx, cancel := afterwards(ctx)
	defer cancel()
	return ledger.Delete(ctx, name, name)
}
