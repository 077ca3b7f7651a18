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

// collection is where the ledger is: the MongoDB collection of tyk-k8s, and the bucket of the same
// name in a file.
const collection = "k8s_ca"

// document is a record as it is stored: in BSON, or in a file in the JSON that stands for it
// (MongoDB Extended JSON). Its first fields are those of tyk-k8s, in the lower case that its driver
// gave them, so that one collection serves both; but never bundle.privatekey and bundle.bundled.
type document struct {
	ID            any      `bson:"_id"` // a string; an ObjectID where tyk-k8s wrote it
	BundleHistory []stored `bson:"bundlehistory"`
	Content       content  `bson:",inline"`
}

// parseDocument reads a document as it is in a file. A text that is no JSON at all is not given to
// the driver, which does not come to an end with some.
func parseDocument(text []byte) (d document, err error) {
	if !json.Valid(text) || !utf8.Valid(text) {
		return d, errors.New("it is not JSON")
	}
	err = bson.UnmarshalExtJSON(text, false, &d)
	return d, err
}

// content is what a replacement sets: all but the identity and the history.
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

// newDocument returns a record as it is inserted.
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

// storable returns a time as BSON keeps it, so that both ledgers give back the same.
func storable(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// past is what the history keeps of a certificate that another one replaced at a time.
func (s stored) past(replaced time.Time) stored {
	s.Replaced = storable(replaced)
	return s
}

// record returns the document for callers.
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

// fillLegacy takes from the certificate what tyk-k8s did not store beside it. A certificate that
// cannot be parsed leaves the fields empty: the record is still one that somebody may want to
// delete.
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

// sortRecords orders by id.
func sortRecords(records []Record) {
	slices.SortFunc(records, func(a, b Record) int { return strings.Compare(a.ID, b.ID) })
}
