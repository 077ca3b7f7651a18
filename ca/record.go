package ca

import (
	"crypto/x509"
	"errors"
	"time"
)

// The roles of certificates.
const (
	RoleInbound = "inbound" // the certificate of one service, for its own hosts
	RoleMesh    = "mesh"    // the certificate of the mesh, for the hosts that applications call

	// In a mesh without a Dashboard a service has these in Secrets, and no others.
	RoleWorkload = "workload" // the certificate of one service, for its own hosts and those of the mesh
	RoleToken    = "token"    // what callers know the service by; not a certificate
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
	Role           string // RoleInbound, RoleMesh, RoleWorkload or RoleToken
	Namespace, App string // "" in records of tyk-k8s, which have no such fields
	Hosts          []string
	Serial         string // decimal, as in CFSSL's revoke
	Certificate    []byte // the leaf in PEM; of a token, the public key that verifies it
	Fingerprint    string // the certificate's id in the Dashboard's store; of a token, its SHA-256 in hex
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

// IsSecret reports whether the record is of a certificate or token in a Secret, which no Dashboard
// knows.
func (r Record) IsSecret() bool { return r.Role == RoleWorkload || r.Role == RoleToken }

// Leaf returns the recorded certificate.
//
// Errors: the record holds none, or an invalid one.
func (r Record) Leaf() (*x509.Certificate, error) { return parseCertificate(r.Certificate) }

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
