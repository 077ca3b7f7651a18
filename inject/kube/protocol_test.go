package kube_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// TestNames holds the names of ports as they are written to the protocols that they mean.
func TestNames(t *testing.T) {
	for name, want := range map[string]kube.Protocol{
		"http": kube.HTTP, "http-web": kube.HTTP, "http-alt": kube.HTTP, "ws": kube.HTTP, "websocket": kube.HTTP,
		"http2": kube.HTTP2, "http2-api": kube.HTTP2, "h2c": kube.HTTP2,
		"grpc": kube.GRPC, "grpc-api": kube.GRPC, "grpc-web": kube.HTTP, "grpc-web-shop": kube.HTTP, "grpcs": kube.TLS,
		"https": kube.HTTPS, "https-webhook": kube.HTTPS, "wss": kube.HTTPS, "tls": kube.TLS, "tls-passthrough": kube.TLS,
		"tcp": kube.TCP, "tcp-client": kube.TCP, "udp": "UDP", "sctp-x": "SCTP", "dns-tcp": "DNS",
		"redis": "Redis", "redis-main": "Redis", "mysql": "MySQL", "mariadb": "MySQL", "mongo": "MongoDB", "mongodb": "MongoDB",
		"postgres": "PostgreSQL", "postgresql": "PostgreSQL", "amqp": "AMQP", "amqps": kube.TLS, "kafka": "Kafka", "kafka-int": "Kafka",
		"": "", "web": "", "api": "", "client": "", "8080-tcp": "", "8080": "", "httpx": "", "tcpdump": "", "my-http": "", "redisinsight": "", "-": "", "-http": "", "https2": "",
	} {
		port := kube.ServicePort{TCP: true, Name: name}
		if got := port.Speech(none).Protocol; got != want {
			t.Errorf("name %q: %q, want %q", name, got, want)
		}
	}
}

// TestAppProtocols holds values of appProtocol to their protocols: they are whole words, in any
// case.
func TestAppProtocols(t *testing.T) {
	for value, want := range map[string]kube.Protocol{
		"http": kube.HTTP, "HTTP": kube.HTTP, "kubernetes.io/ws": kube.HTTP, "kubernetes.io/h2c": kube.HTTP2, "HTTP2": kube.HTTP2, "grpc": kube.GRPC,
		"https": kube.HTTPS, "kubernetes.io/wss": kube.HTTPS, "tls": kube.TLS, "tcp": kube.TCP, "ms-sql-s": "MSSQL", "mongo": "MongoDB",
		"": "", "example.com/http": "", "tcp-like": "", "ip": "",
	} {
		port := kube.ServicePort{TCP: true, AppProtocol: value}
		if got := port.Speech(none).Protocol; got != want {
			t.Errorf("appProtocol %q: %q, want %q", value, got, want)
		}
	}
}

// TestSigns holds the order of the signs: each row has the ports of a Service and of a container,
// and its probe.
func TestSigns(t *testing.T) {
	for _, c := range []struct {
		service, container, probe string
		want                      kube.Protocol
		sign                      kube.Sign
	}{
		{`{port: 80, targetPort: 90}`, ``, ``, "", kube.NoSign},
		{`{port: 90, name: redis, protocol: UDP}`, `name: http`, ``, "UDP", kube.ByTransport},
		{`{port: 90, name: http, appProtocol: redis}`, `name: http`, ``, "Redis", kube.ByAppProtocol},
		{`{port: 90, name: http, appProtocol: example.com/own}`, ``, ``, kube.HTTP, kube.ByName},
		{`{port: 90, name: http}`, `name: redis`, `grpc: {port: 90}`, kube.HTTP, kube.ByName},
		{`{port: 6379, name: http, targetPort: 90}`, ``, ``, kube.HTTP, kube.ByName},
		{`{port: 80, targetPort: web}`, `name: web`, `grpc: {port: 90}`, kube.GRPC, kube.ByProbe},
		{`{port: 80, targetPort: 90}`, `name: redis`, `grpc: {port: 90}`, "Redis", kube.ByContainer},
		{`{port: 80, targetPort: 90}`, ``, `grpc: {port: 91}`, "", kube.NoSign},
		{`{port: 80, targetPort: 90}`, ``, `tcpSocket: {port: 90}`, "", kube.NoSign},
		{`{port: 80, targetPort: 90}`, `name: web`, `httpGet: {path: /, port: web}`, kube.HTTP, kube.ByProbe},
		{`{port: 80, targetPort: 90}`, ``, `httpGet: {path: /, port: 90, scheme: HTTPS}`, kube.HTTPS, kube.ByProbe},
		// in front of HTTP
		{`{port: 443, name: https, targetPort: http}`, `name: http`, ``, kube.HTTP, kube.ByContainer},
		{`{port: 443, name: https, targetPort: 90}`, ``, `httpGet: {port: 90}`, kube.HTTP, kube.ByProbe},
		{`{port: 80, name: tcp, targetPort: 90}`, `name: grpc`, ``, kube.GRPC, kube.ByContainer},
		{`{port: 443, name: https, targetPort: 90}`, `name: web`, ``, kube.HTTPS, kube.ByName},
		{`{port: 443, name: https, targetPort: 90}`, `name: https`, ``, kube.HTTPS, kube.ByName},
		{`{port: 443, appProtocol: https, targetPort: 90}`, `name: http`, ``, kube.HTTPS, kube.ByAppProtocol},
		{`{port: 80, name: redis, targetPort: 90}`, `name: http`, ``, "Redis", kube.ByName},
	} {
		facts := factsOf(t, `{kind: Service, apiVersion: v1, metadata: {name: web}, spec: {selector: {app: web}, ports: [`+c.service+`]}}`,
			`{kind: Pod, apiVersion: v1, metadata: {name: web, labels: {app: web}}, spec: {containers: [{name: web, ports: [{containerPort: 90, `+c.container+`}], livenessProbe: {`+c.probe+`}}]}}`)
		service := facts.Services[0]
		if got := service.Ports[0].Speech(facts.Behind(service)); got.Protocol != c.want || got.Sign != c.sign {
			t.Errorf("%s with %q and %q: %+v, want %s by sign %d", c.service, c.container, c.probe, got, c.want, c.sign)
		}
	}
}

// TestBefore holds the choice between signs: their order does not matter.
func TestBefore(t *testing.T) {
	http, redis, grpc := kube.Speech{kube.HTTP, kube.ByName, "name http"}, kube.Speech{"Redis", kube.ByName, "name redis"}, kube.Speech{kube.GRPC, kube.ByProbe, "probe"}
	for _, c := range []struct{ a, b, want kube.Speech }{
		{http, redis, http}, {grpc, redis, redis}, {kube.Speech{}, grpc, grpc},
		{kube.Speech{"Kafka", kube.ByName, "name kafka"}, redis, kube.Speech{"Kafka", kube.ByName, "name kafka"}},
	} {
		if got, turned := c.a.Before(c.b), c.b.Before(c.a); got != c.want || turned != c.want {
			t.Errorf("%v and %v: %v, turned %v, want %v", c.a, c.b, got, turned, c.want)
		}
	}
}

// TestPortNames holds the names that ports get to the rules of Kubernetes, and to the protocols
// that they mean.
func TestPortNames(t *testing.T) {
	for _, protocol := range []kube.Protocol{kube.HTTP, kube.HTTP2, kube.GRPC, kube.HTTPS, kube.TLS, kube.TCP, "Redis", "PostgreSQL", "ZooKeeper", kube.Usual("27017"), kube.Usual("1433")} {
		name := protocol.PortName()
		if len(name) > 15 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			t.Errorf("%s: %q is no port name", protocol, name)
		}
		if got := (kube.ServicePort{TCP: true, Name: name}).Speech(none).Protocol; got != protocol {
			t.Errorf("the name %q means %q, want %q", name, got, protocol)
		}
	}
}

// none are no pods.
func none(func(*kube.Pods) bool) {}

// factsOf returns the facts of documents.
func factsOf(t *testing.T, texts ...string) *kube.Facts {
	t.Helper()
	facts := kube.NewFacts(kube.Reader{})
	for _, d := range manifest.Split("stream.yaml", []byte(strings.Join(texts, "\n---\n"))) {
		objects, err := kube.Objects(d)
		if err != nil {
			t.Fatal(err)
		}
		for o := range slices.Values(objects) {
			facts.AddAll(o)
		}
	}

	return facts
}
