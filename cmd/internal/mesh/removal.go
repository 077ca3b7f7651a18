package mesh

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// Removal is what taking services off the mesh deletes: their APIs, the certificates that were made
// for them, and the records of those. With the last service goes the certificate of the mesh. It is
// data: nothing has been done.
type Removal struct {
	Services []ServiceRemoval   // sorted by namespace and app
	Mesh     CertificateRemoval // of the mesh certificate; empty as long as another service is on the mesh

	settings Settings
	deletion deletion // of all certificates
}

// ServiceRemoval is what goes with one service.
type ServiceRemoval struct {
	Service inject.Service
	APIs    []Step // the routes first: nobody is led to what is gone
	Own     CertificateRemoval
}

// CertificateRemoval is certificates and their records.
type CertificateRemoval struct {
	Certificates []Step
	Records      []Step
	Kept         []Kept

	records map[string]ca.Record // of Records, by id
}

// Kept is a certificate that stays although it was made for a service that goes.
type Kept struct {
	ID     string
	Name   string // whom it was made for
	Reason string
}

// NewRemoval says what goes when services are taken off the mesh. It is pure. Only what is ours
// goes: APIs by their mark, or as tyk-k8s made them; certificates that a record names, or that the
// CA, present or former, signed for exactly the service's hosts, and only where no other API uses
// them. What is not there needs no deletion, so that a removal that was broken off can be run
// again.
func NewRemoval(services []inject.Service, state State, s Settings) *Removal {
	m := newMatcher(state, s)
	removal := &Removal{settings: s}
	going := make(map[string]bool) // database ids
	services = slices.Clone(services)
	slices.SortFunc(services, compareServices)
	for _, svc := range slices.Compact(services) {
		sr := ServiceRemoval{Service: svc}
		for _, role := range []Role{Mesh, Inbound} {
			for _, api := range m.allOwn(svc, role) {
				d := api.Definition
				going[d.ID()] = true
				sr.APIs = append(sr.APIs, Step{Kind: APIKind, Action: Delete, Service: svc, Role: role, Name: d.Slug(), ID: d.ID(), Reasons: facts(d)})
			}
		}

		removal.Services = append(removal.Services, sr)
	}

	if !s.TLS {
		removal.keepCertificates(state.APIs, going)
		return removal
	}

	h := newHoldings(state, s, going)
	for i := range removal.Services {
		sr := &removal.Services[i]
		sr.Own = h.removal(Step{Service: sr.Service, Role: Inbound}, []string{host(sr.Service)})
	}

	if !h.meshed {
		removal.Mesh = h.removal(Step{Role: Mesh}, s.meshCertificateHosts())
	}

	removal.deletion = removal.unproved(state, going, h.signers)

	return removal
}

// unproved returns the deletion of all certificates. Those of the APIs that go are taken off by
// that.
func (r *Removal) unproved(state State, going, signers map[string]bool) deletion {
	d := deletion{taken: make(map[string]bool), unlisted: unlisted(state, signers)}
	for _, h := range r.certificates() {
		d.ids = append(d.ids, idsOf(h.Certificates)...)
	}

	for _, api := range state.APIs {
		if going[api.Definition.ID()] {
			for _, id := range api.Definition.Certificates() {
				d.taken[id] = true
			}
		}
	}

	return d
}

// keepCertificates says which certificates stay because without TLS nobody looks for them.
func (r *Removal) keepCertificates(apis []dashboard.API, going map[string]bool) {
	seen := make(map[string]bool)
	for _, api := range apis {
		for _, id := range api.Definition.Certificates() {
			if going[api.Definition.ID()] && !seen[id] {
				seen[id] = true
				r.Mesh.Kept = append(r.Mesh.Kept, Kept{id, "of API " + api.Definition.Slug(), "Injector.enableMeshTLS is off, and so certificates are left alone"})
			}
		}
	}

	slices.SortFunc(r.Mesh.Kept, func(a, b Kept) int { return strings.Compare(a.Name+a.ID, b.Name+b.ID) })
}

// facts are what people recognise an API by.
func facts(d dashboard.Definition) []string {
	return []string{fmt.Sprintf("domain %s, listen path %s", d.Domain(), d.ListenPath())}
}

// allOwn returns a service's APIs in a role: one, or more where runs were broken off at a Dashboard
// that gives its own ids.
func (m *matcher) allOwn(svc inject.Service, role Role) (all []*dashboard.API) {
	w := &WantedAPI{Service: svc, Role: role, Slug: m.settings.baseName(svc) + "-" + string(role), Definition: dashboard.Definition{"api_id": apiID(m.settings.Org, svc, role)}}
	for api := m.own(w); api != nil; api = m.own(w) {
		m.taken[api] = true
		all = append(all, api)
	}
	return all
}

// isOwn reports whether an API is still the one of a step.
func isOwn(d dashboard.Definition, step *Step, s Settings) bool {
	return len(newMatcher(State{APIs: []dashboard.API{{Definition: d}}}, s).allOwn(step.Service, step.Role)) > 0
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

// holdings knows whose the certificates and records are, and who uses them.
type holdings struct {
	*certificatePlanner
	users  map[string][]string // of a certificate: the APIs that stay and name it
	meshed bool                // some API of the mesh stays

	signed map[string][]string    // the certificates that the CA signed, by hostKey
	old    map[string][]ca.Record // those of tyk-k8s, by hostKey
}

func newHoldings(state State, s Settings, going map[string]bool) *holdings {
	h := &holdings{
		certificatePlanner: newCertificatePlanner(state, s),
		signed:             make(map[string][]string, len(state.Certificates)), old: make(map[string][]ca.Record),
	}
	for _, c := range state.Certificates {
		if h.signedFor(c.ID, c.DNSNames) {
			h.signed[hostKey(c.DNSNames)] = append(h.signed[hostKey(c.DNSNames)], c.ID)
		}
	}

	for _, r := range state.Records {
		if r.Legacy && len(r.Hosts) > 0 {
			h.old[hostKey(r.Hosts)] = append(h.old[hostKey(r.Hosts)], r)
		}
	}

	var staying []dashboard.API
	for _, api := range state.APIs {
		if going[api.Definition.ID()] {
			continue
		}
		staying = append(staying, api)
		if _, marked := markOf(api.Definition); marked || slices.Contains(api.Definition.Tags(), meshTag) {
			h.meshed = true
		}
	}

	h.users = certificateUsers(staying)

	return h
}

// certificateUsers returns the names of the APIs that name a certificate, by its id: for
// themselves, for their clients, for what they call.
func certificateUsers(apis []dashboard.API) map[string][]string { return usersOf(apis, describe) }

// usersOf is certificateUsers with names of the caller's choice.
func usersOf(apis []dashboard.API, nameOf func(dashboard.Definition) string) map[string][]string {
	users := make(map[string][]string)
	for _, api := range apis {
		name := nameOf(api.Definition)
		seen := make(map[string]bool)
		eachText(map[string]any(api.Definition), func(text string) {
			for id := range strings.SplitSeq(text, ",") {
				if id = strings.TrimSpace(id); len(id) > fingerprintLength && !seen[id] {
					seen[id] = true
					users[id] = append(users[id], name)
				}
			}
		})
	}

	return users
}

// fingerprintLength is that of a SHA-256 in hex; ids in the store have the organisation in front of
// it.
const fingerprintLength = 2 * sha256.Size

// eachText calls f with every string in a value.
func eachText(v any, f func(string)) {
	switch v := v.(type) {
	case string:
		f(v)
	case []any:
		for _, x := range v {
			eachText(x, f)
		}
	case map[string]any:
		for _, x := range v {
			eachText(x, f)
		}
	}
}

// removal is what goes of what was made for these hosts.
func (h *holdings) removal(of Step, hosts []string) (out CertificateRemoval) {
	step := &CertificateStep{Step: of, Hosts: hosts}
	used := false
	for _, id := range h.stored(step) {
		if users := h.users[id]; len(users) > 0 {
			out.Kept = append(out.Kept, Kept{id, hosts[0], "API " + strings.Join(users, ", API ") + " uses it"})
			used = true
			continue
		}

		gone := of
		gone.Kind, gone.Action, gone.Name, gone.ID = CertificateKind, Delete, hosts[0], id
		out.Certificates = append(out.Certificates, gone)
	}

	if used {
		return out // with its records: they say whose it is
	}

	out.records = make(map[string]ca.Record)
	for _, r := range h.recordsOf(step) {
		gone := of
		gone.Kind, gone.Action, gone.Name, gone.ID = RecordKind, Delete, r.ID, r.ID
		out.Records, out.records[r.ID] = append(out.Records, gone), r
	}

	return out
}

// stored returns the certificates in the store that were made for a step's hosts and for nothing
// else, sorted.
func (h *holdings) stored(step *CertificateStep) (ids []string) {
	made := slices.Clone(h.signed[hostKey(step.Hosts)])
	for _, r := range h.recordsOf(step) {
		made = append(made, h.settings.storeID(r))
		for _, past := range r.History {
			made = append(made, past.Fingerprint)
		}
	}

	slices.Sort(made)
	for _, id := range slices.Compact(made) {
		if _, there := h.store[id]; there && id != h.settings.MeshCertificateID {
			ids = append(ids, id)
		}
	}

	return ids
}

// recordsOf returns the records of what was made for a step's hosts: ours, and those of tyk-k8s,
// which wrote one for every pod. Its certificate of the mesh did not name all hosts.
func (h *holdings) recordsOf(step *CertificateStep) (all []ca.Record) {
	if r := h.records[step.recordID()]; r != nil {
		all = append(all, *r)
	}

	if step.Role == Inbound {
		return append(all, h.old[hostKey(step.Hosts)]...)
	}

	for _, key := range slices.Sorted(maps.Keys(h.old)) {
		if within(h.old[key][0].Hosts, step.Hosts) {
			all = append(all, h.old[key]...)
		}
	}

	return all
}

// storeID returns the id of a record's certificate in the store: tyk-k8s recorded some without the
// organisation.
func (s Settings) storeID(r ca.Record) string {
	if len(r.Fingerprint) == fingerprintLength {
		return s.Org + r.Fingerprint
	}
	return r.Fingerprint
}
