package sidecar

import (
	"slices"
	"strconv"

	"github.com/tykmesh/tykmesh/inject/manifest"
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
)

// Where the sidecar finds its own certificate for the control port.
const certificatePath = "/etc/tykmesh/sidecar"

// Variable is an environment variable.
type Variable struct{ Name, Value string }

// environment returns all that a gateway has to be told. The stock image's own configuration is
// that of a gateway in front of a cluster.
func (g Gateway) environment() manifest.List {
	env := append(g.Redis.variables(), manifest.List{
		secret("TYK_GW_STORAGE_PASSWORD", KeyRedisPassword, true),
		plain("TYK_GW_USEDBAPPCONFIGS", "true"),
		plain("TYK_GW_DBAPPCONFOPTIONS_CONNECTIONSTRING", g.Dashboard),
		plain("TYK_GW_DBAPPCONFOPTIONS_NODEISSEGMENTED", "true"), // else it loads the APIs of all services
		plain(VariableTags, g.Tags),
		secret("TYK_GW_SECRET", KeySecret, false),
		secret("TYK_GW_NODESECRET", KeyNodeSecret, false),
		secret("TYK_GW_SECURITY_PRIVATECERTIFICATEENCODINGSECRET", KeyCertificateSecret, true),
		plain("TYK_GW_ENABLECUSTOMDOMAINS", "true"), // else it does not look at hosts
		// The Dashboard's messages are not signed unless it has a key for it; a gateway that wants
		// them signed learns of nothing new.
		plain("TYK_GW_ALLOWINSECURECONFIGS", "true"),
		plain(variableListen, strconv.Itoa(g.ListenPort())),
		plain("TYK_GW_CONTROLAPIPORT", strconv.Itoa(ControlPort)),
		plain("TYK_GW_HIDEGENERATORHEADER", "true"),
		plain("TYK_GW_ENABLEFIXEDWINDOWRATELIMITER", "true"), // else every gateway tells all others of itself, twice a second
		plain("TYK_GW_MAXCONNTIME", "5"),                     // else its first connection takes all calls to one replica, for as long as it lives
		plain("TYK_GW_GRACEFULSHUTDOWNDELAYSECONDS", "0"),
		plain("TYK_GW_GRACEFULSHUTDOWNTIMEOUTDURATION", strconv.FormatInt(g.finishes(), 10)),
	}...)

	if g.TLS {
		env = append(env, plain(variableTLS, "true"),
			plain("TYK_GW_HTTPSERVEROPTIONS_SSLCERTIFICATES", certificatePath+"/"+KeyCertificate),
			plain(VariableTrust, TrustedFolders))
	}

	if g.LogLevel != "" {
		env = append(env, plain("TYK_GW_LOGLEVEL", g.LogLevel))
	}

	if limit := g.Resources.goLimit(); limit != "" {
		env = append(env, plain("GOMEMLIMIT", limit))
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
		return append(env, plain(v.Name, v.Value))
	}
	env[i] = plain(v.Name, v.Value)
	return env
}

// fixed are the variables that only tykmesh sets: without them there is no mesh, or a secret would
// stand in a manifest.
var fixed = []string{
	VariableTags, variableTLS, variableListen, "TYK_GW_CONTROLAPIPORT", "TYK_GW_USEDBAPPCONFIGS",
	"TYK_GW_DBAPPCONFOPTIONS_NODEISSEGMENTED", "TYK_GW_ENABLECUSTOMDOMAINS",
	"TYK_GW_SECRET", "TYK_GW_NODESECRET", "TYK_GW_STORAGE_PASSWORD", "TYK_GW_SECURITY_PRIVATECERTIFICATEENCODINGSECRET",
}

// IsFixed reports whether only tykmesh may set a variable of the sidecar.
func IsFixed(variable string) bool { return slices.Contains(fixed, variable) }

// plain returns a variable in the form that the API server returns: without an empty value.
func plain(name, value string) manifest.Map {
	if value == "" {
		return manifest.Map{{Key: "name", Value: name}}
	}
	return manifest.Map{{Key: "name", Value: name}, {Key: "value", Value: value}}
}

// secret returns a variable that is taken from a key of Secret, and not set where that is optional
// and missing.
func secret(name, key string, optional bool) manifest.Map {
	ref := manifest.Map{{Key: "name", Value: Secret}, {Key: "key", Value: key}}
	if optional {
		ref = append(ref, manifest.Entry{Key: "optional", Value: true})
	}
	return manifest.Map{{Key: "name", Value: name}, {Key: "valueFrom", Value: manifest.Map{{Key: "secretKeyRef", Value: ref}}}}
}
