package ca

import (
	"context"
	"errors"
	"strings"
	"time"
)

// Config describes an issuer: a CFSSL, or a CA whose key is in a file. Its fields have tyk-k8s's
// names where tyk-k8s has them. A Config prints without its key.
type Config struct {
	// Addr is CFSSL's address, or several in the order of preference, separated by commas. The
	// default scheme is http (https if Secure is true); without a scheme, the default port is 8888.
	Addr string
	// Key is the key of authsign in hex: the secret itself, not a reference to it.
	Key string
	// Profile is the signing profile; "" is the default one.
	Profile string
	// CertPath is a file with the CA's certificate in PEM, followed by those above it, which go
	// into bundles. "" trusts the certificate that CFSSL returns.
	CertPath string
	// KeyPath is a file with the CA's private key. If it is set, that key signs and there is no
	// CFSSL. Only Open reads it.
	KeyPath string
	// Secure asks for TLS. SkipCACheck, which counts only with Secure, accepts any certificate of
	// the server.
	Secure, SkipCACheck bool
	// TLSRemoteCA is a file with the CAs that may sign the server's certificate; "" means those of
	// the system.
	TLSRemoteCA string
	// MutualTLSCert and MutualTLSKey are the files of a client certificate, for CFSSL's option
	// -mutual-tls-ca.
	MutualTLSCert, MutualTLSKey string

	// Trace, unless nil, is called after each request, from many goroutines.
	Trace func(Call) `json:"-"`
	// Now is the clock for the validity of CA certificates; nil is time.Now.
	Now func() time.Time `json:"-"`
}

// Call is one request to an issuer, without its secrets.
type Call struct {
	Issuer     string // the kind of issuer, in lower case: "cfssl"
	Server, Op string
	Status     int // 0 without an answer
	Duration   time.Duration
	Date       time.Time // of the server's clock, to the second (RFC 9110, section 6.6.1); zero if unknown
}

// issuerKind is one way to have certificates signed.
type issuerKind struct {
	name string // in messages
	fits func(Config) bool
	open func(Config) (Signer, error)
	hint func(error) []string
}

// issuerKinds are tried in order. Another kind of issuer is another row.
var issuerKinds = []issuerKind{
	{
		name: "CA",
		fits: func(c Config) bool { return c.KeyPath != "" },
		open: func(c Config) (Signer, error) { return openKeyOf(c) },
		hint: func(error) []string { return nil }, // its errors say it all
	},
	{
		name: cfsslName,
		fits: func(Config) bool { return true },
		open: func(c Config) (Signer, error) { return New(c) },
		hint: hintsForCFSSL,
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
	// Write makes many changes, and returns an error for each: those of Insert and Replace.
	Write(ctx context.Context, changes []Change) []error
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
	hint   func(error) []string
}

// ledgerKinds are the ledgers that an address can name. The first one takes every other address and
// reports the mistake in it. Another kind of ledger is another row.
var ledgerKinds = []ledgerKind{
	{
		scheme: "mongodb",
		name:   "MongoDB",
		open:   func(ctx context.Context, address string) (Ledger, error) { return OpenMongo(ctx, address) },
		hint:   hintsForMongo,
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

// Hints returns advice for an error of an issuer or a ledger. It names settings as tykmesh.yaml
// does: section CA, keys as in Config.
func Hints(err error) (found []string) {
	for _, k := range issuerKinds {
		found = append(found, k.hint(err)...)
	}

	for _, k := range ledgerKinds {
		found = append(found, k.hint(err)...)
	}

	return found
}

// hint is the advice for an error.
type hint struct {
	err  error
	text string
}

// hintsIn returns the advice for an error from a table.
func hintsIn(table []hint, err error) (found []string) {
	for _, h := range table {
		if errors.Is(err, h.err) {
			found = append(found, h.text)
		}
	}
	return found
}
