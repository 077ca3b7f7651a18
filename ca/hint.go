package ca

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
)

// ServerName is the server that tykmesh ca init sets up, for messages.
const ServerName = "CFSSL"

// Disabled are the endpoints of CFSSL that must be off, as cfssl serve -disable takes them: every
// endpoint that asks for no key, except info and health, which show no secret. One of them,
// newcert, gives every client a certificate and its key.
const Disabled = "sign,newcert,newkey,init_ca,scan,scaninfo,certadd,gencrl,bundle,certinfo,ocspsign,revoke,crl,/"

// hints are the advice for errors of issuers and ledgers.
var hints = []struct {
	err  error
	hint string
}{
	{ErrUnauthorized, "CA.key must be the key under auth_keys of CFSSL's configuration"},
	{ErrNoProvider, "add an auth_key to signing.default of CFSSL's configuration; without one, CFSSL signs every request and rejects authsign"},
	{ErrLedgerUnauthorized, "the user and password in CA.mongoConnStr must be those of a MongoDB user"},
	{ErrLedgerForbidden, "the MongoDB user in CA.mongoConnStr must be allowed to read and write the collection " + collection},
	{ErrLedgerUnreachable, "is CA.mongoConnStr right, and reachable from here? from outside of the cluster: kubectl port-forward"},
	{ErrForeignCA, "CFSSL must sign with the CA that the mesh trusts: the one in CA.certPath or, without it, the one that CFSSL's info names"},
	{ErrNoProfile, "CA.profile must be one of signing.profiles in CFSSL's configuration"},
}

// Hints returns advice for an error of an issuer or a ledger. It names settings as tykmesh.yaml
// does: section CA, keys as in Config.
func Hints(err error) (found []string) {
	if hint := hintForCall(err); hint != "" {
		found = append(found, hint)
	}

	for _, h := range hints {
		if errors.Is(err, h.err) {
			found = append(found, h.hint)
		}
	}

	return found
}

// hintForCall returns the advice for a CFSSL that gave no answer, or signed something else than
// requested; "" without any.
func hintForCall(err error) string {
	var (
		refusal *Error
		call    *CallError
	)

	switch {
	case errors.Is(err, ErrNotAsAsked) && !errors.Is(err, ErrNotYetValid):
		return fmt.Sprintf("give the signing profile in CFSSL's configuration the usages signing, server auth and client auth, an expiry of at most %d years, and no CA", MaxYears)
	case errors.As(err, &refusal) && TLSTroubleOf(refusal) == TLSWanted:
		return "CA.addr leads to a CFSSL that wants https://: write that before its host, or set CA.secure: true"
	case !errors.As(err, &call), errors.Is(call, context.Canceled):
		return ""
	}

	switch TLSTroubleOf(call) {
	case TLSWrongHost:
		return "CA.addr must have a host that CFSSL's own certificate names"
	case TLSUntrusted:
		return "CA.tlsRemoteCA names a file with the CA of CFSSL's own certificate; CA.skipCACheck: true, with CA.secure: true, trusts any"
	case TLSPlain:
		return "CA.addr says https://, or CA.secure is true, but the server there speaks plain HTTP"
	case TLSRefused:
		return "CA.mutualTLSCert and CA.mutualTLSKey must name a client certificate that CFSSL accepts, and its key (cfssl serve -mutual-tls-ca)"
	}

	if errors.Is(call, ErrUnreachable) {
		return "is CA.addr right, and reachable from here? from outside of the cluster: kubectl port-forward"
	}

	return ""
}

// TLSTrouble is a reason why a client and a server cannot speak TLS with each other.
type TLSTrouble int

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
