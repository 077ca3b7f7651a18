package mesh

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/inject"
)

// HeldCertificate is one certificate that the mesh has: that of the CA, one that its APIs carry,
// one that a record names, or one that was made for it and that nobody uses.
type HeldCertificate struct {
	Use     Use
	Service inject.Service // of a service's
	Name    string         // CA, mesh, shop/echo; of what is nobody's the first host
	ID      string         // in the store; "" for the CA's, and where an API has none
	Hosts   []string

	NotBefore, NotAfter time.Time // zero where neither the store nor the ledger tells

	Issuer   string // the name of the CA that signed it; "" where nobody knows
	SignedBy SignedBy
	State    CertificateState
	Ours     bool
	UsedBy   []string // the slugs of the APIs that name it
	Renewal  string   // why a renewal would replace it, or put it in place; "" where there is no need
}

// Use says whose a certificate is.
type Use string

// The bearers, in the order of a list.
const (
	UseCA      Use = "CA"
	UseMesh    Use = "mesh"
	UseService Use = "service"
	UseOther   Use = "other" // people put it on an API of the mesh, or it is a leftover that is in use
	UseNone    Use = "leftover"
)

// SignedBy says who signed a certificate.
type SignedBy string

// What is known of a signature: by the certificate where the ledger has it, else by the name of the
// issuer.
const (
	SignedByCurrentCA SignedBy = "current CA"
	SignedByAnotherCA SignedBy = "another CA"
	SignedByUnknown   SignedBy = "unknown"
)

// CertificateState says what a certificate does.
type CertificateState string

// The states of a certificate.
const (
	CertificateActive  CertificateState = "active"
	CertificatePending CertificateState = "pending" // a run recorded it and has not finished
	CertificateFormer  CertificateState = "former"  // another one has replaced it
	CertificateLegacy  CertificateState = "legacy"  // tyk-k8s made it
	CertificateOrphan  CertificateState = "orphan"  // nobody uses it
	CertificateMissing CertificateState = "missing" // it is named, and not in the store: a sidecar that starts cannot serve
)

// Serving reports whether the mesh suffers when a certificate ends.
func (h HeldCertificate) Serving() bool { return h.Use == UseCA || len(h.UsedBy) > 0 }

// NewCertificateList lists every certificate of the mesh: the CA's first, then that of the mesh,
// those of services by namespace and app, what other people put on the mesh's APIs, and what is
// left over. It is pure.
func NewCertificateList(state State, s Settings) []HeldCertificate {
	l := &lister{claims: newClaims(state, s), seen: make(map[string]bool)}
	if authority := state.CA; authority != nil {
		l.list = append(l.list, HeldCertificate{
			Use: UseCA, Name: string(UseCA), NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
			Issuer: authority.Issuer.CommonName, SignedBy: SignedByCurrentCA, State: CertificateActive, Ours: true,
		})
	}

	for _, a := range l.assignments() {
		l.assigned(&a)
	}

	for _, apis := range l.apis {
		for _, d := range apis {
			for _, id := range d.Certificates() {
				l.add(l.look(id))
			}
		}
	}

	for i := range state.Records {
		l.record(&state.Records[i])
	}

	for _, c := range state.Certificates {
		if l.ours(c.ID) {
			l.add(l.look(c.ID))
		}
	}

	slices.SortFunc(l.list, compareHeld)

	return l.list
}

// compareHeld puts of those for the same the one of now first.
func compareHeld(a, b HeldCertificate) int {
	bearer := func(h HeldCertificate) int {
		return slices.Index([]Use{UseCA, UseMesh, UseService, UseOther, UseNone}, h.Use)
	}
	past := func(h HeldCertificate) int {
		return slices.Index([]CertificateState{CertificateFormer, CertificateLegacy, CertificateOrphan}, h.State)
	}
	return cmp.Or(
		cmp.Compare(bearer(a), bearer(b)),
		compareServices(a.Service, b.Service),
		strings.Compare(a.Name, b.Name),
		cmp.Compare(past(a), past(b)),
		b.NotAfter.Compare(a.NotAfter),
		strings.Compare(a.ID, b.ID),
	)
}

// lister makes a list.
type lister struct {
	*claims
	list []HeldCertificate
	seen map[string]bool
}

func (l *lister) add(h HeldCertificate) {
	if h.ID == "" || !l.seen[h.ID] {
		l.seen[h.ID] = true
		l.list = append(l.list, h)
	}
}

// assigned lists what the APIs of an assignment carry of it, and what they ought to.
func (l *lister) assigned(a *assignment) {
	current := l.current(a)
	ids := a.attached
	if current == "" && len(a.apis) > 0 {
		ids = append([]string{""}, ids...)
	} else if current != "" && !slices.Contains(ids, current) {
		ids = append([]string{current}, ids...)
	}

	for _, id := range ids {
		if id != current && len(l.former([]string{id}, a.CertificateStep)) == 0 {
			continue // not made for these
		}

		h := l.look(id)
		h.Use, h.Service, h.Name = UseService, a.Service, a.Service.String()
		if a.Role == Mesh {
			h.Use, h.Name = UseMesh, string(Mesh)
		}

		if id == current {
			h.Renewal = l.renewal(a, current)
			h.Ours = !a.chosen
			if h.State == CertificateOrphan || h.State == CertificateFormer {
				h.State = CertificateActive
			}
		} else if h.State == CertificateActive {
			h.State = CertificateFormer
		}

		if id == "" {
			h.Hosts, h.State = a.Hosts, CertificateMissing
		}

		l.add(h)
	}
}

// current returns the certificate that an assignment is about now: the one to keep, the one that
// the record holds, or of those that were made for it the one that lasts.
func (l *lister) current(a *assignment) (id string) {
	if kept := a.keeps(); kept != "" {
		return kept
	}
	if a.held != nil {
		return a.held.Fingerprint
	}

	made := l.former(a.attached, a.CertificateStep)
	slices.SortFunc(made, func(x, y string) int {
		return cmp.Or(l.look(y).NotAfter.Compare(l.look(x).NotAfter), strings.Compare(x, y))
	})
	if len(made) == 0 {
		return ""
	}

	return made[0]
}

// renewal says what a renewal would do about an assignment, and why; "" for nothing.
func (l *lister) renewal(a *assignment, current string) string {
	switch {
	case a.problem != nil:
		return a.problem.Error()
	case a.chosen:
		return "" // it is not ours to renew
	case a.Action != Keep:
		if leaf := l.leaves[current]; leaf != nil && slices.Contains(a.Reasons, Absent) {
			return cmp.Or(l.terms.Unusable(leaf, a.Hosts), Absent)
		}
		return strings.Join(a.Reasons, "; ")
	}

	for _, d := range a.apis {
		if !slices.Contains(d.Certificates(), current) {
			return "not on API " + d.Slug()
		}
	}

	return ""
}

// record lists what a record holds, and what it held as far as there is something of it.
func (l *lister) record(r *ca.Record) {
	for i, id := range l.settings.storeIDs(r) {
		if _, there := l.store[id]; i > 0 && !there && len(l.users[id]) == 0 {
			continue
		}
		l.add(l.look(id))
	}
}

// look says what is known of a certificate by itself.
func (l *lister) look(id string) HeldCertificate {
	stored, there := l.store[id]
	h := HeldCertificate{Use: UseOther, ID: id, UsedBy: l.users[id], Ours: l.ours(id), State: l.stateOf(id, there)}
	slices.Sort(h.UsedBy)
	if len(h.UsedBy) == 0 {
		h.Use = UseNone
	}

	records := l.holders[id]

	leaf := l.leaves[id]
	switch {
	case !stored.NotAfter.IsZero():
		h.Hosts, h.NotBefore, h.NotAfter, h.Issuer = stored.DNSNames, stored.NotBefore, stored.NotAfter, stored.IssuerCN
	case leaf != nil:
		h.Hosts, h.NotBefore, h.NotAfter, h.Issuer = leaf.DNSNames, leaf.NotBefore, leaf.NotAfter, leaf.Issuer.CommonName
	case len(records) > 0:
		h.Hosts = records[0].Hosts
		if l.settings.storeID(*records[0]) == id {
			h.NotAfter = records[0].Expires
		}
	}

	h.SignedBy = l.signedBy(id, h.Issuer)
	h.Name = l.nameOf(id)

	return h
}

func (l *lister) stateOf(id string, there bool) CertificateState {
	records := l.holders[id]
	var now, legacy *ca.Record
	for _, r := range records {
		switch {
		case r.Legacy:
			legacy = r
		case r.Fingerprint == id:
			now = r
		}
	}

	switch {
	case !there:
		return CertificateMissing
	case now != nil && now.State != ca.Active:
		return CertificatePending
	case len(l.users[id]) == 0:
		return CertificateOrphan
	case now != nil:
		return CertificateActive
	case legacy != nil:
		return CertificateLegacy
	case len(records) > 0:
		return CertificateFormer
	}

	return CertificateActive
}

// signedBy reports whether the current CA signed a certificate. Only the certificate itself proves
// that; the store tells no more than a name.
func (l *lister) signedBy(id, issuer string) SignedBy {
	authority := l.state.CA
	if authority == nil || issuer == "" {
		return SignedByUnknown
	}

	trusted := issuer == authority.Subject.CommonName
	if leaf := l.leaves[id]; leaf != nil {
		young := ca.Terms{Authority: authority, Now: leaf.NotBefore} // its age is another matter
		trusted = young.Unusable(leaf, leaf.DNSNames) == ""
	}

	if trusted {
		return SignedByCurrentCA
	}

	return SignedByAnotherCA
}
