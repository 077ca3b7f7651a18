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
	"cmp"
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
	held   *ca.Record // the ledger's record, which is replaced; nil without one
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
	Lost     = "the ledger has it, but the input lacks it"
	AskedFor = "asked for"
	invalid  = "its content is invalid"
)

// Due returns the Secrets that are due, in the order of the identities, and the number of the
// others. A stored Secret counts, else the record of the ledger, unless the stored ones are all of
// a cluster. A Secret that tykmesh did not make is never due.
func (t Terms) Due(identities []Identity, records []ca.Record, stored Stored) (due []Due, kept int) {
	held := make(map[string]*ca.Record)
	for i := range records {
		held[records[i].ID] = &records[i]
	}

	for _, id := range identities {
		for _, kind := range t.kinds() {
			d := Due{Identity: id, Kind: kind}
			d.held = held[d.recordID()]
			d.Reason = t.reason(d, stored)
			if d.Reason == "" || stored.foreign[d.recordID()] {
				kept++
			} else {
				due = append(due, d)
			}
		}
	}

	return due, kept
}

// kinds returns the kinds of Secrets that are made.
func (t Terms) kinds() (kinds []Kind) {
	if t.Certificate != nil {
		kinds = append(kinds, Certificate)
	}
	if t.Token != nil {
		kinds = append(kinds, Token)
	}

	return kinds
}

// reason returns why a Secret is due; "" if it is not.
func (t Terms) reason(d Due, stored Stored) string {
	present := stored.records[d.recordID()]
	if !stored.whole {
		present = cmp.Or(present, d.held)
	}

	switch {
	case t.All:
		return AskedFor
	case present == nil && d.held != nil:
		return Lost
	case present == nil && !t.HasLedger && !stored.Any():
		return NoLedger
	case present == nil:
		return NoRecord
	case d.Kind == Token:
		return t.unusableToken(present)
	}

	return t.unusableCertificate(present, d.Hosts)
}

func (t Terms) unusableCertificate(r *ca.Record, hosts []string) string {
	leaf, err := r.Leaf()
	if err != nil {
		return invalid
	}
	return t.Certificate.Unusable(leaf, hosts)
}

func (t Terms) unusableToken(r *ca.Record) string {
	switch now := t.Token.Now; {
	case len(r.Certificate) == 0:
		return invalid
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
