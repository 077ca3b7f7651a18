package mesh

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// Removal is a plan to take services off the mesh: it deletes their APIs, the certificates that
// were made for them, and the records of those. With the last service it deletes the certificate of
// the mesh. It is data: making it changes nothing.
type Removal struct {
	Services []ServiceRemoval   // sorted by namespace and app
	Mesh     CertificateRemoval // of the mesh certificate; empty as long as another service is on the mesh

	settings Settings
	deletion deletion // of all certificates
}

// ServiceRemoval holds the deletions for one service.
type ServiceRemoval struct {
	Service inject.Service
	APIs    []Step // the routes first, so that none leads to a deleted API
	Own     CertificateRemoval
}

// CertificateRemoval holds the deletions of certificates and their records.
type CertificateRemoval struct {
	Certificates []Step
	Records      []Step
	Kept         []Kept

	records map[string]ca.Record // of Records, by id
}

// Kept is a certificate that stays although it was made for a service that is deleted.
type Kept struct {
	ID     string
	Name   string // of the service that it was made for, or its first host
	Reason string
}

// NewRemoval returns the deletions that take services off the mesh. It is pure. It deletes only
// APIs that carry the mark or that tyk-k8s made, and certificates that a record names or that a CA
// of the mesh signed for exactly the service's hosts, if no other API uses them. Missing things
// need no deletion, so that an interrupted removal can be run again.
func NewRemoval(services []inject.Service, x *Snapshot) *Removal {
	s := x.settings
	m := newMatcher(x.apis, s)
	removal := &Removal{settings: s}
	going := make(map[string]bool) // by database id
	services = slices.Clone(services)
	slices.SortFunc(services, compareServices)
	for _, svc := range slices.Compact(services) {
		sr := ServiceRemoval{Service: svc}
		for _, role := range []Role{Mesh, Inbound} {
			for _, api := range m.allOwn(owner{svc, role}) {
				d := api.Definition
				going[d.ID()] = true
				sr.APIs = append(sr.APIs, Step{Kind: APIKind, Action: Delete, Service: svc, Role: role, Name: d.Slug(), ID: d.ID(), Reasons: facts(d)})
			}
		}

		removal.Services = append(removal.Services, sr)
	}

	if !s.TLS {
		removal.keepCertificates(x.apis, going)
		return removal
	}

	staying := slices.DeleteFunc(slices.Clone(x.apis.all), func(api *dashboard.API) bool { return going[api.Definition.ID()] })
	users := make(uses)
	for _, api := range staying {
		users.add(api)
	}

	for i := range removal.Services {
		sr := &removal.Services[i]
		sr.Own = x.removal(serviceCertificateStep(sr.Service), users)
	}

	if !slices.ContainsFunc(staying, needsMeshCertificate) {
		removal.Mesh = x.removal(meshCertificateStep(s), users)
	}

	removal.deletion = removal.unproved(x, going)

	return removal
}

// needsMeshCertificate reports whether an API needs the certificate of the mesh.
func needsMeshCertificate(api *dashboard.API) bool {
	return isMarked(api.Definition) || slices.Contains(api.Definition.Tags(), meshTag)
}

// unproved returns the deletion of all certificates. Those of the APIs that go are taken off by
// that.
func (r *Removal) unproved(x *Snapshot, going map[string]bool) deletion {
	d := deletion{taken: make(map[string]bool), unlisted: x.unlisted()}
	for _, c := range r.certificates() {
		d.ids = append(d.ids, idsOf(c.Certificates)...)
	}

	for _, api := range x.apis.all {
		if going[api.Definition.ID()] {
			for _, id := range api.Definition.Certificates() {
				d.taken[id] = true
			}
		}
	}

	return d
}

// keepCertificates notes the certificates that stay because without TLS tykmesh does not look for
// them.
func (r *Removal) keepCertificates(apis *listing, going map[string]bool) {
	seen := make(map[string]bool)
	for _, api := range apis.all {
		if !going[api.Definition.ID()] {
			continue
		}
		for _, id := range api.Definition.Certificates() {
			if !seen[id] {
				seen[id] = true
				r.Mesh.Kept = append(r.Mesh.Kept, Kept{id, "of API " + api.Definition.Slug(), "Injector.enableMeshTLS is off, and so certificates are left alone"})
			}
		}
	}

	slices.SortFunc(r.Mesh.Kept, func(a, b Kept) int { return strings.Compare(a.Name+a.ID, b.Name+b.ID) })
}

// facts returns the properties by which a user recognises an API.
func facts(d dashboard.Definition) []string {
	return []string{fmt.Sprintf("domain %s, listen path %s", d.Domain(), d.ListenPath())}
}

// allOwn returns a service's APIs in a role: one, or more where runs were interrupted at a
// Dashboard that assigns ids.
func (m *matcher) allOwn(o owner) (all []*dashboard.API) {
	w := newWantedAPI(o, m.settings)
	w.Definition = dashboard.Definition{"api_id": apiID(m.settings.Org, o.service, o.role)}
	for api := m.own(&w); api != nil; api = m.own(&w) {
		m.taken[api] = true
		all = append(all, api)
	}
	return all
}

// isOwn reports whether an API is still the one of a step.
func isOwn(api dashboard.API, step *Step, s Settings) bool {
	m := newMatcher(newListing([]dashboard.API{api}, s), s)
	return len(m.allOwn(owner{step.Service, step.Role})) > 0
}

// Steps returns all steps in order: the APIs of each service, then certificates and records.
func (r *Removal) Steps() (steps []Step) {
	for _, s := range r.pointers() {
		steps = append(steps, *s)
	}
	return steps
}

// Empty reports whether there is nothing to do.
func (r *Removal) Empty() bool { return len(r.pointers()) == 0 }

// Kept returns the certificates that stay, in order.
func (r *Removal) Kept() (all []Kept) {
	for i := range r.Services {
		all = append(all, r.Services[i].Own.Kept...)
	}
	return append(all, r.Mesh.Kept...)
}

func (r *Removal) pointers() (steps []*Step) {
	add := func(some []Step) {
		for i := range some {
			steps = append(steps, &some[i])
		}
	}
	for i := range r.Services {
		add(r.Services[i].APIs)
	}

	for _, h := range r.certificates() {
		add(h.Certificates)
		add(h.Records)
	}

	return steps
}

func (r *Removal) certificates() (all []*CertificateRemoval) {
	for i := range r.Services {
		all = append(all, &r.Services[i].Own)
	}
	return append(all, &r.Mesh)
}

// removal returns the deletions of the certificates and records that were made for the hosts of a
// step. users are the uses of APIs that stay.
func (x *Snapshot) removal(of *CertificateStep, users uses) (out CertificateRemoval) {
	gone := func(kind Kind, name, id string) Step {
		return Step{Kind: kind, Action: Delete, Service: of.Service, Role: of.Role, Name: name, ID: id}
	}
	records := x.recordsOf(of)
	used := false
	for _, id := range x.madeFor(of, records) {
		if by := users[id]; len(by) > 0 {
			out.Kept = append(out.Kept, Kept{id, of.Hosts[0], "API " + strings.Join(described(by), ", API ") + " uses it"})
			used = true
			continue
		}

		out.Certificates = append(out.Certificates, gone(CertificateKind, of.Hosts[0], id))
	}

	if used {
		return out // with its records, which name its owner
	}

	out.records = make(map[string]ca.Record)
	for _, r := range records {
		out.Records = append(out.Records, gone(RecordKind, r.entry.ID, r.entry.ID))
		out.records[r.entry.ID] = *r.entry
	}

	return out
}

// madeFor returns the certificates in the store that were made for a step's hosts and for nothing
// else, sorted.
func (x *Snapshot) madeFor(step *CertificateStep, records []*record) (ids []string) {
	for _, c := range x.byHosts[hostKey(step.Hosts)] {
		if c.signedFor(step.Hosts) {
			ids = append(ids, c.ID)
		}
	}

	for _, r := range records {
		ids = append(ids, r.ids...)
	}

	slices.Sort(ids)

	return slices.DeleteFunc(slices.Compact(ids), func(id string) bool {
		return !x.certificate(id).inStore || id == x.settings.MeshCertificateID
	})
}

// recordsOf returns the records of certificates for a step's hosts: those of tykmesh, and those of
// tyk-k8s, which wrote one for every pod. Its certificate of the mesh did not name all hosts.
func (x *Snapshot) recordsOf(step *CertificateStep) (all []*record) {
	if r := x.records[step.recordID()]; r != nil {
		all = append(all, r)
	}

	if step.Role == Inbound {
		return append(all, x.legacyRecords[hostKey(step.Hosts)]...)
	}

	for _, key := range slices.Sorted(maps.Keys(x.legacyRecords)) {
		if some := x.legacyRecords[key]; within(some[0].entry.Hosts, step.Hosts) {
			all = append(all, some...)
		}
	}

	return all
}
