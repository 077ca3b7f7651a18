// Package mesh names the things of a mesh: the settings, the servers that a run talks to, the two
// APIs that a service wants, and the owner of an API.
//
//	inject.Workload ──> WantAPI ──> WantedAPI    an API as a service wants it, with the mark of its owner
//	dashboard.API ────> OwnerOf ──> Owner        whose an API is
//	dashboard.API ────> UsesOf ───> Uses         which certificates it names
//
// It is pure, and decides nothing: cmd/internal/plan does, and cmd/internal/apply carries it out.
package mesh

import (
	"cmp"
	"context"
	"crypto/x509"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// Role names one of a service's two APIs, or its certificate.
type Role string

const (
	// Inbound is the API that a service's own sidecar serves: <app>.<ns>, from the sidecar to the
	// app.
	Inbound Role = "inbound"
	// Mesh is the API that every sidecar serves: the route on the mesh hosts, from the caller's
	// sidecar to the service's.
	Mesh Role = "mesh"
)

// APIs is where API definitions are registered.
type APIs interface {
	APIReader
	APIWriter
}

// APIReader reads registered APIs.
type APIReader interface {
	APIs(ctx context.Context) ([]dashboard.API, error)
	API(ctx context.Context, id string) (dashboard.API, error)
	// Administrator reports whether the key is proved to be an administrator's.
	Administrator(ctx context.Context) (bool, error)
}

// APIWriter changes them. A plan deletes no API but those of services that leave the mesh, and
// duplicates of a service's own.
type APIWriter interface {
	CreateAPI(ctx context.Context, d dashboard.Definition) (dashboard.Created, error)
	UpdateAPI(ctx context.Context, a dashboard.API) error
	DeleteAPI(ctx context.Context, id string) error
}

// Certificates is the store that gateways take certificates from.
type Certificates interface {
	Certificates(ctx context.Context) ([]dashboard.Certificate, error)
	Certificate(ctx context.Context, id string) (dashboard.Certificate, error)
	// CertificateAPIs returns the APIs that name a certificate; dashboard.ErrUnsupported where the
	// store cannot tell.
	CertificateAPIs(ctx context.Context, id string) ([]dashboard.CertificateUse, error)
	UploadCertificate(ctx context.Context, pem []byte) (id string, err error)
	DeleteCertificate(ctx context.Context, id string) error
}

// Issuer makes certificates.
type Issuer interface {
	// CA returns the certificate of the CA to which issued certificates chain.
	CA(ctx context.Context) (*x509.Certificate, error)
	// Issue makes a key and a certificate for exactly these hosts.
	Issue(ctx context.Context, hosts []string) (ca.Bundle, error)
}

// Ledger records which certificate is whose.
type Ledger interface {
	Records(ctx context.Context) ([]ca.Record, error)
	Insert(ctx context.Context, r ca.Record) error
	Replace(ctx context.Context, oldFingerprint string, r ca.Record) error
	Delete(ctx context.Context, id, fingerprint string) error
}

// The two implementations of each: the servers, and the local directory.
var (
	_ APIs         = (*dashboard.Client)(nil)
	_ APIs         = (*dashboard.Dir)(nil)
	_ Certificates = (*dashboard.Client)(nil)
	_ Certificates = (*dashboard.Dir)(nil)
	_ Ledger       = ca.Ledger(nil)
)

// Remote holds everything that a run talks to. Certificates, Issuer and Ledger are used with
// Settings.TLS only; a nil Ledger means that none is configured, and the store's
// details decide which certificates are reused.
type Remote struct {
	APIs         APIs
	Certificates Certificates
	Issuer       Issuer
	Ledger       Ledger
}

// Slugs selects how the slugs and tags of services are formed (configuration key Injector.slugs).
type Slugs string

const (
	// PlainSlugs gives <app>-inbound and <app>-mesh, and the tag <app>, as tyk-k8s did.
	PlainSlugs Slugs = "plain"
	// NamespacedSlugs gives <app>.<ns>-inbound and <app>.<ns>-mesh, and the tag <app>.<ns>.
	NamespacedSlugs Slugs = "namespaced"
)

// Settings holds the part of the configuration that is about registration.
type Settings struct {
	Org string // Tyk.org
	TLS bool   // Injector.enableMeshTLS

	MeshHosts  []string // Injector.meshHosts; the first one is the mesh certificate's common name
	MeshDomain string   // Injector.meshDomain: a literal domain for mesh APIs instead of a pattern of MeshHosts
	Slugs      Slugs    // "" is PlainSlugs

	MeshCertificateID string // Injector.meshCertificateID; "": found or made, once a mesh

	BuiltIn *BuiltIn // nil with Injector.containers

	Templates     *dashboard.Templates // nil: the built-in ones
	InboundTarget string               // where a sidecar finds its app: http://localhost:6767
	MeshPort      int                  // where a sidecar listens, unless its workload says otherwise

	Adopt        map[string]bool // slugs of APIs to take over (--adopt)
	SeesAllAPIs  bool            // listings show every API: those of a directory, and by Tyk.seesAllAPIs an administrator's
	SharedRoutes []string        // Injector.sharedRoutes: routes under which every namespace may have its own

	RenewBefore time.Duration  // the least remaining life of a certificate that is kept; 0: a third of its life
	Trusted     ca.TrustBundle // CAs that pods trust: certificates of a previous CA of the mesh among them are replaced like those of the current one
	Settle      time.Duration  // how long gateways get to load changed APIs before replaced certificates are deleted; 0: 5 s

	Now      func() time.Time // nil: time.Now
	Parallel int              // steps taken, and requests sent, at once; below 1: 8
}

// Tag is the tag that every sidecar of the mesh carries, and so every mesh API.
const Tag = "mesh"

// Time returns the current time.
func (s Settings) Time() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}

// Terms returns the terms on which certificates of this CA are kept.
func (s Settings) Terms(authority *x509.Certificate) ca.Terms {
	return ca.Terms{CA: authority, RenewBefore: s.RenewBefore, Now: s.Time()}
}

// settleTime is how long gateways get from the last change of an API until replaced certificates
// are deleted. They load a changed API in about one second, two at most; and one that starts in
// between finds only the certificates that are still there.
const settleTime = 5 * time.Second

// SettleTime returns how long gateways get to load changed APIs.
func (s Settings) SettleTime() time.Duration { return cmp.Or(s.Settle, settleTime) }

// AtOnce returns how many steps may be taken, and requests sent, at once.
func (s Settings) AtOnce() int {
	if s.Parallel < 1 {
		return 8
	}
	return s.Parallel
}

// MeshAPIDomain returns the domain of all mesh APIs: a host, or a pattern of several.
func (s Settings) MeshAPIDomain() string { return (&WantedAPI{Role: Mesh}).Domain(s) }

// baseName returns the beginning of a service's slugs, which is also the tag of its inbound API.
func (s Settings) baseName(svc inject.Service) string {
	if s.Slugs == NamespacedSlugs {
		return svc.App + "." + svc.Namespace
	}
	return svc.App
}

// RouteTag returns the tag of a service's route beside Tag.
func (s Settings) RouteTag(svc inject.Service) string {
	return svc.RouteTag(s.Slugs == NamespacedSlugs)
}

// Host returns the name under which a service's sidecar is reached, and its certificate's:
// <app>.<ns>.
func Host(svc inject.Service) string { return svc.App + "." + svc.Namespace }
