package inject_test

import (
	"strings"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// profiles are settings for the tests by the name that an archive gives.
func profile(name string) inject.Settings {
	gateway := manifest.Map{
		{Key: "name", Value: "tyk-mesh"},
		{Key: "image", Value: "tykio/tyk-gateway:v5.8.1"},
		{Key: "ports", Value: manifest.List{manifest.Map{{Key: "containerPort", Value: int64(8080)}}}},
		{Key: "env", Value: manifest.List{
			manifest.Map{{Key: "name", Value: "TYK_GW_LISTENPORT"}, {Key: "value", Value: "8080"}},
			manifest.Map{{Key: "name", Value: "TYK_GW_SECRET"}, {Key: "valueFrom", Value: manifest.Map{
				{Key: "secretKeyRef", Value: manifest.Map{{Key: "name", Value: "tyk"}, {Key: "key", Value: "secret"}}}}}},
		}},
		{Key: "command", Value: manifest.List{"/opt/tyk-gateway/tyk", "--conf=/etc/tyk/tyk.conf"}},
	}

	mountOf := func(name, path string) manifest.Map {
		return manifest.Map{{Key: "name", Value: name}, {Key: "mountPath", Value: path}}
	}
	redirect := manifest.Map{
		{Key: "name", Value: "run-iptables"},
		{Key: "image", Value: "example.com/iptables:1"},
		{Key: "args", Value: manifest.List{"set -e\niptables -t nat -A PREROUTING -p tcp --dport 80 -j REDIRECT\n"}},
		{Key: "securityContext", Value: manifest.Map{{Key: "privileged", Value: true}}},
	}

	s := inject.Settings{MeshHosts: []string{"mesh", "mesh.local", "localhost"}, Containers: []manifest.Map{gateway}, InitContainers: []manifest.Map{redirect}}
	if mesh, ok := strings.CutPrefix(name, "standalone"); ok {
		return standaloneProfile(strings.TrimPrefix(mesh, "-"))
	}

	switch name {
	case "": // an init container that fills the folder of certificates, as the guide has it
		s.InitContainers[0] = redirect.With("volumeMounts", manifest.List{mountOf("ca-pem", "/tmp/ca-pem"), mountOf("ssl-certs", "/tmp/ssl-certs")})
	case "plain": // none that does
	case "two": // two sidecars, the first with tags and trusted folders and a mount of its own
		tagged := gateway.With("env", manifest.List{
			manifest.Map{{Key: "name", Value: "TYK_GW_DBAPPCONFOPTIONS_TAGS"}, {Key: "value", Value: "edge"}},
			manifest.Map{{Key: "name", Value: "SSL_CERT_DIR"}, {Key: "value", Value: "/certs"}},
		})
		s.Containers = []manifest.Map{tagged, {{Key: "name", Value: "log"}, {Key: "image", Value: "example.com/log:1"}, {Key: "volumeMounts", Value: manifest.List{mountOf("ssl-certs", "/ssl")}}}}

	case "builtin", "native", "nft", "begun": // the built-in sidecar: in a container, in an init container, with a file of rules, with the keys of config init
		s = inject.Settings{MeshHosts: s.MeshHosts, Sidecar: &inject.Sidecar{
			Gateway: sidecar.Gateway{
				Image: sidecar.DefaultImage, UID: sidecar.DefaultUID, Dashboard: "http://dashboard.tyk:3000", Redis: sidecar.Redis{Addresses: []string{"redis.tyk:6379"}},
				Resources: sidecar.Resources{CPU: sidecar.DefaultCPU, Memory: sidecar.DefaultMemory, MemoryLimit: sidecar.DefaultMemoryLimit},
				Traffic:   sidecar.Traffic{MaxConnTime: sidecar.DefaultMaxConnTime},
			},
			RulesResources: sidecar.Resources{CPU: sidecar.DefaultRulesCPU, Memory: sidecar.DefaultRulesMemory, MemoryLimit: sidecar.DefaultRulesMemoryLimit},
			Rules:          sidecar.Rules{Intercept: sidecar.All}, RulesImage: sidecar.DefaultRulesImage, RulesTool: sidecar.IPTables, Native: name == "native", Sleeps: true,
		}}

		if name == "begun" {
			s.Sidecar.Traffic = sidecar.Traffic{MaxConnTime: 5, ProxyTimeout: 60, StreamTimeout: 3600, WebSockets: true, PathsAsSent: true, MaxRequestBody: "16Mi", HTTP2: true}
			s.Sidecar.SleepAsApp = true
		}

		if name == "nft" {
			s.Sidecar.RulesTool, s.Sidecar.Rules.Intercept = sidecar.NFT, sidecar.Mesh
		}

	case "bare": // nothing but a sidecar, and no names
		s = inject.Settings{Containers: []manifest.Map{{{Key: "name", Value: "proxy"}, {Key: "image", Value: "example.com/proxy:1"}}}}
	case "requests": // a sidecar that says what it needs, and a native one that may use no more
		amounts := manifest.Map{{Key: "cpu", Value: "50m"}, {Key: "memory", Value: "96Mi"}}
		s.Containers = []manifest.Map{gateway.With("resources", manifest.Map{{Key: "requests", Value: amounts}})}
		native := manifest.Map{{Key: "name", Value: "log"}, {Key: "image", Value: "example.com/log:1"}, {Key: "restartPolicy", Value: "Always"}}
		s.InitContainers = append(s.InitContainers, native.With("resources", manifest.Map{{Key: "limits", Value: amounts}}))
	default:
		panic("no profile " + name)
	}

	return s
}

// standaloneProfile returns the settings of a mesh without a Dashboard, with what its name says: ""
// is mutual TLS with Secrets of one's own.
func standaloneProfile(name string) inject.Settings {
	s := profile("begun")
	s.Sidecar.Dashboard, s.Sidecar.Redis = "", sidecar.Redis{}
	s.Sidecar.Port, s.Sidecar.Rules.Intercept = 18080, sidecar.Mesh
	s.ServicePorts, s.TLS, s.Trust = inject.AddPort, true, "0123456789abcdef"
	s.Standalone = &standalone.Mesh{Hosts: s.MeshHosts, Port: 18080, TLS: true, Certificates: true, Mutual: true, Authorities: []string{someAuthority}}
	switch name {
	case "":
	case "plain":
		s.TLS, s.Trust = false, ""
		s.Standalone = &standalone.Mesh{Hosts: s.MeshHosts, Port: 18080}
	case "certificates": // and no TLS between sidecars
		s.Standalone.TLS, s.Standalone.Mutual = false, false
	case "tls": // and no demand of certificates
		s.Standalone.Mutual = false
	case "issuer":
		s.Standalone.Issuer = &standalone.IssuerRef{Name: "mesh-ca"}
	case "tokens":
		s.Standalone.TokenKey = someTokenKey
	case "native":
		s.Sidecar.Native = true
	case "nft":
		s.Sidecar.RulesTool = sidecar.NFT
	case "rotating": // from one CA to another
		s.Standalone.Authorities = append(s.Standalone.Authorities, otherAuthority)
	default:
		panic("no mesh " + name)
	}

	return s
}

const (
	otherAuthority = "-----BEGIN CERTIFICATE-----\nBBBB\n-----END CERTIFICATE-----\n"
	someTokenKey   = "-----BEGIN PUBLIC KEY-----\nCCCC\n-----END PUBLIC KEY-----\n"
)

// ids are a binding whose ids a YAML reader would take for numbers, were they not quoted.
var ids = inject.Binding{InboundID: "5e0000000000000000000001", MeshID: "610000000000000000000002"}

// bindings gives every service of a stream the same ids.
func bindings(s *inject.Stream, b inject.Binding) map[inject.Service]inject.Binding {
	all := make(map[inject.Service]inject.Binding)
	for _, w := range s.Workloads() {
		all[w.Service] = b
	}
	return all
}
