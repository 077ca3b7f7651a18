package mesh

import (
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// certificatePlanner decides which certificates are kept.
//
//	record           in the store   usable   then
//	active           yes            yes      keep
//	pending          yes            yes      confirm: an earlier run was interrupted between the upload and the end
//	any              no             -        issue: nobody has its key any more
//	any              yes            no       issue
//	none             -              -        keep what tyk-k8s recorded with exactly these hosts, if it is in the store and usable; else issue
//	no ledger        -              -        keep what the store's details say is usable; else issue
type certificatePlanner struct {
	settings Settings
	state    State
	now      time.Time
	terms    ca.Terms
	store    map[string]dashboard.Certificate
	records  map[string]*ca.Record
	byHosts  map[string][]candidate // what may be reused without a record of ours
	legacy   map[string][]string    // the hosts of what tyk-k8s recorded, by store id
	signers  map[string]bool        // the names of the CAs that sign, or signed, for the mesh
}

// candidate is a certificate in the store that has the right hosts.
type candidate struct {
	id        string
	notBefore time.Time
	unusable  string // why not; "" if it is
}

func newCertificatePlanner(state State, s Settings) *certificatePlanner {
	p := &certificatePlanner{
		settings: s, state: state, now: s.now(), terms: s.terms(state.CA),
		store:   make(map[string]dashboard.Certificate, len(state.Certificates)),
		records: make(map[string]*ca.Record, len(state.Records)),
		byHosts: make(map[string][]candidate),
		legacy:  make(map[string][]string),
		signers: s.signers(state.CA),
	}

	for _, c := range state.Certificates {
		p.store[c.ID] = c
		if !state.HasLedger && !c.NotAfter.IsZero() {
			p.offer(c.DNSNames, candidate{c.ID, c.NotBefore, p.unusableByDetails(c)})
		}
	}

	for i := range state.Records {
		r := &state.Records[i]
		if !r.Legacy {
			p.records[r.ID] = r
			continue
		}

		if leaf, err := parseLeaf(r.Certificate); err == nil {
			id := ca.StoreID(s.Org, leaf)
			p.legacy[id] = leaf.DNSNames
			if _, ok := p.store[id]; ok {
				p.offer(leaf.DNSNames, candidate{id, leaf.NotBefore, p.terms.Unusable(leaf, leaf.DNSNames)})
			}
		}
	}

	return p
}

// signers returns the names of the CAs that sign, or signed, for the mesh.
func (s Settings) signers(present *x509.Certificate) map[string]bool {
	names := make(map[string]bool)
	if present == nil {
		return names
	}

	names[present.Subject.CommonName] = true
	for _, previous := range s.Trusted {
		// Pods may trust CAs for other reasons; those of one mesh go by one name.
		if ca.BaseName(previous.Subject.CommonName) == ca.BaseName(present.Subject.CommonName) {
			names[previous.Subject.CommonName] = true
		}
	}

	return names
}

func (p *certificatePlanner) offer(hosts []string, c candidate) {
	key := hostKey(hosts)
	p.byHosts[key] = append(p.byHosts[key], c)
}

// hostKey returns a set of hosts.
func hostKey(hosts []string) string {
	return strings.Join(slices.Compact(slices.Sorted(slices.Values(hosts))), ",")
}

// serviceCertificate plans the certificate of one service; inbound is the API that carries it, or
// nil.
func (p *certificatePlanner) serviceCertificate(service *Service, inbound *dashboard.API) (*CertificateStep, []inject.Problem) {
	step := &CertificateStep{
		Step: Step{Kind: CertificateKind, Service: service.Service, Role: Inbound, Name: service.Hosts[0]}, Hosts: service.Hosts,
	}
	var attached []string
	if inbound != nil {
		attached = inbound.Definition.Certificates()
	}

	if err := p.decide(step, attached); err != nil {
		return nil, []inject.Problem{service.problem(inject.RuleCertificate, service.Pos, "%v", err)}
	}

	return step, nil
}

// meshCertificate plans the certificate for the mesh hosts, which all mesh APIs carry.
func (p *certificatePlanner) meshCertificate(services []Service, matched map[*WantedAPI]*dashboard.API) (*CertificateStep, []inject.Problem) {
	if len(services) == 0 {
		return nil, nil
	}

	hosts := p.settings.meshCertificateHosts()
	step := &CertificateStep{Step: Step{Kind: CertificateKind, Role: Mesh, Name: hosts[0]}, Hosts: hosts}

	refuse := func(msg string) (*CertificateStep, []inject.Problem) {
		return nil, []inject.Problem{services[0].problem(inject.RuleCertificate, services[0].Pos, "%s", msg)}
	}
	if id := p.settings.MeshCertificateID; id != "" {
		if _, ok := p.store[id]; !ok {
			return refuse(noSuchCertificate(id))
		}
		step.Action, step.ID = Keep, id
		return step, nil
	}

	attached := onMeshAPIs(members(p.state.APIs)) // of all services: it is everybody's
	for i := range services {
		if api := matched[&services[i].Mesh]; api != nil {
			attached = append(attached, api.Definition.Certificates()...)
		}
	}

	if err := p.decide(step, attached); err != nil {
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
func (p *certificatePlanner) decide(step *CertificateStep, attached []string) error {
	record := p.records[step.recordID()]
	reason := Absent
	if record != nil {
		if !strings.HasPrefix(record.Fingerprint, p.settings.Org) {
			return fmt.Errorf("the ledger's record %s belongs to another organisation than Tyk.org %s: two organisations cannot share a ledger", record.ID, p.settings.Org)
		}

		step.held = record
		if reason = p.unusableRecord(record, step.Hosts); reason == "" {
			step.ID, step.Action = record.Fingerprint, Keep
			if record.State != ca.Active {
				step.Action, step.Kind, step.Reasons = Confirm, RecordKind, []string{"an earlier run did not finish"}
				step.Name = step.recordID()
			}
			return nil
		}
	}

	best, found := p.best(step.Hosts, attached)
	if found && best.unusable == "" {
		step.ID, step.Action = best.id, Keep
		return nil
	}

	if found && record == nil {
		reason = best.unusable
	}

	p.issue(step, reason)
	step.signer = p.previousCA(record, best.id)

	return nil
}

// previousCA returns the name of the CA that signed what is replaced, the certificate of a record
// or else one in the store; "" where that is the current CA, or nobody knows.
func (p *certificatePlanner) previousCA(record *ca.Record, id string) string {
	if record != nil {
		if leaf, err := parseLeaf(record.Certificate); err == nil && p.terms.Foreign(leaf) {
			return leaf.Issuer.CommonName
		}
		return ""
	}

	if name, present := p.store[id].IssuerCN, p.state.CA; present != nil && name != present.Subject.CommonName {
		return name
	}

	return ""
}

// issue makes a new certificate of a step's.
func (p *certificatePlanner) issue(step *CertificateStep, reason string) {
	step.Kind, step.Action, step.Name, step.ID, step.Reasons = CertificateKind, Issue, step.Hosts[0], "", []string{reason}
	if p.state.HasLedger {
		step.Record = step.recordID()
	}
}

// unusableRecord says why a record's certificate cannot be kept.
func (p *certificatePlanner) unusableRecord(r *ca.Record, hosts []string) string {
	if _, ok := p.store[r.Fingerprint]; !ok {
		if r.State != ca.Active {
			return "an earlier run did not finish"
		}
		return "no longer in the Dashboard's store"
	}
	return unusableRecord(r, hosts, p.settings.Org, p.terms)
}

// unusableRecord says why the certificate that a record holds cannot be kept. It has to be the one
// that the record names: whoever can write to the ledger has no say in which of the store's
// certificates an API carries.
func unusableRecord(r *ca.Record, hosts []string, org string, terms ca.Terms) string {
	leaf, err := parseLeaf(r.Certificate)
	switch {
	case err != nil:
		return "its record cannot be read"
	case ca.StoreID(org, leaf) != r.Fingerprint:
		return "its record names another certificate than it holds"
	}

	return terms.Unusable(leaf, hosts)
}

// best returns the certificate to reuse among those with exactly these hosts: one that is usable,
// that an API has already, the newest, the lowest id.
func (p *certificatePlanner) best(hosts, attached []string) (candidate, bool) {
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

	all := p.byHosts[hostKey(hosts)]
	if len(all) == 0 {
		return candidate{}, false
	}

	return slices.MinFunc(all, func(a, b candidate) int {
		return cmp.Or(
			before(a.unusable == "", b.unusable == ""),
			before(held[a.id], held[b.id]),
			b.notBefore.Compare(a.notBefore),
			strings.Compare(a.id, b.id),
		)
	}), true
}

// unusableByDetails is ca.Unusable as far as the store's details go: they have the issuer's name
// and no signature, which is why every CA that tykmesh makes has a name of its own.
func (p *certificatePlanner) unusableByDetails(c dashboard.Certificate) string {
	left := c.NotAfter.Sub(p.now)
	issuer := c.IssuerCN
	if p.state.CA != nil {
		issuer = p.state.CA.Subject.CommonName
	}

	switch {
	case left <= 0:
		return "expired"
	case c.IsCA:
		return "it is a CA's"
	case !c.HasPrivate:
		return "the store has no key for it"
	case c.IssuerCN != issuer:
		return fmt.Sprintf("not signed by %q", issuer)
	case p.terms.Due(c.NotBefore, c.NotAfter):
		return "expires in " + ca.Days(left)
	}

	return ""
}

// former returns the certificates on an API that were made for it and that another one replaces:
// those of its record, now or before, those that tyk-k8s recorded for no other hosts, and those
// that by the store's details the CA, present or former, signed for exactly its hosts, or that are
// for exactly these and expired.
func (p *certificatePlanner) former(attached []string, step *CertificateStep) (ids []string) {
	for _, id := range attached {
		if id != step.ID && (p.recorded(id, step) || p.recordedBefore(id, step) || p.madeFor(id, step)) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (p *certificatePlanner) recorded(id string, step *CertificateStep) bool {
	r := p.records[step.recordID()]
	return r != nil && (r.Fingerprint == id || slices.ContainsFunc(r.History, func(past ca.Past) bool { return past.Fingerprint == id }))
}

func (p *certificatePlanner) recordedBefore(id string, step *CertificateStep) bool {
	return within(p.legacy[id], step.Hosts)
}

// within reports whether hosts, of which there are some, are all among others.
func within(hosts, others []string) bool {
	return len(hosts) > 0 && !slices.ContainsFunc(hosts, func(h string) bool { return !slices.Contains(others, h) })
}

func (p *certificatePlanner) madeFor(id string, step *CertificateStep) bool {
	return p.signedFor(id, step.Hosts) || p.detailsOf(id, step.Hosts) && p.store[id].NotAfter.Before(p.now)
}

// signedFor reports whether by the store's details the CA, present or former, signed a certificate
// for exactly these hosts.
func (p *certificatePlanner) signedFor(id string, hosts []string) bool {
	return p.detailsOf(id, hosts) && p.signers[p.store[id].IssuerCN]
}

// detailsOf reports whether the store tells the details of a certificate, and it is for exactly
// these hosts.
func (p *certificatePlanner) detailsOf(id string, hosts []string) bool {
	c := p.store[id] // without details if it is not there
	return !c.NotAfter.IsZero() && hostKey(c.DNSNames) == hostKey(hosts)
}

// parseLeaf reads the certificate of a record.
func parseLeaf(text []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}
