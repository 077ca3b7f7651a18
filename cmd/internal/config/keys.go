package config

import (
	"math"
	"net/netip"

	"github.com/cloudflare/cfssl/csr"
	kubeversion "k8s.io/apimachinery/pkg/util/version"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// table holds everything that can be configured. The reader of files and of the environment, config
// view, config init, config schema, README's table and the help are all made from it.
var table = []section{
	{name: "Tyk", text: "The Tyk Dashboard.", of: ModeDashboard, keys: []key{
		{name: TykURL, field: in(func(c *Config) *string { return &c.Tyk.URL }, textOf(checkURL).matching(urlPattern)), remote: true, begin: "http://dashboard.tyk:3000",
			text: "URL of the Dashboard; use `https://` unless it is on this machine, because the API key is sent there. Required for `createRoutes`, like `secret` and `org`"},
		{name: TykSecret, field: in(func(c *Config) *Secret { return &c.Tyk.Secret }, secretOf(nil)), secret: true, begin: "env:TYK_DASHBOARD_KEY",
			text: "API key of a Dashboard administrator, or of a user who can write APIs and certificates and owns every API of the mesh"},
		{name: TykOrg, field: in(func(c *Config) *string { return &c.Tyk.Org }, textOf(checkOrg).matching("^([0-9a-fA-F]{24})?$")), begin: `"` + placeholderOrg + `"`,
			text: "organisation id of that user: 24 hexadecimal digits"},
		{name: TykSeesAllAPIs, field: in(func(c *Config) *bool { return &c.Tyk.SeesAllAPIs }, boolean),
			text: "set this to `true` if the user is an administrator, who sees every API, but `tykmesh check` still warns about ownership"},
		{name: TykTemplates, field: in(func(c *Config) *string { return &c.Tyk.Templates }, dirPath), unset: "built-in templates", example: "./templates",
			text: "directory of `*.json` files with your own API definitions, each in a `{{define \"NAME\"}}`"},
		{name: TykInsecureSkipVerify, field: in(func(c *Config) *bool { return &c.Tyk.InsecureSkipVerify }, boolean),
			text: "do not verify the Dashboard's TLS certificate"},
		{name: TykIsGateway, field: in(func(*Config) *bool { return new(bool) }, off), text: "must be `false`: sidecars cannot share a gateway"},
		{name: TykIsHybrid, field: in(func(*Config) *bool { return new(bool) }, off), text: "must be `false`, for the same reason"},
	}},
	{name: "CA", text: "The CA that signs certificates, and the ledger that records them. The values shown for addr, key, certPath and bundlePath fit the CA that " +
		"`tykmesh ca init` creates in this directory.", keys: []key{
		{name: CAAddr, field: in(func(c *Config) *string { return &c.CA.Addr }, textOf(checkAddr)), remote: true, begin: "http://cfssl-svc.default:8888",
			text: "address of CFSSL, or several with commas between them, which are tried in order. Required for `enableMeshTLS`, like `key`, unless `keyPath` is set"},
		{name: CAKey, field: in(func(c *Config) *Secret { return &c.CA.Key }, secretOf(checkHex)), secret: true, begin: "file:ca-quickstart/cfssl.key",
			text: "CFSSL's authentication key, hexadecimal"},
		{name: CAMongoConnStr, field: in(func(c *Config) *Secret { return &c.CA.MongoConnStr }, secretOf(checkMongo)), secret: true, unset: "no ledger", example: "env:MONGO",
			text:      "connection string of the MongoDB that records certificates, in the collection `k8s_ca`",
			aloneText: "connection string of the MongoDB in which `tykmesh certs secrets` records certificates and tokens"},
		{name: CALedgerPath, aloneBegin: "ledger.db", field: in(func(c *Config) *string { return &c.CA.LedgerPath }, filePath), remote: true, unset: nothing, example: "ledger.db",
			text:      "file that records certificates instead of MongoDB, for runs on one machine; it contains no keys",
			aloneText: "file in which `tykmesh certs secrets` records certificates and tokens, so that it issues only those that are missing or due; it contains no keys"},
		{name: CAProfile, field: in(func(c *Config) *string { return &c.CA.Profile }, textOf(nil)), unset: "CFSSL's default profile", example: "mesh",
			text: "CFSSL's signing profile"},
		{name: CACertPath, aloneBegin: "ca-quickstart/chain.pem", field: in(func(c *Config) *string { return &c.CA.CertPath }, filePath), unset: "requested from CFSSL", example: "ca-quickstart/chain.pem",
			text:      "file with the CA certificate, followed by those of the CAs above it, if any; these are added to every certificate",
			aloneText: "file with the CA certificate that belongs to `keyPath`, followed by those of the CAs above it, if any"},
		{name: CAKeyPath, aloneBegin: "ca-quickstart/ca-key.pem", field: in(func(c *Config) *string { return &c.CA.KeyPath }, filePath), remote: true, unset: "CFSSL signs", example: "ca-quickstart/ca-key.pem",
			text:      "file with the private key of the CA in `certPath`; tykmesh then signs certificates itself, without a server",
			aloneText: "file with the private key of the CA in `certPath`, with which `tykmesh certs secrets` signs"},
		{name: CABundlePath, aloneBegin: "ca-quickstart/bundle.pem", field: in(func(c *Config) *string { return &c.CA.BundlePath }, filePath), unset: "not checked", example: "ca-quickstart/bundle.pem",
			text:      "file with the CA certificates that pods trust, the same as in the ConfigMap `ca-pem`; tykmesh then issues no certificate that pods would reject",
			aloneText: "file with the CA certificates that pods trust. If it is set, each service needs a certificate, and pods can call `https://mesh`"},
		{name: CASecure, field: in(func(c *Config) *bool { return &c.CA.Secure }, boolean), text: "use TLS with CFSSL even if `addr` does not begin with `https://`"},
		{name: CASkipCACheck, field: in(func(c *Config) *bool { return &c.CA.SkipCACheck }, boolean), text: "do not verify CFSSL's TLS certificate"},
		{name: CATLSRemoteCA, field: in(func(c *Config) *string { return &c.CA.TLSRemoteCA }, filePath), unset: "the system's CAs", example: "cas.pem",
			text: "file with the CA certificates that verify CFSSL's TLS certificate"},
		{name: CAMutualTLSCert, field: in(func(c *Config) *string { return &c.CA.MutualTLSCert }, filePath), unset: nothing, example: "client.pem",
			text: "file with a client certificate, for a CFSSL that runs with `-mutual-tls-ca`"},
		{name: CAMutualTLSKey, field: in(func(c *Config) *string { return &c.CA.MutualTLSKey }, filePath), unset: nothing, example: "client-key.pem",
			text: "file with the private key of `mutualTLSCert`"},
		{name: CAIssuerRef, of: ModeStandalone, aloneOffers: true, field: in(func(c *Config) *standalone.IssuerRef { return &c.CA.IssuerRef }, issuerRef), fileOnly: true, unset: nothing, example: "{name: mesh-ca, kind: ClusterIssuer}",
			text: "the cert-manager issuer that signs certificates: `name`, `kind` (`Issuer` if not set) and `group`; no private key passes through tykmesh then"},
		{name: CATokenPath, of: ModeStandalone, aloneOffers: true, field: in(func(c *Config) *string { return &c.CA.TokenPath }, filePath), unset: "no tokens", example: "ca-quickstart/token.pem",
			text: "file with the public key of the mesh's tokens, with which services decide who may call them (`injector.tyk.io/allow`); `tykmesh ca token` makes it"},
		{name: CATokenKeyPath, of: ModeStandalone, aloneOffers: true, field: in(func(c *Config) *string { return &c.CA.TokenKeyPath }, filePath), unset: nothing, example: "ca-quickstart/token-key.pem",
			text: "file with the private key of the mesh's tokens; only `tykmesh certs secrets` reads it"},
		{name: CADefaultNames, field: in(func(c *Config) *[]csr.Name { return &c.CA.DefaultNames }, listOf(subject)), fileOnly: true, unset: nothing,
			example: "[{C: GB, ST: England, L: London, O: Example Ltd, OU: Mesh}]",
			text:    "subject of every certificate: a list of `C`, `ST`, `L`, `O`, `OU`, `E`, `SerialNumber`"},
		{name: CADefaultKeyRequest, field: in(func(c *Config) *csr.KeyRequest { return &c.CA.DefaultKeyRequest }, keyRequest, *csr.NewKeyRequest()), fileOnly: true,
			text: "key of every certificate: `A: rsa` with a size `S` of 2048 to 8192, or `A: ecdsa` with 256, 384 or 521"},
	}},
	{name: "Injector", text: "How pods and Services are changed.", keys: []key{
		{name: InjectorMode, aloneBegin: ModeStandalone, field: in(func(c *Config) *string { return &c.Injector.Mode }, choiceOf(ModeDashboard, ModeStandalone), ModeDashboard),
			text: "`standalone`: a mesh without a Dashboard, whose sidecars load their APIs from ConfigMaps that `inject` adds; `dashboard`: from a Tyk Dashboard"},
		{name: InjectorCreateRoutes, of: ModeDashboard, field: in(func(c *Config) *bool { return &c.Injector.CreateRoutes }, boolean), begin: "true",
			text: "register two APIs for each service"},
		{name: InjectorEnableMeshTLS, aloneBegin: "true", field: in(func(c *Config) *bool { return &c.Injector.EnableMeshTLS }, boolean), begin: "true",
			text: "issue certificates for these APIs; requires `createRoutes`", aloneText: "sidecars call each other with TLS; requires `CA.bundlePath`"},
		{name: InjectorMutualTLS, of: ModeStandalone, aloneBegin: "true", field: in(func(c *Config) *bool { return &c.Injector.MutualTLS }, boolean, true),
			text: "sidecars accept only callers that have a certificate of the mesh; it has an effect with `enableMeshTLS`"},
		{name: InjectorMeshCertificateID, of: ModeDashboard, field: in(func(c *Config) *string { return &c.Injector.MeshCertificateID }, textOf(nil)), unset: "found or issued",
			text: "id of the certificate for the mesh hosts, in the Dashboard's store"},
		{name: InjectorContainers, of: ModeDashboard, field: in(func(c *Config) *[]manifest.Map { return &c.Injector.Containers }, containerList), fileOnly: true, unset: "the built-in sidecar",
			text: "your own sidecar containers, as in tyk-k8s; one of them must be named `tyk-mesh`"},
		{name: InjectorInitContainers, of: ModeDashboard, field: in(func(c *Config) *[]manifest.Map { return &c.Injector.InitContainers }, containerList), fileOnly: true, unset: nothing,
			text: "your own init containers; requires `containers`"},
		{name: InjectorPodTemplates, field: in(func(c *Config) *[]kube.PodTemplate { return &c.Injector.PodTemplates }, listOf(podTemplate)), fileOnly: true, unset: nothing,
			example: "[{group: ray.io, kind: RayCluster, path: spec.workerGroupSpecs.*.template}]",
			text: "where custom resources have pod templates other than `spec.template`: a list of `group` (any if not set), `kind` and `path`, in which `*` stands for " +
				"every item"},
		{name: InjectorPortReferences, field: in(func(c *Config) *[]kube.PortReference { return &c.Injector.PortReferences }, listOf(portReference)), fileOnly: true, unset: nothing,
			example: "[{group: example.com, kind: Proxy, service: spec.backends.*.name, port: spec.backends.*.port}]",
			text: "where further kinds name Service ports, for the check `TM0022`: a list of `group` (any if not set), `kind`, and the paths `service` (name), `port` (number or " +
				"name) and `namespace` (the object's own if not set), in which `*` stands for every item"},
		{name: InjectorServiceLabels, field: in(func(c *Config) *[]string { return &c.Injector.ServiceLabels }, setOf(labelKey), []string{"app"}),
			text: "pod labels that name the service: tykmesh uses the first that the pod template has, and the Service must have the same name; " +
				"`[app, app.kubernetes.io/name]` suits most Helm charts"},
		{name: InjectorAccept, field: in(func(c *Config) *[]inject.Rule { return &c.Injector.Accept }, listOf(ruleCode)), unset: nothing, example: "[TM0021]",
			text: "codes of warnings to suppress everywhere"},
		{name: InjectorMeshHosts, field: in(func(c *Config) *[]string { return &c.Injector.MeshHosts }, setOf(hostName), []string{"mesh", "mesh.local", "localhost"}),
			text: "host names under which sidecars answer calls into the mesh"},
		{name: InjectorMeshDomain, of: ModeDashboard, field: in(func(c *Config) *string { return &c.Injector.MeshDomain }, textOf(checkHost)), unset: "a pattern of `meshHosts`", example: "mesh",
			text: "the only host of mesh APIs, for Dashboards that reject patterns"},
		{name: InjectorSharedRoutes, of: ModeDashboard, field: in(func(c *Config) *[]string { return &c.Injector.SharedRoutes }, listOf(cleanRoute)), unset: nothing, example: "[/api]",
			text: "routes that services of every namespace may use, and routes below them; `/` matches all calls that no other route matches"},
		{name: InjectorSlugs, of: ModeDashboard, field: in(func(c *Config) *string { return &c.Injector.Slugs }, choiceOf(SlugsPlain, SlugsNamespaced), SlugsPlain),
			text: "`namespaced`: slugs and tags contain the namespace, so that several namespaces can have an app of the same name"},
		{name: InjectorServicePorts, modal: true, field: in(func(c *Config) *inject.ServicePorts { return &c.Injector.ServicePorts }, choiceOf(inject.ReplacePort, inject.PreservePort, inject.AddPort), inject.ReplacePort), begin: "add",
			text: "`add`: Services keep all ports, and get the sidecar's, so everything that calls them goes on working; `replace`: the sidecar's port replaces the port that leads to the app, " +
				"as in Tyk's guide, so that no caller of the Service bypasses the sidecar; `preserve`: that port stays, and leads to the sidecar"},
		{name: InjectorIntercept, modal: true, field: in(func(c *Config) *sidecar.Intercept { return &c.Sidecar.Rules.Intercept }, choiceOf(sidecar.All, sidecar.Mesh, sidecar.None), sidecar.All),
			builtIn: true,
			begin:   "mesh",
			text: "`mesh`: calls to mesh hosts go through the sidecar, all others directly; `all`: all outbound calls to ports 80 and 443 go through the sidecar, as in Tyk's guide, " +
				"so pods can call only the mesh on these ports; `none`: traffic is redirected by other means (CNI plugin, `HTTP_PROXY`)"},
		{name: InjectorExemptCIDRs, field: in(func(c *Config) *[]netip.Prefix { return &c.Sidecar.Rules.ExemptCIDRs }, listOrTextOf(cidr)), builtIn: true, unset: nothing, example: "[10.96.0.1/32]",
			text: "networks that pods call directly, not through the sidecar"},
		{name: InjectorExemptPorts, field: in(func(c *Config) *[]int { return &c.Sidecar.Rules.ExemptPorts }, listOrTextOf(exemptPort)), builtIn: true, unset: nothing, example: "[443]",
			text: "`80` or `443`: pods call this port directly, not through the sidecar"},
		{name: InjectorRulesImage, field: in(func(c *Config) *string { return &c.Sidecar.RulesImage }, textOf(sidecar.CheckImage), sidecar.DefaultRulesImage), builtIn: true, pinned: true,
			text: "image of the init container that redirects outbound calls" + pins},
		{name: InjectorRulesTool, field: in(func(c *Config) *sidecar.Tool { return &c.Sidecar.RulesTool }, choiceOf(sidecar.IPTables, sidecar.NFT), sidecar.IPTables), builtIn: true,
			text: "the tool that it uses: `iptables`, or `nft` for images without a shell"},
		{name: InjectorRulesCPU, field: in(func(c *Config) *string { return &c.Sidecar.RulesResources.CPU }, quantity, sidecar.DefaultRulesCPU), builtIn: true,
			text: "CPU request of the init containers `tyk-mesh-rules` and `tyk-mesh-trust`"},
		{name: InjectorRulesCPULimit, field: in(func(c *Config) *string { return &c.Sidecar.RulesResources.CPULimit }, quantity), builtIn: true, unset: "`Sidecar.cpuLimit`", example: `"1"`,
			text: "CPU limit of these init containers"},
		{name: InjectorRulesMemory, field: in(func(c *Config) *string { return &c.Sidecar.RulesResources.Memory }, quantity, sidecar.DefaultRulesMemory), builtIn: true,
			text: "memory request of these init containers"},
		{name: InjectorRulesMemoryLimit, field: in(func(c *Config) *string { return &c.Sidecar.RulesResources.MemoryLimit }, quantity, sidecar.DefaultRulesMemoryLimit), builtIn: true,
			text: "memory limit of these init containers"},
		{name: InjectorNativeSidecar, field: in(func(c *Config) *string { return &c.Injector.NativeSidecar }, choiceOf(NativeAuto, "true", "false"), NativeAuto), builtIn: true,
			text: "make the sidecar an init container that keeps running, which Jobs need; `auto`: if `kubeVersion` is 1.29 or later"},
		{name: InjectorKubeVersion, aloneOffers: true, field: in(func(c *Config) **kubeversion.Version { return &c.Injector.KubeVersion }, kubernetesVersion), unset: "unknown", example: `"1.33"`,
			text: "Kubernetes version of the cluster"},
		{name: InjectorEmitCA, of: ModeDashboard, field: in(func(c *Config) *bool { return &c.Injector.EmitCA }, boolean),
			text: "add the ConfigMap `ca-pem` to the output, for each namespace that has none in it; requires `CA.bundlePath`"},
	}},
	{name: "Sidecar", text: "The built-in sidecar, a stock Tyk Gateway. It is used unless Injector.containers is set.", builtIn: true, keys: []key{
		{name: SidecarImage, field: in(func(c *Config) *string { return &c.Sidecar.Image }, textOf(sidecar.CheckImage), sidecar.DefaultImage), pinned: true,
			text: "image of a Tyk Gateway, v5.13.0 or later" + pins},
		{name: SidecarPort, field: in(func(c *Config) *int { return &c.Sidecar.Port }, numberOf(1024, 65535), sidecar.DefaultPort), begin: "18080", modal: true,
			text: "port of the sidecar, in pods and on Services; a port that no app listens on"},
		{name: SidecarPreviousPort, field: in(func(c *Config) *int { return &c.Sidecar.PreviousPort }, orUnset(numberOf(1024, 65535))), unset: nothing, example: "8080",
			text: "to change `port` without an outage, set this to the value so far, inject and apply. When all pods have restarted, delete this key, inject and apply again",
			aloneText: "a second port of Services that leads to sidecars; callers use `port`. To change `port`, apply three times: with the new value here; with the two values exchanged; " +
				"and, when all pods have restarted, without this key"},
		{name: SidecarDashboard, of: ModeDashboard, field: in(func(c *Config) *string { return &c.Sidecar.Dashboard }, textOf(checkURL).matching(urlPattern)), unset: "`Tyk.url`", example: "http://dashboard.tyk:3000",
			text: "URL of the Dashboard, as pods reach it"},
		{name: SidecarRedis, of: ModeDashboard, field: in(func(c *Config) *[]string { return &c.Sidecar.Redis.Addresses }, addresses), begin: "redis.tyk:6379",
			text: "`host:port` of the Redis that the gateways of this Dashboard share; for a cluster, a list of some of its servers. Required"},
		{name: SidecarRedisCluster, of: ModeDashboard, field: in(func(c *Config) *bool { return &c.Sidecar.Redis.Cluster }, boolean), text: "this Redis is a cluster"},
		{name: SidecarRedisTLS, of: ModeDashboard, field: in(func(c *Config) *bool { return &c.Sidecar.Redis.TLS }, boolean), text: "use TLS with this Redis"},
		{name: SidecarRedisUsername, of: ModeDashboard, field: in(func(c *Config) *string { return &c.Sidecar.Redis.Username }, textOf(nil)), unset: nothing, example: "tyk",
			text: "user of this Redis; the password is in the Secret `tykmesh-sidecar`"},
		{name: SidecarRedisDatabase, of: ModeDashboard, field: in(func(c *Config) *int { return &c.Sidecar.Redis.Database }, numberOf[int](0, 15)), text: "number of the database in this Redis"},
		{name: SidecarUID, field: in(func(c *Config) *int64 { return &c.Sidecar.UID }, numberOf[int64](1, math.MaxInt32), sidecar.DefaultUID),
			text: "user id of the sidecar; the app's containers must not run as this user"},
		{name: SidecarCPU, field: in(func(c *Config) *string { return &c.Sidecar.Resources.CPU }, quantity, sidecar.DefaultCPU), text: "CPU request of the sidecar"},
		{name: SidecarCPULimit, field: in(func(c *Config) *string { return &c.Sidecar.Resources.CPULimit }, quantity), unset: "no limit", example: `"1"`, text: "CPU limit of the sidecar"},
		{name: SidecarMemory, field: in(func(c *Config) *string { return &c.Sidecar.Resources.Memory }, quantity, sidecar.DefaultMemory), text: "memory request of the sidecar"},
		{name: SidecarMemoryLimit, field: in(func(c *Config) *string { return &c.Sidecar.Resources.MemoryLimit }, quantity, sidecar.DefaultMemoryLimit), text: "memory limit of the sidecar"},
		{name: SidecarMaxConnTime, modal: true, field: in(func(c *Config) *int64 { return &c.Sidecar.Traffic.MaxConnTime }, numberOf[int64](0, math.MaxInt32), sidecar.DefaultMaxConnTime), begin: "5",
			text: "seconds after which a sidecar replaces its connections to other services, so that load spreads over new replicas; `0`: never, as where the app speaks gRPC or HTTP/2"},
		{name: SidecarProxyTimeout, modal: true, field: in(func(c *Config) *int64 { return &c.Sidecar.Traffic.ProxyTimeout }, timeout), unset: "the gateway's own, 30", begin: "60",
			text: "seconds after which a service that does not answer causes a 504; at most `streamTimeout`"},
		{name: SidecarStreamTimeout, modal: true, field: in(func(c *Config) *int64 { return &c.Sidecar.Traffic.StreamTimeout }, timeout), unset: "the gateway's own, 120", begin: "3600",
			text: "seconds after which a sidecar cuts off a request or an answer, such as a download or a stream of events"},
		{name: SidecarWebSockets, modal: true, field: in(func(c *Config) *bool { return &c.Sidecar.Traffic.WebSockets }, boolean), begin: "true",
			text: "carry websockets; `false`: they get a 400"},
		{name: SidecarPathsAsSent, modal: true, field: in(func(c *Config) *bool { return &c.Sidecar.Traffic.PathsAsSent }, boolean), begin: "true",
			text: "forward paths with `//` and `..` as they are; `false`: they get a 301, and a POST becomes a GET"},
		{name: SidecarHTTP2, modal: true, field: in(func(c *Config) *bool { return &c.Sidecar.Traffic.HTTP2 }, boolean), begin: "true",
			text: "speak HTTP/2 to callers, to other sidecars, and to apps whose port says `grpc` or `http2`; gRPC needs it"},
		{name: SidecarMaxRequestBody, modal: true, field: in(func(c *Config) *string { return &c.Sidecar.Traffic.MaxRequestBody }, bodySize), unset: "no limit", begin: "16Mi",
			text: "largest request body; a larger one gets a 413. Both sidecars of a call hold the body in memory: `memoryLimit` must be 64Mi and six times this size, or more. Not for gRPC"},
		{name: SidecarSleepAsApp, modal: true, field: in(func(c *Config) *bool { return &c.Sidecar.SleepAsApp }, boolean), begin: "true",
			text: "where all containers of a pod have a preStop sleep, a sidecar that is not native sleeps as long as the shortest, and ends with its app"},
		{name: SidecarMethods, of: ModeStandalone, aloneOffers: true, field: in(func(c *Config) *[]string { return &c.Sidecar.Methods }, setOf(checked(standalone.CheckMethod))), unset: nothing, example: "[PROPFIND, REPORT]",
			text: "the HTTP methods that sidecars carry besides the usual ones"},
		{name: SidecarLogLevel, field: in(func(c *Config) *string { return &c.Sidecar.LogLevel }, logLevel), unset: "the gateway's own", example: "warn",
			text: "`debug`, `info`, `warn` or `error`"},
		{name: SidecarEnv, field: in(func(c *Config) *[]sidecar.Variable { return &c.Sidecar.Env }, environment), fileOnly: true, unset: nothing, example: `{TYK_GW_LOGFORMAT: json}`,
			text: "additional environment variables of the gateway"},
	}},
}

const (
	// nothing is the default of keys whose absence needs no explanation.
	nothing = "none"

	// pins is the end of the text of a pinned key.
	pins = "; `config init` writes it down, so that an upgrade of tykmesh restarts no pod"

	// urlPattern matches what checkURL accepts, and more.
	urlPattern = "^(https?://.+)?$"
)

// ignoredSections belong to parts of tyk-k8s that tykmesh has no counterpart of: the webhook's
// server and the ingress controller.
var ignoredSections = []string{"Server", "Ingress"}
