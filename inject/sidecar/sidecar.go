// Package sidecar makes the additions to a pod in the built-in profile: a stock Tyk Gateway with
// the environment of a sidecar, the rules that redirect the pod's calls to it, and the mounts and
// variables by which its containers trust the mesh.
//
//	Gateway  ──Container──> container tyk-mesh
//	Rules    ──Container──> init container tyk-mesh-rules
//	Combined ──Container──> init container tyk-mesh-trust, where a pod asks for it
//
// It is pure, and the same values make the same containers: a pod template that differs makes pods
// roll. It knows neither annotations nor manifests; package inject does.
package sidecar

import (
	"cmp"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// The name and the ports of the sidecar. The names and the port are those of the webhook.
const (
	Name        = "tyk-mesh"
	DefaultPort = 8080          // where it listens unless Sidecar.port or an annotation says otherwise
	PortName    = "tyk-sidecar" // of the sidecar's container port, and of the Service port that leads to it
	ControlPort = 9696          // of the gateway's own API, so that no path on its other port is taken from the app's
)

// The names of the other additions to a pod.
const (
	RulesName   = "tyk-mesh-rules" // init container
	TrustName   = "tyk-mesh-trust" // init container, and the volume that it fills
	certificate = "tyk-mesh-tls"   // volume: the certificate of the control port, or that of the service
	definitions = "tyk-mesh"       // volume: the APIs of the sidecar, without a Dashboard
	token       = "tyk-mesh-token" //nolint:gosec // volume: the token of the service

	Authority    = "ca-pem" // volume, and the ConfigMap behind it: the mesh's CA
	AuthorityKey = "ca.pem" // under which it stands there
)

// MeshAddress is the address of all mesh names in a pod: a loopback address without any other use,
// so that rules can tell calls into the mesh from all others.
const MeshAddress = "127.0.0.2"

// Defaults.
const (
	// DefaultImage is the open-source gateway, which registers with a Dashboard as the others do.
	// From v5.13.0 it runs without root.
	DefaultImage = "tykio/tyk-gateway:v5.14.0"
	// DefaultUID is one that no app uses. 65532, the image's own, is that of every distroless
	// image.
	DefaultUID = 10777
	// A gateway takes 64 to 82 MiB, and 50m of CPU for some 50 requests a second. There is no CPU
	// limit, because it would only add latency.
	DefaultCPU         = "50m"
	DefaultMemory      = "96Mi"
	DefaultMemoryLimit = "192Mi"
	// The init containers last some hundredths of a second. Their amounts count for the pod only as
	// far as they are more than those of all other containers together (Kubernetes documentation,
	// init containers, resource sharing).
	DefaultRulesCPU         = "10m"
	DefaultRulesMemory      = "16Mi"
	DefaultRulesMemoryLimit = "64Mi"
)

// Gateway is a sidecar.
type Gateway struct {
	Image     string
	Port      int    // where it listens; 0 is DefaultPort
	Dashboard string // its URL, as pods reach it, without a slash at the end
	Redis     Redis
	UID       int64 // that it runs as
	Resources Resources
	LogLevel  string // debug, info, warn or error; "" is the gateway's own
	Traffic   Traffic
	Env       []Variable
	TLS       bool   // the pod trusts the mesh's CA: Injector.enableMeshTLS, or Files with a certificate
	Tags      string // which APIs it loads: "mesh,echo"
	Grace     int64  // seconds that the pod has to end (terminationGracePeriodSeconds)
	Native    bool   // it is an init container that goes on running (Kubernetes documentation, sidecar containers)
	GRPC      bool   // the app speaks gRPC, and Traffic.HTTP2 is on
	H2C       bool   // the app is called with HTTP/2, as gRPC needs
	Sleep     int64  // seconds of Grace that pass before the gateway is told to end, in a preStop sleep

	// Files are where the sidecar finds its APIs in a mesh without a Dashboard; nil with one.
	Files *Files

	// Authorities are file names for the mesh's CA beside ca.pem: those under which OpenSSL looks
	// for it.
	Authorities []string
}

// Files are the files of a sidecar that loads its APIs from them. Each field names an object of the
// pod's namespace.
type Files struct {
	ConfigMap   string   // with the files of standalone.Config
	Paths       []string // of those files, below standalone.ConfigPath; in the ConfigMap, a dash stands for each slash
	Policies    bool     // one of them is standalone.PolicyFile
	Secret, Key string   // the Secret, and its key, with certificate and private key; "" without a certificate
	TokenSecret string   // the Secret of the token; "" without tokens
}

// Redis is the Redis of the Tyk installation, through which gateways learn of changes.
type Redis struct {
	Addresses []string // host:port
	Cluster   bool
	TLS       bool
	Username  string
	Database  int // 0 to 15; a cluster has only 0
}

// ListenPort returns the port on which the sidecar serves the mesh.
func (g Gateway) ListenPort() int { return cmp.Or(g.Port, DefaultPort) }

// Container returns the sidecar's container.
func (g Gateway) Container() manifest.Map {
	c := manifest.Map{{Key: "name", Value: Name}, {Key: "image", Value: g.Image}}
	if g.Native {
		c = append(c, manifest.Entry{Key: "restartPolicy", Value: "Always"})
	}

	startup, readiness := g.probes()
	c = append(c,
		manifest.Entry{Key: "ports", Value: g.ports()},
		manifest.Entry{Key: "env", Value: g.environment()},
		manifest.Entry{Key: "resources", Value: g.Resources.value()},
		manifest.Entry{Key: "securityContext", Value: restricted(g.UID)},
		manifest.Entry{Key: "startupProbe", Value: startup},
		manifest.Entry{Key: "readinessProbe", Value: readiness},
	)

	if g.Sleep > 0 && !g.Native { // a native one is told to end when the app has ended
		c = append(c, manifest.Entry{Key: "lifecycle", Value: manifest.Map{{Key: "preStop", Value: PreStop(g.Sleep)}}})
	}

	if mounts := g.mounts(); len(mounts) > 0 {
		c = append(c, manifest.Entry{Key: "volumeMounts", Value: mounts})
	}

	return c
}

// ports returns the ports that the sidecar shows to others. Without a Dashboard only one is: the
// rules close the rest to all other pods.
func (g Gateway) ports() manifest.List {
	ports := manifest.List{manifest.Map{{Key: "name", Value: PortName}, {Key: "containerPort", Value: int64(g.ListenPort())}}}
	if g.Files == nil {
		ports = append(ports, manifest.Map{{Key: "name", Value: "tyk-control"}, {Key: "containerPort", Value: int64(ControlPort)}})
	}
	return ports
}

// HostAlias returns the alias by which a pod resolves the names of the mesh to its own sidecar. It
// never redefines localhost.
func HostAlias(ip string, hosts []string) manifest.Map {
	var names manifest.List
	for _, h := range hosts {
		if h != "localhost" {
			names = append(names, h)
		}
	}
	return manifest.Map{{Key: "ip", Value: ip}, {Key: "hostnames", Value: names}}
}

// restricted returns a security context that Pod Security allows in its strictest level, restricted
// (Kubernetes documentation, Pod Security Standards), with nothing to write to. Tyk Gateway 5.14
// starts and serves with it.
func restricted(uid int64) manifest.Map {
	return manifest.Map{
		{Key: "runAsUser", Value: uid}, {Key: "runAsGroup", Value: uid}, {Key: "runAsNonRoot", Value: true},
		{Key: "allowPrivilegeEscalation", Value: false}, {Key: "readOnlyRootFilesystem", Value: true},
		{Key: "capabilities", Value: manifest.Map{{Key: "drop", Value: manifest.List{"ALL"}}}},
		{Key: "seccompProfile", Value: manifest.Map{{Key: "type", Value: "RuntimeDefault"}}},
	}
}
