package inject

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// httpPrefix begins the usual names of ports that serve HTTP, for example http-web.
const httpPrefix = appPortName + "-"

// asidePorts are words in the names of ports that serve something beside the app.
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
// one that is left is it, and in the rows with a star so is port 80 among those that it keeps.
//
//	  TCP
//	* targetPort resolves to the app's port
//	  may speak HTTP, and is not for metrics and the like, or is 80  (built-in sidecar)
//	  speaks gRPC, where Sidecar.http2 is on                         (built-in sidecar)
//	* targetPort is named http
//	* name is http
//	* appProtocol is http
//	* name or targetPort is http-*, but for metrics and the like
//	* port is 80
//	  speaks HTTP by any sign, and is not for metrics and the like   (built-in sidecar)
//
// Where several are left, everything else is a guess. ServicePort.Speech finds the protocols.
func (in *injection) likely(s *kube.Service, app string) []int {
	left := make([]int, len(s.Ports))
	for i := range left {
		left[i] = i
	}

	if len(left) == 1 {
		return left
	}

	for _, row := range in.signs(s, app) {
		var found, usual []int
		for _, i := range left {
			if p := s.Ports[i]; row.matches(p) {
				found = append(found, i)
				if p.Number == httpPort && row.starred {
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

// sign is a row of likely.
type sign struct {
	starred bool
	matches func(p kube.ServicePort) bool
}

// signs returns the rows of likely for a Service.
func (in *injection) signs(s *kube.Service, app string) []sign {
	all := []sign{
		{false, func(p kube.ServicePort) bool { return p.TCP }},
		{true, func(p kube.ServicePort) bool { return in.facts.Reached(s, p) == app }},
	}

	named := []sign{
		{true, func(p kube.ServicePort) bool { return p.Target == appPortName }},
		{true, func(p kube.ServicePort) bool { return p.Name == appPortName }},
		{true, func(p kube.ServicePort) bool { return p.AppProtocol == appPortName }},
		{true, isLikeHTTP},
		{true, func(p kube.ServicePort) bool { return p.Number == httpPort }},
	}
	if in.settings.Sidecar == nil {
		return append(all, named...)
	}

	speaks := func(p kube.ServicePort) kube.Protocol { return p.Speech(in.facts.Behind(s)).Protocol }
	all = append(all,
		sign{false, func(p kube.ServicePort) bool { return speaks(p).IsHTTP() && (!isBeside(p) || p.Number == httpPort) }},
		sign{false, func(p kube.ServicePort) bool { return speaks(p) == kube.GRPC && in.settings.carriesHTTP2() }})

	return append(append(all, named...), sign{false, func(p kube.ServicePort) bool { return speaks(p) == kube.HTTP && !isBeside(p) }})
}

// isAside reports whether the name of a port says that it serves something beside the app.
func isAside(name string) bool {
	for word := range strings.SplitSeq(name, "-") {
		if slices.Contains(asidePorts, word) {
			return true
		}
	}
	return false
}

// isBeside reports whether a port of a Service is for metrics and the like, by its name, else by
// that of its target.
func isBeside(p kube.ServicePort) bool {
	return p.Target != appPortName && (isAside(p.Name) || p.Name == "" && p.Named && isAside(p.Target))
}

// isLikeHTTP reports whether a name says in its own way that a port serves the HTTP of the app.
func isLikeHTTP(p kube.ServicePort) bool {
	return (p.AppProtocol == "" || p.AppProtocol == appPortName) && slices.ContainsFunc([]string{p.Name, p.Target}, func(name string) bool {
		what, ok := strings.CutPrefix(name, httpPrefix)
		return ok && !slices.Contains(asidePorts, what)
	})
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
// stream lead that are on the mesh; else, if none of them leads elsewhere, the only port that may
// be the app's (likelyAppPort). The others are refused.
//
// Where Services keep all ports, those that lead to a port for metrics and the like count only if
// no others lead anywhere: they lose nothing by that.
func (in *injection) clearPorts() {
	leads, astray := in.whereServicesLead()
	for _, o := range in.Objects {
		if o.unclear == nil {
			continue
		}

		port, ok := o.likely, o.likely != 0 && !astray[o]
		if len(leads[o]) > 0 {
			port, ok = parsePort(leads[o][0])
			ok = ok && len(leads[o]) == 1
		}

		if !ok {
			o.Outcome = Refused
			in.problems = append(in.problems, *o.unclear)
			continue
		}

		o.workload.Port, o.unclear = port, nil
	}
}

// whereServicesLead returns, for workloads whose app's port is unclear, the ports of the pods that
// Services of the stream lead to, and which workloads a Service leads to by a port that they lack.
func (in *injection) whereServicesLead() (leads map[*Object][]string, astray map[*Object]bool) {
	leads, beside, astray := make(map[*Object][]string), make(map[*Object][]string), make(map[*Object]bool)
	for _, s := range in.facts.Services {
		if !in.meshed(s.Meta) || len(s.Selector) == 0 {
			continue
		}

		s := besideSidecar(s)
		likely := in.likely(s, strconv.Itoa(usualPort))
		if len(likely) != 1 {
			continue
		}

		for p := range in.facts.Behind(s) {
			o := in.objects[p.Meta]
			switch n := p.Target(s.Ports[likely[0]]); {
			case o == nil || o.unclear == nil:
			case n == "":
				astray[o] = true
			case in.settings.adds() && isBeside(s.Ports[likely[0]]):
				beside[o] = append(beside[o], n)
			case !slices.Contains(leads[o], n):
				leads[o] = append(leads[o], n)
			}
		}
	}

	for o, ports := range beside {
		if len(leads[o]) == 0 {
			leads[o] = slices.Compact(slices.Sorted(slices.Values(ports)))
		}
	}

	return leads, astray
}

// besideSidecar returns a Service without the ports that an earlier run led to sidecars.
func besideSidecar(s *kube.Service) *kube.Service {
	i := slices.IndexFunc(s.Ports, func(p kube.ServicePort) bool { return p.Name == sidecar.PortName })
	if i < 0 {
		return s
	}

	rest := *s
	rest.Ports = slices.DeleteFunc(slices.Clone(s.Ports), func(p kube.ServicePort) bool { return p.Target == s.Ports[i].Target })

	return &rest
}
