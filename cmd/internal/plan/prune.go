package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard"
)

// APIWithSurplus is an API with several certificates that were made for it, none of which could
// serve alone.
type APIWithSurplus struct {
	Slug   string
	Count  int
	Reason string
}

// Prune plans to delete unused certificates that were made for the mesh, and their records.
// From APIs that hold a usable one it takes the others off. It is pure, and trusts the listings to
// be complete, as those of Observe are. Of the certificates that were made for the mesh
// (Certificate.isOurs) it keeps every one that an API names anywhere, that the next run would put
// in place, that may be another run's fresh upload, or that the configuration names.
//
//	API ─> certificates that were on it ─> their records
func Prune(x *Snapshot) *Plan {
	plan := newPlan(x)
	assignments := x.assignments()
	plan.detach(x, assignments)
	changed := plan.changed(x)
	spared := x.spared(assignments)

	going := plan.deleteUnused(x, changed, spared)
	plan.forget(x, going, changed, spared)
	slices.SortFunc(plan.Kept, func(a, b Kept) int { return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID)) })

	return plan.withProof(x)
}

// deleteUnused plans the deletions of unused certificates, each after the steps that take it off an
// API. It returns them by the ids of the certificates.
func (p *Plan) deleteUnused(x *Snapshot, changed map[string]dashboard.Definition, spared map[string]string) map[string]*Step {
	carriers := make(map[string][]*Step)
	for _, s := range p.All {
		for _, id := range s.takesOff() {
			carriers[id] = append(carriers[id], s)
		}
	}

	going := make(map[string]*Step)
	for _, c := range x.inStore() {
		users := x.usersAfter(c.ID, changed)
		reason := spared[c.ID]
		if len(users) > 0 {
			reason = "API " + strings.Join(slices.Sorted(slices.Values(mesh.DescribeAll(users))), ", API ") + " uses it"
		}

		switch {
		case !c.isOurs() || slices.ContainsFunc(users, isMember):
		case reason != "":
			p.Kept = append(p.Kept, Kept{c.ID, c.name(), reason})
		default:
			going[c.ID] = c.deletion()
		}
	}

	for _, s := range slices.SortedFunc(maps.Values(going), func(a, b *Step) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), x.certificate(a.ID).stored.NotBefore.Compare(x.certificate(b.ID).stored.NotBefore), strings.Compare(a.ID, b.ID))
	}) {
		p.add(s, carriers[s.ID]...)
	}

	return going
}

// isMember reports whether an API is one of the mesh that tykmesh can change.
func isMember(api *dashboard.API) bool {
	_, ok := mesh.ClassicOwner(api.Definition)
	return ok
}

// detach plans which certificates are taken off the APIs of the mesh.
func (p *Plan) detach(x *Snapshot, assignments []assignment) {
	var steps []*Step
	for _, a := range assignments {
		kept, why := x.usableCertificate(&a)
		for _, d := range a.apis {
			held := Detached(d, nil).Certificates()
			former := x.replaceable(held, a.holder, a.ID)
			if kept == "" || !slices.Contains(held, kept) {
				made := slices.DeleteFunc(slices.Clone(held), func(id string) bool { return id != a.ID && !slices.Contains(former, id) })
				if len(made) > 1 {
					p.APIsWithSurplus = append(p.APIsWithSurplus, APIWithSurplus{d.Slug(), len(made), cmp.Or(why, "the one to keep is not on it")})
				}
				former = nil
			}

			if due := mesh.Changes(d, Detached(d, former)); len(due) > 0 {
				o, _ := mesh.OwnerOf(d)
				steps = append(steps, &Step{
					Kind: APIKind, Action: Update, Service: o.Service, Role: o.Role, Name: d.Slug(), ID: d.ID(), Changes: due,
					Reasons: losses(len(d.Certificates())-len(held), len(former), len(held)), Work: &Detachment{kept, former},
				})
			}
		}
	}

	slices.SortFunc(steps, func(a, b *Step) int { return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID)) })
	slices.SortStableFunc(p.APIsWithSurplus, func(a, b APIWithSurplus) int { return strings.Compare(a.Slug, b.Slug) })
	p.All = append(p.All, steps...)
}

// losses returns the reasons for taking certificates off an API.
func losses(repeated, former, held int) (reasons []string) {
	if repeated > 0 {
		reasons = append(reasons, fmt.Sprintf("%d repeated", repeated))
	}
	if former > 0 {
		reasons = append(reasons, fmt.Sprintf("%d of %d certificates replaced", former, held))
	}
	return reasons
}

// Detached returns a definition without some certificates, and with each of the others once. Of one
// that is there several times the last stays where it is: of certificates for one name gateways
// serve the last.
func Detached(d dashboard.Definition, former []string) dashboard.Definition {
	var list []string
	seen := make(map[string]bool)
	for _, id := range slices.Backward(d.Certificates()) {
		if !seen[id] && !slices.Contains(former, id) {
			list = append(list, id)
		}
		seen[id] = true
	}

	slices.Reverse(list)
	if len(list) == len(d.Certificates()) {
		return d
	}

	return d.With("certificates", dashboard.Union(list))
}

// spared returns why certificates stay although no API uses them, by their ids.
func (x *Snapshot) spared(assignments []assignment) map[string]string {
	const reason = "it is less than an hour old: another run may be about to put it in place"
	settled := make(map[string]bool) // by records of tykmesh, which tell how far a run has come; those of tyk-k8s do not
	spared := make(map[string]string)

	young := func(id string, since time.Time) {
		if !settled[id] && x.now.Sub(since) < freshFor {
			spared[id] = reason
		}
	}
	for _, r := range x.ledger {
		if r.entry.Legacy {
			continue
		}
		for i, id := range r.ids {
			settled[id] = i > 0 || r.entry.State == ca.Active
		}
	}

	for _, r := range x.ledger {
		young(r.id(), r.entry.Created)
	}

	for _, c := range x.inStore() {
		young(c.ID, c.stored.NotBefore)
	}

	for _, a := range assignments {
		if id := a.keeps(); id != "" {
			spared[id] = "the next run puts it in place"
		}
	}

	if id := x.Settings.MeshCertificateID; id != "" {
		spared[id] = "Injector.meshCertificateID names it"
	}

	return spared
}

// deletion returns the step that deletes the certificate from the store.
func (c *Certificate) deletion() *Step {
	step := &Step{Kind: CertificateKind, Action: Delete, Role: mesh.Mesh, Name: c.name(), ID: c.ID, Reasons: []string{"no API uses it"}, Work: &CertificateDeletion{}}
	if svc, ok := c.service(); ok {
		step.Role, step.Service = mesh.Inbound, svc
	}
	return step
}

// forget plans the deletion of records whose certificates, current and past, are all gone or go:
// those of tyk-k8s, and those of tykmesh for services without an API. As long as one is there its
// record says whose it is. A record of another organisation is left alone.
func (p *Plan) forget(x *Snapshot, going map[string]*Step, changed map[string]dashboard.Definition, spared map[string]string) {
	var steps []*Step
	for _, r := range x.ledger {
		id := r.id()
		if !r.entry.Legacy && x.isMeshed(r) || !strings.HasPrefix(id, p.Settings.Org) {
			continue
		}

		if why := spared[id]; why != "" {
			if !x.certificate(id).inStore {
				p.Kept = append(p.Kept, Kept{id, "record " + r.entry.ID, why})
			}
			continue
		}

		stays := slices.ContainsFunc(r.ids, func(id string) bool {
			return x.certificate(id).inStore && going[id] == nil || len(x.usersAfter(id, changed)) > 0
		})
		if stays {
			continue
		}

		steps = append(steps, r.deletion(going))
	}

	slices.SortFunc(steps, func(a, b *Step) int { return strings.Compare(a.ID, b.ID) })
	p.All = append(p.All, steps...)
}

// deletion returns the step that deletes the record, after the deletions of its certificates.
func (r *record) deletion(going map[string]*Step) *Step {
	reason := "its service has no API, and its certificate is gone"
	if r.entry.Legacy {
		reason = "made by tyk-k8s; no API uses its certificate"
	}

	step := &Step{
		Kind: RecordKind, Action: Delete, Role: mesh.Role(r.entry.Role), Name: r.entry.ID, ID: r.entry.ID, Reasons: []string{reason},
		Work: &RecordDeletion{r.entry.Fingerprint, r.ids},
	}
	for _, id := range r.ids {
		if s := going[id]; s != nil {
			step.After = append(step.After, s)
		}
	}

	return step
}
