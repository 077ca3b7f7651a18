package mesh

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// Kind is the kind of thing that a step changes.
type Kind string

// The kinds of steps.
const (
	APIKind         Kind = "API"
	CertificateKind Kind = "certificate"
	RecordKind      Kind = "record" // of a certificate, in the ledger
)

// Action tells what a step does.
type Action string

const (
	// Keep changes nothing: the thing is as it is wanted.
	Keep Action = "keep"
	// Create registers an API.
	Create Action = "create"
	// Update merges the wanted leaves into an API that is there.
	Update Action = "update"
	// Issue makes a certificate, uploads it and records it.
	Issue Action = "issue"
	// Confirm marks a record as active whose certificate an earlier run uploaded before it was
	// interrupted.
	Confirm Action = "confirm"
	// Delete deletes an API, a certificate or a record.
	Delete Action = "delete"
)

const (
	// Absent is the reason for a step that makes something for the first time.
	Absent = "not there yet"
	// AskedFor is the reason for a step that only the user asks for.
	AskedFor = "asked for"
	// Superseded is the reason for deleting a certificate that another one replaces.
	Superseded = "replaced"
)

// Step is one change of one API, certificate or record. It holds names, never a secret.
type Step struct {
	Kind    Kind
	Action  Action
	Service inject.Service // zero for the mesh certificate, which all services share
	Role    Role
	Name    string             // the slug of an API, the first host of a certificate, the id of a record
	Record  string             // the id of the record that is written with a certificate that is issued; "" without a ledger
	ID      string             // the database id, or the id in the certificate store; "" when it is known only after the step
	Reasons []string           // why, for the user; empty for Keep
	Changes []dashboard.Change // made by an Update
}

// String returns the step in one line: "update API echo-mesh (listen path /a -> /b)".
func (s Step) String() string {
	text := fmt.Sprintf("%s %s %s", s.Action, s.Kind, s.Name)
	if s.Record != "" {
		text += ", " + string(RecordKind) + " " + s.Record
	}

	if len(s.Reasons) > 0 {
		text += " (" + strings.Join(s.Reasons, "; ") + ")"
	}

	return text
}

// APIStep is a Step for an API.
type APIStep struct {
	Step

	wanted  *WantedAPI           // nil: only its certificate changes
	updated dashboard.Definition // the new definition, without the new certificate
	former  []string             // the certificates on it that tykmesh or tyk-k8s made and that the current one replaces
	lost    []dashboard.Change   // vital fields that the Dashboard is known not to keep
}

// CertificateStep is a Step for a certificate.
type CertificateStep struct {
	Step
	Hosts []string

	held   *ca.Record // the record that an issued certificate replaces, or that is confirmed; nil: a new record is inserted
	asked  bool       // the user wants a new one, however long the old one is valid
	signer string     // the CA that signed the replaced one, if that is not the current CA
}

// ServicePlan holds the steps for one service.
type ServicePlan struct {
	Service       inject.Service
	Certificate   *CertificateStep // nil without TLS
	Inbound, Mesh *APIStep
	Duplicates    []*APIStep // of a renewal: further inbound APIs, which interrupted runs left at a Dashboard that assigns ids
	Surplus       []Step     // of a registration: deletions of APIs that exist twice
}

// Plan is the difference between the wanted and the current state. It is data: making it changes
// nothing.
type Plan struct {
	Services        []ServicePlan    // sorted by namespace and app
	MeshCertificate *CertificateStep // nil without TLS
	MeshAPIs        []*APIStep       // of other services, where the certificate of the mesh is replaced
	Replaced        []Step           // deletions of certificates that are unused once the other steps are done
	Warnings        []inject.Problem // not serious enough to refuse the plan
	Notes           []string         // of a renewal: the services that it leaves out, and why

	settings  Settings
	currentCA *x509.Certificate
	unlisted  []owner         // APIs that the listing lacks, of services that the store or the ledger knows; only where something is replaced
	listed    []dashboard.API // likewise
}

// Steps returns the steps that change something, in order: the mesh certificate, then for each
// service its certificate, its inbound API, its mesh API and the deletions of duplicates, then
// other mesh APIs, then the deletions of replaced certificates.
func (p *Plan) Steps() []Step { return append(p.Registration(), p.Replaced...) }

// Registration returns the steps without which something would be missing or out of date: all
// except the deletions of replaced certificates.
func (p *Plan) Registration() (steps []Step) {
	for _, s := range p.due() {
		steps = append(steps, *s)
	}
	return steps
}

// due returns the steps of the registration.
func (p *Plan) due() (steps []*Step) {
	for _, s := range p.pointers() {
		if s.Action != Keep {
			steps = append(steps, s)
		}
	}
	return steps
}

// PreviousCAs returns the names of the CAs, other than the current one, that signed certificates
// which are replaced, sorted.
func (p *Plan) PreviousCAs() (names []string) {
	for _, step := range p.certificates() {
		if step.Action == Issue && step.signer != "" {
			names = append(names, step.signer)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Empty reports whether there is nothing to do.
func (p *Plan) Empty() bool { return len(p.Steps()) == 0 }

// Count returns the number of things of a kind that an action is planned for, Keep included.
func (p *Plan) Count(k Kind, a Action) (n int) {
	for _, s := range p.pointers() {
		if s.Kind == k && s.Action == a {
			n++
		}
	}

	for i := range p.Replaced {
		if s := &p.Replaced[i]; s.Kind == k && s.Action == a {
			n++
		}
	}

	return n
}

// Bindings returns the database ids of each service's APIs as far as they are known before Apply;
// "" where an API is yet to be created.
func (p *Plan) Bindings() map[inject.Service]inject.Binding {
	out := make(map[inject.Service]inject.Binding, len(p.Services))
	for _, s := range p.Services {
		out[s.Service] = inject.Binding{InboundID: s.Inbound.ID, MeshID: s.Mesh.ID}
	}
	return out
}

// pointers returns all steps of the registration, those of Keep included, in order.
func (p *Plan) pointers() (steps []*Step) {
	if p.MeshCertificate != nil {
		steps = append(steps, &p.MeshCertificate.Step)
	}

	for i := range p.Services {
		s := &p.Services[i]
		if s.Certificate != nil {
			steps = append(steps, &s.Certificate.Step)
		}

		steps = append(steps, &s.Inbound.Step)
		for _, duplicate := range s.Duplicates {
			steps = append(steps, &duplicate.Step)
		}

		steps = append(steps, &s.Mesh.Step)
		for j := range s.Surplus {
			steps = append(steps, &s.Surplus[j])
		}
	}

	for _, s := range p.MeshAPIs {
		steps = append(steps, &s.Step)
	}

	return steps
}
