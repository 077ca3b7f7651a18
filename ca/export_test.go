package ca

import (
	"context"
	"crypto/x509"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Until is how the making of a key ends with its context.
func Until(ctx context.Context, f func() (int, error)) (int, error) { return until(ctx, f) }

// WithoutBackoff lets a client try again at once.
func WithoutBackoff(c *Client) { c.backoff = 0 }

// ParseAddress is what New makes of one address.
func ParseAddress(text string, secure bool) (string, error) { return parseAddress(text, secure) }

// MaxMessage bounds what errors quote.
const MaxMessage = maxMessage

// ParseAnswer is what the client makes of CFSSL's answer.
func ParseAnswer(status int, body []byte) (certificate []byte, message string) {
	a := parseAnswer(status, body)
	return a.certificate, a.message
}

// ParseCertificate is how every certificate is read.
func ParseCertificate(text []byte) (*x509.Certificate, error) { return parseCertificate(text) }

// EncodeCertificate is how every certificate is written.
func EncodeCertificate(c *x509.Certificate) []byte { return encodeCertificate(c) }

// LimitListings lets a listing of records have so many bytes.
func LimitListings(l *MongoLedger, most int) { l.most = most }

// ReadStored reads a record as a ledger in a file does.
func ReadStored(text []byte) (Record, error) {
	d, err := parseDocument(text)
	return d.record(), err
}

// StoredRecord returns a record as a ledger in a file holds it.
func StoredRecord(r Record) []byte {
	text, err := bson.MarshalExtJSON(newDocument(r), false, false)
	if err != nil {
		panic(err)
	}
	return text
}

// CheckConnectionString returns the database that a connection string names, and what is said of an
// error that the driver comes with.
func CheckConnectionString(text string, failure error) (database, said string) {
	opts := options.Client().ApplyURI(text)
	if err := opts.Validate(); err != nil {
		return "", connectionStringError(err).Error()
	}
	return databaseOf(text), withoutSecrets(opts, text)(failure)
}
