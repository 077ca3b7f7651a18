package ca

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// collection is the name of the ledger: the MongoDB collection of tyk-k8s, and the bucket in a
// file.
const collection = "k8s_ca"

// document is a stored record: in BSON, or in a file in the equivalent JSON (MongoDB Extended
// JSON). Its first fields are those of tyk-k8s, in the lower case of its driver, so that both can
// use one collection; but it never has bundle.privatekey and bundle.bundled.
type document struct {
	ID            any      `bson:"_id"` // a string; an ObjectID where tyk-k8s wrote it
	BundleHistory []stored `bson:"bundlehistory"`
	Content       content  `bson:",inline"`
}

// parseDocument parses a document of a file. It checks the JSON first, because the driver's parser
// loops for ever on some invalid texts.
func parseDocument(text []byte) (d document, err error) {
	if !json.Valid(text) || !utf8.Valid(text) {
		return d, errors.New("it is not JSON")
	}
	err = bson.UnmarshalExtJSON(text, false, &d)
	return d, err
}

// content is the part of a document that a replacement sets: all but the id and the history.
type content struct {
	UID             string    `bson:"uid"`
	Bundle          stored    `bson:"bundle"`
	Created         time.Time `bson:"created"`
	Expires         time.Time `bson:"expires"`
	ClientEgressIDs []string  `bson:"clientegressids"`
	ServiceID       string    `bson:"serviceid"`
	IsMeshCert      bool      `bson:"ismeshcert"`

	Namespace string    `bson:"namespace"`
	App       string    `bson:"app"`
	Role      string    `bson:"role"`
	Hosts     []string  `bson:"hosts"`
	Serial    string    `bson:"serial"`
	NotBefore time.Time `bson:"notbefore"`
	State     State     `bson:"state"`
}

// stored is a certificate in a document.
type stored struct {
	Certificate []byte    `bson:"certificate,omitempty"`
	Fingerprint string    `bson:"fingerprint"`
	Replaced    time.Time `bson:"replaced,omitempty"` // in the history
}

// The fields of a document that queries name.
const (
	fieldID          = "_id"
	fieldFingerprint = "bundle.fingerprint"
	fieldHistory     = "bundlehistory"
)

// newDocument returns the document of a new record.
func newDocument(r Record) document {
	return document{ID: r.ID, BundleHistory: []stored{}, Content: newContent(r)}
}

func newContent(r Record) content {
	return content{
		UID:             r.ID,
		Bundle:          stored{Certificate: r.Certificate, Fingerprint: r.Fingerprint},
		Created:         storable(r.Created),
		Expires:         storable(r.Expires),
		ClientEgressIDs: []string{},
		IsMeshCert:      r.Role == RoleMesh,
		Namespace:       r.Namespace,
		App:             r.App,
		Role:            r.Role,
		Hosts:           r.Hosts,
		Serial:          r.Serial,
		NotBefore:       storable(r.NotBefore),
		State:           r.State,
	}
}

// storable returns a time in BSON's precision, so that both ledgers return the same.
func storable(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// past returns the history's entry of a certificate that was replaced at a time.
func (s stored) past(replaced time.Time) stored {
	s.Replaced = storable(replaced)
	return s
}

// record returns the record in a document.
func (d document) record() Record {
	c := d.Content
	r := Record{
		ID:          fmt.Sprint(d.ID),
		Role:        c.Role,
		Namespace:   c.Namespace,
		App:         c.App,
		Hosts:       c.Hosts,
		Serial:      c.Serial,
		Certificate: c.Bundle.Certificate,
		Fingerprint: c.Bundle.Fingerprint,
		NotBefore:   c.NotBefore.UTC(),
		Expires:     c.Expires.UTC(),
		Created:     c.Created.UTC(),
		State:       c.State,
	}

	for _, old := range d.BundleHistory {
		r.History = append(r.History, Past{Fingerprint: old.Fingerprint, Replaced: old.Replaced.UTC()})
	}

	if id, ok := d.ID.(bson.ObjectID); ok {
		r.ID = id.Hex()
		r.fillLegacy(c.IsMeshCert)
	}

	return r
}

// fillLegacy fills in the fields that tyk-k8s does not store, from the certificate. If it cannot be
// parsed, the fields stay empty: users may still want to delete such a record.
func (r *Record) fillLegacy(mesh bool) {
	r.Legacy = true
	r.State = Active // tyk-k8s stored records after the upload
	r.Role = RoleInbound
	if mesh {
		r.Role = RoleMesh
	}

	leaf, err := parseCertificate(r.Certificate)
	if err != nil {
		return
	}

	r.Hosts, r.Serial, r.NotBefore = leaf.DNSNames, leaf.SerialNumber.String(), leaf.NotBefore
}

// sortRecords sorts records by id.
func sortRecords(records []Record) {
	slices.SortFunc(records, func(a, b Record) int { return strings.Compare(a.ID, b.ID) })
}
