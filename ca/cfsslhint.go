package ca

import (
	"context"
	"errors"
	"fmt"
)

// cfsslName is the kind of server, for messages.
const cfsslName = "CFSSL"

// Disabled are the endpoints of CFSSL that must be off, as cfssl serve -disable takes them: every
// endpoint that asks for no key, except info and health, which show no secret. One of them,
// newcert, gives every client a certificate and its key.
const Disabled = "sign,newcert,newkey,init_ca,scan,scaninfo,certadd,gencrl,bundle,certinfo,ocspsign,revoke,crl,/"

// cfsslHints are the advice for errors of CFSSL.
var cfsslHints = []hint{
	{ErrUnauthorized, "CA.key must be the key under auth_keys of CFSSL's configuration"},
	{ErrNoProvider, "set auth_key on signing.default in CFSSL's configuration: without it CFSSL signs for every caller, but refuses authsign"},
	{ErrForeignCA, "CFSSL must sign with the CA that the mesh trusts: that of CA.certPath, or else the one in CFSSL's info"},
	{ErrNoProfile, "CA.profile must be one of signing.profiles in CFSSL's configuration"},
}

func hintsForCFSSL(err error) []string {
	found := hintsIn(cfsslHints, err)
	if hint := hintForCall(err); hint != "" {
		return append([]string{hint}, found...)
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
		return "CFSSL at CA.addr wants https://: write that before its host, or set CA.secure: true"
	case !errors.As(err, &call), errors.Is(call, context.Canceled):
		return ""
	}

	switch TLSTroubleOf(call) {
	case TLSWrongHost:
		return "CA.addr must have a host that CFSSL's own certificate names"
	case TLSUntrusted:
		return "CA.tlsRemoteCA names a file with the CA of CFSSL's own certificate; CA.skipCACheck: true, with CA.secure: true, trusts any"
	case TLSPlain:
		return "CA.addr begins with https://, or CA.secure is true, but the server there speaks plain HTTP"
	case TLSRefused:
		return "CA.mutualTLSCert and CA.mutualTLSKey must name a client certificate that CFSSL accepts, and its key (cfssl serve -mutual-tls-ca)"
	}

	if errors.Is(call, ErrUnreachable) {
		return "is CA.addr right, and reachable from here? from outside of the cluster: kubectl port-forward"
	}

	return ""
}
