package main

import (
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// section is a section of the file and the keys that it may have.
type section struct {
	name string
	keys []key
}

// key is one setting: its name as the documentation writes it, and how it gets into the configuration.
type key struct {
	name     string
	fileOnly bool // no environment variable can hold its value
	apply    func(*loader, setting)
}

// schema is everything that can be configured. Names are those of tyk-k8s; the rest is ours: CA.profile, keyPath, bundlePath,
// tlsRemoteCA and mutualTLS*, Injector.podTemplates and all behind it, and the section Sidecar.
var schema = []section{
	{"Tyk", []key{
		textKey("url", func(c *Config) *string { return &c.Tyk.URL }, checkURL).remote(),
		secretKey("secret", func(c *Config) *Secret { return &c.Tyk.Secret }, nil),
		textKey("org", func(c *Config) *string { return &c.Tyk.Org }, checkOrg),
		pathKey("templates", func(c *Config) *string { return &c.Tyk.Templates }),
		boolKey("insecureSkipVerify", func(c *Config) *bool { return &c.Tyk.InsecureSkipVerify }),
		refusedKey("isGateway", sharedGateway),
		refusedKey("isHybrid", sharedGateway),
	}},
	{"CA", []key{
		textKey("addr", func(c *Config) *string { return &c.CA.Addr }, checkAddr).remote(),
		secretKey("key", func(c *Config) *Secret { return &c.CA.Key }, checkHex),
		secretKey("mongoConnStr", func(c *Config) *Secret { return &c.CA.MongoConnStr }, checkMongo),
		textKey("profile", func(c *Config) *string { return &c.CA.Profile }, nil),
		fileKey("certPath", func(c *Config) *string { return &c.CA.CertPath }),
		fileKey("keyPath", func(c *Config) *string { return &c.CA.KeyPath }).remote(),
		fileKey("bundlePath", func(c *Config) *string { return &c.CA.BundlePath }),
		boolKey("secure", func(c *Config) *bool { return &c.CA.Secure }),
		boolKey("skipCACheck", func(c *Config) *bool { return &c.CA.SkipCACheck }),
		fileKey("tlsRemoteCA", func(c *Config) *string { return &c.CA.TLSRemoteCA }),
		fileKey("mutualTLSCert", func(c *Config) *string { return &c.CA.MutualTLSCert }),
		fileKey("mutualTLSKey", func(c *Config) *string { return &c.CA.MutualTLSKey }),
		{name: "defaultNames", fileOnly: true, apply: applyNames},
		{name: "defaultKeyRequest", fileOnly: true, apply: applyKeyRequest},
	}},
	{"Injector", []key{
		boolKey("createRoutes", func(c *Config) *bool { return &c.Injector.CreateRoutes }),
		boolKey("enableMeshTLS", func(c *Config) *bool { return &c.Injector.EnableMeshTLS }),
		textKey("meshCertificateID", func(c *Config) *string { return &c.Injector.MeshCertificateID }, nil),
		{name: "containers", fileOnly: true, apply: func(l *loader, s setting) {
			l.config.Injector.Containers = l.containers(s)
		}},
		{name: "initContainers", fileOnly: true, apply: func(l *loader, s setting) {
			l.config.Injector.InitContainers = l.containers(s)
		}},
		{name: "podTemplates", fileOnly: true, apply: applyPodTemplates},
		{name: "meshHosts", apply: applyMeshHosts},
		{name: "accept", apply: applyAccept},
		textKey("meshDomain", func(c *Config) *string { return &c.Injector.MeshDomain }, checkHost),
		choiceKey("slugs", func(c *Config) *string { return &c.Injector.Slugs }, slugsPlain, slugsNamespaced),
		choiceKey("servicePorts", func(c *Config) *string { return &c.Injector.ServicePorts }, servicePortsReplace, servicePortsPreserve),
		choiceKey("intercept", func(c *Config) *sidecar.Intercept { return &c.Sidecar.Rules.Intercept }, sidecar.All, sidecar.Mesh, sidecar.None),
		{name: "exemptCIDRs", apply: applyExemptCIDRs},
		{name: "exemptPorts", apply: applyExemptPorts},
		textKey("rulesImage", func(c *Config) *string { return &c.Sidecar.RulesImage }, checkWith(sidecar.CheckImage)),
		choiceKey("rulesTool", func(c *Config) *sidecar.Tool { return &c.Sidecar.RulesTool }, sidecar.IPTables, sidecar.NFT),
		choiceKey("nativeSidecar", func(c *Config) *string { return &c.Injector.NativeSidecar }, nativeAuto, "true", "false"),
		{name: "kubeVersion", apply: applyKubeVersion},
		boolKey("emitCA", func(c *Config) *bool { return &c.Injector.EmitCA }),
	}},
	{"Sidecar", []key{
		textKey("image", func(c *Config) *string { return &c.Sidecar.Image }, checkWith(sidecar.CheckImage)),
		textKey("dashboard", func(c *Config) *string { return &c.Sidecar.Dashboard }, checkURL),
		{name: "redis", apply: applyRedis},
		boolKey("redisCluster", func(c *Config) *bool { return &c.Sidecar.Redis.Cluster }),
		boolKey("redisTLS", func(c *Config) *bool { return &c.Sidecar.Redis.TLS }),
		textKey("redisUsername", func(c *Config) *string { return &c.Sidecar.Redis.Username }, nil),
		numberKey("redisDatabase", 0, 15, func(c *Config, n int64) { c.Sidecar.Redis.Database = int(n) }),
		numberKey("uid", 1, math.MaxInt32, func(c *Config, n int64) { c.Sidecar.UID = n }),
		textKey("cpu", func(c *Config) *string { return &c.Sidecar.Resources.CPU }, checkWith(sidecar.CheckQuantity)),
		textKey("cpuLimit", func(c *Config) *string { return &c.Sidecar.Resources.CPULimit }, checkWith(sidecar.CheckQuantity)),
		textKey("memory", func(c *Config) *string { return &c.Sidecar.Resources.Memory }, checkWith(sidecar.CheckQuantity)),
		textKey("memoryLimit", func(c *Config) *string { return &c.Sidecar.Resources.MemoryLimit }, checkWith(sidecar.CheckQuantity)),
		textKey("logLevel", func(c *Config) *string { return &c.Sidecar.LogLevel }, checkWith(sidecar.CheckLogLevel)),
		{name: "env", fileOnly: true, apply: applyEnv},
	}},
}

// ignoredSections belong to parts of tyk-k8s that tykmesh has no counterpart of: the webhook's server and the ingress controller.
var ignoredSections = []string{"Server", "Ingress"}

const sharedGateway = "is not supported: one shared gateway cannot feed sidecars, each of which loads its own APIs from a Dashboard by tag"

func isIgnored(name string) bool {
	return slices.ContainsFunc(ignoredSections, func(s string) bool { return strings.EqualFold(s, name) })
}

func findSection(name string) (section, bool) {
	for _, s := range schema {
		if strings.EqualFold(s.name, name) {
			return s, true
		}
	}
	return section{}, false
}

func sectionNames() []string {
	names := make([]string, len(schema))
	for i, s := range schema {
		names[i] = s.name
	}
	return names
}

func (s section) keyNames() []string {
	names := make([]string, len(s.keys))
	for i, k := range s.keys {
		names[i] = k.name
	}
	return names
}

func (s section) find(name string) (key, bool) {
	for _, k := range s.keys {
		if strings.EqualFold(k.name, name) {
			return k, true
		}
	}
	return key{}, false
}

// textKey is a setting that is a text. check, where there is one, says what is wrong with it, or "".
func textKey(name string, field func(*Config) *string, check func(string) string) key {
	return key{name: name, apply: func(l *loader, s setting) {
		if v, ok := l.text(s); ok && l.passes(s, v, check) {
			*field(&l.config) = v
		}
	}}
}

// remote makes a key count only where there are servers: with --local it is neither checked nor kept.
func (k key) remote() key {
	apply := k.apply
	k.apply = func(l *loader, s setting) {
		if !l.src.Local {
			apply(l, s)
		}
	}
	return k
}

// secretKey is a text that may stand elsewhere, as file:PATH or env:NAME.
func secretKey(name string, field func(*Config) *Secret, check func(string) string) key {
	return key{name: name, apply: func(l *loader, s setting) {
		if v, ok := l.text(s); ok {
			if v, ok = l.fetch(s, v); ok && l.passes(s, v, check) {
				*field(&l.config) = NewSecret(v)
			}
		}
	}}.remote()
}

// pathKey is a name of a file or a folder. One in the file counts from the file's folder, so that a configuration works from everywhere.
func pathKey(name string, field func(*Config) *string) key {
	return key{name: name, apply: func(l *loader, s setting) {
		if v, ok := l.text(s); ok && v != "" {
			*field(&l.config) = l.relative(s, v)
		}
	}}
}

// fileKey is a pathKey for a file.
func fileKey(name string, field func(*Config) *string) key {
	k := pathKey(name, field)
	apply := k.apply
	k.apply = func(l *loader, s setting) {
		apply(l, s)
		if v, ok := l.text(s); ok && v != "" {
			l.refer(s, Reference{Path: v})
		}
	}
	return k
}

// refer notes what a setting refers to.
func (l *loader) refer(s setting, r Reference) {
	r.At = s.finding("")
	if !slices.ContainsFunc(l.references, func(known Reference) bool { return known.Env == r.Env && known.Path == r.Path }) {
		l.references = append(l.references, r)
	}
}

func boolKey(name string, field func(*Config) *bool) key {
	return key{name: name, apply: func(l *loader, s setting) {
		if v, ok := l.bool(s); ok {
			*field(&l.config) = v
		}
	}}
}

func choiceKey[T ~string](name string, field func(*Config) *T, values ...T) key {
	return key{name: name, apply: func(l *loader, s setting) {
		v, ok := l.word(s)
		switch {
		case !ok || v == "":
		case !slices.Contains(values, T(v)):
			names := make([]string, len(values))
			for i, value := range values {
				names[i] = string(value)
			}
			l.fail(s, fmt.Sprintf("want %s, got %q", strings.Join(names, " or "), v))
		default:
			*field(&l.config) = T(v)
		}
	}}
}

// word is a text that may be written as true or false too, without quotes.
func (l *loader) word(s setting) (string, bool) {
	if s.variable == "" {
		if n := resolve(s.value); n.Kind == yaml.ScalarNode && n.ShortTag() == tagBool {
			return strings.ToLower(n.Value), true
		}
	}
	return l.text(s)
}

// numberKey is a whole number within limits.
func numberKey(name string, least, most int64, set func(*Config, int64)) key {
	return key{name: name, apply: func(l *loader, s setting) {
		v, ok := l.text(s)
		if !ok || v == "" {
			return
		}
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < least || n > most {
			l.fail(s, fmt.Sprintf("want a number from %d to %d, got %q", least, most, v))
			return
		}
		set(&l.config, n)
	}}
}

// checkWith makes a check of a setting out of one that returns an error.
func checkWith(check func(string) error) func(string) string {
	return func(text string) string {
		if err := check(text); err != nil {
			return err.Error()
		}
		return ""
	}
}

// refusedKey is a switch of tyk-k8s that must stay off.
func refusedKey(name, why string) key {
	return key{name: name, apply: func(l *loader, s setting) {
		if on, ok := l.bool(s); ok && on {
			l.fail(s, why)
		}
	}}
}

// text returns a setting that is to be a text. A number counts as the text that was typed: an organisation id or a key may consist
// of digits, or look like 5e33.
func (l *loader) text(s setting) (string, bool) {
	if s.variable != "" {
		return s.text, true
	}
	n := resolve(s.value)
	if n.Kind == yaml.ScalarNode {
		switch scalarTag(n) {
		case tagString, tagInt, tagFloat:
			return n.Value, true
		}
	}
	l.fail(s, "want a text, got "+kindOf(n)+quoteHint(n, reflect.TypeFor[string]()))
	return "", false
}

func (l *loader) bool(s setting) (value, ok bool) {
	if s.variable != "" {
		value, ok = parseBool(s.text)
		if !ok {
			l.fail(s, "want true or false")
		}
		return value, ok
	}
	n := resolve(s.value)
	if n.Kind == yaml.ScalarNode && scalarTag(n) == tagBool {
		value, ok = parseBool(n.Value)
	}
	if !ok {
		l.fail(s, "want true or false, got "+kindOf(n))
	}
	return value, ok
}

// passes checks a text that is set.
func (l *loader) passes(s setting, v string, check func(string) string) bool {
	if v == "" || check == nil {
		return true
	}
	problem := check(v)
	if problem != "" {
		l.fail(s, problem)
	}
	return problem == ""
}

// fetch returns the secret that v is or points to.
func (l *loader) fetch(s setting, v string) (string, bool) {
	var found string
	if name, ok := strings.CutPrefix(v, "env:"); ok {
		l.refer(s, Reference{Env: name})
		found = lookupEnv(l.src.Environ, name)
		if found == "" {
			l.unresolved = append(l.unresolved, s.finding(fmt.Sprintf("the environment variable %s is not set", name)))
		}
		return found, found != ""
	}
	name, ok := strings.CutPrefix(v, "file:")
	if !ok {
		return v, true
	}
	l.refer(s, Reference{Path: name})
	data, err := l.src.ReadFile(l.relative(s, name))
	found = strings.TrimRight(string(data), "\r\n")
	switch {
	case err != nil:
		l.unresolved = append(l.unresolved, s.finding("the secret's file cannot be read: "+err.Error()))
	case found == "":
		l.unresolved = append(l.unresolved, s.finding(fmt.Sprintf("the secret's file %q is empty", name)))
	}
	return found, err == nil && found != ""
}

// relative is a path as the program can open it.
func (l *loader) relative(s setting, path string) string {
	if filepath.IsAbs(path) || s.variable != "" || l.src.Name == "" {
		return path
	}
	return filepath.Join(filepath.Dir(l.src.Name), path)
}
