package kube

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Protocol is a protocol of a port, as texts name it; "" where nothing shows it.
type Protocol string

// The protocols that differ for a gateway. The tables below have more, which it cannot carry.
const (
	HTTP  Protocol = "HTTP"
	HTTP2 Protocol = "HTTP/2" // without TLS
	GRPC  Protocol = "gRPC"   // without TLS
	HTTPS Protocol = "HTTPS"
	TLS   Protocol = "TLS"
	TCP   Protocol = "TCP" // nothing more is known
)

// IsHTTP reports whether a port may speak HTTP, as far as is known.
func (p Protocol) IsHTTP() bool { return p == "" || p == HTTP || p == HTTP2 }

// NeedsHTTP2 reports whether only HTTP/2 carries the protocol.
func (p Protocol) NeedsHTTP2() bool { return p == GRPC || p == HTTP2 }

// PortName returns a name for a port that speaks the protocol.
func (p Protocol) PortName() string { return strings.ToLower(strings.ReplaceAll(string(p), "/", "")) }

// protocols are the protocols of port names and of appProtocol: the names of Istio (documentation,
// Protocol Selection), those of IANA (RFC 6335) for what clusters run, and common short forms.
var protocols = map[string]Protocol{
	"http": HTTP, "http1": HTTP, "http-alt": HTTP, "ws": HTTP, "websocket": HTTP, "grpc-web": HTTP,
	"http2": HTTP2, "h2c": HTTP2, "grpc": GRPC,
	"https": HTTPS, "wss": HTTPS, "grpcs": TLS, "tls": TLS, "ssl": TLS, "tcp": TCP, "udp": "UDP", "sctp": "SCTP",
	"redis": "Redis", "mysql": "MySQL", "mariadb": "MySQL", "mongo": "MongoDB", "mongodb": "MongoDB",
	"postgres": "PostgreSQL", "postgresql": "PostgreSQL", "pgsql": "PostgreSQL", "mssql": "MSSQL", "ms-sql-s": "MSSQL",
	"amqp": "AMQP", "amqps": TLS, "kafka": "Kafka", "zookeeper": "ZooKeeper", "memcache": "Memcached", "memcached": "Memcached",
	"nats": "NATS", "mqtt": "MQTT", "mqtts": TLS, "cql": "CQL", "cassandra": "CQL", "ldap": "LDAP", "ldaps": TLS,
	"smtp": "SMTP", "ssh": "SSH", "ftp": "FTP", "dns": "DNS", "domain": "DNS",
}

// ofKubernetes are the values of appProtocol that Kubernetes itself defines (KEP-3726).
var ofKubernetes = map[string]Protocol{"kubernetes.io/h2c": HTTP2, "kubernetes.io/ws": HTTP, "kubernetes.io/wss": HTTPS}

// usual are ports by which other protocols are known (IANA port numbers, and the documentation of
// their servers).
var usual = map[string]Protocol{
	"443": HTTPS, "8443": HTTPS, "50051": GRPC, "22": "SSH", "53": "DNS", "389": "LDAP", "1433": "MSSQL", "1883": "MQTT", "2181": "ZooKeeper",
	"3306": "MySQL", "4222": "NATS", "5432": "PostgreSQL", "5672": "AMQP", "6379": "Redis", "9042": "CQL", "9092": "Kafka", "11211": "Memcached", "27017": "MongoDB",
}

// Usual returns the protocol for which a port number is known. It is a guess.
func Usual(number string) Protocol { return usual[number] }

// Speech is a protocol, and the sign by which a port shows it.
type Speech struct {
	Protocol Protocol
	Sign     Sign
	Text     string // of the sign: appProtocol tls, name tcp-client
}

// Sign is a kind of sign. A larger one counts before a smaller one.
type Sign uint8

// The signs of a protocol.
const (
	NoSign Sign = iota
	ByProbe
	ByContainer
	ByName
	ByAppProtocol
	ByTransport
)

// Before returns the speech whose sign counts. Of two equal signs one that says HTTP does, whatever
// the order of the stream.
func (s Speech) Before(other Speech) Speech {
	order := cmp.Or(cmp.Compare(s.Sign, other.Sign), s.rank()-other.rank(), cmp.Compare(other.Text, s.Text))
	if order < 0 {
		return other
	}
	return s
}

// rank returns how much a protocol counts among those of equal signs.
func (s Speech) rank() int {
	switch {
	case s.Protocol.IsHTTP():
		return 2
	case s.Protocol == GRPC:
		return 1
	}
	return 0
}

// Speech returns what a port of a Service speaks, with the pods behind it. The first row that says
// something counts:
//
//	protocol, where it is not TCP    of the port
//	appProtocol                      of the port
//	name, as far as a dash           of the port, then of the container port
//	kind of the probe                of the container port
//
// TCP, TLS and HTTPS also name ports in front of HTTP: HTTP is TCP, and a load balancer may end
// TLS. So such a name says less than the container port.
func (s ServicePort) Speech(pods iter.Seq[*Pods]) Speech {
	own := s.own()
	if own.Sign > ByName {
		return own
	}

	var behind Speech
	if s.Named {
		behind = named(s.Target, ByContainer)
	}
	for p := range pods {
		behind = behind.Before(p.Speech(p.Reached(s)))
	}

	if own.isOuter() && (behind.Protocol == GRPC || behind.Protocol != "" && behind.Protocol.IsHTTP()) {
		return behind
	}
	return own.Before(behind)
}

// own returns what a port of a Service says itself.
func (s ServicePort) own() Speech {
	switch protocol := appProtocol(s.AppProtocol); {
	case !s.TCP:
		return Speech{cmp.Or(protocols[strings.ToLower(s.Transport)], "UDP"), ByTransport, "protocol " + s.Transport}
	case protocol != "":
		return Speech{protocol, ByAppProtocol, "appProtocol " + s.AppProtocol}
	}
	return named(s.Name, ByName)
}

// isOuter reports whether a name may be that of a port in front of HTTP.
func (s Speech) isOuter() bool {
	return s.Sign == ByName && (s.Protocol == TCP || s.Protocol == TLS || s.Protocol == HTTPS)
}

// appProtocol returns the protocol of a value of appProtocol; "" for one that it does not know,
// because every implementation may have its own.
func appProtocol(value string) Protocol {
	value = strings.ToLower(value)
	return cmp.Or(ofKubernetes[value], protocols[value])
}

// named returns the protocol of a port name: of all of it, or of its beginning as far as a dash.
func named(name string, by Sign) Speech {
	for prefix := name; prefix != ""; {
		if protocol := protocols[prefix]; protocol != "" {
			return Speech{protocol, by, "name " + name}
		}
		prefix = prefix[:max(0, strings.LastIndexByte(prefix, '-'))]
	}
	return Speech{}
}

// LastWord returns the protocol that is the last word of a port name; "" for none. By convention
// the first ones say it, so this is a weak sign.
func LastWord(name string) Protocol { return protocols[name[strings.LastIndexByte(name, '-')+1:]] }

// Probe is a probe of a container that shows the protocol of a port.
type Probe struct {
	Port     string // its number
	Protocol Protocol
}

// Speech returns what pods say about a port, by its number: the name of the container port, else
// the kind of a probe.
func (p *Pods) Speech(number string) (out Speech) {
	for _, port := range p.Ports {
		if port.Number == number {
			out = out.Before(named(port.Name, ByContainer))
		}
	}

	for _, probe := range p.Probes {
		if probe.Port == number {
			out = out.Before(Speech{probe.Protocol, ByProbe, "probe of its container"})
		}
	}

	return out
}

// Reached returns the number of the port that a port of a Service leads to. Containers need not
// declare a number; it is "" for a name that they lack.
func (p *Pods) Reached(port ServicePort) string {
	if port.Named {
		return p.Target(port)
	}
	return port.Target
}

// Heard returns what ports of a Service say about a port of pods, by its number: those that lead
// there, with the pods.
func (p *Pods) Heard(number string, ports []ServicePort) (out Speech) {
	for _, port := range ports {
		if number != "" && p.Reached(port) == number {
			out = out.Before(port.Speech(slices.Values([]*Pods{p})))
		}
	}
	return out
}

// Reached returns the number of the container port that a port of a Service leads to: a named one
// is looked up in the pods that the Service selects. It stays a name where none of them has it.
func (f *Facts) Reached(s *Service, port ServicePort) string {
	if port.Named {
		for p := range f.Behind(s) {
			if n := p.Target(port); n != "" {
				return n
			}
		}
	}
	return port.Target
}

// probesOf returns the probes of a pod's containers that show a protocol. Those of TCP do not.
func probesOf(template *manifest.Node) (probes []Probe) {
	for _, c := range template.Get("spec", "containers").Items() {
		for _, key := range []string{"readinessProbe", "livenessProbe", "startupProbe"} {
			probe := c.Get(key)
			if n := keptNumber(probe.Get("grpc", "port")); n != "" {
				probes = append(probes, Probe{n, GRPC})
			}

			get := probe.Get("httpGet")
			protocol := HTTP
			if strings.EqualFold(get.Get("scheme").Text(), "HTTPS") {
				protocol = HTTPS
			}
			if n := declared(c, keptNumber(get.Get("port"))); n != "" {
				probes = append(probes, Probe{n, protocol})
			}
		}
	}

	return probes
}

// declared returns the number of a container's port that is given by number or name.
func declared(container *manifest.Node, port string) string {
	for _, p := range container.Get("ports").Items() {
		if port != "" && p.Get("name").Text() == port {
			return keptNumber(p.Get("containerPort"))
		}
	}
	return port
}
