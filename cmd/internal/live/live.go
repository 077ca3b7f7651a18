// Package live tells the state of a mesh without a Dashboard (Injector.mode: standalone) from the
// objects of its cluster, as kubectl get -o yaml prints them.
//
//	documents ──collect──> workloads, Services, ConfigMaps, Secrets ──Read──> Mesh
//	                                                                           ├── services
//	                                                                           ├── diagnostics
//	                                                                           └── orphans
//
// It asks nothing and changes nothing. Of a Secret it reads the certificates and the claims of the
// token: no private key and no token leaves the package, and no private key is parsed. An object
// that the input lacks counts as missing only if the input holds others of its kind.
package live

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/x509"
	"slices"
	"time"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// Mesh is the state of a mesh as far as the objects show it.
type Mesh struct {
	Services    []*Service   // by namespace and app
	Diagnostics []Diagnostic // by service
	Orphans     []Orphan     // by namespace, kind and name
	Authorities []Authority  // the CAs of the mesh

	// Lacks are the kinds of which the input holds no object, so that nothing is known of them:
	// Service, ConfigMap, Secret.
	Lacks []string
	// History reports that the input holds ReplicaSets: orphans of a service on the mesh are then
	// no part of a revision to which a Deployment can return.
	History bool
	// Dashboard is the number of workloads whose sidecars belong to a mesh with a Dashboard.
	Dashboard int

	calls func() []Call
}

// Service is a service of the mesh.
type Service struct {
	Namespace, App string

	Workloads []string // "Deployment web"
	Routes    []string // the Services by whose names callers reach it: mesh/NAME
	Port      int      // where its sidecars listen; 0 if unknown

	Configs []Config // of its workloads, each once
	TLS     TLS
	Allow   []string // the services that may call, app.namespace; "*" for all; nil if unknown

	Certificate Certificate // zero if its sidecars mount none
	Token       Token       // zero if its sidecars mount none

	workloads []*workload
	hosts     []string // under which its apps call their sidecars with TLS
}

// Authority is a CA of the mesh.
type Authority struct {
	Name                string // its common name
	NotBefore, NotAfter time.Time
}

// TLS is how the sidecar of a service is called.
type TLS string

// The ways to call a sidecar.
const (
	TLSUnknown TLS = ""
	TLSOff     TLS = "off"
	TLSServer  TLS = "tls"    // only the callee shows a certificate
	TLSMutual  TLS = "mutual" // the caller shows one too
)

// State is whether the cluster has an object that a pod template names, and whether it is as it
// should be.
type State string

// The states of objects.
const (
	Present    State = "present"
	Missing    State = "missing"
	Unreadable State = "unreadable" // a Secret without a certificate or token that can be read
	Unknown    State = "unknown"    // the input holds no object of the kind, or the object without data
)

// Config is a ConfigMap that a pod template names.
type Config struct {
	Name  string
	State State
}

// Certificate is the certificate in the Secret of a service.
type Certificate struct {
	Secret string // "" without one
	Key    string // under which it stands there
	State  State

	NotBefore, NotAfter time.Time // zero where the Secret holds no readable certificate
	Hosts               []string
	Lacking             []string // the hosts that it does not name: those of Services, and of the mesh
	Issuer              string   // the common name of its CA
	Fingerprint         string   // the SHA-256 of its DER in hexadecimal digits
	Foreign             bool     // none of the CAs of the mesh signed it
}

// Token is the token in the Secret of a service.
type Token struct {
	Secret  string // "" without one
	State   State
	Subject string    // app.namespace
	Issued  time.Time // zero where the Secret holds no readable token, or one that does not say it; so is
	Expires time.Time
}

// Severity is how bad a diagnostic is.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // calls fail, or new pods do not start
	Warning Severity = "warning" // they will, or some may
)

// Diagnostic is a fault that the objects show.
type Diagnostic struct {
	Severity       Severity
	Namespace, App string
	Object         string // "ConfigMap web-tykmesh-0123456789"
	Message        string
	Next           string // what to do
}

// Orphan is an object of the mesh that no workload of the input uses.
type Orphan struct {
	Kind, Namespace, Name string
	Reason                string
	Command               string // deletes it; "" where something may still need it, or its owner is not known
}

// Unparsed is a document that cannot be parsed, by its number in its file.
type Unparsed struct {
	Document int
	Err      *manifest.SyntaxError
}

// Read returns the state of the mesh to which the objects of the documents belong, and the
// documents that cannot be parsed.
func Read(docs []*manifest.Document, now time.Time) (*Mesh, []Unparsed) {
	c, unreadable := collect(docs)

	m := &Mesh{Lacks: c.lacks(), History: c.seen["ReplicaSet"], Dashboard: c.dashboard}
	r := &reading{cluster: c, mesh: m, now: now, leads: c.leading(), calls: c.callerPorts(), tokenKeys: c.keysOfTokens(), pools: make(map[string]*x509.CertPool)}
	for _, svc := range c.services() {
		r.read(svc)
		m.Services = append(m.Services, svc)
	}
	r.orphans()
	m.calls = func() []Call { return r.callsOf(m) }

	return m, unreadable
}

// reading is the making of a Mesh.
type reading struct {
	*cluster
	mesh  *Mesh
	now   time.Time
	leads map[*kube.Pods][]*kube.Service // the Services that select pods of the mesh
	calls []int                          // the ports of Services that sidecars call

	pools map[string]*x509.CertPool // the CAs of texts in PEM; nil for a text without any

	tokenKeys []*ecdsa.PublicKey // with which services verify the tokens of callers; nil without such services
}

// read fills a service, and notes its diagnostics.
func (r *reading) read(svc *Service) {
	signers := r.readConfigs(svc)
	r.readRoutes(svc)
	r.readCertificate(svc, signers)
	r.readToken(svc)
}

// note notes a diagnostic about an object of a service.
func (r *reading) note(severity Severity, svc *Service, object, message, next string) {
	r.mesh.Diagnostics = append(r.mesh.Diagnostics, Diagnostic{severity, svc.Namespace, svc.App, object, message, next})
}

// services returns the services of the workloads, by namespace and app.
func (c *cluster) services() []*Service {
	byName := make(map[standalone.Service]*Service)
	var all []*Service
	for _, w := range c.workloads {
		svc := byName[w.service]
		if svc == nil {
			svc = &Service{Namespace: w.service.Namespace, App: w.service.App}
			byName[w.service] = svc
			all = append(all, svc)
		}

		svc.workloads = append(svc.workloads, w)
		svc.Workloads = append(svc.Workloads, w.title)
		svc.Port = cmp.Or(svc.Port, w.port)
	}

	slices.SortFunc(all, func(a, b *Service) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.App, b.App))
	})

	return all
}
