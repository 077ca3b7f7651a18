package inject_test

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

const (
	speaker = `{kind: Deployment, apiVersion: apps/v1, metadata: {name: web}, spec: {template: {metadata: {labels: {app: web}, annotations: {injector.tyk.io/inject: "true"}},
  spec: {containers: [{name: web, ports: [%s], readinessProbe: {%s}}]}}}}
`
	inFront = `---
{kind: Service, apiVersion: v1, metadata: {name: web%s}, spec: {selector: {app: web}, ports: [%s]}}
`
	joins = `, annotations: {injector.tyk.io/inject: "true"}`
)

// targetOf returns where the sidecar of a stream's only workload finds the app, or why it is
// refused.
func targetOf(t *testing.T, text string, http2 bool) string {
	t.Helper()
	s := profile("builtin")
	s.Routes, s.ServicePorts, s.Sidecar.Port, s.Sidecar.Traffic.HTTP2 = true, inject.AddPort, 18080, http2
	stream, problems := inject.Inject(manifest.Split("app.yaml", []byte(text)), s)
	if len(problems) > 0 {
		return string(problems[0].Rule)
	}

	w := stream.Workloads()
	if len(w) != 1 {
		t.Fatalf("%d workloads", len(w))
	}

	return w[0].Target()
}

// TestAppPorts holds the choice of the app's port among several, without a Service that says more:
// each row has the ports of a pod, and the targets without HTTP/2, and with it where they differ.
func TestAppPorts(t *testing.T) {
	const guess = string(inject.RulePort)
	for _, c := range []struct{ ports, probe, plain, http2 string }{
		{"http 3000, metrics 9090", "", "http://127.0.0.1:3000", ""},
		{"web 3000, redis 6379", "", "http://127.0.0.1:3000", ""},
		{"web 3000, health-check 8081, admin 8082", "", "http://127.0.0.1:3000", ""},
		{"http-metrics 9090, web 3000", "", "http://127.0.0.1:3000", ""},
		{"web 80, http 3000", "", "http://127.0.0.1:80", ""},
		{"http 3000, grpc 9000", "", "http://127.0.0.1:3000", ""},
		{"grpc 9000, metrics 9090", "", guess, "h2c://127.0.0.1:9000"},
		{"api 9000, metrics 9090", "grpc: {port: 9000}", guess, "h2c://127.0.0.1:9000"},
		{"api 9000, web 3000", "grpc: {port: 9000}", "http://127.0.0.1:3000", ""},
		{"web 3000, web-too 3000, tcp-peer 3001", "", "http://127.0.0.1:3000", ""},
		{"web 3000, https 8443", "", "http://127.0.0.1:3000", ""},
		{"web 3000, api 3001", "", guess, ""},
		{"http 3000, api 3001", "", guess, ""},
		{"web 3000, a 6379", "", guess, ""}, // a number proves nothing
		{"grpc 9000, grpc-too 9001", "", guess, ""},
		{"mq-amqp 5672, mq-http 15672", "", "http://127.0.0.1:15672", ""},
		{"mq-amqp 5672, mq-web 15672", "", "http://127.0.0.1:15672", ""},
		{"otlp-grpc 4317, otlp-http 4318", "", "http://127.0.0.1:4318", ""},
		{"otlp-grpc 4317, metrics 9090", "", "http://127.0.0.1:4317", ""}, // as ever: one that is left
		{"mq-amqp 5672, mq-tcp 15672", "", guess, ""},
		{"metrics 9090, admin 9091", "", guess, ""},
		{"metrics 9090", "", "http://127.0.0.1:9090", ""},
		{"grpc 9000", "", "http://127.0.0.1:9000", "h2c://127.0.0.1:9000"},
		{"http2 9000", "", "http://127.0.0.1:9000", "h2c://127.0.0.1:9000"},
		{"redis 9000", "", "http://127.0.0.1:9000", ""},
	} {
		var declared []string
		for item := range strings.SplitSeq(c.ports, ", ") {
			name, number, _ := strings.Cut(item, " ")
			declared = append(declared, fmt.Sprintf("{name: %s, containerPort: %s}", name, number))
		}

		text := fmt.Sprintf(speaker, strings.Join(declared, ", "), c.probe)
		if got := targetOf(t, text, false); got != c.plain {
			t.Errorf("%s: %s, want %s", c.ports, got, c.plain)
		}
		if got, want := targetOf(t, text, true), cmp.Or(c.http2, c.plain); got != want {
			t.Errorf("%s: %s with HTTP/2, want %s", c.ports, got, want)
		}
	}
}

// TestAppPortAgain holds the app's port among several to a Service that an earlier run injected, as
// far as it still leads there.
func TestAppPortAgain(t *testing.T) {
	const guess, likely, led = string(inject.RulePort), "http://127.0.0.1:3000", "http://127.0.0.1:9000"
	pods := fmt.Sprintf(speaker, "{name: web, containerPort: 3000}, {name: admin, containerPort: 9000}", "")
	for _, c := range []struct{ name, ports, want string }{
		{"add", "{name: web, port: 80, targetPort: admin}, {name: tyk-sidecar, port: 18080, targetPort: tyk-sidecar}", led},
		{"preserve", "{name: web, port: 80, targetPort: 18080}, {name: tyk-sidecar, port: 18080, targetPort: 18080}", likely},
		{"replace", "{name: tyk-sidecar, port: 18080, targetPort: 18080}", likely},
		{"elsewhere", "{name: web, port: 80, targetPort: 4000}, {name: tyk-sidecar, port: 18080, targetPort: tyk-sidecar}", guess},
	} {
		text := pods + fmt.Sprintf(inFront, ", annotations: {injector.tyk.io/status: injected}", c.ports)
		if got := targetOf(t, text, false); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestAppProtocol holds the target of an app to the Services that lead to it, and then to its pods,
// whatever the order of the stream.
func TestAppProtocol(t *testing.T) {
	service := func(annotations, port string) string { return fmt.Sprintf(inFront, annotations, port) }
	for _, c := range []struct{ name, ports, probe, services, want string }{
		{"nothing says it", "{containerPort: 9000}", "", service(joins, "{port: 9000}"), "http"},
		{"the Service's name", "{containerPort: 9000}", "", service(joins, "{name: grpc, port: 80, targetPort: 9000}"), "h2c"},
		{"the Service's appProtocol", "{name: http, containerPort: 9000}", "", service(joins, "{port: 80, targetPort: http, appProtocol: kubernetes.io/h2c}"), "h2c"},
		{"the Service before the pods", "{name: grpc, containerPort: 9000}", "", service(joins, "{name: http, port: 80, targetPort: grpc}"), "http"},
		{"another port of the Service", "{containerPort: 9000}", "", service(joins, "{name: web, port: 80, targetPort: 9000}, {name: grpc, port: 81}"), "http"},
		{"a Service that an earlier run injected", "{containerPort: 9000}", "",
			service(", annotations: {injector.tyk.io/status: injected}", "{name: grpc, port: 9000}, {name: tyk-sidecar, port: 18080, targetPort: tyk-sidecar}"), "h2c"},
		{"a Service off the mesh", "{containerPort: 9000}", "", service("", "{name: grpc, port: 9000}"), "http"},
		{"the probe", "{containerPort: 9000}", "grpc: {port: 9000}", service(joins, "{port: 9000}"), "h2c"},
		{"a number", "{containerPort: 50051}", "", service(joins, "{port: 50051}"), "http"},
		{"two Services, the better sign", "{containerPort: 9000}", "", service(joins, "{name: http, port: 9000}") +
			strings.Replace(service(joins, "{name: http, port: 9000, appProtocol: grpc}"), "name: web", "name: other", 1), "h2c"},
	} {
		pods := fmt.Sprintf(speaker, c.ports, c.probe)
		before := strings.TrimPrefix(c.services, "---\n") + "---\n" + pods
		for _, text := range []string{pods + c.services, before} {
			if got := targetOf(t, text, true); !strings.HasPrefix(got, c.want+"://") {
				t.Errorf("%s: %s, want %s", c.name, got, c.want)
			}
			if got := targetOf(t, text, false); !strings.HasPrefix(got, "http://") {
				t.Errorf("%s, without HTTP/2: %s", c.name, got)
			}
		}
	}
}

// TestGRPCSidecar holds the environment of sidecars: pods that say themselves that their app speaks
// gRPC get no limit to request bodies, and with HTTP/2 no end of connections, because old ones to the
// app would stay open. Services beside them change nothing (L9).
func TestGRPCSidecar(t *testing.T) {
	const limit, http2 = "TYK_GW_HTTPSERVEROPTIONS_MAXREQUESTBODYSIZE", "TYK_GW_PROXYENABLEHTTP2"
	replaced := regexp.MustCompile(`TYK_GW_MAXCONNTIME\W+value\W+5`)
	for _, c := range []struct {
		name, ports, probe string
		limited, replaced  bool
	}{
		{"a name", "{name: grpc, containerPort: 9000}", "", false, false},
		{"a probe", "{containerPort: 9000}", "grpc: {port: 9000}", false, false},
		{"nothing", "{containerPort: 9000}", "", true, true},
		{"another port", "{name: web, containerPort: 9000}, {name: grpc, containerPort: 80}", "httpGet: {port: 80}", false, false},
		{"another port than the app's", "{name: web, containerPort: 80}, {name: grpc, containerPort: 9000}", "", true, true},
		{"HTTP/2", "{name: http2, containerPort: 9000}", "", true, false},
		{"ports that are unclear", "{name: grpc, containerPort: 9000}, {name: web, containerPort: 9001}, {name: api, containerPort: 9002}", "", false, false},
	} {
		pods := fmt.Sprintf(speaker, c.ports, c.probe)
		var first string
		for _, services := range []string{
			fmt.Sprintf(inFront, joins, "{name: web, port: 80, targetPort: 9000}"),
			fmt.Sprintf(inFront, joins, "{name: grpc, port: 80, targetPort: 9000}"),
			fmt.Sprintf(inFront, joins, "{name: redis, port: 80, targetPort: 9000}"),
		} {
			s := options{Profile: "builtin", Add: true, Port: 18080, HTTP2: true}.settings()
			stream, problems := inject.Inject(manifest.Split("app.yaml", []byte(pods+services)), s)
			if len(problems) > 0 {
				t.Fatalf("%s: %v", c.name, problems)
			}

			text := string(slices.Collect(stream.Texts(bindings(stream, ids)))[0])
			if strings.Contains(text, limit) != c.limited || !strings.Contains(text, http2) {
				t.Errorf("%s: a limit: %v, want %v", c.name, !c.limited, c.limited)
			}
			if replaced.MatchString(text) != c.replaced {
				t.Errorf("%s: connections are replaced: %v, want %v", c.name, !c.replaced, c.replaced)
			}
			if first == "" {
				first = text
			}
			if text != first {
				t.Errorf("%s: the Service changes the pods to\n%s\nfrom\n%s", c.name, text, first)
			}
		}
	}
}
