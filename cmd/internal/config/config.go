// Package config reads the configuration of tykmesh: the file of tyk-k8s with a section of its own,
// Sidecar, and the environment, which overrides the file.
//
//	Find ──> Source ──Load──> Config, typed and checked, or all errors with their places
//	         file,     │
//	         environ   └──View──> every key with its value and its source
//
// Each key is one row of table (keys.go), and its name one constant (names.go). Load, View, Begin,
// WriteSchema and Keys walk that table. The package never talks to a server and never shows a
// secret: a [Secret] prints as [redacted].
package config

import (
	"strings"

	"github.com/cloudflare/cfssl/csr"
	kubeversion "k8s.io/apimachinery/pkg/util/version"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// Config is a configuration: the sections Tyk, CA and Injector of tyk-k8s, and the section Sidecar.
// It is typed and checked, and has defaults for the keys that are not set.
type Config struct {
	File   string             // the file that was read, as errors name it; "" without a file
	places map[string]Finding // where each key is set, and where each section of the file begins; without messages
	named  []string           // the files that keys name

	// Placeholders are the keys that have a value of no use, because there is no configuration.
	Placeholders []Placeholder

	Tyk      TykSection
	CA       CASection
	Injector InjectorSection
	Sidecar  inject.Sidecar // the built-in one; it is used if Injector.Containers is empty
}

// Named returns the files that keys name, as the program can open them. Secrets and templates are
// not among them.
func (c Config) Named() []string { return c.named }

// TykSection says where the Tyk Dashboard is. With --local only Org and Templates have an effect,
// and URL in the built-in sidecar.
type TykSection struct {
	URL                string // of the Dashboard: http://dashboard.tyk:3000
	Secret             Secret // the API key of a Dashboard user
	Org                string // 24 hexadecimal digits; may be "" without createRoutes and with --local
	SeesAllAPIs        bool   // the key is an administrator's: listings show it every API
	Templates          string // directory of *.json with API definition templates; "" means the built-in ones
	InsecureSkipVerify bool   // do not verify the Dashboard's TLS certificate
}

// CASection says who signs certificates and where they are recorded. With --local only DefaultNames
// and DefaultKeyRequest have an effect.
type CASection struct {
	Addr              string               // of CFSSL; several, separated by commas, are tried in order
	Key               Secret               // CFSSL's authentication key, hexadecimal
	MongoConnStr      Secret               // of the ledger, as it may hold a password; not set means no ledger
	LedgerPath        string               // file of the ledger, instead of MongoDB; "" means none
	Profile           string               // CFSSL's signing profile; "" is the default one
	CertPath          string               // file with the CA certificate, and those above it; "" means that CFSSL is asked
	KeyPath           string               // file with the CA's private key, with which tykmesh signs; "" means that CFSSL signs
	BundlePath        string               // file with the CA certificates that pods trust; "" means that they are not known
	Trust             ca.TrustBundle       // the content of that file, with EnableMeshTLS
	IssuerRef         standalone.IssuerRef // of cert-manager; no name means that it signs nothing
	TokenPath         string               // file with the public key of the mesh's tokens; "" means no tokens
	TokenKey          string               // the content of that file, in standalone mode
	TokenKeyPath      string               // file with its private key
	Secure            bool                 // use TLS with CFSSL although the address does not say https
	SkipCACheck       bool                 // do not verify CFSSL's TLS certificate
	TLSRemoteCA       string               // file with the CAs that verify CFSSL's TLS certificate; "" means the system's
	MutualTLSCert     string               // file with the client certificate for a CFSSL that wants one; "" means none
	MutualTLSKey      string               // file with its private key
	DefaultNames      []csr.Name           // subject of every certificate; may be empty
	DefaultKeyRequest csr.KeyRequest       // key of every certificate; ecdsa 256 by default, as in tyk-k8s
}

// InjectorSection says how pods and Services are changed.
type InjectorSection struct {
	Mode      string // ModeDashboard or ModeStandalone
	MutualTLS bool   // sidecars accept calls with a certificate of the mesh only; in standalone mode

	CreateRoutes      bool   // register two APIs for every service
	EnableMeshTLS     bool   // give both a certificate; true only with CreateRoutes
	MeshCertificateID string // of a certificate in the Dashboard's store; "" means that the mesh certificate is found or made

	// Containers and InitContainers are added to every pod, with their keys in the order of the
	// file. Each decodes strictly into a Kubernetes Container, its name is a DNS label, and all
	// names differ. Without Containers there are no InitContainers, and pods get the built-in
	// sidecar.
	Containers, InitContainers []manifest.Map

	PodTemplates   []kube.PodTemplate   // where custom resources have pod templates besides spec.template
	PortReferences []kube.PortReference // where further kinds name ports of Services

	ServiceLabels []string // pod labels; the first that a pod has names its service; never empty

	Accept []inject.Rule // rules whose warnings are not reported

	MeshHosts    []string // the names under which sidecars answer calls into the mesh; never empty
	MeshDomain   string   // literal domain of mesh APIs for Dashboards that refuse a pattern; "" means a pattern of MeshHosts
	SharedRoutes []string // routes that every namespace may have, and have routes under; each a clean path
	Slugs        string   // SlugsPlain or SlugsNamespaced
	ServicePorts inject.ServicePorts

	EmitCA        bool                 // add the ConfigMap of the CA to manifests; with EnableMeshTLS CA.Trust is not empty then
	NativeSidecar string               // NativeAuto, "true" or "false"
	KubeVersion   *kubeversion.Version // of the cluster; nil if unknown
}

// The values of Injector.mode, Injector.slugs and Injector.nativeSidecar.
const (
	ModeDashboard   = "dashboard"
	ModeStandalone  = "standalone"
	SlugsPlain      = "plain"
	SlugsNamespaced = "namespaced"
	NativeAuto      = "auto" // if Injector.kubeVersion is one that has native sidecars
)

// Place returns where the file sets a key; the zero Position elsewhere.
func (c Config) Place(key string) manifest.Position { return c.places[key].Pos }

// Fail returns an error that a value of the configuration caused when it was used: an [Error] with
// the place of its key, and a hint.
func (c Config) Fail(key string, err error, hint string) error {
	var found Error
	for line := range strings.Lines(err.Error()) {
		f := c.places[key]
		f.Key, f.Msg, f.Hint = key, strings.TrimRight(line, "\n"), hint
		found = append(found, f)
	}
	return found
}

// Standalone reports whether the mesh has no Dashboard.
func (c Config) Standalone() bool { return c.Injector.Mode == ModeStandalone }

// Source is everything that a configuration is read from.
type Source struct {
	Name     string                            // the file, as errors name it; "" without a file
	Data     []byte                            // its text
	Environ  []string                          // as os.Environ returns it
	ReadFile func(path string) ([]byte, error) // reads the files that keys name

	// Local is true if --local stands in for the servers. The keys that tell how to reach them are
	// then neither needed nor read.
	Local bool
	// Secrets are the keys of the section CA whose secrets the run needs in standalone mode. Runs
	// that issue no certificates need none there.
	Secrets []string
}

// Load reads a configuration and checks all of it. It returns warnings about settings that are
// allowed but probably not meant.
//
// Errors: an [Error] with everything that is wrong, in the order of the file.
func Load(src Source) (Config, []Finding, error) {
	l := newLoader(src)
	if _, err := l.load(); err != nil {
		return Config{}, nil, err
	}
	l.warn()
	l.config.places = l.places()
	return l.config, inFileOrder(l.warnings), nil
}

// Peek reads a configuration as far as it can be read, and checks the mode of the mesh alone. It is
// for texts that depend on it.
//
// Errors: an [Error] if the file is not YAML, or the mode is wrong.
func Peek(src Source) (Config, error) {
	l := newLoader(src)
	if !l.readAll() {
		return Config{}, Error(l.errors)
	}

	for _, f := range l.errors {
		if f.Key == InjectorMode {
			return Config{}, Error{f}
		}
	}

	return l.config, nil
}

// BuiltInTLS reports whether the built-in sidecars of a configuration speak TLS. The configuration
// may be incomplete otherwise.
//
// Errors: an [Error] if a setting is wrong, if nothing is set, or if pods get other sidecars.
func BuiltInTLS(src Source) (bool, error) {
	l := newLoader(src)
	switch {
	case !l.readAll() || len(l.errors) > 0:
		return false, Error(inFileOrder(l.errors))
	case len(l.settings) == 0:
		return false, Error{{Msg: "nothing is configured, so it is unknown what sidecars need", Hint: Hint}}
	case l.config.Standalone():
		return false, Error{l.settings[InjectorMode].finding("sidecars of a mesh without a Dashboard need no Secret " + sidecar.Secret + "; create none")}
	case len(l.config.Injector.Containers) > 0:
		return false, Error{l.settings[InjectorContainers].finding("replaces the built-in sidecar, and no other sidecar needs the Secret " + sidecar.Secret)}
	}

	return l.config.Injector.EnableMeshTLS, nil
}
