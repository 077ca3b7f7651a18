package checks

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/kube"
)

// Protocol checks that sidecars can carry the protocol of each port on the mesh: a gateway serves
// HTTP, and calls apps without TLS.
var Protocol = Check{
	Code:     "TM0038",
	Sentence: "A port on the mesh must speak HTTP, or gRPC where Sidecar.http2 is true.",
	Hint:     nameProtocol + "; Injector.servicePorts: add keeps the ports of Services",
	Kept:     nameProtocol,
	run:      checkProtocols,
}

// nameProtocol is how users say what ports speak.
const nameProtocol = "name ports after their protocol (http-web, grpc), or set their appProtocol; injector.tyk.io/port names the HTTP port of the pods"

// checkProtocols looks for ports whose protocol sidecars do not carry:
//
//	                           add            replace, preserve
//	a Service's, to the app    the route      the port changes, so its callers
//	                           does not work  fail too: breaks
//	the pods', without a       the route      the route
//	Service in the stream      does not work  does not work
//
// Such pods behind a Service that stays off the mesh are fine: their callers go on as before. A
// usual number of another protocol only warns.
func checkProtocols(r *run) {
	told := make(map[*kube.Pods]bool)
	for s, selected := range r.joiningServices() {
		switch m := r.member(s.Meta); {
		case r.Adds && len(selected.meshed) > 0:
			r.checkKept(s, selected.meshed, told)
		case r.Adds:
			r.checkElsewhere(s)
		case m.Port != nil:
			r.checkTaken(s, *m.Port, selected.meshed, told)
		}
	}

	fronted := r.fronted()
	for p, m := range r.joiningPods() {
		i := slices.IndexFunc(p.Ports, func(port kube.Port) bool { return port.Number == m.AppPort })
		if i < 0 || told[p] || fronted[p] || p.IsJob() {
			continue
		}
		if t := r.trouble(m.AppPort, m.AppPort, m.Speaks); t != nil {
			r.warn(p.Meta, p.Ports[i].At, "%s", t.text("name the HTTP port in annotation injector.tyk.io/port", r.deadRoute(m, nil, t)))
		}
	}
}

// checkKept checks the ports of a Service that keeps them all: those that lead to the app.
func (r *run) checkKept(s *kube.Service, pods []*kube.Pods, told map[*kube.Pods]bool) {
	for _, port := range s.Ports {
		for _, p := range pods {
			m := r.member(p.Meta)
			if told[p] || m.AppPort == "" || p.Reached(port) != m.AppPort {
				continue
			}

			if t := r.trouble(port.Number, m.AppPort, m.Speaks); t != nil {
				told[p] = true
				r.warn(s.Meta, port.At, "%s", t.text(offTheService, r.deadRoute(m, s, t), kept(s, port)))
			} else if effect := r.unaware(m.Speaks.Protocol, p.Speech(m.AppPort).Protocol); effect != "" {
				told[p] = true
				r.warn(s.Meta, port.At, "only this Service says that %s speaks %s, so the sidecar %s; name the container port %s",
					p, m.Speaks.Protocol, effect, m.Speaks.Protocol.PortName())
			}
		}
	}
}

// unaware returns the effect on an app whose pods do not say the protocol that their Services say:
// the sidecar's environment depends on the pods alone. It returns "" without one.
func (r *run) unaware(protocol, said kube.Protocol) string {
	var effects []string
	if r.LimitsBodies && protocol == kube.GRPC && said != kube.GRPC {
		effects = append(effects, "limits request bodies, which breaks streams")
	}
	if r.Reconnects && protocol.NeedsHTTP2() && !said.NeedsHTTP2() {
		effects = append(effects, "lets its connections to the app pile up")
	}
	return strings.Join(effects, ", and ")
}

// checkElsewhere checks a Service that keeps all ports, and whose pods the stream does not show:
// one of the ports must be carried.
func (r *run) checkElsewhere(s *kube.Service) {
	var first *trouble
	for _, port := range s.Ports {
		speech := port.Speech(r.Behind(s))
		if r.carries(speech.Protocol) {
			return
		}
		if first == nil {
			first = r.trouble(port.Number, port.Target, speech)
		}
	}

	if first != nil {
		r.warn(s.Meta, s.Ports[0].At, "%s", first.text(offTheService, kept(s, s.Ports[0])))
	}
}

// checkTaken checks the port of a Service that leads to the sidecar from now on.
func (r *run) checkTaken(s *kube.Service, port kube.ServicePort, pods []*kube.Pods, told map[*kube.Pods]bool) {
	t := r.trouble(port.Number, r.Reached(s, port), port.Speech(r.Behind(s)))
	if t == nil {
		return
	}

	for _, p := range pods {
		told[p] = told[p] || p.Reached(port) == r.member(p.Meta).AppPort
	}

	report := r.breaks
	if t.guess || !r.BuiltIn {
		report = r.warn
	}
	report(s.Meta, port.At, "%s", t.text(offTheService, lost(s, port, t)))
}

// lost returns the effect on callers of a port that becomes the sidecar's. Those of a headless
// Service reach the pods' own ports; only SRV records name its ports (Kubernetes documentation, DNS
// for Services and Pods).
func lost(s *kube.Service, port kube.ServicePort, t *trouble) string {
	calls := fmt.Sprintf("calls to %s:%s", s.Name, port.Number)
	switch {
	case s.Headless:
		return fmt.Sprintf("SRV records of %s name the sidecar's port instead", s.Name)
	case t.guess:
		return calls + " may fail, because this port becomes the sidecar's"
	}
	return calls + " fail, because this port becomes the sidecar's"
}

// offTheService is the usual remedy for a Service that is not for the mesh.
const offTheService = "delete the inject annotation of this Service"

// kept returns what stays as it was, where a Service keeps its ports.
func kept(s *kube.Service, port kube.ServicePort) string {
	return fmt.Sprintf("callers go on calling %s:%s", s.Name, port.Number)
}

// deadRoute returns that the route of pods does not work; "" without a route. In a mesh without a
// Dashboard, a Service is the route, if there is one.
func (r *run) deadRoute(m *Member, s *kube.Service, t *trouble) string {
	route := m.Route
	if r.Standalone != nil && s != nil {
		route = r.routeTo(s, s.Namespace)
	}

	switch {
	case route == "" || !r.Routes && (r.Standalone == nil || s == nil):
		return ""
	case t.guess:
		return fmt.Sprintf("the route %s may not work", route)
	}
	return fmt.Sprintf("the route %s does not work", route)
}

// fronted returns the pods behind Services of the stream that stay off the mesh.
func (r *run) fronted() map[*kube.Pods]bool {
	fronted := make(map[*kube.Pods]bool)
	for _, s := range r.Services {
		if !r.member(s.Meta).Meshed {
			for p := range r.Behind(s) {
				fronted[p] = true
			}
		}
	}
	return fronted
}

// mayServe reports whether sidecars carry the protocol of pods, to which ports of a Service lead.
// The Service need not join the mesh.
func (r *run) mayServe(p *kube.Pods, ports ...kube.ServicePort) bool {
	m := r.member(p.Meta)
	t := r.trouble(m.AppPort, m.AppPort, m.Speaks.Before(p.Heard(m.AppPort, ports)))
	return t == nil || t.guess
}

// trouble is the reason why sidecars do not carry a protocol.
type trouble struct {
	why    string
	remedy string // "" where there is no special one
	guess  bool   // the port may be carried all the same
}

// text returns the reason, its effects, and the remedy: usual, where there is no special one.
func (t *trouble) text(usual string, effects ...string) string {
	text := t.why
	for _, effect := range effects {
		if effect != "" {
			text += "; " + effect
		}
	}
	return text + "; " + cmp.Or(t.remedy, usual)
}

// carries reports whether sidecars carry a protocol.
func (r *run) carries(p kube.Protocol) bool {
	if p.NeedsHTTP2() {
		return r.HTTP2
	}
	return p.IsHTTP()
}

// trouble returns why sidecars do not carry the protocol of a port that leads to a container port;
// nil if they do. HTTP/2 is a guess, because its servers often speak HTTP/1 too.
func (r *run) trouble(port, target string, speech kube.Speech) *trouble {
	said := fmt.Sprintf("port %s speaks %s (%s)", port, speech.Protocol, speech.Text)
	switch {
	case speech.Protocol == "":
		return r.unusual(port, kube.Usual(target))
	case r.carries(speech.Protocol):
		return nil
	case speech.Protocol.NeedsHTTP2():
		return &trouble{why: said + ", and sidecars speak no HTTP/2", remedy: "set Sidecar.http2: true", guess: speech.Protocol == kube.HTTP2}
	case speech.Protocol == kube.HTTPS || speech.Protocol == kube.TLS:
		return &trouble{why: said + ", and sidecars call apps without TLS"}
	}

	return &trouble{why: said + ", and sidecars carry only HTTP"}
}

// unusual returns why a port without any sign may not be carried: its number is usual for another
// protocol.
func (r *run) unusual(port string, usual kube.Protocol) *trouble {
	if usual == "" || !r.BuiltIn {
		return nil
	}

	t := &trouble{why: fmt.Sprintf("port %s leads to the usual port of %s, and sidecars carry only HTTP", port, usual), remedy: "if it speaks HTTP, name it http", guess: true}
	if usual.NeedsHTTP2() {
		t.why, t.remedy = fmt.Sprintf("port %s leads to a usual port of %s", port, usual), "name it grpc, or http if it speaks HTTP"
	}

	return t
}
