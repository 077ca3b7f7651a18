// Package dashboard talks to a Tyk Dashboard: it lists, creates, updates and
// deletes Tyk Classic API definitions and the certificates that they use, and
// renders definitions from templates.
//
// [Client] is the Dashboard behind its REST API; [Dir] is a directory that
// stands in for one. Both have the same methods and keep the same promises.
//
// The package decides nothing: it knows neither services nor meshes, compares
// nothing with what is wanted, and never repeats a request that could take
// effect twice. It never prints or logs, and neither the key of the Dashboard
// nor a private key is ever part of an error or of a [Request] that is traced.
package dashboard

import (
	"encoding/json"
	"time"
)

// API is one API as the Dashboard lists it.
type API struct {
	// Definition is complete: an update replaces the whole definition, so
	// what is missing in it is lost.
	Definition Definition

	// Envelope holds the fields beside the definition that an update must send
	// back, just as they came: hook_references, is_site, sort_by, user_owners
	// and user_group_owners. It is nil for an API that was never read.
	Envelope map[string]json.RawMessage
}

// Created names an API that was created.
type Created struct {
	// ID is the database id, 24 hexadecimal digits.
	ID string

	// APIID is the public id; it need not be the one that was asked for. It
	// is "" when an old Dashboard does not say: read the API then.
	APIID string
}

// Certificate is what the store tells of one certificate. Where the Dashboard
// has no detailed listing only ID is set and NotAfter is zero: look the
// certificate up by its id.
type Certificate struct {
	ID         string // organisation id and SHA-256 of the leaf's DER
	IssuerCN   string
	SubjectCN  string
	DNSNames   []string
	NotBefore  time.Time
	NotAfter   time.Time
	HasPrivate bool
	IsCA       bool
}
