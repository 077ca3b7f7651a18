package main

import (
	"context"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/cmd/internal/secrets"
)

// tracedLedger logs the operations of a ledger for -v: the operation and the record's id, and never
// its content.
type tracedLedger struct {
	mesh.Ledger
	r *report.Run
}

var _ mesh.Ledger = tracedLedger{}

// Records lists all records.
func (l tracedLedger) Records(ctx context.Context) (records []ca.Record, err error) {
	defer recorded(l.r, "list", "", time.Now(), &err)
	return l.Ledger.Records(ctx)
}

// Insert adds a record.
func (l tracedLedger) Insert(ctx context.Context, r ca.Record) (err error) {
	defer recorded(l.r, "insert", r.ID, time.Now(), &err)
	return l.Ledger.Insert(ctx, r)
}

// Replace replaces a record if its certificate has the old fingerprint.
func (l tracedLedger) Replace(ctx context.Context, old string, r ca.Record) (err error) {
	defer recorded(l.r, "replace", r.ID, time.Now(), &err)
	return l.Ledger.Replace(ctx, old, r)
}

// Delete deletes a record if its certificate has the fingerprint.
func (l tracedLedger) Delete(ctx context.Context, id, fingerprint string) (err error) {
	defer recorded(l.r, "delete", id, time.Now(), &err)
	return l.Ledger.Delete(ctx, id, fingerprint)
}

// tracedWrites logs the changes of a ledger as a tracedLedger does: each with the time of all.
type tracedWrites struct {
	secrets.Ledger
	r *report.Run
}

// Write makes many changes.
func (l tracedWrites) Write(ctx context.Context, changes []ca.Change) []error {
	start := time.Now()
	errs := l.Ledger.Write(ctx, changes)
	for i, c := range changes {
		op := "replace"
		if c.IsNew {
			op = "insert"
		}
		recorded(l.r, op, c.ID, start, &errs[i])
	}

	return errs
}

// recorded logs an operation of the ledger that began at start; record is "" if it is about none.
func recorded(r *report.Run, op, record string, start time.Time, err *error) {
	args := []any{"op", op}
	if record != "" {
		args = append(args, "record", record)
	}
	r.Debug("ledger", append(args, "ok", *err == nil, "ms", time.Since(start).Milliseconds())...)
}
