package ca

import (
	"context"
	"crypto/x509"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Until calls until.
func Until(ctx context.Context, f func() (int, error)) (int, error) { return until(ctx, f) }

// WithoutBackoff removes the waits between a client's attempts.
func WithoutBackoff(c *Client) { c.backoff = 0 }

// ParseAddress calls parseAddress.
func ParseAddress(text string, secure bool) (string, error) { return parseAddress(text, secure) }

// MaxMessage bounds the quotations in errors.
const MaxMessage = maxMessage

// ParseAnswer returns the certificate or the message in CFSSL's answer.
func ParseAnswer(status int, body []byte) (certificate []byte, message string) {
	a := parseAnswer(status, body)
	return a.certificate, a.message
}

// ParseCertificate calls parseCertificate.
func ParseCertificate(text []byte) (*x509.Certificate, error) { return parseCertificate(text) }

// EncodeCertificate calls encodeCertificate.
func EncodeCertificate(c *x509.Certificate) []byte { return encodeCertificate(c) }

// LimitListings sets the limits of a listing of records.
func LimitListings(l *MongoLedger, records, bytes int) { l.limit = listingLimit{records, bytes} }

// ReadStored parses a record as a FileLedger does.
func ReadStored(text []byte) (Record, error) {
	d, err := parseDocument(text)
	return d.record(), err
}

// StoredRecord returns a record in the form of a FileLedger.
func StoredRecord(r Record) []byte {
	text, err := bson.MarshalExtJSON(newDocument(r), false, false)
	if err != nil {
		panic(err)
	}
	return text
}

// CheckConnectionString returns the database in a connection string, or the message about an
// invalid one, and the message about an error of the driver.
func CheckConnectionString(text string, failure error) (database, said string) {
	opts := options.Client().ApplyURI(text)
	if err := opts.Validate(); err != nil {
		return "", connectionStringError(err).Error()
	}
	return databaseOf(text), withoutSecrets(opts, text)(failure)
}
