package plan

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/inject"
)

// HeldCertificate is one certificate that the mesh has: that of the CA, one that its APIs carry,
// one that a record names, or an unused one that was made for it.
type HeldCertificate struct {
	Use     Use
	Service inject.Service // of a service's
	Name    string         // CA, mesh, shop/echo; else the first host
	ID      string         // in the store; "" for the CA's, and where an API has none
	Hosts   []string

	NotBefore, NotAfter time.Time // zero where neither the store nor the ledger tells

	Issuer   string // the name of the CA that signed it; "" where it is unknown
	SignedBy SignedBy
	State    CertificateState
	Ours     bool
	UsedBy   []string // the slugs of the APIs that name it
	Renewal  string   // why a renewal would replace it, or put it in place; "" where there is no need
}

// Use tells what a certificate is for.
type Use string

// The uses, in the order of a list.
const (
	UseCA      Use = "CA"
	UseMesh    Use = "mesh"
	UseService Use = "service"
	UseOther   Use = "other" // an API of the mesh carries it, and tykmesh does not manage it there
	UseNone    Use = "leftover"
)

// SignedBy tells who signed a certificate.
type SignedBy string

// The signers: known from the certificate where the ledger has it, else from the name of the
// issuer.
const (
	SignedByCurrentCA SignedBy = "current CA"
	SignedByAnotherCA SignedBy = "another CA"
	SignedByUnknown   SignedBy = "unknown"
)

// CertificateState is the state of a certificate.
type CertificateState string

// The states of a certificate.
const (
	CertificateActive  CertificateState = "active"
	CertificatePending CertificateState = "pending" // a run recorded it and has not finished
	CertificateFormer  CertificateState = "former"  // another certificate has replaced it
	CertificateLegacy  CertificateState = "legacy"  // tyk-k8s made it
	CertificateOrphan  CertificateState = "orphan"  // no API uses it
	CertificateMissing CertificateState = "missing" // an API or a record names it, and it is not in the store: a starting sidecar cannot serve
)

// Lost reports whether an API or a record names the certificate, and the store no longer has it.
func (h HeldCertificate) Lost() bool { return h.Renewal == Lost }

// Serving reports whether the mesh suffers when a certificate ends.
func (h HeldCertificate) Serving() bool { return h.Use == UseCA || len(h.UsedBy) > 0 }

// NewCertificateList lists every certificate of the mesh: the CA's first, then that of the mesh,
// those of services by namespace and app, other certificates on APIs of the mesh, and unused ones.
// It is pure.
func NewCertificateList(x *Snapshot) []HeldCertificate {
	l := &lister{snapshot: x, seen: make(map[string]bool)}
	if current := x.State.CA; current != nil {
		l.list = append(l.list, HeldCertificate{
			Use: UseCA, Name: string(UseCA), NotBefore: current.NotBefore, NotAfter: current.NotAfter,
			Issuer: current.Issuer.CommonName, SignedBy: SignedByCurrentCA, State: CertificateActive, Ours: true,
		})
	}

	for _, a := range x.assignments() {
		l.assigned(&a)
	}

	for _, apis := range x.apis.byOwner {
		for _, d := range apis {
			for _, id := range d.Certificates() {
				l.add(x.certificate(id).row())
			}
		}
	}

	for _, r := range x.ledger {
		l.record(r)
	}

	for _, c := range x.inStore() {
		if c.isOurs() {
			l.add(c.row())
		}
	}

	slices.SortFunc(l.list, compareHeld)

	return l.list
}

// compareHeld puts certificates of the same use together, the current one first.
func compareHeld(a, b HeldCertificate) int {
	use := func(h HeldCertificate) int {
		return slices.Index([]Use{UseCA, UseMesh, UseService, UseOther, UseNone}, h.Use)
	}
	past := func(h HeldCertificate) int {
		return slices.Index([]CertificateState{CertificateFormer, CertificateLegacy, CertificateOrphan}, h.State)
	}
	return cmp.Or(
		cmp.Compare(use(a), use(b)),
		compareServices(a.Service, b.Service),
		strings.Compare(a.Name, b.Name),
		cmp.Compare(past(a), past(b)),
		b.NotAfter.Compare(a.NotAfter),
		strings.Compare(a.ID, b.ID),
	)
}

// lister makes a list.
type lister struct {
	snapshot *Snapshot
	list     []HeldCertificate
	seen     map[string]bool
}

func (l *lister) add(h HeldCertificate) {
	if h.ID == "" || !l.seen[h.ID] {
		l.seen[h.ID] = true
		l.list = append(l.list, h)
	}
}

// adjust corrects a row by its place in the assignment: the hosts of a missing certificate, and the
// state of the current one and of others.
func (h *HeldCertificate) adjust(a *assignment, current bool) {
	switch {
	case h.ID == "":
		h.Hosts, h.State = a.Hosts, CertificateMissing
	case current && (h.State == CertificateOrphan || h.State == CertificateFormer):
		h.State = CertificateActive
	case !current && h.State == CertificateActive:
		h.State = CertificateFormer
	}
}

// assigned lists the certificates that the APIs of an assignment carry for it, and the missing one.
func (l *lister) assigned(a *assignment) {
	current := l.snapshot.current(a)
	ids := a.attached
	if current == "" && len(a.apis) > 0 || current != "" && !slices.Contains(ids, current) {
		ids = slices.Concat([]string{current}, ids)
	}

	for _, id := range ids {
		c := l.snapshot.certificate(id)
		if id != current && !c.madeFor(a.holder) {
			continue
		}

		h := c.row()
		h.Use, h.Service, h.Name = UseService, a.Service, a.Service.String()
		if a.Role == mesh.Mesh {
			h.Use, h.Name = UseMesh, string(mesh.Mesh)
		}

		h.adjust(a, id == current)
		if id == current {
			h.Renewal = l.snapshot.due(a, current)
			h.Ours = !a.chosen
		}

		l.add(h)
	}
}

// record lists the certificate that a record holds, and its past ones that are in the store or in
// use.
func (l *lister) record(r *record) {
	for i, id := range r.ids {
		if c := l.snapshot.certificate(id); i == 0 || c.inStore || len(c.users()) > 0 {
			l.add(c.row())
		}
	}
}

// row returns the line of a certificate, whatever assignment it belongs to.
func (c *Certificate) row() HeldCertificate {
	h := HeldCertificate{Use: UseOther, Name: c.name(), ID: c.ID, UsedBy: c.usedBy(), Ours: c.isOurs(), State: c.state(), NotAfter: c.expires()}
	if len(h.UsedBy) == 0 {
		h.Use = UseNone
	}

	leaf := c.leaf()
	switch {
	case c.hasDetails():
		h.Hosts, h.NotBefore, h.Issuer = c.stored.DNSNames, c.stored.NotBefore, c.stored.IssuerCN
	case leaf != nil:
		h.Hosts, h.NotBefore, h.Issuer = leaf.DNSNames, leaf.NotBefore, leaf.Issuer.CommonName
	case len(c.holders) > 0:
		h.Hosts = c.holders[0].entry.Hosts
	}

	h.SignedBy = c.signedBy(h.Issuer)

	return h
}
