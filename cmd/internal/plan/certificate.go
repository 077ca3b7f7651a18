package plan

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// Certificate is one certificate, joined from the store, the ledger and the APIs that name it.
type Certificate struct {
	ID string // in the store

	snapshot *Snapshot
	stored   *dashboard.Certificate // without details if it is not in the store, or if the store tells none
	inStore  bool                   // the store lists it
	lost     bool                   // the store lists it, and cannot read it

	holders    []*record         // the records that name it, those that hold it now first
	legacyLeaf *x509.Certificate // as a record of tyk-k8s holds it; nil if none does
}

func (c *Certificate) sortHolders() {
	if len(c.holders) > 1 {
		slices.SortFunc(c.holders, compareHolders(c.ID))
	}
}

// there reports whether the store has the certificate, so that gateways can serve it.
func (c *Certificate) there() bool { return c.inStore && !c.lost }

// hasDetails reports whether the store tells more of the certificate than its id.
func (c *Certificate) hasDetails() bool { return !c.stored.NotAfter.IsZero() }

// leaf returns the certificate itself from the ledger, because the store shows only details; nil if
// no record holds it now.
func (c *Certificate) leaf() *x509.Certificate {
	for _, r := range c.holders {
		if leaf := r.leaf(); leaf != nil && r.id() == c.ID {
			return leaf
		}
	}
	return nil
}

// isOurs reports whether the certificate was made for the mesh.
//
//	the certificate                                                    made for the mesh
//	is that of a CA                                                    no
//	is named by a record of the ledger, now or in its history          yes
//	is signed by a CA of the mesh for exactly the mesh hosts           yes
//	is signed by a CA of the mesh for <app>.<ns> alone, and the mesh
//	  has that <ns>                                                    yes
//	else                                                               no
func (c *Certificate) isOurs() bool {
	if c.stored.IsCA {
		return false
	}
	if leaf := c.leaf(); leaf != nil && leaf.IsCA {
		return false
	}

	return len(c.holders) > 0 || c.signedByOurs() && c.hasOurName()
}

// signedByOurs reports whether by the store's details a CA of the mesh, current or previous, signed
// the certificate.
func (c *Certificate) signedByOurs() bool {
	return c.stored.IssuerCN != "" && c.snapshot.signers[c.stored.IssuerCN]
}

func (c *Certificate) hasOurName() bool {
	hosts := c.stored.DNSNames
	if len(hosts) > 0 && hostKey(hosts) == c.snapshot.meshHosts {
		return true
	}
	svc, ok := serviceOf(hosts)
	return ok && c.snapshot.namespaces[svc.Namespace]
}

// isFor reports whether the store tells the details of the certificate, and it is for exactly these
// hosts.
func (c *Certificate) isFor(hosts []string) bool {
	return c.hasDetails() && hostKey(c.stored.DNSNames) == hostKey(hosts)
}

// signedFor reports whether by the store's details the CA, current or previous, signed the
// certificate for exactly these hosts.
func (c *Certificate) signedFor(hosts []string) bool { return c.isFor(hosts) && c.signedByOurs() }

// hosts returns the hosts of the certificate by the store, else by its record.
func (c *Certificate) hosts() []string {
	if len(c.stored.DNSNames) == 0 && len(c.holders) > 0 {
		return c.holders[0].entry.Hosts
	}
	return c.stored.DNSNames
}

// name returns the first host of the certificate.
func (c *Certificate) name() string {
	if hosts := c.hosts(); len(hosts) > 0 {
		return hosts[0]
	}
	return cmp.Or(c.stored.SubjectCN, "no name")
}

// service returns the service that the certificate is for; ok is false for that of the mesh, and
// for one that is for none.
func (c *Certificate) service() (svc inject.Service, ok bool) {
	hosts := c.hosts()
	svc, ok = serviceOf(hosts)
	return svc, ok && hostKey(hosts) != c.snapshot.meshHosts
}

// ownerName returns the service that the certificate was made for, MeshName for that of the mesh,
// and "" if it was not made for the mesh.
func (c *Certificate) ownerName() string {
	if !c.isOurs() {
		return ""
	}
	if svc, ok := c.service(); ok {
		return svc.String()
	}

	return MeshName
}

// users returns the APIs that name the certificate.
func (c *Certificate) users() []*dashboard.API { return c.snapshot.uses()[c.ID] }

// usedBy returns the slugs of the APIs that name the certificate, sorted.
func (c *Certificate) usedBy() []string {
	var slugs []string
	for _, api := range c.users() {
		slugs = append(slugs, api.Definition.Slug())
	}
	slices.Sort(slugs)
	return slugs
}

// state returns the state of the certificate.
func (c *Certificate) state() CertificateState {
	var now, legacy *ca.Record
	for _, r := range c.holders {
		switch {
		case r.entry.Legacy:
			legacy = r.entry
		case r.entry.Fingerprint == c.ID:
			now = r.entry
		}
	}

	switch {
	case !c.there():
		return CertificateMissing
	case now != nil && now.State != ca.Active:
		return CertificatePending
	case len(c.users()) == 0:
		return CertificateOrphan
	case now != nil:
		return CertificateActive
	case legacy != nil:
		return CertificateLegacy
	case len(c.holders) > 0:
		return CertificateFormer
	}

	return CertificateActive
}

// signedBy returns who signed the certificate. Only the certificate itself proves that; the store
// only names the issuer.
func (c *Certificate) signedBy(issuer string) SignedBy {
	current := c.snapshot.State.CA
	if current == nil || issuer == "" {
		return SignedByUnknown
	}

	byCurrent := issuer == current.Subject.CommonName
	if leaf := c.leaf(); leaf != nil {
		young := ca.Terms{CA: current, Now: leaf.NotBefore} // its age is another matter
		byCurrent = young.Unusable(leaf, leaf.DNSNames) == ""
	}

	if byCurrent {
		return SignedByCurrentCA
	}

	return SignedByAnotherCA
}

// notBefore returns from when the certificate is valid, for one that may be reused.
func (c *Certificate) notBefore() time.Time {
	if c.snapshot.State.HasLedger && c.legacyLeaf != nil {
		return c.legacyLeaf.NotBefore
	}
	return c.stored.NotBefore
}

// unusable returns why the certificate cannot be reused for its own hosts; "" if it can.
func (c *Certificate) unusable(terms ca.Terms) string {
	if c.snapshot.State.HasLedger && c.legacyLeaf != nil {
		return terms.Unusable(c.legacyLeaf, c.legacyLeaf.DNSNames)
	}
	return c.unusableByDetails(terms)
}

// unusableByDetails does what ca.Terms.Unusable does as far as the store's details go: they have
// the issuer's name and no signature, which is why every CA that tykmesh makes has a name of its
// own.
func (c *Certificate) unusableByDetails(terms ca.Terms) string {
	stored, current := c.stored, c.snapshot.State.CA
	left := stored.NotAfter.Sub(c.snapshot.now)
	switch {
	case left <= 0:
		return "expired"
	case stored.IsCA:
		return "it is the certificate of a CA"
	case !stored.HasPrivate:
		return "the store has no key for it"
	case current != nil && stored.IssuerCN != current.Subject.CommonName:
		return fmt.Sprintf("not signed by %q", current.Subject.CommonName)
	case terms.Due(stored.NotBefore, stored.NotAfter):
		return "expires in " + ca.Days(left)
	}

	return ""
}

// expires returns when the certificate ends by the store, else by the ledger; zero where neither
// tells.
func (c *Certificate) expires() time.Time {
	if c.hasDetails() {
		return c.stored.NotAfter
	}
	if leaf := c.leaf(); leaf != nil {
		return leaf.NotAfter
	}
	if len(c.holders) > 0 && c.holders[0].id() == c.ID {
		return c.holders[0].entry.Expires
	}

	return time.Time{}
}
