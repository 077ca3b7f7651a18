package plan

import (
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// State holds one reading of the remote systems: a Snapshot is made from it. Without TLS it holds
// APIs alone.
type State struct {
	APIs         []dashboard.API
	Certificates []dashboard.Certificate // of the store
	Lost         map[string]bool         // ids that the store lists or an API carries, and whose certificates the store cannot read
	Records      []ca.Record
	HasLedger    bool
	CA           *x509.Certificate // the current one; nil: unknown
}

// Snapshot holds one reading of the Dashboard, its certificate store and the ledger, indexed once:
// the services, their APIs by role, and one Certificate for each id. Registering, renewing,
// listing, pruning and removing all read it. It does not change, and several goroutines may decide
// about certificates at once.
type Snapshot struct {
	Settings mesh.Settings
	State    State
	apis     *listing

	certificates map[string]*Certificate   // by id: in the store, or named by a record
	byHosts      map[string][]*Certificate // in the store, by the hosts that the store tells, see hostKey

	records       map[string]*record        // those of tykmesh, by id
	ledger        []*record                 // all of them, in the ledger's order
	legacy        map[string][]*Certificate // in the store and recorded by tyk-k8s, by the hosts in the recorded certificate
	legacyRecords map[string][]*record      // of tyk-k8s, by the hosts that the record names

	now        time.Time
	terms      ca.Terms
	signers    map[string]bool // the names of the CAs that sign, or signed, for the mesh
	namespaces map[string]bool // of services on the mesh, and of records
	meshHosts  string          // hostKey of the mesh certificate's

	lookUses sync.Once
	usesByID mesh.Uses
}

// NewSnapshot indexes a State. It sends no request, and takes the time from the settings.
func NewSnapshot(state State, s mesh.Settings) *Snapshot {
	x := &Snapshot{
		Settings: s, State: state, apis: newListing(state.APIs, s),
		certificates: make(map[string]*Certificate, len(state.Certificates)), byHosts: make(map[string][]*Certificate, len(state.Certificates)),
		records: make(map[string]*record, len(state.Records)), ledger: make([]*record, len(state.Records)),
		legacy: make(map[string][]*Certificate), legacyRecords: make(map[string][]*record),
		now: s.Time(), terms: s.Terms(state.CA), signers: signers(s, state.CA), namespaces: make(map[string]bool),
		meshHosts: hostKey(s.MeshCertificateHosts()),
	}
	for i := range state.Certificates {
		x.addStored(&state.Certificates[i])
	}

	for i := range state.Records {
		x.ledger[i] = newRecord(&state.Records[i], s)
		x.addRecord(x.ledger[i])
	}

	for _, c := range x.certificates {
		c.sortHolders()
	}

	for _, svc := range x.apis.services {
		x.namespaces[svc.Namespace] = true
	}

	delete(x.namespaces, "") // of the mesh certificate, and of tyk-k8s, which recorded none

	return x
}

// CA returns the certificate of the current CA; nil where it could not be read.
func (x *Snapshot) CA() *x509.Certificate { return x.State.CA }

// Services returns the services that have any API, sorted.
func (x *Snapshot) Services() []inject.Service { return x.apis.registered() }

// signers returns the names of the CAs that sign, or signed, for the mesh.
func signers(s mesh.Settings, current *x509.Certificate) map[string]bool {
	names := make(map[string]bool)
	if current == nil {
		return names
	}

	names[current.Subject.CommonName] = true
	for _, trusted := range s.Trusted {
		// Pods may trust CAs for other reasons; the CAs of one mesh go by one name.
		if ca.BaseName(trusted.Subject.CommonName) == ca.BaseName(current.Subject.CommonName) {
			names[trusted.Subject.CommonName] = true
		}
	}

	return names
}

func (x *Snapshot) addStored(stored *dashboard.Certificate) {
	c := x.enter(stored.ID)
	c.stored, c.inStore, c.lost = stored, true, x.State.Lost[stored.ID]
	if len(stored.DNSNames) > 0 {
		key := hostKey(stored.DNSNames)
		x.byHosts[key] = append(x.byHosts[key], c)
	}
}

func (x *Snapshot) addRecord(r *record) {
	x.namespaces[r.entry.Namespace] = true
	for _, id := range r.ids {
		c := x.enter(id)
		c.holders = append(c.holders, r)
	}

	if !r.entry.Legacy {
		x.records[r.entry.ID] = r
		return
	}

	if len(r.entry.Hosts) > 0 {
		key := hostKey(r.entry.Hosts)
		x.legacyRecords[key] = append(x.legacyRecords[key], r)
	}

	if leaf := r.leaf(); leaf != nil {
		c := x.enter(ca.StoreID(x.Settings.Org, leaf)) // by the certificate itself: the record's fingerprint may name another one
		c.legacyLeaf = leaf
		if c.there() {
			key := hostKey(leaf.DNSNames)
			x.legacy[key] = append(x.legacy[key], c)
		}
	}
}

// noDetails stands for a certificate that is not in the store; it is never changed.
var noDetails dashboard.Certificate

// enter returns the certificate with an id, and adds it to the snapshot if it is new.
func (x *Snapshot) enter(id string) *Certificate {
	c := x.certificates[id]
	if c == nil {
		c = &Certificate{ID: id, snapshot: x, stored: &noDetails}
		x.certificates[id] = c
	}
	return c
}

// certificate returns the certificate with an id. It has no details if neither the store nor the
// ledger knows it.
func (x *Snapshot) certificate(id string) *Certificate {
	if c := x.certificates[id]; c != nil {
		return c
	}
	return &Certificate{ID: id, snapshot: x, stored: &noDetails}
}

// inStore returns the certificates in the store, in its order.
func (x *Snapshot) inStore() []*Certificate {
	all := make([]*Certificate, len(x.State.Certificates))
	for i := range all {
		all[i] = x.certificates[x.State.Certificates[i].ID]
	}
	return all
}

// record is a record of the ledger.
type record struct {
	entry *ca.Record
	ids   []string // in the store, of the certificates that it holds now and held before, the current one first, each once

	parse  sync.Once
	parsed *x509.Certificate
}

func newRecord(entry *ca.Record, s mesh.Settings) *record {
	return &record{entry: entry, ids: storeIDs(s.Org, entry)}
}

// id returns the id in the store of the certificate that the record holds now.
func (r *record) id() string { return r.ids[0] }

// leaf returns the certificate that the record holds; nil if it cannot be read.
func (r *record) leaf() *x509.Certificate {
	r.parse.Do(func() { r.parsed, _ = parseLeaf(r.entry.Certificate) })
	return r.parsed
}

// service returns the service that the record names.
func (r *record) service() inject.Service {
	return inject.Service{Namespace: r.entry.Namespace, App: r.entry.App}
}

// storeIDs returns the ids in the store of the certificates that a record holds and held before,
// the current one first, each once.
func storeIDs(org string, r *ca.Record) []string {
	ids := []string{idInStore(org, r.Fingerprint)}
	for _, past := range r.History {
		if id := idInStore(org, past.Fingerprint); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// idInStore returns the id in the store of a recorded certificate: tyk-k8s recorded some without
// the organisation.
func idInStore(org, fingerprint string) string {
	if len(fingerprint) == mesh.FingerprintLength {
		return org + fingerprint
	}
	return fingerprint
}

// parseLeaf reads the certificate of a record.
func parseLeaf(text []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}

// hostKey returns a set of hosts as one text.
func hostKey(hosts []string) string {
	if len(hosts) == 1 {
		return hosts[0]
	}
	return strings.Join(slices.Compact(slices.Sorted(slices.Values(hosts))), ",")
}

// serviceOf returns the service that a certificate with one host of two parts is for. An app may
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

// compareHolders puts the records that hold a certificate now before those that held it.
func compareHolders(id string) func(a, b *record) int {
	return func(a, b *record) int {
		return cmp.Or(cmp.Compare(slices.Index(a.ids, id), slices.Index(b.ids, id)), strings.Compare(a.entry.ID, b.entry.ID))
	}
}

// Unlisted returns the APIs that the listing lacks, of services that a certificate in the store or
// a record was made for.
func (x *Snapshot) Unlisted() (all []mesh.Owner) {
	noted := make(map[mesh.Owner]bool)
	note := func(svc inject.Service) {
		for _, role := range mesh.Roles {
			if o := (mesh.Owner{Service: svc, Role: role}); !x.apis.owners[o] && !noted[o] {
				noted[o] = true
				all = append(all, o)
			}
		}
	}

	for _, r := range x.ledger {
		if r.entry.App != "" && r.entry.Role != ca.RoleMesh {
			note(r.service())
		}
	}

	for _, c := range x.State.Certificates {
		if svc, ok := serviceOf(c.DNSNames); ok && x.signers[c.IssuerCN] {
			note(svc)
		}
	}

	slices.SortStableFunc(all, func(a, b mesh.Owner) int { return compareServices(a.Service, b.Service) })

	return all
}

// uses returns which APIs of the snapshot name a certificate. They are looked for when they are
// first asked for: a run with nothing to do never asks.
func (x *Snapshot) uses() mesh.Uses {
	x.lookUses.Do(func() {
		x.usesByID = make(mesh.Uses, len(x.certificates))
		for _, api := range x.apis.all {
			x.usesByID.Add(api)
		}
	})
	return x.usesByID
}

// usersAfter returns the APIs that name a certificate once some of them are changed: changed holds
// these by their database id, nil for one that is deleted.
func (x *Snapshot) usersAfter(id string, changed map[string]dashboard.Definition) (users []*dashboard.API) {
	for _, api := range x.uses()[id] {
		if d, ok := changed[api.Definition.ID()]; !ok || mesh.NamesCertificate(d, id) {
			users = append(users, api)
		}
	}
	return users
}

// StoredFor returns the certificates in the store for the host of a service.
func (x *Snapshot) StoredFor(svc inject.Service) []*Certificate { return x.byHosts[mesh.Host(svc)] }

// HasAPI reports whether an API has this public id.
func (x *Snapshot) HasAPI(apiID string) bool { return len(x.apis.byAPIID[apiID]) > 0 }
