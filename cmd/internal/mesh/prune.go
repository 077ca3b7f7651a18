package mesh

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// Pruning is what goes of that which was made for the mesh and serves nothing any more:
// certificates on APIs that hold a better one, stored ones that no API names, and the records of
// those. It is data: nothing has been done.
type Pruning struct {
	APIs            []Step // from which certificates are taken
	Certificates    []Step
	Records         []Step
	Kept            []Kept           // ours, used by nobody or by strangers, and staying
	APIsWithSurplus []APIWithSurplus // none of whose certificates can be taken off yet

	settings    Settings
	detachments map[string]detachment // of APIs, by database id
	records     map[string]*ca.Record // of Records, by id
	deletion    deletion
}

// detachment is what is taken off an API, and what has to stay.
type detachment struct {
	keep   string // "" where nothing is taken but repetitions
	former []string
}

// APIWithSurplus is an API with several certificates that were made for it, none of which could stay alone.
type APIWithSurplus struct {
	Slug   string
	Count  int
	Reason string
}

// NewPruning says what can go. It is pure, and trusts the listings to be complete, as those of
// Observe are. What is ours is what claims say. What stays of that: whatever an API names anywhere,
// what the next run would put in place, what may be another run's fresh upload, and the certificate
// that the configuration names.
func NewPruning(state State, s Settings) *Pruning {
	c := newClaims(state, s)
	p := &Pruning{settings: s, detachments: make(map[string]detachment), records: make(map[string]*ca.Record)}
	assignments := c.assignments()
	apis := p.detach(c, assignments, state.APIs)
	users, spared := certificateUsers(apis), spareOf(c, assignments)
	mine := certificateUsers(slices.DeleteFunc(slices.Clone(apis), func(api dashboard.API) bool { return !isMember(api.Definition) }))

	going := make(map[string]bool)
	for _, stored := range state.Certificates {
		id := stored.ID
		reason := spared[id]
		if by := users[id]; len(by) > 0 {
			reason = "API " + strings.Join(slices.Sorted(slices.Values(by)), ", API ") + " uses it"
		}

		switch {
		case !c.ours(id) || len(mine[id]) > 0:
		case reason != "":
			p.Kept = append(p.Kept, Kept{id, c.nameOf(id), reason})
		default:
			going[id] = true
			p.Certificates = append(p.Certificates, c.deletion(id))
		}
	}

	p.forget(c, going, users, spared)
	slices.SortFunc(p.Certificates, func(a, b Step) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), c.store[a.ID].NotBefore.Compare(c.store[b.ID].NotBefore), strings.Compare(a.ID, b.ID))
	})
	slices.SortFunc(p.Kept, func(a, b Kept) int { return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID)) })
	p.deletion = deletion{ids: idsOf(p.Certificates), taken: make(map[string]bool), unlisted: unlisted(state, c.signers)}
	for _, d := range p.detachments {
		for _, id := range d.former {
			p.deletion.taken[id] = true
		}
	}

	return p
}

// detach plans what is taken off the APIs of the mesh, and returns all APIs as they are then.
func (p *Pruning) detach(c *claims, assignments []assignment, apis []dashboard.API) []dashboard.API {
	changed := make(map[string]dashboard.Definition) // by database id
	for _, a := range assignments {
		kept, why := c.usableCertificate(&a)
		for _, d := range a.apis {
			held := detached(d, nil).Certificates()
			former := c.former(held, a.CertificateStep)
			if kept == "" || !slices.Contains(held, kept) {
				made := slices.DeleteFunc(slices.Clone(held), func(id string) bool { return id != a.ID && !slices.Contains(former, id) })
				if len(made) > 1 {
					p.APIsWithSurplus = append(p.APIsWithSurplus, APIWithSurplus{d.Slug(), len(made), cmp.Or(why, "the one to keep is not on it")})
				}
				former = nil
			}

			to := detached(d, former)
			if due := changes(d, to); len(due) > 0 {
				o, _ := memberOf(d)
				p.detachments[d.ID()] = detachment{kept, former}
				p.APIs = append(p.APIs, Step{
					Kind: APIKind, Action: Update, Service: o.service, Role: o.role, Name: d.Slug(), ID: d.ID(), Changes: due,
					Reasons: losses(len(d.Certificates())-len(held), len(former), len(held)),
				})
				changed[d.ID()] = to
			}
		}
	}

	slices.SortFunc(p.APIs, func(a, b Step) int { return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID)) })
	slices.SortStableFunc(p.APIsWithSurplus, func(a, b APIWithSurplus) int { return strings.Compare(a.Slug, b.Slug) })

	out := slices.Clone(apis)
	for i := range out {
		if to, ok := changed[out[i].Definition.ID()]; ok {
			out[i].Definition = to
		}
	}

	return out
}

// losses say what an API loses.
func losses(repeated, former, held int) (reasons []string) {
	if repeated > 0 {
		reasons = append(reasons, fmt.Sprintf("%d repeated", repeated))
	}
	if former > 0 {
		reasons = append(reasons, fmt.Sprintf("%d of %d certificates replaced", former, held))
	}
	return reasons
}

// usableCertificate returns the certificate that can serve alone what an assignment is about; why says why
// there is none. Without the CA's certificate nobody knows which one callers trust.
func (c *claims) usableCertificate(a *assignment) (id, why string) {
	id = a.keeps()
	stored, there := c.store[id]
	switch {
	case a.problem != nil:
		return "", a.problem.Error()
	case id == "" && slices.Contains(a.Reasons, Absent):
		return "", "none is for exactly the hosts that are wanted"
	case id == "":
		return "", strings.Join(a.Reasons, "; ")
	case c.state.CA == nil:
		return "", "which of them the current CA signed is not known"
	case !there:
		return "", "the one to keep is not in the Dashboard's store"
	case !stored.NotAfter.IsZero() && stored.NotAfter.Before(c.now):
		return "", "the one to keep has expired"
	}

	return id, ""
}

// detached returns a definition without some certificates, and with each of the others once. Of one
// that is there several times the last stays where it is: of certificates for one name gateways
// serve the last.
func detached(d dashboard.Definition, former []string) dashboard.Definition {
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

	return lay(d, dashboard.Definition{"certificates": addMembers(list)})
}

// spareOf says which certificates stay although nobody uses them, and why.
func spareOf(c *claims, assignments []assignment) map[string]string {
	const reason = "it is less than an hour old: another run may be about to put it in place"
	settled := make(map[string]bool) // by records of ours, which say how far a run has come; tyk-k8s did not
	spared := make(map[string]string)

	young := func(id string, since time.Time) {
		if !settled[id] && c.now.Sub(since) < freshFor {
			spared[id] = reason
		}
	}
	for i := range c.state.Records {
		if r := &c.state.Records[i]; !r.Legacy {
			for j, id := range c.settings.storeIDs(r) {
				settled[id] = j > 0 || r.State == ca.Active
			}
		}
	}

	for i := range c.state.Records {
		young(c.settings.storeID(c.state.Records[i]), c.state.Records[i].Created)
	}

	for id, stored := range c.store {
		young(id, stored.NotBefore)
	}

	for _, a := range assignments {
		if id := a.keeps(); id != "" {
			spared[id] = "the next run puts it in place"
		}
	}

	if id := c.settings.MeshCertificateID; id != "" {
		spared[id] = "Injector.meshCertificateID names it"
	}

	return spared
}

// deletion returns the step that deletes a certificate from the store.
func (c *claims) deletion(id string) Step {
	step := Step{Kind: CertificateKind, Action: Delete, Role: Mesh, Name: c.nameOf(id), ID: id, Reasons: []string{"no API uses it"}}
	if svc, ok := serviceOf(c.hostsOf(id)); ok && hostKey(c.hostsOf(id)) != hostKey(c.settings.meshCertificateHosts()) {
		step.Role, step.Service = Inbound, svc
	}
	return step
}

// nameOf returns the first host of a certificate.
func (c *claims) nameOf(id string) string {
	if hosts := c.hostsOf(id); len(hosts) > 0 {
		return hosts[0]
	}
	return cmp.Or(c.store[id].SubjectCN, "no name")
}

// hostsOf returns the hosts of a certificate by the store, else by its record.
func (c *claims) hostsOf(id string) []string {
	hosts := c.store[id].DNSNames
	if records := c.holders[id]; len(hosts) == 0 && len(records) > 0 {
		hosts = records[0].Hosts
	}
	return hosts
}

// forget plans the deletion of records whose certificates, present and former, are all gone or go:
// those of tyk-k8s, and ours of services that have no API. As long as one is there its record says
// whose it is. A record of another organisation is not ours.
func (p *Pruning) forget(c *claims, going map[string]bool, users map[string][]string, spared map[string]string) {
	for i := range c.state.Records {
		r := &c.state.Records[i]
		reason := "its service has no API, and its certificate is gone"
		if r.Legacy {
			reason = "made by tyk-k8s; no API uses its certificate"
		}

		id := p.settings.storeID(*r)
		if !r.Legacy && c.meshed(r) || !strings.HasPrefix(id, p.settings.Org) {
			continue
		}

		if why := spared[id]; why != "" {
			if _, there := c.store[id]; !there {
				p.Kept = append(p.Kept, Kept{id, "record " + r.ID, why})
			}
			continue
		}

		stays := slices.ContainsFunc(p.settings.storeIDs(r), func(id string) bool {
			_, there := c.store[id]
			return there && !going[id] || len(users[id]) > 0
		})
		if !stays {
			p.Records = append(p.Records, Step{Kind: RecordKind, Action: Delete, Role: Role(r.Role), Name: r.ID, ID: r.ID, Reasons: []string{reason}})
			p.records[r.ID] = r
		}
	}

	slices.SortFunc(p.Records, func(a, b Step) int { return strings.Compare(a.ID, b.ID) })
}

// meshed reports whether a record's service has an API, or for the mesh certificate's whether any
// has.
func (c *claims) meshed(r *ca.Record) bool {
	if r.Role == ca.RoleMesh {
		return len(c.apis) > 0
	}
	svc := inject.Service{Namespace: r.Namespace, App: r.App}
	for _, role := range []Role{Inbound, Mesh} {
		if o := (owner{svc, role}); len(c.apis[o])+len(c.converted[o]) > 0 {
			return true
		}
	}

	return false
}

func isMember(d dashboard.Definition) bool {
	_, ok := memberOf(d)
	return ok && !d.IsOAS()
}

// Steps returns all steps in order: APIs, certificates, records.
func (p *Pruning) Steps() (steps []Step) {
	for _, s := range p.pointers() {
		steps = append(steps, *s)
	}
	return steps
}

func (p *Pruning) pointers() (steps []*Step) {
	for _, some := range [][]Step{p.APIs, p.Certificates, p.Records} {
		for i := range some {
			steps = append(steps, &some[i])
		}
	}
	return steps
}
