package plan

import (
	"slices"
	"time"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
)

// freshFor is the age up to which an unused certificate may be one that another run has
// uploaded and not yet put on an API. A run takes minutes; issuers backdate certificates by five
// minutes, and clocks differ.
const freshFor = time.Hour

// replace plans the deletions of certificates whose place other certificates of the plan take, or
// have taken, where an earlier run did not come to delete them. A certificate that an API uses from
// which the plan does not take it is left alone.
func (p *Plan) replace(x *Snapshot) {
	kept := make(map[string]bool)
	var gone []*Step
	for _, s := range p.certificates() {
		kept[s.ID] = true
		h := s.Work.(*Issuance).holder
		for _, id := range x.outdated(h, s) {
			gone = append(gone, &Step{
				Kind: CertificateKind, Action: Delete, Service: s.Service, Role: s.Role, Name: h.name(), ID: id, Reasons: []string{Superseded},
				Replaced: true, Work: &CertificateDeletion{},
			})
		}
	}

	if len(gone) == 0 {
		return // nearly always, and then the uses of certificates need not be known
	}

	changed := p.changed(x)
	for _, s := range gone {
		if !kept[s.ID] && len(x.usersAfter(s.ID, changed)) == 0 {
			p.add(s)
		}
	}
}

// outdated returns the certificates in the store whose place the certificate of a step has taken,
// or takes, sorted.
func (x *Snapshot) outdated(h holder, step *Step) (ids []string) {
	chosen := x.Settings.MeshCertificateID
	if step.Role == mesh.Mesh && chosen != "" {
		return nil
	}

	before := x.beforeByDetails
	if x.State.HasLedger {
		before = x.beforeByRecord
	}

	for _, id := range before(h, step) {
		if x.certificate(id).inStore && id != step.ID && id != chosen {
			ids = append(ids, id)
		}
	}

	slices.Sort(ids)

	return slices.Compact(ids)
}

// beforeByRecord returns the certificates that the ledger's record of a step has held before, and
// no others.
func (x *Snapshot) beforeByRecord(h holder, step *Step) (ids []string) {
	r := x.records[h.recordID()]
	if r == nil {
		return nil
	}
	for _, past := range r.entry.History {
		ids = append(ids, past.Fingerprint)
	}

	if step.Action == Issue {
		ids = append(ids, r.entry.Fingerprint)
	}

	return ids
}

// beforeByDetails returns, without a ledger, the certificates that a CA of the mesh signed for
// exactly the hosts of a step's and that are no younger, except those that may be another run's.
func (x *Snapshot) beforeByDetails(h holder, step *Step) (ids []string) {
	newest, settled := x.now, x.now.Add(-freshFor)
	if step.Action != Issue {
		newest = x.certificate(step.ID).stored.NotBefore
	}

	for _, c := range x.byHosts[hostKey(h.Hosts)] {
		if c.signedFor(h.Hosts) && !c.stored.NotBefore.After(newest) && c.stored.NotBefore.Before(settled) {
			ids = append(ids, c.ID)
		}
	}

	return ids
}
