package ca

import (
	"context"
	"strings"
)

// issuerKind is one way to have certificates signed.
type issuerKind struct {
	name string // in messages
	fits func(Config) bool
	open func(Config) (Signer, error)
}

// issuerKinds are tried in order. Another kind of issuer is another row.
var issuerKinds = []issuerKind{
	{
		name: "CA",
		fits: func(c Config) bool { return c.KeyPath != "" },
		open: func(c Config) (Signer, error) { return OpenKey(c.CertPath, c.KeyPath, clock(c.Now)()) },
	},
	{
		name: ServerName,
		fits: func(Config) bool { return true },
		open: func(c Config) (Signer, error) { return New(c) },
	},
}

func (c Config) kind() issuerKind {
	for _, k := range issuerKinds {
		if k.fits(c) {
			return k
		}
	}
	return issuerKind{}
}

// Name returns the kind of issuer that the configuration describes, for messages: "CFSSL".
func (c Config) Name() string { return c.kind().name }

// Open returns the issuer that a configuration describes. It sends nothing.
//
// Errors: those of New and OpenKey.
func Open(c Config) (Signer, error) {
	s, err := c.kind().open(c)
	if err != nil {
		return nil, err // and not an interface that holds a nil pointer
	}
	return s, nil
}

// Ledger keeps the records of certificates. A MongoLedger and a FileLedger are two kinds.
type Ledger interface {
	// String names the ledger in messages: "MongoDB at mongo:27017".
	String() string
	// Records lists all records, ordered by id.
	Records(ctx context.Context) ([]Record, error)
	// Insert adds a record.
	Insert(ctx context.Context, r Record) error
	// Replace replaces the record with r's id if its certificate has the old fingerprint.
	Replace(ctx context.Context, oldFingerprint string, r Record) error
	// Delete deletes a record if its certificate has the fingerprint.
	Delete(ctx context.Context, id, fingerprint string) error
	// Close ends the use of the ledger.
	Close(ctx context.Context) error
}

var _ Ledger = (*FileLedger)(nil)

// ledgerKind is one way to keep records on a server.
type ledgerKind struct {
	scheme string // of its addresses
	name   string // in messages
	open   func(ctx context.Context, address string) (Ledger, error)
}

// ledgerKinds are the ledgers that an address can name. The first one takes every other address and
// reports the mistake in it. Another kind of ledger is another row.
var ledgerKinds = []ledgerKind{
	{
		scheme: "mongodb",
		name:   "MongoDB",
		open:   func(ctx context.Context, address string) (Ledger, error) { return OpenMongo(ctx, address) },
	},
}

func ledgerKindOf(address string) ledgerKind {
	for _, k := range ledgerKinds {
		if strings.HasPrefix(address, k.scheme) {
			return k
		}
	}
	return ledgerKinds[0]
}

// LedgerName returns the kind of ledger at an address, for messages: "MongoDB".
func LedgerName(address string) string { return ledgerKindOf(address).name }

// OpenLedger connects to the ledger at an address, which is a secret: it may contain a password.
//
// Errors: those of OpenMongo.
func OpenLedger(ctx context.Context, address string) (Ledger, error) {
	l, err := ledgerKindOf(address).open(ctx, address)
	if err != nil {
		return nil, err // and not an interface that holds a nil pointer
	}
	return l, nil
}
