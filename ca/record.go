package ca

import (
	"errors"
	"time"
)

// What a record's certificate is for.
const (
	RoleInbound = "inbound" // the certificate of one service, for the hosts that reach it
	RoleMesh    = "mesh"    // the one certificate of the mesh, for the hosts that applications call
)

// State is how far a recorded certificate has come.
type State string

// A record is Pending from before its certificate is uploaded until the APIs that use it are in
// place.
const (
	Pending State = "pending"
	Active  State = "active"
)

// Record is what the ledger knows of one certificate: one record a service and role. It never holds
// a private key.
type Record struct {
	ID             string // RecordID; the hex of the ObjectID in records of tyk-k8s
	Role           string // RoleInbound or RoleMesh
	Namespace, App string // "" in records of tyk-k8s, which have no such fields
	Hosts          []string
	Serial         string // decimal, as CFSSL's revoke takes it
	Certificate    []byte // the leaf in PEM
	Fingerprint    string // the certificate's id in the Dashboard's store
	NotBefore      time.Time
	Expires        time.Time
	Created        time.Time
	State          State
	History        []Past // kept by the ledger: Insert and Replace ignore it
	Legacy         bool   // written by tyk-k8s; such records are read and deleted, never changed
}

// Past is a certificate that a record held before.
type Past struct {
	Fingerprint string
	Replaced    time.Time // when the record that holds the next one was made
}

// NewRecord returns the record of a bundle, pending, with the id that the Dashboard's store will
// give its certificate.
func NewRecord(role, namespace, app, org string, b Bundle, now time.Time) Record {
	return Record{
		ID:          RecordID(role, namespace, app),
		Role:        role,
		Namespace:   namespace,
		App:         app,
		Hosts:       b.Leaf.DNSNames,
		Serial:      b.Leaf.SerialNumber.String(),
		Certificate: b.Certificate,
		Fingerprint: StoreID(org, b.Leaf),
		NotBefore:   b.Leaf.NotBefore,
		Expires:     b.Leaf.NotAfter,
		Created:     now,
		State:       Pending,
	}
}

// RecordID returns the one id that a service's record of a role can have, so that of two runs at
// once only one can insert it.
func RecordID(role, namespace, app string) string { return role + "/" + namespace + "/" + app }

var (
	// ErrRecordExists says that an inserted record's id is taken.
	ErrRecordExists = errors.New("the ledger has this record already")
	// ErrRecordChanged says that the record to replace or delete holds another certificate by now,
	// or is not there.
	ErrRecordChanged = errors.New("the record was changed by another run")
	// ErrLedgerUnreachable says that MongoDB did not answer.
	ErrLedgerUnreachable = errors.New("no answer")
	// ErrLedgerUnauthorized says that MongoDB refused the user or the password.
	ErrLedgerUnauthorized = errors.New("MongoDB refused the user or the password")
	// ErrLedgerForbidden says that MongoDB's user may not do what the ledger needs.
	ErrLedgerForbidden = errors.New("the MongoDB user is not permitted to do this")
)
