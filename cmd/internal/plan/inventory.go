package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// Inventory holds the services on the mesh, as far as they are known without manifests.
type Inventory struct {
	Services    []ServiceStatus   // sorted by namespace and app
	Certificate CertificateStatus // of the mesh hosts; without TLS, and with no service, it is zero
	Orphans     []Orphan
	Routes      int // that sidecars load, those of other owners included
}

// ServiceStatus is what there is of one service.
type ServiceStatus struct {
	Service     inject.Service
	Route       string      // the listen path of the mesh API; "" without a mesh API
	APIs        []APIStatus // the inbound one first
	Certificate CertificateStatus
	Drift       []string // differences that the next run removes, or that the user has to
}

// APIStatus is one registered API.
type APIStatus struct {
	Role     mesh.Role
	Slug, ID string
}

// CertificateStatus is the certificate that a service or the mesh has.
type CertificateStatus struct {
	ID      string    // in the Dashboard's store; "" without a certificate
	Expires time.Time // zero where neither the store nor the ledger tells
	Lost    bool      // an API or a record names it, and the store no longer has it
	Drift   []string
}

// Orphan is a certificate or a record that was made for the mesh and that no API needs any more.
type Orphan struct {
	Kind   Kind
	ID     string
	Name   string
	Reason string
}

// NewInventory returns the services on the mesh: those of every API with the mark, and of every API
// that looks as tyk-k8s made it. It is pure.
//
// It cannot tell whether an API is what a manifest asks for: a Plan can.
func NewInventory(x *Snapshot) Inventory {
	out := Inventory{Routes: x.apis.routes}
	for _, svc := range x.apis.registered() {
		out.Services = append(out.Services, x.serviceStatus(svc))
	}

	if !x.Settings.TLS {
		return out
	}

	if len(out.Services) > 0 {
		a := x.assign(meshHolder(x.Settings), x.apis.meshAPIs())
		out.Certificate = x.certificateStatus(&a)
	}

	out.Orphans = x.orphans()

	return out
}

// Lost returns the number of certificates that the store has lost.
func (v *Inventory) Lost() (n int) {
	if v.Certificate.Lost {
		n++
	}
	for _, s := range v.Services {
		if s.Certificate.Lost {
			n++
		}
	}

	return n
}

// Mistrust rewords the reason of each orphan: this key sees no API for it, which proves no more.
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

func (x *Snapshot) serviceStatus(svc inject.Service) ServiceStatus {
	out := ServiceStatus{Service: svc}
	var carriers []dashboard.Definition // of the service's certificate
	for _, role := range mesh.Roles {
		o := mesh.Owner{Service: svc, Role: role}
		apis, converted := x.apis.byOwner[o], x.apis.converted[o]
		if role == mesh.Inbound {
			carriers = slices.Concat(converted, apis)
		}

		for _, d := range converted {
			out.APIs = append(out.APIs, APIStatus{role, d.Slug(), d.ID()})
			out.Drift = append(out.Drift, fmt.Sprintf("%s API: converted to OAS, which tykmesh cannot change: delete it in the Dashboard, and the next run creates it", role))
		}

		switch n := len(apis); {
		case n == 0 && len(converted) > 0:
		case n == 0:
			out.Drift = append(out.Drift, fmt.Sprintf("no %s API", role))
		case n > 1:
			out.Drift = append(out.Drift, fmt.Sprintf("%d %s APIs", n, role))
		}

		for _, d := range apis {
			out.APIs = append(out.APIs, APIStatus{role, d.Slug(), d.ID()})
			out.Drift = append(out.Drift, drift(mesh.Owner{Service: svc, Role: role}, d, x.Settings)...)
			if role == mesh.Mesh {
				out.Route = d.ListenPath()
			}
		}
	}

	if x.Settings.TLS {
		a := x.assign(serviceHolder(svc), carriers)
		out.Certificate = x.certificateStatus(&a)
		out.Drift = append(out.Drift, out.Certificate.Drift...)
	}

	return out
}

// drift returns the differences of an API from what every manifest asks for alike.
func drift(o mesh.Owner, d dashboard.Definition, s mesh.Settings) (list []string) {
	role := o.Role
	w := mesh.NewWantedAPI(o, s)
	leaves := dashboard.Definition{"slug": w.Slug, "domain": w.Domain(s)}
	if tags := w.Tags(s); slices.ContainsFunc(tags, func(tag string) bool { return !d.HasTag(tag) }) {
		leaves["tags"] = dashboard.Union(tags)
	}

	if !slices.Contains(mesh.MarkedPaths(d), "active") { // else a manifest decides
		leaves["active"] = true
	}

	maps.Copy(leaves, d.Zeros(mesh.Switches))
	for _, change := range d.Diff(d.Merge(leaves)) {
		list = append(list, fmt.Sprintf("%s API: %s", role, change.Change()))
	}

	if !mesh.IsMarked(d) {
		list = append(list, fmt.Sprintf("%s API: made by tyk-k8s, and not taken over yet", role))
	}

	if role == mesh.Mesh {
		want := mesh.TemplateVars(inject.Workload{Service: o.Service, SidecarPort: portOf(d.TargetURL())}, w, s).Target
		if !sameOrigin(d.TargetURL(), want) {
			target := dashboard.Difference{Path: dashboard.Path{"proxy", "target_url"}, From: d.TargetURL(), To: want}
			list = append(list, fmt.Sprintf("mesh API: %s", target.Change()))
		}
	}

	return list
}

// certificateStatus returns the current certificate of an assignment, and why a renewal would
// replace it or put it in place.
func (x *Snapshot) certificateStatus(a *assignment) (status CertificateStatus) {
	if a.problem != nil {
		status.Drift = []string{a.problem.Error()}
		return status
	}

	c := x.certificate(x.current(a))
	status.ID, status.Expires, status.Lost = c.ID, c.expires(), x.isLost(a)
	if a.chosen && !c.there() {
		status.Drift = []string{"certificate not in the Dashboard's store"}
	}
	if why := x.due(a, c.ID); why != "" {
		status.Drift = []string{"certificate " + why}
	}

	return status
}

// orphans returns the records of services without APIs, and the certificates that no API names.
func (x *Snapshot) orphans() (all []Orphan) {
	for _, held := range x.ledger {
		switch r := held.entry; {
		case r.Legacy && len(x.uses()[held.id()]) == 0:
			all = append(all, Orphan{RecordKind, r.ID, strings.Join(r.Hosts, ", "), "made by tyk-k8s; no API uses its certificate"})
		case !r.Legacy && !x.isMeshed(held):
			all = append(all, Orphan{RecordKind, r.ID, strings.Join(r.Hosts, ", "), "its service has no API"})
		}
	}

	for _, c := range x.inStore() {
		if c.isOurs() && len(c.users()) == 0 {
			all = append(all, Orphan{CertificateKind, c.ID, strings.Join(c.hosts(), ", "), "no API uses it"})
		}
	}

	return all
}

// isMeshed reports whether a record's service has an API; for the record of the mesh certificate,
// whether any service has one.
func (x *Snapshot) isMeshed(r *record) bool {
	if r.entry.Role == ca.RoleMesh {
		return len(x.apis.byOwner) > 0
	}
	return x.apis.has(r.service())
}
