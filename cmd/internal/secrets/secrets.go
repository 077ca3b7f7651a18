// Package secrets makes the Secrets of a mesh without a Dashboard: for each service one with its
// certificate and key, and one with its token.
//
//	identities, records ──Terms.Due──> due Secrets, each with its reason: pure
//	                      ──Maker.Make──> Secrets: keys are made, and certificates and tokens signed
//	                      ──Write──> manifests
//	                      ──Record──> the ledger
//
// The ledger is written last, when the manifests are out: a run that ends before leaves a service
// due, and the next run makes its Secrets again. Two runs at once both make Secrets that are valid.
package secrets

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// Identity is a service with the hosts of its certificate.
type Identity struct {
	inject.Service
	Hosts []string
}

// NewIdentity returns a service with its hosts. The service's own name comes first, because the
// first host is the common name of the certificate.
func NewIdentity(svc inject.Service, hosts []string) Identity {
	own := strings.Join([]string{svc.App, svc.Namespace, "svc"}, ".")
	if i := slices.Index(hosts, own); i > 0 {
		hosts = slices.Concat([]string{own}, hosts[:i], hosts[i+1:])
	}

	return Identity{svc, hosts}
}

// Kind is the kind of a Secret: with a certificate, or with a token.
type Kind string

// The kinds of Secrets.
const (
	Certificate Kind = "certificate"
	Token       Kind = "token"
)

// Due is a Secret that a service lacks, or whose content must be replaced.
type Due struct {
	Identity
	Kind   Kind
	Reason string
	held   *ca.Record // the record to replace; nil without one
}

// Subject returns the name of the service in tokens and messages: "echo.default".
func (d Due) Subject() string { return standalone.Service(d.Service).Subject() }

// Describe returns a text about a Secret of a service, for users who make it.
func Describe(id Identity, kind Kind) string {
	d := Due{Identity: id, Kind: kind}
	content := "private key, certificate and intermediate CAs in PEM, for " + strings.Join(id.Hosts, ", ")
	if kind == Token {
		content = "a JWT (ES256) with sub " + d.Subject() + ", iat and exp"
	}

	return fmt.Sprintf("Secret %s in namespace %s, key %s: %s", d.name(), id.Namespace, d.key(), content)
}

// Terms decide which Secrets are due.
type Terms struct {
	Certificate *ca.Terms // for certificates; nil if tykmesh issues none
	Token       *ca.Terms // for tokens; nil if the mesh has none
	TokenKey    []byte    // the public key that verifies tokens, in PEM

	HasLedger bool
	All       bool // all Secrets are due
}

// The reasons why a Secret is due, beside those of ca.Terms.Unusable.
const (
	NoLedger = "there is no ledger"
	NoRecord = "not there yet"
	AskedFor = "asked for"
)

// Due returns the Secrets that are due, in the order of the identities, and the number of the
// others.
func (t Terms) Due(identities []Identity, records []ca.Record) (due []Due, kept int) {
	held := make(map[string]*ca.Record)
	for i := range records {
		held[records[i].ID] = &records[i]
	}

	add := func(id Identity, kind Kind, r *ca.Record, unusable func() string) {
		if reason := t.reason(r, unusable); reason != "" {
			due = append(due, Due{id, kind, reason, r})
		} else {
			kept++
		}
	}

	for _, id := range identities {
		if t.Certificate != nil {
			r := held[ca.RecordID(ca.RoleWorkload, id.Namespace, id.App)]
			add(id, Certificate, r, func() string { return t.unusableCertificate(r, id.Hosts) })
		}

		if t.Token != nil {
			r := held[ca.RecordID(ca.RoleToken, id.Namespace, id.App)]
			add(id, Token, r, func() string { return t.unusableToken(r) })
		}
	}

	return due, kept
}

// reason returns why a Secret is due; "" if it is not.
func (t Terms) reason(r *ca.Record, unusable func() string) string {
	switch {
	case t.All:
		return AskedFor
	case !t.HasLedger:
		return NoLedger
	case r == nil:
		return NoRecord
	}
	return unusable()
}

func (t Terms) unusableCertificate(r *ca.Record, hosts []string) string {
	leaf, err := r.Leaf()
	if err != nil {
		return "the ledger's record is invalid"
	}
	return t.Certificate.Unusable(leaf, hosts)
}

func (t Terms) unusableToken(r *ca.Record) string {
	switch now := t.Token.Now; {
	case !bytes.Equal(bytes.TrimSpace(r.Certificate), bytes.TrimSpace(t.TokenKey)):
		return "signed with another key"
	case now.After(r.Expires):
		return "expired on " + r.Expires.UTC().Format("2006-01-02")
	case t.Token.Due(r.NotBefore, r.Expires):
		return "expires in " + ca.Days(r.Expires.Sub(now))
	}

	return ""
}

// CheckHosts returns an error for services whose certificates cannot be issued, before the first
// request; all of them joined.
func CheckHosts(identities []Identity) error {
	var errs []error
	for _, id := range identities {
		if err := ca.CheckHosts(id.Hosts); err != nil {
			errs = append(errs, fmt.Errorf("certificate of %s: %w", id.Service, err))
		}
	}
	return errors.Join(errs...)
}
