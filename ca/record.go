package ca

import (
	"errors"
	"time"
)

// The roles of certificates.
const (
	RoleInbound = "inbound" // the certificate of one service, for its own hosts
	RoleMesh    = "mesh"    // the certificate of the mesh, for the hosts that applications call
)

// State is the progress of a recorded certificate.
type State string

// A record is Pending from before the upload of its certificate until the APIs use it.
const (
	Pending State = "pending"
	Active  State = "active"
)

// Record describes the certificate of one service in one role. It never contains a private key.
type Record struct {
	ID             string // RecordID; the hex of the ObjectID in records of tyk-k8s
	Role           string // RoleInbound or RoleMesh
	Namespace, App string // "" in records of tyk-k8s, which have no such fields
	Hosts          []string
	Serial         string // decimal, as in CFSSL's revoke
	Certificate    []byte // the leaf in PEM
	Fingerprint    string // the certificate's id in the Dashboard's store
	NotBefore      time.Time
	Expires        time.Time
	Created        time.Time
	State          State
	History        []Past // maintained by the ledger: Insert and Replace ignore it
	Legacy         bool   // written by tyk-k8s; such records are read and deleted, never changed
}

// Past is a previous certificate of a record.
type Past struct {
	Fingerprint string
	Replaced    time.Time // the creation time of its successor's record
}

// NewRecord returns a pending record of a bundle, with the id that the Dashboard's store will give
// its certificate.
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

// RecordID returns the id of a service's record of a role. It is unique, so that only one of two
// concurrent runs can insert the record.
func RecordID(role, namespace, app string) string { return role + "/" + namespace + "/" + app }

var (
	// ErrRecordExists means that the id of a new record is taken.
	ErrRecordExists = errors.New("the ledger has this record already")
	// ErrRecordChanged means that the record to replace or delete has another certificate now, or
	// is absent.
	ErrRecordChanged = errors.New("the record was changed by another run")
	// ErrLedgerUnreachable means that MongoDB does not answer.
	ErrLedgerUnreachable = errors.New("no answer")
	// ErrLedgerUnauthorized means that MongoDB refused the user or the password.
	ErrLedgerUnauthorized = errors.New("MongoDB refused the user or the password")
	// ErrLedgerForbidden means that MongoDB's user lacks a permission.
	ErrLedgerForbidden = errors.New("the MongoDB user is not permitted to do this")
)
