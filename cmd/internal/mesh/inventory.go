package mesh

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// Inventory is what is on the mesh, as far as it can be told without manifests.
type Inventory struct {
	Services    []ServiceStatus   // sorted by namespace and app
	Certificate CertificateStatus // of the mesh hosts; without TLS, and with no service, it is zero
	Orphans     []Orphan
}

// ServiceStatus is what there is of one service.
type ServiceStatus struct {
	Service     inject.Service
	Route       string      // the listen path of the mesh API; "" where there is none
	APIs        []APIStatus // the inbound one first
	Certificate CertificateStatus
	Drift       []string // what the next run would set right, and what people have to
}

// APIStatus is one registered API.
type APIStatus struct {
	Role     Role
	Slug, ID string
}

// CertificateStatus is the certificate that a service or the mesh has.
type CertificateStatus struct {
	ID      string    // in the Dashboard's store; "" where there is none
	Expires time.Time // zero where neither the store nor the ledger tells
	Drift   []string
}

// Orphan is what was made for the mesh and serves nothing any more.
type Orphan struct {
	Kind   Kind
	ID     string
	Name   string
	Reason string
}

// NewInventory says what is on the mesh: every API with our mark, and every one that looks as
// tyk-k8s made them. It is pure.
//
// What it cannot see is whether an API is what a manifest asks for: that is a Plan.
func NewInventory(state State, s Settings) Inventory {
	v := &surveyor{settings: s, state: state, converted: converted(state.APIs)}
	if s.TLS {
		v.certificates = newClaims(state, s)
		v.services, v.apis = v.certificates.services, v.certificates.apis
	} else {
		v.services, v.apis = members(state.APIs)
	}

	var out Inventory
	for _, svc := range v.allServices() {
		out.Services = append(out.Services, v.service(svc))
	}

	if s.TLS && len(out.Services) > 0 {
		out.Certificate = v.meshCertificate()
	}

	out.Orphans = v.orphans()

	return out
}

// Mistrust notes at each orphan that this key sees no API for it: the listing proves no more.
func (v *Inventory) Mistrust() {
	for i := range v.Orphans {
		switch o := &v.Orphans[i]; o.Kind {
		case CertificateKind:
			o.Reason = "no API that this key sees uses it"
		case RecordKind:
			o.Reason = "its service has no API that this key sees"
		}
	}
}

// surveyor looks at a state.
type surveyor struct {
	settings     Settings
	state        State
	services     []inject.Service // sorted
	apis         map[owner][]dashboard.Definition
	converted    map[owner][]dashboard.Definition
	certificates *claims // nil without TLS
}

// allServices returns the services on the mesh and those of converted APIs, sorted.
func (v *surveyor) allServices() []inject.Service {
	all := slices.Clone(v.services)
	for o := range v.converted {
		all = append(all, o.service)
	}
	slices.SortFunc(all, compareServices)
	return slices.Compact(all)
}

// members returns the services on the mesh, sorted, and their APIs.
func members(apis []dashboard.API) (services []inject.Service, of map[owner][]dashboard.Definition) {
	meshed := make(map[inject.Service]bool)
	of = make(map[owner][]dashboard.Definition)
	for _, api := range apis {
		if o, ok := memberOf(api.Definition); ok && !api.Definition.IsOAS() {
			meshed[o.service], of[o] = true, append(of[o], api.Definition)
		}
	}

	return slices.SortedFunc(maps.Keys(meshed), compareServices), of
}

// converted returns the APIs that carry our mark and are OAS APIs now: the Dashboard can convert
// one, and then takes no classic definition of it any more.
func converted(apis []dashboard.API) map[owner][]dashboard.Definition {
	of := make(map[owner][]dashboard.Definition)
	for _, api := range apis {
		if o, ok := ownerOf(api.Definition); ok && api.Definition.IsOAS() {
			of[o] = append(of[o], api.Definition)
		}
	}
	return of
}

// memberOf says whose an API is: by its mark, or by what tyk-k8s gave it.
func memberOf(d dashboard.Definition) (owner, bool) {
	if o, ok := ownerOf(d); ok {
		return o, true
	}

	for role, tag := range map[Role]string{Inbound: "", Mesh: meshTag} {
		app, ok := strings.CutSuffix(d.Slug(), "-"+string(role))
		if !ok {
			continue
		}
		namespace, ok := strings.CutPrefix(reached(d, role), app+".")
		return owner{inject.Service{Namespace: namespace, App: app}, role}, ok && slices.Contains(d.Tags(), cmp.Or(tag, app))
	}

	return owner{}, false
}

func (v *surveyor) service(svc inject.Service) ServiceStatus {
	out := ServiceStatus{Service: svc}
	var attached []string
	for _, role := range []Role{Inbound, Mesh} {
		apis, lost := v.apis[owner{svc, role}], v.converted[owner{svc, role}]
		for _, d := range lost {
			out.APIs = append(out.APIs, APIStatus{role, d.Slug(), d.ID()})
			if role == Inbound {
				attached = append(attached, d.Certificates()...)
			}
			out.Drift = append(out.Drift, fmt.Sprintf("%s API: converted to OAS, which tykmesh cannot change: delete it in the Dashboard, and the next run creates it", role))
		}

		switch n := len(apis); {
		case n == 0 && len(lost) > 0:
		case n == 0:
			out.Drift = append(out.Drift, fmt.Sprintf("no %s API", role))
		case n > 1:
			out.Drift = append(out.Drift, fmt.Sprintf("%d %s APIs", n, role))
		}

		for _, d := range apis {
			out.APIs = append(out.APIs, APIStatus{role, d.Slug(), d.ID()})
			out.Drift = append(out.Drift, v.drift(svc, role, d)...)
			if role == Mesh {
				out.Route = d.ListenPath()
			} else {
				attached = append(attached, d.Certificates()...)
			}
		}
	}

	if v.certificates != nil {
		out.Certificate = v.certificate(Step{Service: svc, Role: Inbound}, []string{host(svc)}, attached)
		out.Drift = append(out.Drift, out.Certificate.Drift...)
	}

	return out
}

// drift is what is not as tykmesh leaves it, in what every manifest asks for alike.
func (v *surveyor) drift(svc inject.Service, role Role, d dashboard.Definition) (list []string) {
	w := WantedAPI{Service: svc, Role: role, Slug: v.settings.baseName(svc) + "-" + string(role)}
	m, marked := markOf(d)

	leaves := dashboard.Definition{"slug": w.Slug, "domain": w.domain(v.settings), "tags": addMembers([]string{w.tag(v.settings)})}
	if !slices.Contains(m.Paths, "active") { // else a manifest asks for what it is
		leaves["active"] = true
	}

	for _, field := range switchedOn(d) {
		leaves[field] = zeroLike(d[field])
	}

	for _, c := range changes(d, overlay(d, leaves)) {
		list = append(list, fmt.Sprintf("%s API: %s", role, c))
	}

	if !marked {
		list = append(list, fmt.Sprintf("%s API: made by tyk-k8s, and not taken over yet", role))
	}

	if role == Mesh {
		want := templateVars(inject.Workload{Service: svc}, w, v.settings).Target
		if !sameOrigin(d.TargetURL(), want) {
			list = append(list, fmt.Sprintf("mesh API: target %s -> %s", withoutPassword(d.TargetURL()), want))
		}
	}

	return list
}

// sameOrigin reports whether two URLs lead to one server in one way.
func sameOrigin(a, b string) bool {
	x, errX := url.Parse(a)
	y, errY := url.Parse(b)
	return errX == nil && errY == nil && x.Scheme == y.Scheme && strings.EqualFold(x.Host, y.Host)
}

func (v *surveyor) meshCertificate() CertificateStatus {
	hosts := v.settings.meshCertificateHosts()
	if id := v.settings.MeshCertificateID; id != "" {
		status := CertificateStatus{ID: id, Expires: v.certificates.store[id].NotAfter}
		if _, ok := v.certificates.store[id]; !ok {
			status.Drift = []string{"certificate not in the Dashboard's store"}
		}
		return status
	}

	return v.certificate(Step{Role: Mesh}, hosts, onMeshAPIs(v.services, v.apis))
}

// onMeshAPIs returns the certificates that the mesh APIs of services carry.
func onMeshAPIs(services []inject.Service, apis map[owner][]dashboard.Definition) (ids []string) {
	for _, svc := range services {
		for _, d := range apis[owner{svc, Mesh}] {
			ids = append(ids, d.Certificates()...)
		}
	}
	return ids
}

// certificate returns the one that a step would keep, and else what is there.
func (v *surveyor) certificate(of Step, hosts, attached []string) (status CertificateStatus) {
	step := &CertificateStep{Step: of, Hosts: hosts}
	if err := v.certificates.decide(step, attached); err != nil {
		return CertificateStatus{Drift: []string{err.Error()}}
	}

	status.ID = step.ID
	if step.Action != Keep {
		status.Drift = []string{"certificate " + strings.Join(step.Reasons, "; ")}
	}

	if status.ID == "" {
		if i := slices.IndexFunc(attached, func(id string) bool { return v.certificates.detailsOf(id, hosts) || v.certificates.recorded(id, step) }); i >= 0 {
			status.ID = attached[i]
		}
	} else if !slices.Contains(attached, status.ID) {
		status.Drift = append(status.Drift, "certificate not on the API")
	}

	status.Expires = v.expires(status.ID, step)

	return status
}

func (v *surveyor) expires(id string, step *CertificateStep) time.Time {
	if c := v.certificates.store[id]; !c.NotAfter.IsZero() {
		return c.NotAfter
	}
	if r := v.certificates.records[step.recordID()]; r != nil && r.Fingerprint == id {
		return r.Expires
	}
	return time.Time{}
}

// orphans are what was made and serves nothing any more: records of services without APIs,
// certificates that no API names.
func (v *surveyor) orphans() (all []Orphan) {
	if v.certificates == nil {
		return nil
	}

	c := v.certificates
	for i := range v.state.Records {
		switch r := &v.state.Records[i]; {
		case r.Legacy && len(c.users[v.settings.storeID(*r)]) == 0:
			all = append(all, Orphan{RecordKind, r.ID, strings.Join(r.Hosts, ", "), "made by tyk-k8s; no API uses its certificate"})
		case !r.Legacy && !c.meshed(r):
			all = append(all, Orphan{RecordKind, r.ID, strings.Join(r.Hosts, ", "), "its service has no API"})
		}
	}

	for _, stored := range v.state.Certificates {
		if c.ours(stored.ID) && len(c.users[stored.ID]) == 0 {
			all = append(all, Orphan{CertificateKind, stored.ID, strings.Join(c.hostsOf(stored.ID), ", "), "no API uses it"})
		}
	}

	return all
}
