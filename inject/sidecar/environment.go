package sidecar

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// Secret is the Secret that sidecars take their secrets from; each namespace of the mesh needs it.
const Secret = "tykmesh-sidecar" //nolint:gosec // a name, and no secret

// The keys of Secret. The first two are always needed, KeyCertificate with TLS.
const (
	KeySecret     = "secret"      // of the gateway's control API: one for all gateways
	KeyNodeSecret = "node-secret" // of the Dashboard's configuration: with it gateways may register
	// KeyCertificate is a certificate and its private key, for the control port alone: without it,
	// that port could not answer readiness probes over TLS. No client verifies it.
	KeyCertificate       = "tls.pem"
	KeyCertificateSecret = "certificate-secret" // with which the Dashboard encrypts private keys, where that is not KeySecret
	KeyRedisPassword     = "redis-password"
)

// VariableTags says which APIs a gateway loads (Tyk documentation, gateway environment variables,
// as the others here).
const (
	VariableTags   = "TYK_GW_DBAPPCONFOPTIONS_TAGS"
	variableTLS    = "TYK_GW_HTTPSERVEROPTIONS_USESSL"
	variableListen = "TYK_GW_LISTENPORT"

	variableMaxBody = "TYK_GW_HTTPSERVEROPTIONS_MAXREQUESTBODYSIZE"
)

// Where the sidecar finds its own certificate for the control port.
const certificatePath = "/etc/tykmesh/sidecar"

// Variable is an environment variable.
type Variable struct{ Name, Value string }

// setting is a row of the environment: a variable, its reason, and its value for a gateway.
type setting struct {
	name   string
	reason string // one sentence; names and values stand in backticks
	source string // where the reason can be read or was seen
	fixed  bool   // only tykmesh sets it: without it there is no mesh, or a secret would stand in a manifest
	mode   mode   // of the gateways that it concerns

	// value returns the entries beside the variable's name; nil leaves the variable unset.
	value func(Gateway) manifest.Map
}

// mode says where gateways find their APIs (Injector.mode).
type mode int

const (
	bothModes      mode = iota
	dashboardMode       // from a Dashboard
	standaloneMode      // in files
)

// shown returns the mode as texts name it; "" for both.
func (m mode) shown() string { return [...]string{"", "dashboard", "standalone"}[m] }

// includes reports whether a row concerns gateways that load their APIs from files, or the others.
func (m mode) includes(files bool) bool { return m == bothModes || files == (m == standaloneMode) }

// Sources of the reasons in settings: the gateway environment variables in Tyk's documentation,
// tests with Tyk Gateway 5.14, and the packages runtime and crypto/x509 in Go's documentation.
const (
	fromTyk      = "Tyk documentation"
	fromMeasures = "measured"
	fromGo       = "Go documentation"
)

// settings is the environment of a gateway in its order: everything that a gateway has to be told.
// The stock image's own configuration is that of a gateway in front of a cluster.
var settings = slices.Concat(storageSettings, meshSettings, fileSettings, trafficSettings, endSettings, podSettings)

var storageSettings = []setting{
	{name: "TYK_GW_STORAGE_ADDRS", mode: dashboardMode, reason: "through the Redis in `Sidecar.redis` gateways learn of every change", source: fromTyk,
		value: of(func(g Gateway) string { return strings.Join(g.Redis.Addresses, ",") })},
	{name: "TYK_GW_STORAGE_ENABLECLUSTER", mode: dashboardMode, reason: "a cluster needs another client: `Sidecar.redisCluster`", source: fromTyk,
		value: when(func(g Gateway) bool { return g.Redis.Cluster })},
	{name: "TYK_GW_STORAGE_USESSL", mode: dashboardMode, reason: "the connection to Redis has TLS: `Sidecar.redisTLS`", source: fromTyk,
		value: when(func(g Gateway) bool { return g.Redis.TLS })},
	{name: "TYK_GW_STORAGE_USERNAME", mode: dashboardMode, reason: "Redis has users: `Sidecar.redisUsername`", source: fromTyk,
		value: given(func(g Gateway) string { return g.Redis.Username })},
	{name: "TYK_GW_STORAGE_DATABASE", mode: dashboardMode, reason: "Redis has several databases: `Sidecar.redisDatabase`", source: fromTyk,
		value: given(func(g Gateway) string { return number(int64(g.Redis.Database)) })},
	{name: "TYK_GW_STORAGE_PASSWORD", mode: dashboardMode, reason: "Redis may want a password", source: fromTyk, fixed: true, value: secret(KeyRedisPassword, true)},
}

var meshSettings = []setting{
	{name: "TYK_GW_USEDBAPPCONFIGS", mode: dashboardMode, reason: "the APIs come from the Dashboard, not from files", source: fromTyk, fixed: true, value: always("true")},
	{name: "TYK_GW_DBAPPCONFOPTIONS_CONNECTIONSTRING", mode: dashboardMode, reason: "the gateway loads its APIs from this Dashboard, `Sidecar.dashboard`", source: fromTyk,
		value: of(func(g Gateway) string { return g.Dashboard })},
	{name: "TYK_GW_DBAPPCONFOPTIONS_NODEISSEGMENTED", mode: dashboardMode, reason: "otherwise the gateway loads the APIs of all services", source: fromTyk, fixed: true, value: always("true")},
	{name: VariableTags, mode: dashboardMode, reason: "the gateway loads the APIs with these tags: all mesh APIs, and the inbound API of its own service", source: fromTyk, fixed: true,
		value: of(func(g Gateway) string { return g.Tags })},
	{name: "TYK_GW_SECRET", mode: dashboardMode, reason: "it guards the gateway's control API", source: fromTyk, fixed: true, value: secret(KeySecret, false)},
	{name: "TYK_GW_NODESECRET", mode: dashboardMode, reason: "with it the Dashboard lets the gateway register", source: fromTyk, fixed: true, value: secret(KeyNodeSecret, false)},
	{name: "TYK_GW_SECURITY_PRIVATECERTIFICATEENCODINGSECRET", mode: dashboardMode, reason: "the Dashboard may encrypt private keys with a secret of their own", source: fromTyk, fixed: true,
		value: secret(KeyCertificateSecret, true)},
	{name: "TYK_GW_ENABLECUSTOMDOMAINS", reason: "otherwise the gateway does not look at hosts", source: fromTyk, fixed: true, value: always("true")},
	{name: "TYK_GW_ALLOWINSECURECONFIGS", mode: dashboardMode, reason: "the Dashboard signs its messages only if it has a key for it, and a gateway that wants signatures would learn of no change",
		source: fromTyk, value: always("true")},
	{name: variableListen, mode: dashboardMode, reason: "callers, the rules and the Service lead here, to `Sidecar.port`", source: fromTyk, fixed: true, value: of(func(g Gateway) string { return strconv.Itoa(g.ListenPort()) })},
	{name: "TYK_GW_CONTROLAPIPORT", mode: dashboardMode, reason: "the control API has a port of its own, so that no path of the app is taken", source: fromTyk, fixed: true,
		value: always(strconv.Itoa(ControlPort))},
	{name: "TYK_GW_HIDEGENERATORHEADER", reason: "answers look as the app sent them", source: fromTyk, value: always("true")},
	{name: "TYK_GW_ENABLEFIXEDWINDOWRATELIMITER", reason: "otherwise every gateway tells all others of itself, twice a second", source: fromMeasures, value: always("true")},
}

// fileSettings are those of gateways without a Dashboard, as they were measured with the
// definitions of package standalone.
var fileSettings = []setting{
	{name: "TYK_GW_STORAGE_ADDRS", mode: standaloneMode, reason: "the gateway serves without Redis, but wants to be told of one: nothing listens at this address", source: fromMeasures,
		value: always("127.0.0.1:6399")},
	{name: "TYK_GW_USEDBAPPCONFIGS", mode: standaloneMode, reason: "the APIs come from files, not from a Dashboard", source: fromTyk, fixed: true, value: always("false")},
	{name: "TYK_GW_APPPATH", mode: standaloneMode, reason: "the gateway loads its APIs from this directory, which is part of the ConfigMap", source: fromTyk, fixed: true,
		value: always(standalone.ConfigPath + "/" + standalone.APIPath)},
	{name: "TYK_GW_POLICIES_POLICYSOURCE", mode: standaloneMode, reason: "the policies come from a file, too, where a service says who may call", source: fromTyk, fixed: true,
		value: given(func(g Gateway) string { return g.whenPolicies("file") })},
	{name: "TYK_GW_POLICIES_POLICYRECORDNAME", mode: standaloneMode, reason: "this is the file with the policies", source: fromTyk, fixed: true,
		value: given(func(g Gateway) string { return g.whenPolicies(standalone.ConfigPath + "/" + standalone.PolicyFile) })},
	{name: "TYK_GW_MINTOKENLENGTH", mode: standaloneMode, reason: "no token is long enough to be looked for in Redis, where none is: each call would log 23 errors", source: fromMeasures, fixed: true,
		value: given(func(g Gateway) string { return g.whenPolicies("1000000") })},
	{name: "TYK_GW_HASHKEYS", mode: standaloneMode, reason: "with tokens that are not looked for, a gateway that hashes no keys fails each call", source: fromMeasures, fixed: true,
		value: given(func(g Gateway) string { return g.whenPolicies("true") })},
	{name: "TYK_GW_KV_FILE_BASEPATH", mode: standaloneMode, reason: "the mesh APIs find the token of their service in this directory, and read it for each call", source: fromMeasures, fixed: true,
		value: given(func(g Gateway) string {
			if g.Files.TokenSecret == "" {
				return ""
			}
			return standalone.TokenPath
		})},
	{name: "TYK_GW_SECRET", mode: standaloneMode, reason: "it guards the gateway's control API, which has no users: it is the uid of the pod", source: fromTyk, fixed: true, value: podUID},
	{name: variableListen, mode: standaloneMode, reason: "the gateway's own API is here; the APIs of the mesh name other ports", source: fromMeasures, fixed: true, value: always(strconv.Itoa(ControlPort))},
	{name: "TYK_GW_CONTROLAPIPORT", mode: standaloneMode, reason: "the gateway's own API needs no second port", source: fromMeasures, fixed: true, value: always("0")},
	{name: "TYK_GW_DISABLEPORTWHITELIST", mode: standaloneMode, reason: "otherwise APIs may not name ports", source: fromTyk, fixed: true, value: always("true")},
	{name: "TYK_GW_SECURITY_CERTIFICATES_UPSTREAM", mode: standaloneMode, reason: "the gateway shows callees the certificate of its service, which mutual TLS demands", source: fromMeasures, fixed: true,
		value: given(func(g Gateway) string {
			if g.Files.Secret == "" {
				return ""
			}
			return "*:" + standalone.CertificatePath + "/" + standalone.CertificateFile
		})},
	{name: "TYK_GW_RATELIMITRESPONSEHEADERS", mode: standaloneMode, reason: "otherwise each answer says that 0 calls are left, in headers that callers may believe", source: fromMeasures,
		value: always("rate_limits")},
	{name: "TYK_GW_UPTIMETESTS_DISABLE", mode: standaloneMode, reason: "the APIs have no uptime tests, which would need Redis", source: fromTyk, value: always("true")},
}

var trafficSettings = []setting{
	{name: "TYK_GW_MAXCONNTIME", reason: "a connection to a callee ends after so many seconds (`Sidecar.maxConnTime`); otherwise the first one takes all calls to one replica for as long as it lives; 0 where the app speaks gRPC or HTTP/2, because connections to it would pile up",
		source: fromMeasures, value: of(func(g Gateway) string { return strconv.FormatInt(g.maxConnTime(), 10) })},
	{name: "TYK_GW_PROXYDEFAULTTIMEOUT", reason: "a callee that stays silent so many seconds (`Sidecar.proxyTimeout`, otherwise 30) causes a 504", source: fromMeasures,
		value: given(func(g Gateway) string { return number(g.Traffic.ProxyTimeout) })},
	{name: "TYK_GW_HTTPSERVEROPTIONS_READTIMEOUT", reason: "a request may take so many seconds to arrive: `Sidecar.streamTimeout`, otherwise 120", source: fromMeasures,
		value: given(func(g Gateway) string { return number(g.Traffic.StreamTimeout) })},
	{name: "TYK_GW_HTTPSERVEROPTIONS_WRITETIMEOUT", reason: "an answer ends after so many seconds, finished or not: `Sidecar.streamTimeout`, otherwise 120", source: fromMeasures,
		value: given(func(g Gateway) string { return number(g.Traffic.StreamTimeout) })},
	{name: "TYK_GW_HTTPSERVEROPTIONS_ENABLEWEBSOCKETS", reason: "without it (`Sidecar.websockets`) websockets get a 400", source: fromMeasures,
		value: when(func(g Gateway) bool { return g.Traffic.WebSockets })},
	{name: "TYK_GW_HTTPSERVEROPTIONS_SKIPURLCLEANING", reason: "without it (`Sidecar.pathsAsSent`) a path with `//` or `..` gets a 301, and a POST becomes a GET", source: fromMeasures,
		value: when(func(g Gateway) bool { return g.Traffic.PathsAsSent })},
	{name: variableMaxBody, reason: "a larger request body (`Sidecar.maxRequestBody`, in bytes) gets a 413; not set for gRPC, whose streams in both directions it breaks",
		source: fromMeasures, value: given(func(g Gateway) string { return number(Bytes(g.MaxBody())) })},
	{name: "TYK_GW_HTTPSERVEROPTIONS_ENABLEHTTP2", reason: "callers may speak HTTP/2 (`Sidecar.http2`), which gRPC needs", source: fromTyk, value: when(func(g Gateway) bool { return g.Traffic.HTTP2 })},
	{name: "TYK_GW_PROXYENABLEHTTP2", reason: "the gateway may speak HTTP/2 to callees (`Sidecar.http2`), which gRPC needs", source: fromTyk, value: when(func(g Gateway) bool { return g.Traffic.HTTP2 })},
}

var endSettings = []setting{
	{name: "TYK_GW_GRACEFULSHUTDOWNDELAYSECONDS", reason: "a gateway that serves on while its app is gone fails calls: 100 of 700 in a rollout with 5, none with 0",
		source: fromMeasures, value: always("0")},
	{name: "TYK_GW_GRACEFULSHUTDOWNTIMEOUTDURATION", reason: "calls that have begun may finish, as far as the grace period of the pod allows", source: fromTyk,
		value: of(func(g Gateway) string { return number(g.finishes()) })},
}

var podSettings = []setting{
	{name: variableTLS, mode: dashboardMode, reason: "the mesh has TLS: `Injector.enableMeshTLS`", source: fromTyk, fixed: true, value: when(func(g Gateway) bool { return g.TLS })},
	{name: "TYK_GW_HTTPSERVEROPTIONS_SSLCERTIFICATES", mode: dashboardMode, reason: "the control port needs a certificate, which no client verifies", source: fromMeasures,
		value: withTLS(certificatePath + "/" + KeyCertificate)},
	{name: VariableTrust, reason: "the gateway trusts the mesh CA beside the public ones", source: fromGo, value: withTLS(TrustedFolders)},
	{name: "TYK_GW_LOGLEVEL", reason: "the gateway logs as much as `Sidecar.logLevel` says", source: fromTyk, value: given(func(g Gateway) string { return g.LogLevel })},
	{name: "GOMEMLIMIT", reason: "four fifths of `Sidecar.memoryLimit`, so that memory is collected before the limit ends the process", source: fromGo,
		value: given(func(g Gateway) string { return g.Resources.goLimit() })},
}

// environment returns the variables of a gateway: the table's, and then its own, which win.
func (g Gateway) environment() manifest.List {
	env := make(manifest.List, 0, len(settings)+len(g.Env))
	for _, s := range settings {
		if !s.mode.includes(g.Files != nil) {
			continue
		}
		if value := s.value(g); value != nil {
			env = append(env, slices.Concat(manifest.Map{{Key: "name", Value: s.name}}, value))
		}
	}

	for _, v := range g.Env {
		env = set(env, v)
	}

	return env
}

// set gives a variable its value: in its place where there is one.
func set(env manifest.List, v Variable) manifest.List {
	i := slices.IndexFunc(env, func(e any) bool { m, _ := e.(manifest.Map); return m.String("name") == v.Name })
	if i < 0 {
		return append(env, plain(v))
	}
	env[i] = plain(v)
	return env
}

// CheckSettable refuses variables of the sidecar that the configuration may not set: those that
// tykmesh itself sets, and where APIs come from files also those that serve a Dashboard or its
// Redis. TYK_GW_HTTPSERVEROPTIONS_USESSL is one of the latter: listeners have their certificates
// from their API definitions there.
func CheckSettable(variable string, files bool) error {
	known, applies := false, false
	for _, s := range settings {
		if s.name != variable {
			continue
		}
		if known = true; !s.mode.includes(files) {
			continue
		}
		if applies = true; s.fixed {
			return errors.New("is set by tykmesh; remove it")
		}
	}

	if files && known && !applies {
		return errors.New("has a meaning only in a mesh with a Dashboard; remove it")
	}

	return nil
}

// VariableText is a variable that sidecars have, and its reason with its source, for documents.
// Names and values stand in backticks.
type VariableText struct{ Name, Reason string }

// Environment returns all variables that sidecars may have, in their order, each once. A reason
// that holds in one mode alone names the mode.
func Environment() (all []VariableText) {
	for _, s := range settings {
		reason := s.reason + " (" + s.source + ")"
		if mode := s.mode.shown(); mode != "" {
			reason = "mode `" + mode + "`: " + reason
		}

		same := func(v VariableText) bool { return v.Name == s.name }
		if i := slices.IndexFunc(all, same); i >= 0 {
			all[i].Reason += "; " + reason
		} else {
			all = append(all, VariableText{s.name, reason})
		}
	}

	return all
}

// plain returns a variable with its value.
func plain(v Variable) manifest.Map {
	return slices.Concat(manifest.Map{{Key: "name", Value: v.Name}}, literal(v.Value))
}

// literal returns a value in the form that the API server returns: without an empty one.
func literal(value string) manifest.Map {
	if value == "" {
		return manifest.Map{}
	}
	return manifest.Map{{Key: "value", Value: value}}
}

// always returns the value of a variable that is the same for all gateways.
func always(value string) func(Gateway) manifest.Map {
	return func(Gateway) manifest.Map { return literal(value) }
}

// of returns the value of a variable that depends on the gateway, and may be empty.
func of(value func(Gateway) string) func(Gateway) manifest.Map {
	return func(g Gateway) manifest.Map { return literal(value(g)) }
}

// given returns the value of a variable that is not set where it would be empty.
func given(value func(Gateway) string) func(Gateway) manifest.Map {
	return func(g Gateway) manifest.Map {
		if text := value(g); text != "" {
			return literal(text)
		}
		return nil
	}
}

// when returns the value of a variable that is true for some gateways, and not set for others.
func when(on func(Gateway) bool) func(Gateway) manifest.Map {
	return given(func(g Gateway) string {
		if on(g) {
			return "true"
		}
		return ""
	})
}

// withTLS returns the value of a variable that gateways with TLS have.
func withTLS(value string) func(Gateway) manifest.Map {
	return given(func(g Gateway) string {
		if g.TLS {
			return value
		}
		return ""
	})
}

// number returns the text of a number, and nothing for 0.
func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// secret returns the value of a variable that is taken from a key of Secret, and not set where that
// is optional and missing.
func secret(key string, optional bool) func(Gateway) manifest.Map {
	ref := manifest.Map{{Key: "name", Value: Secret}, {Key: "key", Value: key}}
	if optional {
		ref = append(ref, manifest.Entry{Key: "optional", Value: true})
	}
	value := manifest.Map{{Key: "valueFrom", Value: manifest.Map{{Key: "secretKeyRef", Value: ref}}}}

	return func(Gateway) manifest.Map { return value }
}

// whenPolicies returns a text for gateways with policies, and nothing for others.
func (g Gateway) whenPolicies(text string) string {
	if g.Files.Policies {
		return text
	}
	return ""
}

// podUID returns the value of a variable that is the uid of the pod, which each pod has anew
// (Kubernetes documentation, Downward API).
func podUID(Gateway) manifest.Map {
	return manifest.Map{{Key: "valueFrom", Value: manifest.Map{{Key: "fieldRef", Value: manifest.Map{{Key: "fieldPath", Value: "metadata.uid"}}}}}}
}
