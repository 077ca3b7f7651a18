package inject

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
	"github.com/tykmesh/tykmesh/inject/spelling"
)

// usualPort is where an app listens if nothing says otherwise: the rule that the guide gives to all
// of them.
const usualPort = 80

// findAppPort returns the port on which the app of a pod listens. The first row that says something
// counts:
//
//	the annotation injector.tyk.io/port: a number, or the name of a declared port
//	the only TCP port that the pod's containers declare
//	80
//
// It reports an invalid annotation, one that names a port that is taken, and several ports of which
// none is 80, because that is a guess; then the port is not ok.
func findAppPort(spec, annotation *manifest.Node, report reporter, taken takenPorts) (port int, ok bool) {
	ports := appPorts(spec)
	if annotation != nil {
		return namedAppPort(ports, annotation, report, taken)
	}

	var numbers []string
	for _, p := range ports {
		if !slices.Contains(numbers, p.Number) {
			numbers = append(numbers, p.Number)
		}
	}

	switch {
	case len(numbers) == 1:
		if port, ok := parsePort(numbers[0]); ok {
			return port, true
		}
	case len(numbers) > 1 && !slices.Contains(numbers, strconv.Itoa(usualPort)):
		report(RulePort, spec, "cannot tell which of the ports %s is the app's; write %s: %q, or another of them", strings.Join(numbers, ", "), annotationPort, numbers[0])
		return usualPort, false
	}

	return usualPort, true
}

// likelyAppPort returns the only one of several ports that may be the app's; 0 where several may
// be. Ports for metrics and the like are set aside, and those whose protocol the sidecar does not
// carry. HTTP counts before gRPC. Where several may speak HTTP, the last word of a name counts too.
//
//	http 3000, metrics 9090      3000
//	web 3000, redis 6379         3000
//	http 3000, grpc 9090         3000
//	grpc 9090, metrics 9091      9090, where Sidecar.http2 is on
//	mq-amqp 5672, mq-web 15672   15672
//	web 3000, api 3001           a guess
func (o *target) likelyAppPort(s Settings) int {
	var http, grpc []string
	for _, p := range appPorts(o.template.Get("spec")) {
		speech := o.pods.Speech(p.Number)
		switch {
		case isAside(p.Name) || slices.Contains(slices.Concat(http, grpc), p.Number):
		case speech.Protocol.IsHTTP():
			http = append(http, p.Number)
		case speech.Protocol == kube.GRPC && s.carriesHTTP2():
			grpc = append(grpc, p.Number)
		}
	}

	left := http
	if len(http) == 0 {
		left = grpc
	}
	if len(http) > 1 {
		left = slices.DeleteFunc(left, o.endsOtherwise)
	}
	if len(left) != 1 {
		return 0
	}

	port, _ := parsePort(left[0])
	return port
}

// endsOtherwise reports whether the last word of a port's name is a protocol that is not HTTP:
// rabbitmq-amqp. The first words say nothing then.
func (o *target) endsOtherwise(number string) bool {
	return slices.ContainsFunc(o.pods.Ports, func(p kube.Port) bool {
		return p.Number == number && !kube.LastWord(p.Name).IsHTTP()
	})
}

// takenPorts are the ports of a pod's sidecar, on which no app can listen.
type takenPorts struct {
	numbers []int
	listen  int  // the one of them on which callers reach the sidecar
	alone   bool // the mesh has no Dashboard, so all of its sidecars listen on one port
}

// advice returns what to do where the app needs one of the ports.
func (t takenPorts) advice(port int) string {
	switch {
	case port != t.listen:
		return "; let the app listen on another port"
	case t.alone:
		return "; let the app listen on another port, or set Sidecar.port of the whole mesh to a free port"
	}
	return fmt.Sprintf("; set Sidecar.port, or annotation %s, to a free port", annotationSidecarPort)
}

// namedAppPort returns the port that the annotation names.
func namedAppPort(declared []kube.Port, annotation *manifest.Node, report reporter, taken takenPorts) (port int, ok bool) {
	text := strings.Clone(annotation.Text())
	if i := slices.IndexFunc(declared, func(p kube.Port) bool { return p.Name == text && text != "" }); i >= 0 {
		text = declared[i].Number
	}

	port, ok = parsePort(text)
	switch {
	case !ok:
		report(RulePort, annotation, "annotation %s: neither a port nor the name of a declared port: %q%s%s", annotationPort, text,
			spelling.Suggest(text, portNames(declared)), asVariable(text))
	case slices.Contains(taken.numbers, port):
		report(RulePort, annotation, "annotation %s: port %d is the sidecar's%s", annotationPort, port, taken.advice(port))
	default:
		return port, true
	}

	return usualPort, false
}

// portNames returns the names of ports that have one.
func portNames(ports []kube.Port) (names []string) {
	for _, p := range ports {
		if p.Name != "" && !slices.Contains(names, p.Name) {
			names = append(names, p.Name)
		}
	}
	return names
}

// appPorts returns the TCP ports that containers of the pod declare, but for a sidecar of its own.
func appPorts(spec *manifest.Node) (ports []kube.Port) {
	for _, c := range spec.Get("containers").Items() {
		if c.Get("name").Text() == sidecar.Name {
			continue
		}

		for _, p := range c.Get("ports").Items() {
			if n := kube.Number(p.Get("containerPort")); kube.IsTCP(p) && n != "" {
				ports = append(ports, kube.Port{Name: p.Get("name").Text(), Number: n})
			}
		}
	}

	return ports
}

func parsePort(text string) (port int, ok bool) {
	port, err := strconv.Atoi(text)
	return port, err == nil && port >= 1 && port <= 65535
}
