package inject

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// httpPrefix begins the usual names of ports that serve HTTP, for example http-web.
const httpPrefix = appPortName + "-"

// asidePorts are what such names go on with where a port serves something beside the app.
var asidePorts = []string{"metrics", "prom", "prometheus", "monitoring", "health", "healthz", "probe", "admin", "management", "debug", "pprof"}

// choosePort finds the port that reaches the app, and makes sure that the sidecar can take it.
func (o *target) choosePort(pods podIndex, preserve bool) (*manifest.Node, error) {
	items := o.object.node.Get("spec", "ports").Items()
	left := o.service.likely(pods, pods.appPort(o.Namespace, o.service.selector))
	if len(left) > 1 {
		return nil, o.problem(RuleService, o.object.node.Get("spec", "ports"), "spec.ports: cannot tell which of the ports %s reaches the app; name it %s, or set appProtocol: %s",
			o.service.numbers(left), appPortName, appPortName)
	}

	chosen := items[left[0]]
	for _, p := range items {
		name, port := p.Get("name"), p.Get("port")
		switch {
		case p == chosen && !(preserve && name.Text() == portName && number(port) != strconv.Itoa(sidecar.Port)):
		case name.Text() == portName:
			return nil, o.problem(RuleService, name, "spec.ports: the name %s belongs to the sidecar's port; use another name", portName)
		case number(port) == strconv.Itoa(sidecar.Port):
			return nil, o.problem(RuleService, port, "spec.ports: port %d is the sidecar's; use another port", sidecar.Port)
		}
	}

	if protocol := chosen.Get("protocol"); protocol.Text() != "" && protocol.Text() != "TCP" {
		return nil, o.problem(RuleService, protocol, "spec.ports: the sidecar serves TCP only, not %s%s", protocol.Text(), asVariable(protocol.Text()))
	}

	return chosen, nil
}

// likely returns the indexes of the ports that may reach the app, which listens on port app as far
// as the stream shows. An only port does. Of several each row keeps those that match, if any does;
// one that is left is it, and so is port 80 among those that a row keeps.
//
//	TCP
//	targetPort resolves to the app's port
//	targetPort is named http
//	name is http
//	appProtocol is http
//	name or targetPort is http-*, but for metrics and the like
//	port is 80
//
// Where several are left, everything else is a guess.
func (s *kubeService) likely(pods podIndex, app string) []int {
	left := make([]int, len(s.ports))
	for i := range left {
		left[i] = i
	}

	for row, matches := range []func(p servicePort) bool{
		func(p servicePort) bool { return p.tcp },
		func(p servicePort) bool { return s.reaches(p, pods) == app },
		func(p servicePort) bool { return p.target == appPortName },
		func(p servicePort) bool { return p.name == appPortName },
		func(p servicePort) bool { return p.appProtocol == appPortName },
		servicePort.isLikeHTTP,
		func(p servicePort) bool { return p.number == httpPort },
	} {
		var found, usual []int
		for _, i := range left {
			if p := s.ports[i]; matches(p) {
				found = append(found, i)
				if p.number == httpPort && row > 0 {
					usual = append(usual, i)
				}
			}
		}

		switch {
		case len(usual) == 1:
			return usual
		case len(found) > 0:
			left = found
		}

		if len(left) == 1 {
			return left
		}
	}

	return left
}

// isLikeHTTP reports whether a name says in its own way that a port serves the HTTP of the app.
func (p servicePort) isLikeHTTP() bool {
	return (p.appProtocol == "" || p.appProtocol == appPortName) && slices.ContainsFunc([]string{p.name, p.target}, func(name string) bool {
		what, ok := strings.CutPrefix(name, httpPrefix)
		return ok && !slices.Contains(asidePorts, what)
	})
}

// reaches returns the number of the container port that a Service port reaches: a named one is
// looked up in the pods that the Service selects. It stays a name where none of them is in the
// stream.
func (s *kubeService) reaches(port servicePort, pods podIndex) string {
	if !port.named {
		return port.target
	}
	if n := pods.port(s.namespace, s.selector, port.target); n != "" {
		return n
	}
	return port.target
}

// numbers lists ports for a message: 81, 82 and 83.
func (s *kubeService) numbers(ports []int) string {
	text := s.ports[ports[0]].number
	for i, port := range ports[1:] {
		separator := ", "
		if i == len(ports)-2 {
			separator = " and "
		}
		text += separator + s.ports[port].number
	}

	return text
}

// clearPorts finds where apps listen whose pods declare several ports: where the Services of the
// stream lead that join the mesh. The others are refused.
func (in *injection) clearPorts() {
	leads := make(map[*workloadPods][]string)
	for _, s := range in.facts.services {
		if !s.joins() || len(s.selector) == 0 {
			continue
		}

		likely := s.likely(in.pods, strconv.Itoa(usualPort))
		if len(likely) != 1 {
			continue
		}

		for p := range in.pods.selected(s.namespace, s.selector) {
			if n := p.declared(s.ports[likely[0]]); p.isUnclear() && n != "" && !slices.Contains(leads[p], n) {
				leads[p] = append(leads[p], n)
			}
		}
	}

	for _, p := range in.facts.pods {
		if !p.isUnclear() {
			continue
		}

		port, ok := 0, false
		if len(leads[p]) == 1 {
			port, ok = parsePort(leads[p][0])
		}

		if !ok {
			p.object.Outcome = Refused
			in.problems = append(in.problems, *p.object.unclear)
			continue
		}

		p.object.workload.Port, p.object.unclear = port, nil
	}
}

// isUnclear reports whether the pods declare several ports, and say not which is the app's.
func (p *workloadPods) isUnclear() bool { return p.object != nil && p.object.unclear != nil }

// declared returns the number of the container port that a Service port leads to; "" where the pods
// declare no such port.
func (p *workloadPods) declared(port servicePort) string {
	if port.named {
		return p.port(port.target)
	}
	if slices.ContainsFunc(p.ports, func(c containerPort) bool { return c.number == port.target }) {
		return port.target
	}
	return ""
}
