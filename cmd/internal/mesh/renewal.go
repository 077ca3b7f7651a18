package mesh

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// MeshName names the certificate of the mesh where services are named namespace/app.
const MeshName = meshTag

// UnknownError reports a name that no service on the mesh has.
type UnknownError struct {
	Name  string
	Known []string
}

// Error names the unknown service.
func (e *UnknownError) Error() string { return fmt.Sprintf("no service %s is on the mesh", e.Name) }

// NewRenewal plans without manifests what NewPlan does about certificates: every service on the
// mesh, as an Inventory finds them, gets the certificate that it lacks or that is due, and so does
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
func NewRenewal(x *Snapshot, names []string) (*Plan, error) {
	s := x.settings
	r := &renewal{snapshot: x, names: names}
	if err := r.check(); err != nil {
		return nil, err
	}
	if life := x.longestLife(); life > 0 && s.RenewBefore >= life {
		return nil, &EagerError{life, s.RenewBefore}
	}

	plan := &Plan{settings: s, currentCA: x.state.CA}
	services := x.apis.services
	var errs []error
	if len(services) > 0 && s.MeshCertificateID == "" && r.includes(MeshName) {
		errs = append(errs, r.mesh(plan))
	}

	for _, svc := range services {
		if r.includes(svc.String()) {
			errs = append(errs, r.service(plan, svc))
		}
	}

	if err := errors.Join(errs...); err != nil {
		return nil, err
	}

	plan.replace(x)

	return plan, nil
}

// renewal is one NewRenewal.
type renewal struct {
	snapshot *Snapshot
	names    []string
}

func (r *renewal) includes(name string) bool {
	return len(r.names) == 0 || slices.Contains(r.names, name)
}

// check makes sure that all names are on the mesh.
func (r *renewal) check() error {
	var known []string
	for _, svc := range r.snapshot.apis.services {
		known = append(known, svc.String())
	}

	if len(known) > 0 {
		known = append(known, MeshName)
	}

	var errs []error
	for _, name := range r.names {
		switch {
		case name == MeshName && r.snapshot.settings.MeshCertificateID != "":
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

	for i := range x.state.Certificates {
		if c := &x.state.Certificates[i]; x.signers[c.IssuerCN] && !c.IsCA {
			longest = max(longest, c.NotAfter.Sub(c.NotBefore))
		}
	}

	return longest
}

// mesh plans the certificate of the mesh and all APIs that carry it.
func (r *renewal) mesh(plan *Plan) error {
	step, err := r.decide(meshCertificateStep(r.snapshot.settings), r.snapshot.apis.meshAPIs())
	if err != nil {
		return err
	}
	plan.MeshCertificate = step
	for _, svc := range r.snapshot.apis.services {
		plan.MeshAPIs = append(plan.MeshAPIs, r.certify(owner{svc, Mesh}, step)...)
	}

	return nil
}

// service plans the certificate of a service and the inbound API that carries it.
func (r *renewal) service(plan *Plan, svc inject.Service) error {
	o := owner{svc, Inbound}
	apis := r.snapshot.apis.byOwner[o]
	if len(apis) == 0 {
		plan.Notes = append(plan.Notes, fmt.Sprintf("service %s is left out: it has no inbound API, which could carry its certificate", svc))
		return nil
	}

	step, err := r.decide(serviceCertificateStep(svc), apis)
	if err != nil {
		return err
	}

	inbound := r.certify(o, step)
	plan.Services = append(plan.Services, ServicePlan{
		Service: svc, Certificate: step, Inbound: inbound[0], Duplicates: inbound[1:],
		Mesh: &APIStep{Step: Step{Kind: APIKind, Action: Keep, Service: svc, Role: Mesh}},
	})

	return nil
}

// decide fills in what becomes of the certificate of some APIs: a new one is made of each that was
// named, unless an earlier run has made one and not finished.
func (r *renewal) decide(step *CertificateStep, apis []dashboard.Definition) (*CertificateStep, error) {
	if a := r.snapshot.assign(step, apis); a.problem != nil {
		return nil, fmt.Errorf("certificate %s: %w", step.Hosts[0], a.problem)
	}
	if len(r.names) > 0 && step.Action == Keep {
		step.asked = true
		r.snapshot.issue(step, AskedFor)
	}

	return step, nil
}

// certify returns the steps that put a certificate on the APIs of a service in a role.
func (r *renewal) certify(o owner, certificate *CertificateStep) (steps []*APIStep) {
	for _, d := range r.snapshot.apis.byOwner[o] {
		steps = append(steps, r.snapshot.planCertificate(o, d, certificate))
	}
	return steps
}

// planCertificate plans what becomes of an API of which only the certificate may change.
func (x *Snapshot) planCertificate(o owner, d dashboard.Definition, certificate *CertificateStep) *APIStep {
	return x.planUpdate(Step{Kind: APIKind, Service: o.service, Role: o.role, Name: d.Slug()}, nil, d, certificate)
}

// otherMeshAPIs returns the steps for the mesh APIs of services beside those of the plan that hold
// a certificate which that of the mesh replaces: all services share it, and it must not be deleted
// before these APIs have the new one.
func (m *matcher) otherMeshAPIs(x *Snapshot, certificate *CertificateStep) (steps []*APIStep) {
	if m.settings.MeshCertificateID != "" {
		return nil
	}

	for _, api := range x.apis.all {
		if m.taken[api] {
			continue
		}
		d := api.Definition
		o, ok := classicOwner(d)
		if !ok || o.role != Mesh {
			continue
		}

		if len(x.replaceable(d.Certificates(), certificate)) > 0 {
			steps = append(steps, x.planCertificate(o, d, certificate))
		}
	}

	slices.SortFunc(steps, func(a, b *APIStep) int {
		return cmp.Or(compareServices(a.Service, b.Service), strings.Compare(a.ID, b.ID))
	})
	return steps
}
