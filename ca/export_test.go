package ca

import (
	"context"
	"crypto/x509"
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
