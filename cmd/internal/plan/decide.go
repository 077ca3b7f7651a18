package plan

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/dashboard"
)

// Which certificates are kept:
//
//	record     in the store  usable  then
//	active     yes           yes     keep
//	pending    yes           yes     confirm: an earlier run was interrupted after the upload
//	any        no            -       issue: its key is lost
//	any        yes           no      issue
//	none       -             -       keep one that tyk-k8s recorded for exactly these hosts,
//	                                 if it is in the store and usable; else issue
//	no ledger  -             -       keep one that is usable by the store's details; else issue

// decision tells what becomes of a holder's certificate.
type decision struct {
	Action  Action // Keep, Confirm or Issue
	ID      string // "" for one that is issued
	Reasons []string

	Held   *ca.Record // the holder's record; nil without one
	Asked  bool       // the user wants a new one, however long the old one is valid
	aged   bool       // the one that is replaced is still valid, and has no fault but its age
	chosen bool       // the configuration names it
	signer string     // the CA that signed the replaced one, if that is not the current CA
}

// decide returns what becomes of the certificate of a holder. attached are the certificates on its
// APIs.
//
// Errors: the record is another organisation's.
func (x *Snapshot) decide(h holder, attached []string) (decision, error) {
	held := x.records[h.recordID()]
	reason := Absent
	var out decision
	if held != nil {
		record := held.entry
		if !strings.HasPrefix(record.Fingerprint, x.Settings.Org) {
			return out, fmt.Errorf("the ledger's record %s belongs to another organisation than Tyk.org %s: two organisations cannot share a ledger", record.ID, x.Settings.Org)
		}

		out.Held = record
		if reason = x.unusableRecord(held, h.Hosts, x.terms); reason == "" {
			out.ID, out.Action = record.Fingerprint, Keep
			if record.State != ca.Active {
				out.Action, out.Reasons = Confirm, []string{"an earlier run did not finish"}
			}
			return out, nil
		}
		out.aged = x.unusableRecord(held, h.Hosts, untilEnd(x.terms)) == ""
	}

	best := x.best(h.Hosts, attached)
	if best != nil {
		unusable := best.unusable(x.terms)
		if unusable == "" {
			out.ID, out.Action = best.ID, Keep
			return out, nil
		}
		if held == nil {
			reason, out.aged = unusable, best.unusable(untilEnd(x.terms)) == ""
		}
	}

	if held == nil && best == nil && x.lostAmong(attached) != "" {
		reason = Lost
	}

	out.issue(reason)
	out.signer = x.previousCA(held, best)

	return out, nil
}

// untilEnd returns the terms under which a certificate is kept until it expires.
func untilEnd(terms ca.Terms) ca.Terms {
	terms.RenewBefore = time.Nanosecond // not 0, which means a third of its lifetime
	return terms
}

// issue decides to issue a new certificate.
func (d *decision) issue(reason string) { d.Action, d.ID, d.Reasons = Issue, "", []string{reason} }

// previousCA returns the name of the CA that signed a replaced certificate, that of a record or
// else one in the store; "" where that is the current CA, or is not known.
func (x *Snapshot) previousCA(held *record, best *Certificate) string {
	if held != nil {
		if leaf := held.leaf(); leaf != nil && x.terms.Foreign(leaf) {
			return leaf.Issuer.CommonName
		}
		return ""
	}

	if current := x.State.CA; current != nil && best != nil && best.stored.IssuerCN != current.Subject.CommonName {
		return best.stored.IssuerCN
	}

	return ""
}

// unusableRecord returns why a record's certificate cannot be kept; "" if it can.
func (x *Snapshot) unusableRecord(r *record, hosts []string, terms ca.Terms) string {
	if !x.certificate(r.entry.Fingerprint).there() {
		if r.entry.State != ca.Active {
			return "an earlier run did not finish"
		}
		return Lost
	}
	return unusableLeaf(r.entry.Fingerprint, r.leaf(), hosts, x.Settings.Org, terms)
}

// unusableLeaf returns why the certificate that a record holds cannot be kept; "" if it can. leaf
// is nil where it cannot be read. It has to be the one that the record names: write access to the
// ledger must not be enough to choose which of the store's certificates an API carries.
func unusableLeaf(fingerprint string, leaf *x509.Certificate, hosts []string, org string, terms ca.Terms) string {
	switch {
	case leaf == nil:
		return "its record cannot be read"
	case ca.StoreID(org, leaf) != fingerprint:
		return "its record names another certificate than it holds"
	}

	return terms.Unusable(leaf, hosts)
}

// reusable returns the certificates in the store that may be kept without a record of tykmesh's,
// for exactly these hosts: with a ledger those that tyk-k8s recorded, else those of which the store
// tells the details.
func (x *Snapshot) reusable(hosts []string) []*Certificate {
	if x.State.HasLedger {
		return x.legacy[hostKey(hosts)]
	}
	return slices.DeleteFunc(slices.Clone(x.byHosts[hostKey(hosts)]), func(c *Certificate) bool { return !c.hasDetails() })
}

// best returns the certificate to reuse among those with exactly these hosts: one that is usable,
// that an API has already, the newest, the lowest id; nil where no certificate has these hosts.
func (x *Snapshot) best(hosts, attached []string) *Certificate {
	all := x.reusable(hosts)
	if len(all) == 0 {
		return nil
	}

	held := make(map[string]bool, len(attached))
	for _, id := range attached {
		held[id] = true
	}

	before := func(yes, than bool) int {
		switch {
		case yes && !than:
			return -1
		case than && !yes:
			return 1
		}
		return 0
	}

	return slices.MinFunc(all, func(a, b *Certificate) int {
		return cmp.Or(
			before(a.unusable(x.terms) == "", b.unusable(x.terms) == ""),
			before(held[a.ID], held[b.ID]),
			b.notBefore().Compare(a.notBefore()),
			strings.Compare(a.ID, b.ID),
		)
	})
}

// UsableRecord reports whether the certificate of a record could serve for these hosts.
func UsableRecord(r *ca.Record, hosts []string, org string, terms ca.Terms) bool {
	leaf, err := parseLeaf(r.Certificate)
	return err == nil && unusableLeaf(r.Fingerprint, leaf, hosts, org, terms) == ""
}

// Serves reports whether by its details a certificate in the store is good for these hosts.
func Serves(c dashboard.Certificate, hosts []string, terms ca.Terms) bool {
	return c.HasPrivate && !c.IsCA && hostKey(c.DNSNames) == hostKey(hosts) &&
		terms.CA != nil && c.IssuerCN == terms.CA.Subject.CommonName && !terms.Due(c.NotBefore, c.NotAfter)
}
