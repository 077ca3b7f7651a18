// Package overview shows a mesh where users look: in a pull request, a wiki, a page.
//
//	a plan and its stream, the inventory of a Dashboard, live objects ──> Mesh ──┬──> Markdown, with a mermaid graph
//	                                                                              └──> HTML: one file, the graph as SVG
//
// It is pure: it takes values, and writes text. Every text may come from a server or a manifest, so
// each writer makes it safe in its own format.
package overview

import (
	"cmp"
	"strings"
	"time"
)

// Mesh holds the things to show. Services, calls and certificates are in a deterministic order.
type Mesh struct {
	Title        string    // "tykmesh diff"
	Verdict      string    // how it went, in a few words: "done", "failed"; "" without one
	Summary      string    // the last line of a run; "" without one
	Now          time.Time // the time at which days left are counted
	Services     []Service
	Calls        []Call
	Certificates []Certificate
	Findings     []Finding
	Orphans      []Orphan
	Changes      []Change
	CallsNote    string // the source of Calls, or why no call is known
	Objects      []Object
	Parts        []Part
	Notes        []string // lines such as the number of routes, and the memory that a sidecar needs for them
	Hints        []string // the next things to try after a failed run

	Codes map[string]string // the meaning of each code, as a sentence; nil without them
}

// Service is a service of the mesh: a namespace and the label app of its pods.
type Service struct {
	Namespace, App string
	Routes         []string // "/echo-svc"; in standalone mode names of Services
	Facts          []Fact   // further cells of its row
	Drift          []string // differences from the state that tykmesh leaves; empty for a healthy service
	Change         string   // "create" or "update" if a plan changes it
}

// Name returns the name of the service: NAMESPACE/APP.
func (s Service) Name() string { return s.Namespace + "/" + s.App }

// Fact is a cell of a table, with the title of its column.
type Fact struct{ Title, Text string }

// Call says that one service calls another. Both are named NAMESPACE/APP.
type Call struct{ From, To string }

// Certificate is a certificate in use.
type Certificate struct {
	Name     string    // the service NAMESPACE/APP, or "mesh"
	NotAfter time.Time // zero if it is unknown
	Note     string    // "issue": a plan issues a new one; "" without anything to say
	Fault    string    // "missing"; "" for a usable certificate
}

// Orphan is a thing that tykmesh made and that the mesh no longer uses.
type Orphan struct {
	Kind, Name, Reason string
	Command            string // deletes it; "" without one
}

// Part is a thing that a run needs, and whether it is ready.
type Part struct {
	Name, Status string // "Dashboard key", "ok"
	Text         string
	Hints        []string
}

// Place is a line of a file.
type Place struct {
	File string // "" without a place
	Line int    // from 1; 0 without a line
	Link string // the address of the line, a relative one too; "" without one
}

// Finding is an error or a warning.
type Finding struct {
	Severity, Code, Message string
	Place
	Object  string
	Service string // NAMESPACE/APP; "" for the mesh
	Hints   []string
}

// Change is a step of a plan.
type Change struct {
	Action, Kind, Name string // "update", "API", "echo-mesh"
	Service            string // NAMESPACE/APP; "" for the mesh
	Status             string // how the step ended: "done", "not done", "unknown"; "" if it is only planned
	Reasons            []string
}

// Object is an object of the manifests that a run is about.
type Object struct {
	Name, Outcome string // "Deployment shop/web", "injected"
	Text          string // what changes in it, or why it stays as it is
	Place
}

// Compare sorts services by namespace and app.
func (s Service) Compare(other Service) int {
	return cmp.Or(strings.Compare(s.Namespace, other.Namespace), strings.Compare(s.App, other.App))
}
