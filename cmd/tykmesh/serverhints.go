package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/dashboard"
)

// tlsTrouble is a reason why two sides cannot speak TLS with each other.
type tlsTrouble int

const (
	noTLSTrouble tlsTrouble = iota
	tlsWrongHost            // the server's certificate is for other hosts
	tlsUntrusted            // its CA is unknown on this machine
	tlsPlain                // the server speaks plain HTTP
	tlsWanted               // tykmesh speaks plain HTTP, and the server TLS
	tlsRefused              // the server wants a client certificate, or another one
)

func troubleWithTLS(err error) tlsTrouble {
	var (
		wrongHost x509.HostnameError
		untrusted *tls.CertificateVerificationError
		plain     tls.RecordHeaderError
		alert     *net.OpError
	)

	switch text := err.Error(); {
	case errors.As(err, &wrongHost):
		return tlsWrongHost
	case errors.As(err, &untrusted):
		return tlsUntrusted
	case errors.As(err, &plain), strings.Contains(text, "server gave HTTP response to HTTPS client"):
		return tlsPlain
	case strings.Contains(text, "HTTP request to an HTTPS server"):
		return tlsWanted
	case errors.As(err, &alert) && alert.Op == "remote error": // an alert of the other side, in crypto/tls
		return tlsRefused
	}

	return noTLSTrouble
}

// hintForCFSSL returns the hint about a CFSSL that gave no answer, or signed another certificate
// than requested; "" without one.
func hintForCFSSL(err error) string {
	var (
		refusal *ca.Error
		call    *ca.CallError
	)
	switch {
	case errors.Is(err, ca.ErrNotAsAsked) && !errors.Is(err, ca.ErrNotYetValid):
		return fmt.Sprintf("give the signing profile in CFSSL's configuration the usages signing, server auth and client auth, an expiry of at most %d years, and no CA", ca.MaxYears)
	case errors.As(err, &refusal) && troubleWithTLS(refusal) == tlsWanted:
		return "CFSSL at CA.addr wants https://: write that before its host, or set CA.secure: true"
	case !errors.As(err, &call), errors.Is(call, context.Canceled):
		return ""
	}

	switch troubleWithTLS(call) {
	case tlsWrongHost:
		return "CA.addr must have a host that CFSSL's own certificate names"
	case tlsUntrusted:
		return "CA.tlsRemoteCA names a file with the CA of CFSSL's own certificate; CA.skipCACheck: true, with CA.secure: true, trusts any"
	case tlsPlain:
		return "CA.addr begins with https://, or CA.secure is true, but the server there speaks plain HTTP"
	case tlsRefused:
		return "CA.mutualTLSCert and CA.mutualTLSKey must name a client certificate that CFSSL accepts, and its key (cfssl serve -mutual-tls-ca)"
	}

	if errors.Is(call, ca.ErrUnreachable) {
		return "is CA.addr right, and reachable from here? from outside of the cluster: kubectl port-forward"
	}

	return ""
}

// hintForDashboard returns the hint about a Dashboard that gave no answer, or an unexpected one; ""
// if there is none.
func hintForDashboard(d *dashboard.Error) string {
	if errors.Is(d, context.Canceled) {
		return ""
	}

	switch troubleWithTLS(d) {
	case tlsWrongHost:
		return "Tyk.url must have a host that the Dashboard's certificate names"
	case tlsUntrusted:
		return "make this machine trust the CA of the Dashboard's certificate, or name it in SSL_CERT_FILE; Tyk.insecureSkipVerify: true trusts any"
	case tlsPlain:
		return "Tyk.url begins with https://, but the server there speaks plain HTTP"
	case tlsWanted:
		return "Tyk.url begins with http://, but the server there wants https://"
	}

	switch {
	case d.Unreachable():
		return "is Tyk.url right, and reachable from here? without any server: --local DIR"
	case d.Foreign() && d.Status/100 == 5:
		return "a proxy seems to answer for the Dashboard: is the Dashboard itself up?"
	case d.Foreign():
		return "another server seems to answer at Tyk.url (the Dashboard's address, without /api): a proxy, a login page, another service"
	case d.Status/100 == 5, d.Status == http.StatusOK:
		return "the Dashboard's log says why it failed"
	}

	return ""
}
