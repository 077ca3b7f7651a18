package plan

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// MeshName names the certificate of the mesh where services are named namespace/app.
const MeshName = mesh.Tag

// UnknownError reports a name that no service on the mesh has.
type UnknownError struct {
	Name  string
	Known []string
}

// Error names the unknown service.
func (e *UnknownError) Error() string { return fmt.Sprintf("no service %s is on the mesh", e.Name) }

// Renew plans without manifests what Register does about certificates: every service on the
// mesh, as the Inventory lists them, gets the certificate that it lacks or that is due, and so does
// the mesh. Nothing else of an API changes. It is pure.
//
// names are "namespace/app", and MeshName: those services get a new certificate in any case, and
// the others are left alone.
//
// A service without an inbound API has nothing that could carry its certificate; it is left out,
// and Plan.Notes says so. So is a certificate of the mesh that Settings.MeshCertificateID has
// chosen: tykmesh did not make it.
//
// Errors: *UnknownError for a name, all of them joined; *EagerError; the mesh is named and its
// certificate was not made by tykmesh; a record belongs to another organisation.
func Renew(x *Snapshot, names []string) (*Plan, error) {
	s := x.Settings
	r := &renewal{snapshot: x, names: names}
	if err := r.check(); err != nil {
		return nil, err
	}
	if life := x.longestLife(); life > 0 && s.RenewBefore >= life {
		return nil, &EagerError{life, s.RenewBefore}
	}

	r.plan = newPlan(x)
	services := x.apis.services
	var errs []error
	var shared *Step
	var carriers []*Step // of the certificate of the mesh
	if len(services) > 0 && s.MeshCertificateID == "" && r.includes(MeshName) {
		var err error
		shared, carriers, err = r.mesh()
		errs = append(errs, err)
	}

	for _, svc := range services {
		if r.includes(svc.String()) {
			errs = append(errs, r.service(svc))
		}
	}

	if err := errors.Join(errs...); err != nil {
		return nil, err
	}

	r.plan.addShared(shared, carriers)
	r.plan.replace(x)
	r.plan.Ends = r.plan.ends(x)

	return r.plan.withProof(x), nil
}

// renewal is one Renew.
type renewal struct {
	snapshot *Snapshot
	names    []string
	plan     *Plan
}

func (r *renewal) includes(name string) bool {
	return len(r.names) == 0 || slices.Contains(r.names, name)
}

// Renewable returns the names of all certificates that Renew can renew.
func (x *Snapshot) Renewable() []string {
	names := x.names()
	return slices.DeleteFunc(names, func(name string) bool { return name == MeshName && x.Settings.MeshCertificateID != "" })
}

// names returns the names of the services on the mesh, and that of the mesh if there is one.
func (x *Snapshot) names() (names []string) {
	for _, svc := range x.apis.services {
		names = append(names, svc.String())
	}
	if len(names) > 0 {
		names = append(names, MeshName)
	}

	return names
}

// check makes sure that all names are on the mesh.
func (r *renewal) check() error {
	known := r.snapshot.names()
	var errs []error
	for _, name := range r.names {
		switch {
		case name == MeshName && r.snapshot.Settings.MeshCertificateID != "":
			errs = append(errs, errors.New("cannot renew the certificate of the mesh: Injector.meshCertificateID names one that tykmesh did not make"))
		case !slices.Contains(known, name):
			errs = append(errs, &UnknownError{name, known})
		}
	}

	return errors.Join(errs...)
}

// longestLife returns how long the certificate of tykmesh is valid that is valid longest; 0 where
// neither the ledger nor the store tells.
func (x *Snapshot) longestLife() (longest time.Duration) {
	for _, r := range x.records {
		longest = max(longest, r.entry.Expires.Sub(r.entry.NotBefore))
	}

	for i := range x.State.Certificates {
		if c := &x.State.Certificates[i]; x.signers[c.IssuerCN] && !c.IsCA {
			longest = max(longest, c.NotAfter.Sub(c.NotBefore))
		}
	}

	return longest
}

// mesh plans the certificate of the mesh, and returns the steps for all APIs that carry it.
func (r *renewal) mesh() (certificate *Step, apis []*Step, err error) {
	a, err := r.assign(meshHolder(r.snapshot.Settings), r.snapshot.apis.meshAPIs())
	if err != nil {
		return nil, nil, err
	}

	for _, svc := range r.snapshot.apis.services {
		apis = append(apis, r.certify(mesh.Owner{Service: svc, Role: mesh.Mesh}, a)...)
	}

	return r.plan.addCertificate(a), apis, nil
}

// service plans the certificate of a service and the inbound APIs that carry it: interrupted runs
// may have left several at a Dashboard that assigns ids.
func (r *renewal) service(svc inject.Service) error {
	o := mesh.Owner{Service: svc, Role: mesh.Inbound}
	apis := r.snapshot.apis.byOwner[o]
	if len(apis) == 0 {
		r.plan.Notes = append(r.plan.Notes, fmt.Sprintf("service %s is left out: it has no inbound API, which could carry its certificate", svc))
		return nil
	}

	a, err := r.assign(serviceHolder(svc), apis)
	if err != nil {
		return err
	}

	r.plan.Services = append(r.plan.Services, svc)
	r.plan.addInbound(r.plan.addCertificate(a), r.certify(o, a)...)

	return nil
}

// assign decides which certificate some APIs are to carry: a new one is made of each that was
// named, unless an earlier run has made one and not finished.
func (r *renewal) assign(h holder, apis []dashboard.Definition) (*assignment, error) {
	a := r.snapshot.assign(h, apis)
	if a.problem != nil {
		return nil, fmt.Errorf("certificate %s: %w", h.name(), a.problem)
	}
	if len(r.names) > 0 && a.Action == Keep {
		a.Asked = true
		a.issue(AskedFor)
	}

	return &a, nil
}

// certify returns the steps that put a certificate on the APIs of a service in a role.
func (r *renewal) certify(o mesh.Owner, certificate *assignment) (steps []*Step) {
	for _, d := range r.snapshot.apis.byOwner[o] {
		steps = append(steps, r.snapshot.planCertificate(o, d, certificate))
	}
	return steps
}

// planCertificate plans the step for an API of which only the certificate may change.
func (x *Snapshot) planCertificate(o mesh.Owner, d dashboard.Definition, certificate *assignment) *Step {
	step := Step{Kind: APIKind, Service: o.Service, Role: o.Role, Name: d.Slug(), Shared: o.Role == mesh.Mesh}
	s, _ := x.planUpdate(step, nil, d, certificate)
	return s
}

// otherMeshAPIs returns the steps for the mesh APIs of services beside those of the plan that hold
// a certificate which that of the mesh replaces: all services share it, and it must not be deleted
// before these APIs have the new one.
func (m *matcher) otherMeshAPIs(x *Snapshot, certificate *assignment) (steps []*Step) {
	if certificate == nil || certificate.chosen {
		return nil
	}

	for _, api := range x.apis.all {
		if m.taken[api] {
			continue
		}
		d := api.Definition
		o, ok := mesh.ClassicOwner(d)
		if !ok || o.Role != mesh.Mesh {
			continue
		}

		if len(x.replaceable(d.Certificates(), certificate.holder, certificate.ID)) > 0 {
			steps = append(steps, x.planCertificate(o, d, certificate))
		}
	}

	slices.SortFunc(steps, func(a, b *Step) int {
		return cmp.Or(compareServices(a.Service, b.Service), strings.Compare(a.ID, b.ID))
	})
	return steps
}

// EagerError reports that certificates are to be renewed so long before their end that every run
// would renew them again.
type EagerError struct{ Life, RenewBefore time.Duration }

// Error returns both times.
func (e *EagerError) Error() string {
	return fmt.Sprintf("a new certificate would be due again at once: it is valid for %s, and is to be renewed %s before its end", ca.Days(e.Life), ca.Days(e.RenewBefore))
}
