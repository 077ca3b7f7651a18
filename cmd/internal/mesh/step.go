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

// Kind is what a step is about.
type Kind string

// The kinds of steps.
const (
	APIKind         Kind = "API"
	CertificateKind Kind = "certificate"
	RecordKind      Kind = "record" // of a certificate, in the ledger
)

// Action is what a step does.
type Action string

const (
	// Keep is no step at all: what is there is as it is wanted.
	Keep Action = "keep"
	// Create registers an API.
	Create Action = "create"
	// Update lays our leaves over an API that is there.
	Update Action = "update"
	// Issue makes a certificate, uploads it and records it.
	Issue Action = "issue"
	// Confirm marks a record as active whose certificate an earlier run uploaded before it was
	// interrupted.
	Confirm Action = "confirm"
	// Delete takes away what is there.
	Delete Action = "delete"
)

const (
	// Absent is the reason for a step that makes something for the first time.
	Absent = "not there yet"
	// AskedFor is the reason for a step that somebody wants although nothing else does.
	AskedFor = "asked for"
	// Superseded is the reason for deleting a certificate that another one has taken the place of.
	Superseded = "replaced"
)

// Step is what becomes of one API or one certificate. It holds names, never a secret.
type Step struct {
	Kind    Kind
	Action  Action
	Service inject.Service // zero for the mesh certificate, which is everybody's
	Role    Role
	Name    string   // the slug of an API, the first host of a certificate, the id of a record
	Record  string   // the id of the record that is written with a certificate that is issued; "" without a ledger
	ID      string   // the database id, or the id in the certificate store; "" when it is known only after the step
	Reasons []string // why, for people; none for Keep
	Changes []Change // what an Update changes
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
	updated dashboard.Definition // what it becomes, but for the certificate
	former  []string             // the certificates on it that were ours, and that the one of now replaces
	lost    []Change             // vital fields that the Dashboard is known not to keep
}

// CertificateStep is a Step for a certificate.
type CertificateStep struct {
	Step
	Hosts []string

	held   *ca.Record // the record that an issued certificate replaces, or that is confirmed; nil: a new one is inserted
	asked  bool       // a new one is wanted however good the one that is there
	signer string     // the CA that signed the one that is replaced, where that is not the present one
}

// ServicePlan is what becomes of one service.
type ServicePlan struct {
	Service       inject.Service
	Certificate   *CertificateStep // nil without TLS
	Inbound, Mesh *APIStep
	Duplicates    []*APIStep // of a renewal: further inbound APIs, which broken-off runs left at a Dashboard that gives its own ids
	Surplus       []Step     // of a registration: deletions of APIs that are there a second time
}

// Plan is the difference between what is wanted and what is there. It is data: nothing has been
// done.
type Plan struct {
	Services        []ServicePlan    // sorted by namespace and app
	MeshCertificate *CertificateStep // nil without TLS
	MeshAPIs        []*APIStep       // mesh APIs of services beside these, whose certificate of the mesh is replaced
	Replaced        []Step           // deletions of certificates that nothing uses once all else is done
	Warnings        []inject.Problem // what is worth knowing and not worth refusing
	Notes           []string         // of a renewal: what it leaves out, and why

	settings  Settings
	currentCA *x509.Certificate
	unlisted  []owner         // APIs that the listing lacks, of services that the store or the ledger knows; only where something is replaced
	listed    []dashboard.API // likewise
}

// Steps returns the steps that change something, in order: the mesh certificate, then for each
// service its certificate, its inbound API, its mesh API and the duplicates of these, then the
// other mesh APIs, then the certificates that are replaced.
func (p *Plan) Steps() []Step { return append(p.Registration(), p.Replaced...) }

// Registration returns the steps without which something would be missing or out of date: all but
// the deletion of what was replaced.
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

// PreviousCAs returns the names of the CAs, other than the present one, that signed certificates
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
