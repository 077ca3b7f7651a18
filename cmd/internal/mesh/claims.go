package mesh

import (
	"cmp"
	"crypto/x509"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// claims say which certificates were made for the mesh, and which of them its APIs are to carry.
//
//	the certificate                                                     ours
//	is that of a CA                                                     no
//	is named by a record of the ledger, now or in its history           yes
//	our CA signed it, for exactly the mesh hosts                        yes
//	our CA signed it, for <app>.<ns> alone, and the mesh has that <ns>  yes
//	else                                                                no
type claims struct {
	*certificatePlanner
	services   []inject.Service                 // on the mesh, sorted
	apis       map[owner][]dashboard.Definition // theirs
	converted  map[owner][]dashboard.Definition // their APIs that are OAS APIs by now
	users      map[string][]string              // the slugs of the APIs that name a certificate
	holders    map[string][]*ca.Record          // by the ids of the certificates that they hold, or held; those that hold them first
	leaves     map[string]*x509.Certificate     // of records
	namespaces map[string]bool
}

func newClaims(state State, s Settings) *claims {
	c := &claims{
		certificatePlanner: newCertificatePlanner(state, s), users: usersOf(state.APIs, dashboard.Definition.Slug),
		holders: make(map[string][]*ca.Record), leaves: make(map[string]*x509.Certificate, len(state.Records)),
		namespaces: make(map[string]bool),
	}
	c.services, c.apis = members(state.APIs)
	c.converted = converted(state.APIs)
	for _, svc := range c.services {
		c.namespaces[svc.Namespace] = true
	}

	for i := range state.Records {
		r := &state.Records[i]
		c.namespaces[r.Namespace] = true
		if leaf, err := parseLeaf(r.Certificate); err == nil {
			c.leaves[s.storeID(*r)] = leaf
		}

		for _, id := range s.storeIDs(r) {
			c.holders[id] = append(c.holders[id], r)
		}
	}

	for id, records := range c.holders {
		held := func(r *ca.Record) int { return slices.Index(s.storeIDs(r), id) } // 0: it holds it now
		slices.SortFunc(records, func(a, b *ca.Record) int { return cmp.Or(cmp.Compare(held(a), held(b)), strings.Compare(a.ID, b.ID)) })
	}

	delete(c.namespaces, "") // of the mesh certificate, and of tyk-k8s, which recorded none

	return c
}

// storeIDs returns the ids of the certificates that a record holds and held before, the present one
// first, each once.
func (s Settings) storeIDs(r *ca.Record) []string {
	ids := []string{s.storeID(*r)}
	for _, past := range r.History {
		if id := s.storeID(ca.Record{Fingerprint: past.Fingerprint}); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// ours reports whether a certificate was made for the mesh.
func (c *claims) ours(id string) bool {
	stored := c.store[id] // without details if it is not there
	if leaf := c.leaves[id]; stored.IsCA || leaf != nil && leaf.IsCA {
		return false
	}
	return len(c.holders[id]) > 0 || c.ourIssuer(stored.IssuerCN) && c.ourName(stored.DNSNames)
}

// ourIssuer reports whether a CA of this name is ours.
func (p *certificatePlanner) ourIssuer(name string) bool { return name != "" && p.signers[name] }

func (c *claims) ourName(hosts []string) bool {
	if len(hosts) > 0 && hostKey(hosts) == hostKey(c.settings.meshCertificateHosts()) {
		return true
	}
	svc, ok := serviceOf(hosts)
	return ok && c.namespaces[svc.Namespace]
}

// serviceOf returns the service that a certificate with one name of two parts is for. An app may
// have dots in its name, a namespace has none.
func serviceOf(hosts []string) (inject.Service, bool) {
	if len(hosts) != 1 {
		return inject.Service{}, false
	}
	dot := strings.LastIndexByte(hosts[0], '.')
	if dot <= 0 || dot == len(hosts[0])-1 {
		return inject.Service{}, false
	}

	return inject.Service{App: hosts[0][:dot], Namespace: hosts[0][dot+1:]}, true
}

// assignment is the certificate that some APIs of the mesh are to carry: a service's inbound ones
// its own, all mesh APIs that of the mesh.
type assignment struct {
	*CertificateStep
	apis     []dashboard.Definition
	attached []string // the certificates on them, each once
	chosen   bool     // the configuration names it
	problem  error
}

// keeps returns the certificate that the next run would keep; "" if it would make one, or fail.
func (a *assignment) keeps() string {
	if a.problem == nil && (a.Action == Keep || a.Action == Confirm) {
		return a.ID
	}
	return ""
}

// assignments are that of the mesh and those of the services, sorted; none if no service is on the
// mesh.
func (c *claims) assignments() (all []assignment) {
	if len(c.services) == 0 {
		return nil
	}

	var routes []dashboard.Definition
	for _, svc := range c.services {
		routes = append(routes, c.apis[owner{svc, Mesh}]...)
	}

	all = append(all, c.assignment(Step{Role: Mesh}, c.settings.meshCertificateHosts(), routes))
	for _, svc := range c.services {
		all = append(all, c.assignment(Step{Service: svc, Role: Inbound}, []string{host(svc)}, c.apis[owner{svc, Inbound}]))
	}

	return all
}

func (c *claims) assignment(of Step, hosts []string, apis []dashboard.Definition) assignment {
	a := assignment{CertificateStep: &CertificateStep{Step: of, Hosts: hosts}, apis: apis}
	seen := make(map[string]bool)
	for _, d := range apis {
		for _, id := range d.Certificates() {
			if !seen[id] {
				seen[id] = true
				a.attached = append(a.attached, id)
			}
		}
	}

	if id := c.settings.MeshCertificateID; id != "" && of.Role == Mesh {
		a.Action, a.ID, a.chosen = Keep, id, true
		return a
	}

	a.problem = c.decide(a.CertificateStep, a.attached)

	return a
}
