package config

import (
	"math"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// section is a section of the file and the keys that it may have.
type section struct {
	name, text string
	keys       []key
}

// key is one setting: its name as the documentation writes it, and how it gets into the
// configuration.
type key struct {
	name       string
	fileOnly   bool // no environment variable can hold its value
	remoteOnly bool // it counts only where there are servers
	apply      func(*loader, setting)
	show       func(*Config) any // what counts in the end, for people: without secrets, and nil where it is not set
	doc
}

// schema is everything that can be configured, and all that people are told of it: README's table,
// config init and config view are made of it. Names are those of tyk-k8s; the rest is ours:
// CA.profile, keyPath, bundlePath, tlsRemoteCA and mutualTLS*, Injector.podTemplates and all behind
// it, and the section Sidecar.
var schema = []section{
	{"Tyk", "The Tyk Dashboard.", []key{
		textKey("url", func(c *Config) *string { return &c.Tyk.URL }, checkURL).remote().
			is("the Dashboard, `https://` unless it is on this machine, because the key goes there; needed for `createRoutes`, as are `secret` and `org`").fill("http://dashboard.tyk:3000"),
		secretKey("secret", func(c *Config) *Secret { return &c.Tyk.Secret }, nil).
			is("API key of a Dashboard administrator, or of a user who may write APIs and certificates and owns every API of the mesh").fill("env:TYK_DASHBOARD_KEY"),
		textKey("org", func(c *Config) *string { return &c.Tyk.Org }, checkOrg).
			is("id of that user's organisation, 24 hexadecimal digits").fill(`"` + placeholderOrg + `"`),
		boolKey("seesAllAPIs", func(c *Config) *bool { return &c.Tyk.SeesAllAPIs }).
			is("`secret` is an administrator's key, which sees every API; set this if `check` warns of ownership all the same"),
		pathKey("templates", func(c *Config) *string { return &c.Tyk.Templates }).
			is("folder of `*.json` files with `{{define \"NAME\"}}`: API definitions of your own").orElse("built-in ones").like("./templates"),
		boolKey("insecureSkipVerify", func(c *Config) *bool { return &c.Tyk.InsecureSkipVerify }).
			is("do not verify the Dashboard's certificate"),
		refusedKey("isGateway", sharedGateway).is("must stay so: one shared gateway cannot feed sidecars"),
		refusedKey("isHybrid", sharedGateway).is("must stay so, too"),
	}},
	{"CA", "Who signs certificates, and where they are recorded. addr, key, certPath and bundlePath are those of what `tykmesh ca init` makes in this folder.", []key{
		textKey("addr", func(c *Config) *string { return &c.CA.Addr }, checkAddr).remote().
			is("CFSSL; several, separated by commas, are tried in order; needed for `enableMeshTLS`, as is `key`, unless `keyPath` is set").
			fill("http://cfssl-svc.default:8888"),
		secretKey("key", func(c *Config) *Secret { return &c.CA.Key }, checkHex).
			is("CFSSL's authentication key, hexadecimal").fill("file:ca-quickstart/cfssl.key"),
		secretKey("mongoConnStr", func(c *Config) *Secret { return &c.CA.MongoConnStr }, checkMongo).
			is("MongoDB that records certificates, in `k8s_ca`").orElse("no ledger").like("env:MONGO"),
		textKey("profile", func(c *Config) *string { return &c.CA.Profile }, nil).is("CFSSL's signing profile").orElse("the default one").like("mesh"),
		fileKey("certPath", func(c *Config) *string { return &c.CA.CertPath }).
			is("file with the CA certificate; those above it, if any, follow, and go with every certificate").
			orElse("CFSSL is asked").like("ca-quickstart/chain.pem"),
		fileKey("keyPath", func(c *Config) *string { return &c.CA.KeyPath }).remote().
			is("file with the private key of the CA in `certPath`, which signs here, without a server").
			orElse("CFSSL signs").like("ca-quickstart/ca-key.pem"),
		fileKey("bundlePath", func(c *Config) *string { return &c.CA.BundlePath }).
			is("file with the CAs that pods trust, as in the ConfigMap `ca-pem`; a certificate that they would refuse is not issued").
			orElse("nobody says").like("ca-quickstart/bundle.pem"),
		boolKey("secure", func(c *Config) *bool { return &c.CA.Secure }).is("TLS to CFSSL although `addr` does not say https"),
		boolKey("skipCACheck", func(c *Config) *bool { return &c.CA.SkipCACheck }).is("do not verify CFSSL's certificate"),
		fileKey("tlsRemoteCA", func(c *Config) *string { return &c.CA.TLSRemoteCA }).
			is("file with the CAs that may have signed CFSSL's certificate").orElse("the system's").like("cas.pem"),
		fileKey("mutualTLSCert", func(c *Config) *string { return &c.CA.MutualTLSCert }).
			is("file with a client certificate, for a CFSSL with `-mutual-tls-ca`").orElse(nothing).like("client.pem"),
		fileKey("mutualTLSKey", func(c *Config) *string { return &c.CA.MutualTLSKey }).
			is("file with its private key").orElse(nothing).like("client-key.pem"),
		key{name: "defaultNames", fileOnly: true, apply: applyNames, show: showNames}.
			is("subject of certificates: a list of `C`, `ST`, `L`, `O`, `OU`, `E`, `SerialNumber`").orElse(nothing).
			like("[{C: GB, ST: England, L: London, O: Example Ltd, OU: Mesh}]"),
		key{name: "defaultKeyRequest", fileOnly: true, apply: applyKeyRequest, show: showKeyRequest}.
			is("`rsa` 2048 to 8192, or `ecdsa` 256, 384, 521"),
	}},
	{"Injector", "What becomes of pods and Services.", []key{
		boolKey("createRoutes", func(c *Config) *bool { return &c.Injector.CreateRoutes }).is("register APIs").fill("true"),
		boolKey("enableMeshTLS", func(c *Config) *bool { return &c.Injector.EnableMeshTLS }).
			is("certificates for them; needs `createRoutes`").fill("true"),
		textKey("meshCertificateID", func(c *Config) *string { return &c.Injector.MeshCertificateID }, nil).
			is("certificate of the mesh hosts in the Dashboard's store").orElse("find or make it"),
		containersKey("containers", func(l *loader, s setting) { l.config.Injector.Containers = l.containers(s) },
			func(c *Config) any { return showMaps(c.Injector.Containers) }).
			is("sidecars of your own, as tyk-k8s has them; at least the container `tyk-mesh`").orElse("the built-in sidecar"),
		containersKey("initContainers", func(l *loader, s setting) { l.config.Injector.InitContainers = l.containers(s) },
			func(c *Config) any { return showMaps(c.Injector.InitContainers) }).
			is("init containers that go with `containers`").orElse(nothing),
		key{name: "podTemplates", fileOnly: true, apply: applyPodTemplates, show: showPodTemplates}.
			is("where custom resources have pod templates besides `spec.template`: a list of a `group`, any where it is missing, a `kind`, and a `path` " +
				"in which `*` stands for all").orElse(nothing).
			like("[{group: ray.io, kind: RayCluster, path: spec.workerGroupSpecs.*.template}]"),
		key{name: "serviceLabels", apply: applyServiceLabels, show: func(c *Config) any { return showTexts(c.Injector.ServiceLabels) }}.
			is("labels of pods: the first of them that a pod template has names the service, as the Service in front of it is called; " +
				"`[app, app.kubernetes.io/name]` suits most charts"),
		key{name: "accept", apply: applyAccept, show: func(c *Config) any { return showTexts(c.Injector.Accept) }}.
			is("codes of findings to say nothing of, anywhere").orElse(nothing).like("[TM0021]"),
		key{name: "meshHosts", apply: applyMeshHosts, show: func(c *Config) any { return showTexts(c.Injector.MeshHosts) }}.
			is("hosts that the mesh answers to"),
		textKey("meshDomain", func(c *Config) *string { return &c.Injector.MeshDomain }, checkHost).
			is("one literal host, for Dashboards that refuse patterns").orElse("a pattern of `meshHosts`").like("mesh"),
		key{name: "sharedRoutes", apply: applySharedRoutes, show: func(c *Config) any { return showTexts(c.Injector.SharedRoutes) }}.
			is("routes that services of every namespace may have, and routes below them; `/` is the route that takes every other call").orElse(nothing).like("[/api]"),
		choiceKey("slugs", func(c *Config) *string { return &c.Injector.Slugs }, SlugsPlain, SlugsNamespaced).
			is("`namespaced`: slugs and tags carry the namespace, so that an app can be in two of them"),
		choiceKey("servicePorts", func(c *Config) *string { return &c.Injector.ServicePorts }, ServicePortsReplace, ServicePortsPreserve).
			is("`replace`: the Service port that reaches the app becomes the sidecar's; `preserve`: it stays, and leads to the sidecar"),
		choiceKey("intercept", func(c *Config) *sidecar.Intercept { return &c.Sidecar.Rules.Intercept }, sidecar.All, sidecar.Mesh, sidecar.None).
			is("`all`: outbound calls to ports 80 and 443 go to the sidecar; `mesh`: those of mesh hosts alone; `none`: somebody else sees to it"),
		key{name: "exemptCIDRs", apply: applyExemptCIDRs, show: showExemptCIDRs}.
			is("networks that calls reach without the sidecar").orElse(nothing).like("[10.96.0.1/32]"),
		key{name: "exemptPorts", apply: applyExemptPorts, show: showExemptPorts}.
			is("`80` or `443`, which then is not led to the sidecar").orElse(nothing).like("[443]"),
		textKey("rulesImage", func(c *Config) *string { return &c.Sidecar.RulesImage }, checkWith(sidecar.CheckImage)).
			is("image of the init container that makes these rules").pinned(),
		choiceKey("rulesTool", func(c *Config) *sidecar.Tool { return &c.Sidecar.RulesTool }, sidecar.IPTables, sidecar.NFT).
			is("what makes the rules: `iptables`, or `nft` for images without a shell"),
		textKey("rulesCPU", func(c *Config) *string { return &c.Sidecar.RulesResources.CPU }, checkWith(sidecar.CheckQuantity)).
			is("CPU that the init containers `tyk-mesh-rules` and `tyk-mesh-trust` ask for"),
		textKey("rulesCPULimit", func(c *Config) *string { return &c.Sidecar.RulesResources.CPULimit }, checkWith(sidecar.CheckQuantity)).
			is("CPU that they may use").orElse("`Sidecar.cpuLimit`").like(`"1"`),
		textKey("rulesMemory", func(c *Config) *string { return &c.Sidecar.RulesResources.Memory }, checkWith(sidecar.CheckQuantity)).is("memory that they ask for"),
		textKey("rulesMemoryLimit", func(c *Config) *string { return &c.Sidecar.RulesResources.MemoryLimit }, checkWith(sidecar.CheckQuantity)).is("memory that they may use"),
		choiceKey("nativeSidecar", func(c *Config) *string { return &c.Injector.NativeSidecar }, NativeAuto, "true", "false").
			is("the sidecar is an init container that goes on running, which Jobs need; `auto`: where `kubeVersion` is 1.29 or later"),
		key{name: "kubeVersion", apply: applyKubeVersion, show: showKubeVersion}.is("Kubernetes of the cluster").orElse("nobody says").like(`"1.33"`),
		boolKey("emitCA", func(c *Config) *bool { return &c.Injector.EmitCA }).
			is("add the ConfigMap `ca-pem` to what is printed, for each namespace that has none there; needs `CA.bundlePath`"),
	}},
	{"Sidecar", "The built-in sidecar, a stock Tyk Gateway. It counts only without Injector.containers.", []key{
		textKey("image", func(c *Config) *string { return &c.Sidecar.Image }, checkWith(sidecar.CheckImage)).
			is("a Tyk Gateway, v5.13.0 or later").pinned(),
		textKey("dashboard", func(c *Config) *string { return &c.Sidecar.Dashboard }, checkURL).
			is("the Dashboard, as pods reach it").orElse("`Tyk.url`").like("http://dashboard.tyk:3000"),
		key{name: "redis", apply: applyRedis, show: showRedis}.
			is("the Redis that the gateways of this Dashboard share, `host:port`; of a cluster, some of its servers; needed").fill("redis.tyk:6379"),
		boolKey("redisCluster", func(c *Config) *bool { return &c.Sidecar.Redis.Cluster }).is("it is a cluster"),
		boolKey("redisTLS", func(c *Config) *bool { return &c.Sidecar.Redis.TLS }).is("it speaks TLS"),
		textKey("redisUsername", func(c *Config) *string { return &c.Sidecar.Redis.Username }, nil).
			is("its user; the password is in the Secret `tykmesh-sidecar`").orElse(nothing).like("tyk"),
		numberKey("redisDatabase", 0, 15, func(c *Config, n int64) { c.Sidecar.Redis.Database = int(n) },
			func(c *Config) int64 { return int64(c.Sidecar.Redis.Database) }).is("number of the database in it"),
		numberKey("uid", 1, math.MaxInt32, func(c *Config, n int64) { c.Sidecar.UID = n },
			func(c *Config) int64 { return c.Sidecar.UID }).is("user that the sidecar runs as, and no container of the app"),
		textKey("cpu", func(c *Config) *string { return &c.Sidecar.Resources.CPU }, checkWith(sidecar.CheckQuantity)).is("CPU that it asks for"),
		textKey("cpuLimit", func(c *Config) *string { return &c.Sidecar.Resources.CPULimit }, checkWith(sidecar.CheckQuantity)).is("CPU that it may use").orElse("no limit").like(`"1"`),
		textKey("memory", func(c *Config) *string { return &c.Sidecar.Resources.Memory }, checkWith(sidecar.CheckQuantity)).is("memory that it asks for"),
		textKey("memoryLimit", func(c *Config) *string { return &c.Sidecar.Resources.MemoryLimit }, checkWith(sidecar.CheckQuantity)).is("memory that it may use"),
		textKey("logLevel", func(c *Config) *string { return &c.Sidecar.LogLevel }, checkWith(sidecar.CheckLogLevel)).
			is("`debug`, `info`, `warn` or `error`").orElse("the gateway's own").like("warn"),
		key{name: "env", fileOnly: true, apply: applyEnv, show: showEnv}.
			is("further environment variables of the gateway").orElse(nothing).like(`{TYK_GW_LOGFORMAT: json}`),
	}},
}

// ignoredSections belong to parts of tyk-k8s that tykmesh has no counterpart of: the webhook's
// server and the ingress controller.
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
