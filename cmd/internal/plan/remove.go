package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// Remove plans to take services off the mesh: it deletes their APIs, the certificates that were
// made for them, and the records of those. With the last service it deletes the certificate of the
// mesh. It is pure. It deletes only APIs that carry the mark or that tyk-k8s made, and certificates
// that a record names or that a CA of the mesh signed for exactly the service's hosts, if no other
// API uses them. Missing things need no deletion, so that an interrupted removal can be run again.
//
//	per service:  mesh API ─> inbound API ─> certificate ─> record
//	the mesh, after all APIs:                certificate ─> record
func Remove(services []inject.Service, x *Snapshot) *Plan {
	plan := newPlan(x)
	plan.Services = slices.Clone(services)
	slices.SortFunc(plan.Services, compareServices)
	plan.Services = slices.Compact(plan.Services)

	m := newMatcher(x.apis, x.Settings)
	last := make([]*Step, len(plan.Services))
	for i, svc := range plan.Services {
		last[i] = plan.chain(nil, m.apiDeletions(svc)...)
	}

	changed := plan.changed(x)
	if !x.Settings.TLS {
		plan.keepCertificates(x.apis, changed)
		return plan
	}

	for i, svc := range plan.Services {
		plan.removeCertificates(x, serviceHolder(svc), changed, last[i])
	}

	staysOnMesh := func(api *dashboard.API) bool {
		_, goes := changed[api.Definition.ID()]
		return !goes && needsMeshCertificate(api)
	}
	if !slices.ContainsFunc(x.apis.all, staysOnMesh) {
		plan.removeCertificates(x, meshHolder(x.Settings), changed, last...)
	}

	return plan.withProof(x)
}

// apiDeletions returns the deletions of a service's APIs: the routes first, so that none leads to a
// deleted API.
func (m *matcher) apiDeletions(svc inject.Service) (steps []*Step) {
	for _, role := range []mesh.Role{mesh.Mesh, mesh.Inbound} {
		for _, api := range m.allOwn(mesh.Owner{Service: svc, Role: role}) {
			d := api.Definition
			steps = append(steps, &Step{
				Kind: APIKind, Action: Delete, Service: svc, Role: role, Name: d.Slug(), ID: d.ID(), Reasons: facts(d),
				Work: &APIDeletion{d.Certificates()},
			})
		}
	}
	return steps
}

// needsMeshCertificate reports whether an API needs the certificate of the mesh.
func needsMeshCertificate(api *dashboard.API) bool {
	return mesh.IsMarked(api.Definition) || api.Definition.HasTag(mesh.Tag)
}

// keepCertificates notes the certificates that stay because without TLS tykmesh does not look for
// them.
func (p *Plan) keepCertificates(apis *listing, changed map[string]dashboard.Definition) {
	seen := make(map[string]bool)
	for _, api := range apis.all {
		if _, goes := changed[api.Definition.ID()]; !goes {
			continue
		}
		for _, id := range api.Definition.Certificates() {
			if !seen[id] {
				seen[id] = true
				p.Kept = append(p.Kept, Kept{id, "of API " + api.Definition.Slug(), "Injector.enableMeshTLS is off, and so certificates are left alone"})
			}
		}
	}

	slices.SortFunc(p.Kept, func(a, b Kept) int { return strings.Compare(a.Name+a.ID, b.Name+b.ID) })
}

// removeCertificates plans the deletions of the certificates and records that were made for a
// holder, after others. A certificate that an API uses then stays, with the records.
func (p *Plan) removeCertificates(x *Snapshot, h holder, changed map[string]dashboard.Definition, after ...*Step) {
	gone := func(kind Kind, name, id string, work work) *Step {
		return &Step{Kind: kind, Action: Delete, Service: h.Service, Role: h.Role, Name: name, ID: id, Work: work}
	}
	records := x.recordsOf(h)
	kept := len(p.Kept)
	var steps []*Step
	for _, id := range x.madeFor(h, records) {
		if by := x.usersAfter(id, changed); len(by) > 0 {
			p.Kept = append(p.Kept, Kept{id, h.name(), "API " + strings.Join(mesh.DescribeAll(by), ", API ") + " uses it"})
			continue
		}

		steps = append(steps, gone(CertificateKind, h.name(), id, &CertificateDeletion{}))
	}

	if len(p.Kept) == kept { // else the records stay, because they name the owner
		for _, r := range records {
			steps = append(steps, gone(RecordKind, r.entry.ID, r.entry.ID, &RecordDeletion{Fingerprint: r.entry.Fingerprint}))
		}
	}

	if len(steps) > 0 {
		p.chain(p.add(steps[0], after...), steps[1:]...)
	}
}

// facts returns the properties by which a user recognises an API.
func facts(d dashboard.Definition) []string {
	return []string{fmt.Sprintf("domain %s, listen path %s", d.Domain(), d.ListenPath())}
}

// allOwn returns a service's APIs in a role: one, or more where runs were interrupted at a
// Dashboard that assigns ids.
func (m *matcher) allOwn(o mesh.Owner) (all []*dashboard.API) {
	w := mesh.NewWantedAPI(o, m.settings)
	w.Definition = dashboard.Definition{"api_id": mesh.APIID(m.settings.Org, o.Service, o.Role)}
	for api := m.own(&w); api != nil; api = m.own(&w) {
		m.taken[api] = true
		all = append(all, api)
	}
	return all
}

// madeFor returns the certificates in the store that were made for a holder and for nothing else,
// sorted.
func (x *Snapshot) madeFor(h holder, records []*record) (ids []string) {
	for _, c := range x.byHosts[hostKey(h.Hosts)] {
		if c.signedFor(h.Hosts) {
			ids = append(ids, c.ID)
		}
	}

	for _, r := range records {
		ids = append(ids, r.ids...)
	}

	slices.Sort(ids)

	return slices.DeleteFunc(slices.Compact(ids), func(id string) bool {
		return !x.certificate(id).inStore || id == x.Settings.MeshCertificateID
	})
}

// recordsOf returns the records of certificates for a holder: those of tykmesh, and those of
// tyk-k8s, which wrote one for every pod. Its certificate of the mesh did not name all hosts.
func (x *Snapshot) recordsOf(h holder) (all []*record) {
	if r := x.records[h.recordID()]; r != nil {
		all = append(all, r)
	}

	if h.Role == mesh.Inbound {
		return append(all, x.legacyRecords[hostKey(h.Hosts)]...)
	}

	for _, key := range slices.Sorted(maps.Keys(x.legacyRecords)) {
		if some := x.legacyRecords[key]; within(some[0].entry.Hosts, h.Hosts) {
			all = append(all, some...)
		}
	}

	return all
}
