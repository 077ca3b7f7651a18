package main

import (
	"context"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
)

// tracedLedger reports the operations of a ledger and their records for -v, but never the contents.
type tracedLedger struct {
	mesh.Ledger
	report *report
}

var _ mesh.Ledger = tracedLedger{}

// Records lists all records.
func (l tracedLedger) Records(ctx context.Context) (records []ca.Record, err error) {
	defer l.report.recorded("list", "", time.Now(), &err)
	return l.Ledger.Records(ctx)
}

// Insert adds a record.
func (l tracedLedger) Insert(ctx context.Context, r ca.Record) (err error) {
	defer l.report.recorded("insert", r.ID, time.Now(), &err)
	return l.Ledger.Insert(ctx, r)
}

// Replace replaces a record that still holds the certificate with the old fingerprint.
func (l tracedLedger) Replace(ctx context.Context, old string, r ca.Record) (err error) {
	defer l.report.recorded("replace", r.ID, time.Now(), &err)
	return l.Ledger.Replace(ctx, old, r)
}

// Delete removes a record that still holds the certificate with this fingerprint.
func (l tracedLedger) Delete(ctx context.Context, id, fingerprint string) (err error) {
	defer l.report.recorded("delete", id, time.Now(), &err)
	return l.Ledger.Delete(ctx, id, fingerprint)
}

// recorded is what -v shows of an operation of the ledger that began at start; record is "" where
// it is about none.
func (r *report) recorded(op, record string, start time.Time, err *error) {
	args := []any{"op", op}
	if record != "" {
		args = append(args, "record", record)
	}
	r.debug("ledger", append(args, "ok", *err == nil, "ms", time.Since(start).Milliseconds())...)
}
