package ca

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
)

// TLSTrouble is a reason why a client and a server cannot speak TLS with each other.
type TLSTrouble int

// The troubles with TLS.
const (
	NoTLSTrouble TLSTrouble = iota
	TLSWrongHost            // the server's certificate names other hosts
	TLSUntrusted            // the server's certificate has an unknown issuer
	TLSPlain                // the server speaks plain HTTP
	TLSWanted               // the client speaks plain HTTP, and the server wants TLS
	TLSRefused              // the server rejects the client: it wants a certificate, or another one
)

// TLSTroubleOf returns the trouble with TLS that an error of any HTTP client reports.
func TLSTroubleOf(err error) TLSTrouble {
	var (
		wrongHost x509.HostnameError
		untrusted *tls.CertificateVerificationError
		plain     tls.RecordHeaderError
		alert     *net.OpError
	)

	switch text := err.Error(); {
	case errors.As(err, &wrongHost):
		return TLSWrongHost
	case errors.As(err, &untrusted):
		return TLSUntrusted
	case errors.As(err, &plain), strings.Contains(text, "server gave HTTP response to HTTPS client"):
		return TLSPlain
	case strings.Contains(text, "HTTP request to an HTTPS server"):
		return TLSWanted
	case errors.As(err, &alert) && alert.Op == remoteAlert:
		return TLSRefused
	}

	return NoTLSTrouble
}
