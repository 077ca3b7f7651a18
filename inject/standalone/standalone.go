// Package standalone makes the objects of a mesh that needs no Dashboard: the files that the
// sidecar of a pod loads, and the proofs of which service it is.
//
//	Mesh, Pod ──Config──> ConfigMap: API definitions, policies, the mesh's CAs
//	          ──Certificate──> Certificate of cert-manager
//	          ──NetworkPolicy, RouteService──> further objects
//
// The cluster's DNS is the route table: a call of mesh/NAME/... goes to the Service NAME, at the
// port of the sidecars. So a pod has three definitions that never change with the mesh: its own
// inbound API, and the mesh API for http and for https.
//
// It is pure, and the same values make the same objects. It knows neither annotations nor
// manifests; package inject does.
//
// # Who can do what
//
// A certificate's private key is the identity of one service, and a token its name. Both are in
// Secrets of its namespace, which only its sidecar mounts.
//
// Each attacker, the attacks, the defence, and the tests that show it:
//
//   - Is a pod in the cluster: calls through another pod's sidecar, with its identity. The rules
//     close the mesh's own ports and the control port to other pods; without rules a NetworkPolicy
//     does, and only if the user accepts that. sidecar.TestRules, TestNetworkPolicy.
//   - Is a pod without a certificate of the mesh: calls a service. Its sidecar demands one, on a
//     port that no other API shares. TestConfigIsReference.
//   - Calls through its own sidecar: has the gateway put its secrets into a URL. The patterns match
//     no such request, and requests without a match go nowhere. TestRewriteLaws,
//     TestRewriteLawsSee, FuzzRewrite.
//   - Calls through its own sidecar: reaches servers beside the mesh. A name leads to a Service of
//     the cluster, at the port of the sidecars. TestRewriteLaws, TestHosts.
//   - Calls: names itself as another service. The token is signed, the caller's sidecar overwrites
//     the app's own, and the callee's deletes every spelling of the headers. TestConfigGolden,
//     TestCheckTokenKey.
//   - Has a stolen token, and a certificate of the mesh: calls as that service until the token
//     expires. The defence is a short life, or a new token key.
//   - Reads the Secrets of a namespace, or creates pods in it: acts as any of its services.
//     The defence is the access rights of the namespace: review them.
//   - Reads the live objects that status -f reads: learns names and dates. No key or token leaves
//     it. live.TestSecretsStayInside.
//   - Reads the logs of a pipeline: certs secrets prints keys on standard output alone, and refuses
//     terminals. tykmesh.TestScripts/certs-secrets.
//   - Changes a ConfigMap under running pods: they keep their definitions, and new pods name
//     another one. ConfigMaps are immutable. TestConfigMap, TestHash.
package standalone

import (
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// The ports on which a sidecar answers its own pod's calls into the mesh. They are open to that pod
// alone: a caller from elsewhere would use the identity of the pod (reference: open relay).
const (
	HTTPPort  = 15080
	HTTPSPort = 15443
)

// The paths of a sidecar's files.
const (
	// ConfigPath is where the ConfigMap is mounted. Its keys with a dash for the slash are the
	// files: apis/inbound.json.
	ConfigPath = "/etc/tykmesh/mesh"
	// APIPath and PolicyFile are a directory and a file below it.
	APIPath    = "apis"
	PolicyFile = "policies.json"
	// CertificatePath is where the Secret of the certificate is mounted, as CertificateFile.
	CertificatePath = "/etc/tykmesh/tls"
	CertificateFile = "tls.pem"
	// TokenPath is where the Secret of the token is mounted, as TokenFile.
	TokenPath = "/etc/tykmesh/token" //nolint:gosec // a path, and no token
	TokenFile = "token"
)

// DefaultMethods are the methods that sidecars carry unless Sidecar.methods adds others. A gateway
// compares methods with a list: it knows no "any".
var DefaultMethods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}

// Mesh is what all pods of a mesh have in common.
type Mesh struct {
	Hosts   []string // the names of the mesh (Injector.meshHosts)
	Methods []string // beside DefaultMethods (Sidecar.methods)

	// Port is where callers find the sidecars of Services.
	Port int
	// TLS is between sidecars (Injector.enableMeshTLS); it needs Certificates.
	TLS bool
	// Certificates reports that each service has one (CA.bundlePath is set), so that pods can call
	// https://mesh too.
	Certificates bool
	// Mutual makes inbound APIs demand a certificate of the mesh (Injector.mutualTLS). It needs
	// TLS.
	Mutual bool
	// Authorities are the CAs that sign the certificates of callers, each in PEM.
	Authorities []string
	// Issuer is the cert-manager issuer of the certificates; nil if they come from elsewhere.
	Issuer *IssuerRef
	// TokenKey is the public key of the mesh's tokens, in PEM; "" if callers have no tokens.
	TokenKey string
}

// IssuerRef names an issuer of cert-manager (cert-manager API reference, ObjectReference).
type IssuerRef struct{ Name, Kind, Group string }

// Service is a service of the mesh.
type Service struct{ Namespace, App string }

// Pod is what distinguishes the sidecars of one workload.
type Pod struct {
	Service Service
	Target  string // URL of the app: http://127.0.0.1:3000
	Listen  int    // where the sidecar listens for callers

	// Allow are the services that may call; nil means that all of the mesh may.
	Allow []Service
}

// Config is the content of a workload's ConfigMap.
type Config struct {
	Files []File
	Hash  string // ten hexadecimal digits, which differ where Files do
}

// File is a file of a sidecar: its path below ConfigPath, and its text.
type File struct{ Path, Text string }

// The label of all added objects, and its value (Kubernetes documentation, Recommended Labels).
const (
	ManagedBy = "app.kubernetes.io/managed-by"
	Manager   = "tykmesh"
)

// NameSuffix follows the name of the service in the names of its objects.
const NameSuffix = "-tykmesh"

// HashLength is the length of Config.Hash.
const HashLength = 10

// ConfigMapName returns the name of a workload's ConfigMap. It contains the hash, so that pods
// never start with other definitions than those of their template, and older pods keep theirs.
func ConfigMapName(s Service, hash string) string { return s.App + NameSuffix + "-" + hash }

// SecretName returns the name of the Secret that holds a service's certificate and key.
func SecretName(s Service) string { return s.App + NameSuffix }

// TokenSecretName returns the name of the Secret that holds a service's token.
func TokenSecretName(s Service) string { return s.App + NameSuffix + "-token" }

// SecretKey returns the key of a service's Secret under which certificate and private key stand.
func (m Mesh) SecretKey() string {
	if m.Issuer != nil {
		return "tls-combined.pem" // cert-manager's name for it (API reference, CertificateOutputFormatType)
	}
	return CertificateFile
}

// Subject returns the subject of a service's token.
func (s Service) Subject() string { return s.App + "." + s.Namespace }

// Object is an object to be added to a stream: without metadata.namespace and annotations, which
// package inject adds.
type Object = manifest.Map

// IsConfigMapName reports whether a workload's ConfigMap may have a name.
func IsConfigMapName(name string) bool {
	i := strings.LastIndexByte(name, '-')
	hash := name[i+1:]
	return i > 0 && IsSecretName(name[:i]) && len(hash) == HashLength && strings.Trim(hash, "0123456789abcdef") == ""
}

// IsSecretName reports whether the Secret of a service may have a name, and the other objects that
// are named as it.
func IsSecretName(name string) bool {
	app, ok := strings.CutSuffix(name, NameSuffix)
	return ok && app != ""
}
