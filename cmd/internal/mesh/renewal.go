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

// UnknownError says that a certificate was asked for that nothing on the mesh has.
type UnknownError struct {
	Name  string
	Known []string
}

// Error names what is unknown.
func (e *UnknownError) Error() string { return fmt.Sprintf("no service %s is on the mesh", e.Name) }

// NewRenewal plans without manifests what NewPlan does about certificates: every service on the
// mesh, as an Inventory finds them, gets the certificate that it lacks or that is due, and so does
// the mesh. Nothing else of an API changes. It is pure.
//
// names are "namespace/app", and MeshName: those get a new certificate whatever they have, and
// nothing becomes of the others.
//
// A service without an inbound API has nothing that could carry its certificate; it is left out,
// and Plan.Notes says so. So is a certificate of the mesh that Settings.MeshCertificateID has
// chosen: it is not ours.
//
// Errors: *UnknownError for a name, all of them joined; *EagerError; the mesh is named and its
// certificate is not ours; a record belongs to another organisation.
func NewRenewal(state State, s Settings, names []string) (*Plan, error) {
	r := &renewal{certs: newCertificatePlanner(state, s), names: names}
	r.services, r.apis = members(state.APIs)
	if err := r.check(); err != nil {
		return nil, err
	}
	if life := r.certs.longestLife(); life > 0 && s.RenewBefore >= life {
		return nil, &EagerError{life, s.RenewBefore}
	}

	plan := &Plan{settings: s, currentCA: state.CA}
	var errs []error
	if len(r.services) > 0 && s.MeshCertificateID == "" && r.includes(MeshName) {
		errs = append(errs, r.mesh(plan))
	}

	for _, svc := range r.services {
		if r.includes(svc.String()) {
			errs = append(errs, r.service(plan, svc))
		}
	}

	if err := errors.Join(errs...); err != nil {
		return nil, err
	}

	plan.replace(r.certs, state)

	return plan, nil
}

// renewal is one NewRenewal.
type renewal struct {
	certs    *certificatePlanner
	services []inject.Service // on the mesh
	apis     map[owner][]dashboard.Definition
	names    []string
}

func (r *renewal) includes(name string) bool {
	return len(r.names) == 0 || slices.Contains(r.names, name)
}

// check makes sure that all names are somebody's.
func (r *renewal) check() error {
	var known []string
	for _, svc := range r.services {
		known = append(known, svc.String())
	}

	if len(known) > 0 {
		known = append(known, MeshName)
	}

	var errs []error
	for _, name := range r.names {
		switch {
		case name == MeshName && r.certs.settings.MeshCertificateID != "":
			errs = append(errs, errors.New("the certificate of the mesh is not ours to renew: Injector.meshCertificateID has chosen it"))
		case !slices.Contains(known, name):
			errs = append(errs, &UnknownError{name, known})
		}
	}

	return errors.Join(errs...)
}

// longestLife is how long that one of our certificates is valid which is valid longest; 0 where
// nobody tells.
func (p *certificatePlanner) longestLife() (longest time.Duration) {
	for _, r := range p.records {
		longest = max(longest, r.Expires.Sub(r.NotBefore))
	}

	for _, c := range p.store {
		if p.signers[c.IssuerCN] && !c.IsCA {
			longest = max(longest, c.NotAfter.Sub(c.NotBefore))
		}
	}

	return longest
}

// mesh plans the certificate of the mesh and all APIs that carry it.
func (r *renewal) mesh(plan *Plan) error {
	step := &CertificateStep{Step: Step{Kind: CertificateKind, Role: Mesh}, Hosts: r.certs.settings.meshCertificateHosts()}
	if err := r.decide(step, onMeshAPIs(r.services, r.apis)); err != nil {
		return err
	}
	plan.MeshCertificate = step
	for _, svc := range r.services {
		plan.MeshAPIs = append(plan.MeshAPIs, r.certify(owner{svc, Mesh}, step)...)
	}

	return nil
}

// service plans the certificate of a service and the inbound API that carries it.
func (r *renewal) service(plan *Plan, svc inject.Service) error {
	o := owner{svc, Inbound}
	if len(r.apis[o]) == 0 {
		plan.Notes = append(plan.Notes, fmt.Sprintf("service %s is left out: it has no inbound API, which could carry its certificate", svc))
		return nil
	}

	step := &CertificateStep{Step: Step{Kind: CertificateKind, Service: svc, Role: Inbound}, Hosts: []string{host(svc)}}
	var attached []string
	for _, d := range r.apis[o] {
		attached = append(attached, d.Certificates()...)
	}

	if err := r.decide(step, attached); err != nil {
		return err
	}

	inbound := r.certify(o, step)
	plan.Services = append(plan.Services, ServicePlan{
		Service: svc, Certificate: step, Inbound: inbound[0], Duplicates: inbound[1:],
		Mesh: &APIStep{Step: Step{Kind: APIKind, Action: Keep, Service: svc, Role: Mesh}},
	})

	return nil
}

// decide says what becomes of a certificate: a new one is made of each that was named, unless an
// earlier run has made one and not finished.
func (r *renewal) decide(step *CertificateStep, attached []string) error {
	step.Name = step.Hosts[0]
	if err := r.certs.decide(step, attached); err != nil {
		return fmt.Errorf("certificate %s: %w", step.Hosts[0], err)
	}
	if len(r.names) > 0 && step.Action == Keep {
		step.asked = true
		r.certs.issue(step, AskedFor)
	}

	return nil
}

// certify returns the steps that put a certificate on the APIs of a service in a role.
func (r *renewal) certify(o owner, certificate *CertificateStep) (steps []*APIStep) {
	for _, d := range r.apis[o] {
		steps = append(steps, planCertificate(o, d, certificate, r.certs))
	}
	return steps
}

// planCertificate says what becomes of an API of which only the certificate may change.
func planCertificate(o owner, d dashboard.Definition, certificate *CertificateStep, certs *certificatePlanner) *APIStep {
	return planUpdate(Step{Kind: APIKind, Service: o.service, Role: o.role, Name: d.Slug()}, nil, d, certificate, certs)
}

// otherMeshAPIs returns the mesh APIs of services beside those of the plan that hold a former
// certificate of the mesh: it is everybody's, and must not be taken away before they have the new
// one.
func (m *matcher) otherMeshAPIs(apis []dashboard.API, certificate *CertificateStep, certs *certificatePlanner) (steps []*APIStep) {
	if m.settings.MeshCertificateID != "" {
		return nil
	}

	for i := range apis {
		if m.taken[&apis[i]] {
			continue
		}
		d := apis[i].Definition
		o, ok := memberOf(d)
		if !ok || o.role != Mesh || d.IsOAS() {
			continue
		}

		if len(certs.former(d.Certificates(), certificate)) > 0 {
			steps = append(steps, planCertificate(o, d, certificate, certs))
		}
	}

	slices.SortFunc(steps, func(a, b *APIStep) int {
		return cmp.Or(compareServices(a.Service, b.Service), strings.Compare(a.ID, b.ID))
	})
	return steps
}
