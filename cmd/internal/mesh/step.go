package mesh

import (
	"crypto/x509"
	"fmt"
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
	// Confirm marks a record as active whose certificate an earlier run uploaded before it was interrupted.
	Confirm Action = "confirm"
	// Delete takes away what is there.
	Delete Action = "delete"
)

// Absent is the reason for a step that makes something for the first time.
const Absent = "not there yet"

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

// String is the step in one line: "update API echo-mesh (listen path /a -> /b)".
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

	wanted  *WantedAPI
	updated dashboard.Definition // what it becomes, but for the certificate
	former  []string             // the certificates on it that were ours, and that the one of now replaces
}

// CertificateStep is a Step for a certificate.
type CertificateStep struct {
	Step
	Hosts []string

	held *ca.Record // the record that an issued certificate replaces, or that is confirmed; nil: a new one is inserted
}

// ServicePlan is what becomes of one service.
type ServicePlan struct {
	Service       inject.Service
	Certificate   *CertificateStep // nil without TLS
	Inbound, Mesh *APIStep
}

// Plan is the difference between what is wanted and what is there. It is data: nothing has been done.
type Plan struct {
	Services        []ServicePlan    // sorted by namespace and app
	MeshCertificate *CertificateStep // nil without TLS
	Warnings        []inject.Problem // what is worth knowing and not worth refusing

	settings  Settings
	authority *x509.Certificate
}

// Steps are the steps that change something, in order: the mesh certificate, then for each service its certificate, its inbound API
// and its mesh API.
func (p *Plan) Steps() (steps []Step) {
	for _, s := range p.pointers() {
		if s.Action != Keep {
			steps = append(steps, *s)
		}
	}
	return steps
}

// Empty says whether there is nothing to do.
func (p *Plan) Empty() bool { return len(p.Steps()) == 0 }

// Count is the number of things of a kind that an action is planned for, Keep included.
func (p *Plan) Count(k Kind, a Action) (n int) {
	for _, s := range p.pointers() {
		if s.Kind == k && s.Action == a {
			n++
		}
	}
	return n
}

// Bindings are the database ids of each service's APIs as far as they are known before Apply; "" where an API is yet to be created.
func (p *Plan) Bindings() map[inject.Service]inject.Binding {
	out := make(map[inject.Service]inject.Binding, len(p.Services))
	for _, s := range p.Services {
		out[s.Service] = inject.Binding{InboundID: s.Inbound.ID, MeshID: s.Mesh.ID}
	}
	return out
}

// pointers are all steps, those of Keep included, in order.
func (p *Plan) pointers() (steps []*Step) {
	if p.MeshCertificate != nil {
		steps = append(steps, &p.MeshCertificate.Step)
	}
	for i := range p.Services {
		s := &p.Services[i]
		if s.Certificate != nil {
			steps = append(steps, &s.Certificate.Step)
		}
		steps = append(steps, &s.Inbound.Step, &s.Mesh.Step)
	}
	return steps
}
