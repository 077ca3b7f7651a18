package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard"
)

// assignment is the certificate that some APIs of the mesh are to carry: the inbound APIs of a
// service its own, all mesh APIs that of the mesh.
type assignment struct {
	holder
	decision
	apis     []dashboard.Definition
	attached []string // the certificates on them, each once
	problem  error    // why there is no decision
}

// assignments returns the assignment of the mesh and those of its services, sorted; none without
// services.
func (x *Snapshot) assignments() []assignment {
	if len(x.apis.services) == 0 {
		return nil
	}

	all := make([]assignment, 0, 1+len(x.apis.services))
	all = append(all, x.assign(meshHolder(x.Settings), x.apis.meshAPIs()))
	for _, svc := range x.apis.services {
		all = append(all, x.assign(serviceHolder(svc), x.apis.byOwner[mesh.Owner{Service: svc, Role: mesh.Inbound}]))
	}

	return all
}

// assign decides which certificate some APIs are to carry.
func (x *Snapshot) assign(h holder, apis []dashboard.Definition) assignment {
	a := assignment{holder: h, apis: apis}
	seen := make(map[string]bool)
	for _, d := range apis {
		for _, id := range d.Certificates() {
			if !seen[id] {
				seen[id] = true
				a.attached = append(a.attached, id)
			}
		}
	}

	if id := x.Settings.MeshCertificateID; id != "" && h.Role == mesh.Mesh {
		a.Action, a.ID, a.chosen = Keep, id, true
		return a
	}

	a.decision, a.problem = x.decide(h, a.attached)

	return a
}

// renews reports whether a certificate that is still valid is replaced only because of its age.
func (a *assignment) renews() bool { return a.Action == Issue && a.aged && !a.Asked }

// keeps returns the certificate that the next run would keep; "" if it would make one, or fail.
func (a *assignment) keeps() string {
	if a.problem == nil && (a.Action == Keep || a.Action == Confirm) {
		return a.ID
	}
	return ""
}

// current returns the certificate that an assignment is about now: the one to keep, the one that
// the record holds, or of the ones made for it the one that lasts longest.
func (x *Snapshot) current(a *assignment) string {
	if kept := a.keeps(); kept != "" {
		return kept
	}
	if a.Held != nil {
		return a.Held.Fingerprint
	}

	made := x.replaceable(a.attached, a.holder, a.ID)
	if len(made) == 0 {
		return x.lostAmong(a.attached)
	}

	return slices.MinFunc(made, func(i, j string) int {
		return cmp.Or(x.certificate(j).expires().Compare(x.certificate(i).expires()), strings.Compare(i, j))
	})
}

// lostAmong returns the first of some ids that is one of the store's, and not there; "" without
// one.
func (x *Snapshot) lostAmong(ids []string) string {
	for _, id := range ids {
		if mesh.IsStoreID(id, x.Settings.Org) && !x.certificate(id).there() {
			return id
		}
	}
	return ""
}

// isLost reports whether the current certificate of an assignment is one that the store has lost.
func (x *Snapshot) isLost(a *assignment) bool {
	return a.problem == nil && a.Action == Issue && slices.Contains(a.Reasons, Lost)
}

// usableCertificate returns the certificate of an assignment that could serve alone, or why there
// is no such certificate. Without the CA's certificate it is not known which one callers trust.
func (x *Snapshot) usableCertificate(a *assignment) (id, why string) {
	id = a.keeps()
	c := x.certificate(id)
	switch {
	case a.problem != nil:
		return "", a.problem.Error()
	case id == "" && slices.Contains(a.Reasons, Absent):
		return "", "none is for exactly the wanted hosts"
	case id == "":
		return "", strings.Join(a.Reasons, "; ")
	case x.State.CA == nil:
		return "", "it is unknown which of them the current CA signed"
	case !c.there():
		return "", "the one to keep is not in the Dashboard's store"
	case c.hasDetails() && c.stored.NotAfter.Before(x.now):
		return "", "the one to keep has expired"
	}

	return id, ""
}

// due returns why a renewal would replace the current certificate of an assignment, or put it in
// place; "" where there is no need.
func (x *Snapshot) due(a *assignment, current string) string {
	switch {
	case a.problem != nil:
		return a.problem.Error()
	case a.chosen:
		return "" // tykmesh did not make it
	case a.Action != Keep:
		if leaf := x.certificate(current).leaf(); leaf != nil && slices.Contains(a.Reasons, Absent) {
			return cmp.Or(x.terms.Unusable(leaf, a.Hosts), Absent)
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
