package plan

import (
	"fmt"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
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
	// Lost is the reason for a certificate in place of one that an API or a record names.
	Lost = "no longer in the Dashboard's store"
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
	Role    mesh.Role
	Name    string             // the slug of an API, the first host of a certificate, the id of a record
	Record  string             // the id of the record that is written with a certificate that is issued; "" without a ledger
	ID      string             // the database id, or the id in the certificate store; "" when it is known only after the step
	Reasons []string           // why, for the user; empty for Keep
	Changes []dashboard.Change // made by an Update

	// Shared reports that of a mesh API only the certificate changes, which all services share.
	Shared bool
	// Renewal reports that only the age of a certificate asks for the step, and that certificate is
	// still valid.
	Renewal bool
	// Replaced reports that the step deletes a certificate that another one replaces. It is taken
	// last, and may be left for the next run.
	Replaced bool

	After []*Step // these come first, and this one only if they are done
	Work  work
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

// Owner returns the service and the role.
func (s *Step) Owner() mesh.Owner { return mesh.Owner{Service: s.Service, Role: s.Role} }

// Deletes reports whether the step deletes a certificate or a record, which must be proved to be
// unused before.
func (s *Step) Deletes() bool { return s.Kind != APIKind && s.Action == Delete }

// changes reports whether the step changes something, as a step of its own.
func (s *Step) changes() bool { return s.Action != Keep && !s.isEnd() }

// isEnd reports whether the step is the end of an issuance, which is shown as one step.
func (s *Step) isEnd() bool {
	_, end := s.Work.(*Activation)
	return end
}

// work holds the data with which a step is taken. An API that is kept has none.
type work interface{ isWork() }

// Registration creates or updates an API.
type Registration struct {
	Wanted      *mesh.WantedAPI      // nil: only its certificate changes
	Updated     dashboard.Definition // the new definition, without the new certificate
	Former      []string             // the certificates on it that tykmesh or tyk-k8s made and that the current one replaces
	Certificate *Step                // the one that it is to carry; nil: none
}

// Detachment takes certificates off an API.
type Detachment struct {
	Keep   string   // must stay on it; "" where nothing is taken but repetitions
	Former []string // are taken off
}

// APIDeletion deletes an API.
type APIDeletion struct {
	certificates []string // on it
}

// Issuance issues a certificate, uploads it and records it, or finishes what an earlier run began.
// It is done with its activation.
type Issuance struct {
	holder
	decision
}

// Activation is the end of an issuance: the certificate is in place, and its record becomes active.
type Activation struct {
	Of *Step
}

// CertificateDeletion deletes a certificate from the store.
type CertificateDeletion struct{}

// RecordDeletion deletes a record from the ledger.
type RecordDeletion struct {
	Fingerprint string   // that it has
	Unused      []string // certificates that must not be in use
}

func (*Registration) isWork()        {}
func (*Detachment) isWork()          {}
func (*APIDeletion) isWork()         {}
func (*Issuance) isWork()            {}
func (*Activation) isWork()          {}
func (*CertificateDeletion) isWork() {}
func (*RecordDeletion) isWork()      {}
