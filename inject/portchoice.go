package inject

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// httpPrefix begins the usual names of ports that serve HTTP, for example http-web.
const httpPrefix = appPortName + "-"

// asidePorts are what such names go on with where a port serves something beside the app.
var asidePorts = []string{"metrics", "prom", "prometheus", "monitoring", "health", "healthz", "probe", "admin", "management", "debug", "pprof"}

// choosePort finds the port of a Service that reaches the app, and makes sure that the sidecar can
// serve it.
func (in *injection) choosePort(o *target) (*manifest.Node, error) {
	items := o.object.Node.Get("spec", "ports").Items()
	left := in.likely(o.service, in.appPort(o.service))
	if len(left) > 1 {
		return nil, o.problem(RuleService, o.object.Node.Get("spec", "ports"), "spec.ports: cannot tell which of the ports %s reaches the app; name it %s, or set appProtocol: %s",
			portNumbers(o.service, left), appPortName, appPortName)
	}

	chosen := items[left[0]]
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
func (in *injection) likely(s *kube.Service, app string) []int {
	left := make([]int, len(s.Ports))
	for i := range left {
		left[i] = i
	}

	for row, matches := range []func(p kube.ServicePort) bool{
		func(p kube.ServicePort) bool { return p.TCP },
		func(p kube.ServicePort) bool { return in.reached(s, p) == app },
		func(p kube.ServicePort) bool { return p.Target == appPortName },
		func(p kube.ServicePort) bool { return p.Name == appPortName },
		func(p kube.ServicePort) bool { return p.AppProtocol == appPortName },
		isLikeHTTP,
		func(p kube.ServicePort) bool { return p.Number == httpPort },
	} {
		var found, usual []int
		for _, i := range left {
			if p := s.Ports[i]; matches(p) {
				found = append(found, i)
				if p.Number == httpPort && row > 0 {
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
func isLikeHTTP(p kube.ServicePort) bool {
	return (p.AppProtocol == "" || p.AppProtocol == appPortName) && slices.ContainsFunc([]string{p.Name, p.Target}, func(name string) bool {
		what, ok := strings.CutPrefix(name, httpPrefix)
		return ok && !slices.Contains(asidePorts, what)
	})
}

// reached returns the number of the container port that a Service port reaches: a named one is
// looked up in the pods that the Service selects. It stays a name where none of them is in the
// stream.
func (in *injection) reached(s *kube.Service, port kube.ServicePort) string {
	if port.Named {
		for p := range in.facts.Behind(s) {
			if n := p.Target(port); n != "" {
				return n
			}
		}
	}
	return port.Target
}

// appPort returns the app's port of the first pods behind a Service of which it is known; else
// usualPort.
func (in *injection) appPort(s *kube.Service) string {
	for p := range in.facts.Behind(s) {
		if o := in.objects[p.Meta]; o != nil && o.workload != nil && o.workload.Port != 0 && o.unclear == nil {
			return strconv.Itoa(o.workload.Port)
		}
	}
	return strconv.Itoa(usualPort)
}

// portNumbers lists ports of a Service for a message: 81, 82 and 83.
func portNumbers(s *kube.Service, ports []int) string {
	text := s.Ports[ports[0]].Number
	for i, port := range ports[1:] {
		separator := ", "
		if i == len(ports)-2 {
			separator = " and "
		}
		text += separator + s.Ports[port].Number
	}

	return text
}

// clearPorts finds where apps listen whose pods declare several ports: where the Services of the
// stream lead that join the mesh. The others are refused.
func (in *injection) clearPorts() {
	leads := make(map[*Object][]string)
	for _, s := range in.facts.Services {
		if !in.joins(s.Meta) || len(s.Selector) == 0 {
			continue
		}

		likely := in.likely(s, strconv.Itoa(usualPort))
		if len(likely) != 1 {
			continue
		}

		for p := range in.facts.Behind(s) {
			o := in.objects[p.Meta]
			if n := p.Target(s.Ports[likely[0]]); o != nil && o.unclear != nil && n != "" && !slices.Contains(leads[o], n) {
				leads[o] = append(leads[o], n)
			}
		}
	}

	for _, o := range in.Objects {
		if o.unclear == nil {
			continue
		}

		port, ok := 0, false
		if len(leads[o]) == 1 {
			port, ok = parsePort(leads[o][0])
		}

		if !ok {
			o.Outcome = Refused
			in.problems = append(in.problems, *o.unclear)
			continue
		}

		o.workload.Port, o.unclear = port, nil
	}
}
