package mesh

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// Which certificates are kept:
//
//	record     in the store  usable  then
//	active     yes           yes     keep
//	pending    yes           yes     confirm: an earlier run was interrupted after the upload
//	any        no            -       issue: its key is lost
//	any        yes           no      issue
//	none       -             -       keep one that tyk-k8s recorded for exactly these hosts,
//	                                 if it is in the store and usable; else issue
//	no ledger  -             -       keep one that is usable by the store's details; else issue

// serviceCertificateStep returns a step, yet to be decided, for the certificate of a service.
func serviceCertificateStep(svc inject.Service) *CertificateStep {
	return &CertificateStep{Step: Step{Kind: CertificateKind, Service: svc, Role: Inbound, Name: host(svc)}, Hosts: []string{host(svc)}}
}

// meshCertificateStep returns a step, yet to be decided, for the certificate of the mesh.
func meshCertificateStep(s Settings) *CertificateStep {
	hosts := s.meshCertificateHosts()
	return &CertificateStep{Step: Step{Kind: CertificateKind, Role: Mesh, Name: cmp.Or(hosts...)}, Hosts: hosts}
}

// serviceCertificate plans the certificate of one service; inbound is the API that carries it, or
// nil.
func (x *Snapshot) serviceCertificate(service *Service, inbound *dashboard.API) (*CertificateStep, []inject.Problem) {
	step := serviceCertificateStep(service.Service)
	var attached []string
	if inbound != nil {
		attached = inbound.Definition.Certificates()
	}

	if err := x.decide(step, attached); err != nil {
		return nil, []inject.Problem{service.problem(inject.RuleCertificate, service.Pos, "%v", err)}
	}

	return step, nil
}

// meshCertificate plans the certificate for the mesh hosts, which all mesh APIs carry.
func (x *Snapshot) meshCertificate(services []Service, matched map[*WantedAPI]*dashboard.API) (*CertificateStep, []inject.Problem) {
	if len(services) == 0 {
		return nil, nil
	}

	step := meshCertificateStep(x.settings)
	refuse := func(msg string) (*CertificateStep, []inject.Problem) {
		return nil, []inject.Problem{services[0].problem(inject.RuleCertificate, services[0].Pos, "%s", msg)}
	}
	if id := x.settings.MeshCertificateID; id != "" {
		if !x.certificate(id).inStore {
			return refuse(noSuchCertificate(id))
		}
		step.Action, step.ID = Keep, id
		return step, nil
	}

	var attached []string
	for _, d := range x.apis.meshAPIs() { // of all services, because they share it
		attached = append(attached, d.Certificates()...)
	}

	for i := range services {
		if api := matched[&services[i].Mesh]; api != nil {
			attached = append(attached, api.Definition.Certificates()...)
		}
	}

	if err := x.decide(step, attached); err != nil {
		return refuse(err.Error())
	}

	return step, nil
}

// recordID returns the id of the record of a step's certificate. The mesh's has no namespace, and
// the name that no app can have.
func (s *CertificateStep) recordID() string {
	return ca.RecordID(string(s.Role), s.Service.Namespace, s.app())
}

func (s *CertificateStep) app() string { return cmp.Or(s.Service.App, meshTag) }

// decide fills in a step's action, id and reason.
//
// Errors: the record is another organisation's.
func (x *Snapshot) decide(step *CertificateStep, attached []string) error {
	held := x.records[step.recordID()]
	reason := Absent
	if held != nil {
		record := held.entry
		if !strings.HasPrefix(record.Fingerprint, x.settings.Org) {
			return fmt.Errorf("the ledger's record %s belongs to another organisation than Tyk.org %s: two organisations cannot share a ledger", record.ID, x.settings.Org)
		}

		step.held = record
		if reason = x.unusableRecord(held, step.Hosts); reason == "" {
			step.ID, step.Action = record.Fingerprint, Keep
			if record.State != ca.Active {
				step.Action, step.Kind, step.Reasons = Confirm, RecordKind, []string{"an earlier run did not finish"}
				step.Name = step.recordID()
			}
			return nil
		}
	}

	best := x.best(step.Hosts, attached)
	if best != nil {
		unusable := best.unusable()
		if unusable == "" {
			step.ID, step.Action = best.ID, Keep
			return nil
		}
		if held == nil {
			reason = unusable
		}
	}

	x.issue(step, reason)
	step.signer = x.previousCA(held, best)

	return nil
}

// previousCA returns the name of the CA that signed a replaced certificate, that of a record or
// else one in the store; "" where that is the current CA, or is not known.
func (x *Snapshot) previousCA(held *record, best *Certificate) string {
	if held != nil {
		if leaf := held.leaf(); leaf != nil && x.terms.Foreign(leaf) {
			return leaf.Issuer.CommonName
		}
		return ""
	}

	if current := x.state.CA; current != nil && best != nil && best.stored.IssuerCN != current.Subject.CommonName {
		return best.stored.IssuerCN
	}

	return ""
}

// issue makes a step issue a new certificate.
func (x *Snapshot) issue(step *CertificateStep, reason string) {
	step.Kind, step.Action, step.Name, step.ID, step.Reasons = CertificateKind, Issue, step.Hosts[0], "", []string{reason}
	if x.state.HasLedger {
		step.Record = step.recordID()
	}
}

// unusableRecord returns why a record's certificate cannot be kept; "" if it can.
func (x *Snapshot) unusableRecord(r *record, hosts []string) string {
	if !x.certificate(r.entry.Fingerprint).inStore {
		if r.entry.State != ca.Active {
			return "an earlier run did not finish"
		}
		return "no longer in the Dashboard's store"
	}
	return unusableLeaf(r.entry.Fingerprint, r.leaf(), hosts, x.settings.Org, x.terms)
}

// unusableLeaf returns why the certificate that a record holds cannot be kept; "" if it can. leaf
// is nil where it cannot be read. It has to be the one that the record names: write access to the
// ledger must not be enough to choose which of the store's certificates an API carries.
func unusableLeaf(fingerprint string, leaf *x509.Certificate, hosts []string, org string, terms ca.Terms) string {
	switch {
	case leaf == nil:
		return "its record cannot be read"
	case ca.StoreID(org, leaf) != fingerprint:
		return "its record names another certificate than it holds"
	}

	return terms.Unusable(leaf, hosts)
}

// reusable returns the certificates in the store that may be kept without a record of tykmesh's,
// for exactly these hosts: with a ledger those that tyk-k8s recorded, else those of which the store
// tells the details.
func (x *Snapshot) reusable(hosts []string) []*Certificate {
	if x.state.HasLedger {
		return x.legacy[hostKey(hosts)]
	}
	return slices.DeleteFunc(slices.Clone(x.byHosts[hostKey(hosts)]), func(c *Certificate) bool { return !c.hasDetails() })
}

// best returns the certificate to reuse among those with exactly these hosts: one that is usable,
// that an API has already, the newest, the lowest id; nil where no certificate has these hosts.
func (x *Snapshot) best(hosts, attached []string) *Certificate {
	all := x.reusable(hosts)
	if len(all) == 0 {
		return nil
	}

	held := make(map[string]bool, len(attached))
	for _, id := range attached {
		held[id] = true
	}

	before := func(yes, than bool) int {
		switch {
		case yes && !than:
			return -1
		case than && !yes:
			return 1
		}
		return 0
	}

	return slices.MinFunc(all, func(a, b *Certificate) int {
		return cmp.Or(
			before(a.unusable() == "", b.unusable() == ""),
			before(held[a.ID], held[b.ID]),
			b.notBefore().Compare(a.notBefore()),
			strings.Compare(a.ID, b.ID),
		)
	})
}

// replaceable returns the certificates on an API that the one of a step replaces: those that were
// made for it, see madeFor.
func (x *Snapshot) replaceable(attached []string, step *CertificateStep) (ids []string) {
	for _, id := range attached {
		if id != step.ID && x.certificate(id).madeFor(step) {
			ids = append(ids, id)
		}
	}
	return ids
}

// madeFor reports whether a certificate was made for the hosts of a step: it is that of the step's
// record, now or before; tyk-k8s recorded it for no other hosts; or by the store's details a CA of
// the mesh signed it for exactly these hosts, or it is for exactly these and has expired.
func (c *Certificate) madeFor(step *CertificateStep) bool {
	return c.recordedFor(step) || c.legacyLeaf != nil && within(c.legacyLeaf.DNSNames, step.Hosts) ||
		c.signedFor(step.Hosts) || c.isFor(step.Hosts) && c.stored.NotAfter.Before(c.snapshot.now)
}

// recordedFor reports whether the record of a step names the certificate, now or in its history.
func (c *Certificate) recordedFor(step *CertificateStep) bool {
	r := c.snapshot.records[step.recordID()]
	return r != nil && (r.entry.Fingerprint == c.ID || slices.ContainsFunc(r.entry.History, func(past ca.Past) bool { return past.Fingerprint == c.ID }))
}

// within reports whether there are any hosts, and all of them are among others.
func within(hosts, others []string) bool {
	return len(hosts) > 0 && !slices.ContainsFunc(hosts, func(h string) bool { return !slices.Contains(others, h) })
}

// expires returns when the certificate ends by the store, else by the ledger; zero where neither
// tells.
func (c *Certificate) expires() time.Time {
	if c.hasDetails() {
		return c.stored.NotAfter
	}
	if leaf := c.leaf(); leaf != nil {
		return leaf.NotAfter
	}
	if len(c.holders) > 0 && c.holders[0].id() == c.ID {
		return c.holders[0].entry.Expires
	}

	return time.Time{}
}
