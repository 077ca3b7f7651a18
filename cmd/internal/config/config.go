// Package config is the configuration of tykmesh: the file of tyk-k8s with a section of our own,
// and the environment laid over it.
//
//	Find ──> Source ──Load──> Config, typed and checked, or all that is wrong with it and where
//	         file,     │
//	         environ   ├──View──> what counts, and where each value comes from
//	                   └──References──> the files and variables that belong to it
//
// What can be configured stands once, in schema (keys.go): what Load takes, what View shows, what
// Begin writes to begin with, and what README lists are made of it. The package never talks to a
// server and never shows a secret: a [Secret] prints as [redacted].
package config

import (
	"slices"
	"strings"

	"github.com/cloudflare/cfssl/csr"
	kubeversion "k8s.io/apimachinery/pkg/util/version"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// Config is what a run is told to do: the configuration file of tyk-k8s (its sections Tyk, CA and
// Injector) with the environment laid over it, and a section of our own, Sidecar; typed and
// checked. What has a default and is not set has been filled in.
type Config struct {
	File     string             // the file that was read, as errors name it; "" where there is none
	places   map[string]Finding // where each key was set, and each section of the file begins; without a message
	named    []string           // the files that keys name
	Tyk      TykSection
	CA       CASection
	Injector InjectorSection
	Sidecar  inject.Sidecar // the built-in one; it counts where Injector.Containers is empty
}

// Named returns the files that keys name, as the program can open them. Secrets and templates are
// not among them.
func (c Config) Named() []string { return c.named }

// TykSection says where the Tyk Dashboard is. With --local only Org and Templates count, and URL
// for the built-in sidecar.
type TykSection struct {
	URL                string // of the Dashboard: http://dashboard.tyk:3000
	Secret             Secret // the API key of a Dashboard user
	Org                string // 24 hexadecimal digits; may be "" where no routes are created, and with --local
	SeesAllAPIs        bool   // the key is an administrator's: listings show it every API
	Templates          string // folder of *.json with API definition templates; "" means the built-in ones
	InsecureSkipVerify bool   // do not verify the Dashboard's TLS certificate
}

// CASection says who signs certificates and where they are recorded. With --local only DefaultNames
// and DefaultKeyRequest count.
type CASection struct {
	Addr              string         // of CFSSL; several, separated by commas, are tried in order
	Key               Secret         // CFSSL's authentication key, hexadecimal
	MongoConnStr      Secret         // of the ledger, as it may hold a password; not set means no ledger
	Profile           string         // CFSSL's signing profile; "" is the default one
	CertPath          string         // file with the CA certificate, and those above it; "" means that CFSSL is asked
	KeyPath           string         // file with the CA's private key, which signs here; "" means that CFSSL signs
	BundlePath        string         // file with the CA certificates that pods trust; "" means that nobody says
	Trust             ca.Trust       // what that file holds, with EnableMeshTLS
	Secure            bool           // speak TLS to CFSSL although the address does not say https
	SkipCACheck       bool           // do not verify CFSSL's TLS certificate
	TLSRemoteCA       string         // file with the CAs that may have signed CFSSL's TLS certificate; "" means the system's
	MutualTLSCert     string         // file with the client certificate for a CFSSL that wants one; "" means none
	MutualTLSKey      string         // file with its private key
	DefaultNames      []csr.Name     // subject of every certificate; may be empty
	DefaultKeyRequest csr.KeyRequest // key of every certificate; ecdsa 256 where the file has none, as in tyk-k8s
}

// InjectorSection says what is put into pods and Services.
type InjectorSection struct {
	CreateRoutes      bool   // register two APIs for every service
	EnableMeshTLS     bool   // give both a certificate; true only with CreateRoutes
	MeshCertificateID string // of a certificate in the Dashboard's store; "" means that the mesh certificate is found or made

	// Containers and InitContainers are added to every pod; their keys stand in the order of the
	// file. Each decodes strictly into a Kubernetes Container, its name is a DNS label, and no two
	// names are the same. Without Containers there are no InitContainers, and pods get the built-in
	// sidecar.
	Containers, InitContainers []manifest.Map

	PodTemplates []inject.PodTemplate // where custom resources have pod templates besides spec.template

	ServiceLabels []string // labels of pods, of which the first that they have names their service; never empty

	Accept []inject.Rule // rules whose findings about what stands beside annotated objects are not reported

	MeshHosts    []string // the names under which sidecars answer calls into the mesh; never empty
	MeshDomain   string   // literal domain of mesh APIs for Dashboards that refuse a pattern; "" means a pattern of MeshHosts
	SharedRoutes []string // routes that every namespace may have, and have routes under; each a clean path
	Slugs        string   // SlugsPlain or SlugsNamespaced
	ServicePorts string   // ServicePortsReplace or ServicePortsPreserve

	EmitCA        bool                 // add the ConfigMap of the CA to manifests; with EnableMeshTLS CA.Trust is not empty then
	NativeSidecar string               // NativeAuto, "true" or "false"
	KubeVersion   *kubeversion.Version // of the cluster; nil where nobody says
}

// The values of Injector.slugs, Injector.servicePorts and Injector.nativeSidecar.
const (
	SlugsPlain           = "plain"
	SlugsNamespaced      = "namespaced"
	ServicePortsReplace  = "replace"
	ServicePortsPreserve = "preserve"
	NativeAuto           = "auto" // where Injector.kubeVersion is one that has them
)

// Source is everything that a configuration is made of.
type Source struct {
	Name     string                            // the file, as errors are to name it; "" where there is none
	Data     []byte                            // its text
	Environ  []string                          // as os.Environ returns it
	ReadFile func(path string) ([]byte, error) // reads what a file:PATH names

	// Local is true where --local stands in for the servers. How to reach them is then neither
	// needed nor resolved.
	Local bool
}

// Load reads a configuration and checks all of it. What is allowed but hardly meant comes back as
// warnings.
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

// load reads everything and checks it. Where it fails, it tells whether what there is can be shown
// all the same.
func (l *loader) load() (showable bool, err error) {
	if !l.readAll() {
		return false, Error(l.errors)
	}
	l.checkNeeds()
	if l.values >= maxValues { // what else was found is a result of stopping there
		return false, Error{l.tooMany}
	}
	if len(l.errors) > 0 {
		return true, Error(inFileOrder(l.errors))
	}

	return true, nil
}

// Reference is something beside a configuration file that belongs to it: an environment variable or
// a file.
type Reference struct {
	At        Finding // where it is named; without a message
	Env, Path string  // one of them; a path is as it is written
}

// References returns the variables and files from which a configuration file takes its secrets and
// certificates, each once, in the order of the file. They need not be there.
//
// Errors: an [Error], as of Load.
func References(src Source) ([]Reference, error) {
	src.Environ = nil
	l := newLoader(src)
	if !l.readAll() || len(l.errors) > 0 {
		return nil, Error(inFileOrder(l.errors))
	}
	slices.SortStableFunc(l.references, func(a, b Reference) int { return compare(a.At, b.At) })
	return l.references, nil
}

// BuiltInTLS reports whether the built-in sidecars of a configuration speak TLS. What the
// configuration lacks besides does not matter yet.
//
// Errors: an [Error] where it says what is wrong, or nothing, or that pods get other sidecars.
func BuiltInTLS(src Source) (bool, error) {
	l := newLoader(src)
	switch {
	case !l.readAll() || len(l.errors) > 0:
		return false, Error(inFileOrder(l.errors))
	case len(l.settings) == 0:
		return false, Error{{Msg: "nothing is configured, so it is not known what sidecars need", Hint: Hint}}
	case len(l.config.Injector.Containers) > 0:
		return false, Error{l.settings["Injector.containers"].finding("says what pods get, and nothing of it needs the Secret " + sidecar.Secret)}
	}

	return l.config.Injector.EnableMeshTLS, nil
}

func newLoader(src Source) *loader {
	return &loader{
		src:      src,
		config:   defaultConfig(src.Name),
		settings: map[string]setting{},
		sections: map[string]manifest.Position{},
		failed:   map[string]bool{},
		wrong:    map[string]bool{},
	}
}

// readAll takes over what the file and the environment say, and tells whether the file could be
// parsed.
func (l *loader) readAll() bool {
	if !l.readFile() {
		return false
	}

	l.readEnviron()
	for _, section := range schema {
		for _, key := range section.keys {
			if s, ok := l.settings[dotted(section.name, key.name)]; ok {
				before := len(l.errors)
				key.apply(l, s)
				l.wrong[s.key] = len(l.errors) > before
			}
		}
	}

	return true
}

func defaultConfig(file string) Config {
	return Config{
		File: file,
		CA:   CASection{DefaultKeyRequest: *csr.NewKeyRequest()},
		Injector: InjectorSection{
			ServiceLabels: []string{"app"},

			MeshHosts:    []string{"mesh", "mesh.local", "localhost"},
			Slugs:        SlugsPlain,
			ServicePorts: ServicePortsReplace,

			NativeSidecar: NativeAuto,
		},
		Sidecar: inject.Sidecar{
			Gateway: sidecar.Gateway{
				Image: sidecar.DefaultImage, UID: sidecar.DefaultUID,
				Resources: sidecar.Resources{CPU: sidecar.DefaultCPU, Memory: sidecar.DefaultMemory, MemoryLimit: sidecar.DefaultMemoryLimit},
			},
			Rules: sidecar.Rules{Intercept: sidecar.All}, RulesImage: sidecar.DefaultRulesImage, RulesTool: sidecar.IPTables,
			RulesResources: sidecar.Resources{CPU: sidecar.DefaultRulesCPU, Memory: sidecar.DefaultRulesMemory, MemoryLimit: sidecar.DefaultRulesMemoryLimit},
		},
	}
}

// Fail returns an error that a value of the configuration turned out to be, once it was used: an
// [Error] with the place of its key, and what to do about it.
func (c Config) Fail(key string, err error, hint string) error {
	var found Error
	for line := range strings.Lines(err.Error()) {
		f := c.places[key]
		f.Key, f.Msg, f.Hint = key, strings.TrimRight(line, "\n"), hint
		found = append(found, f)
	}
	return found
}

// loader is one run of Load.
type loader struct {
	src      Source
	config   Config
	settings map[string]setting           // by full key, "Tyk.url"; the environment has replaced what it overrides
	sections map[string]manifest.Position // where a section of the file begins
	failed   map[string]bool              // keys that have an error already: nothing more is said of them
	wrong    map[string]bool              // keys whose value cannot be one
	read     []container                  // the containers read so far

	references []Reference
	values     int     // how many YAML values were read, against alias bombs
	tooMany    Finding // set once values reaches maxValues

	unresolved       []Finding // secrets that are not where they should be: errors only if they are needed
	errors, warnings []Finding
}

// setting is one key that somebody set, in the file or in the environment.
type setting struct {
	key      string // "Injector.createRoutes", as the documentation writes it
	value    node   // in the file
	variable string // the environment variable, else ""
	text     string // its value
}

func (s setting) finding(msg string) Finding {
	return Finding{Pos: s.value.pos, Variable: s.variable, Key: s.key, Msg: msg}
}

func (l *loader) places() map[string]Finding {
	places := make(map[string]Finding)
	for key, s := range l.settings {
		places[key] = s.finding("")
	}

	for section, pos := range l.sections {
		places[section] = Finding{Pos: pos}
	}

	return places
}

// fail records what is wrong with a setting.
func (l *loader) fail(s setting, msg string) {
	l.failed[s.key] = true
	l.errors = append(l.errors, s.finding(msg))
}
