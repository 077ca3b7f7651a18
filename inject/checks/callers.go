package checks

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/kube"
)

// CallersCode is the code of calls that cannot work. The plan of a registration reports them as
// well, because it knows all routes.
const CallersCode = "TM0039"

// Callers checks the calls in environments, commands, arguments and ConfigMaps: a port that they
// name may go away, and the mesh answers one scheme only. They are texts, which may never be used,
// so all of it is warnings.
var Callers = Check{
	Code:     CallersCode,
	Sentence: "A call that a pod or a ConfigMap names must find its port, its route and the scheme of the mesh.",
	Hint: "call the service by its route on the mesh, in the scheme that sidecars answer: https://mesh/ROUTE with TLS; Injector.servicePorts: add " +
		"keeps every port of a Service",
	Alone: "call a service on the mesh by the name of its Service: http://mesh/NAME, or http://mesh/NAME.NAMESPACE from elsewhere; Injector.servicePorts: add " +
		"keeps every port of a Service",
	run: checkCallers,
}

// checkCallers looks for calls that injection breaks, and for calls of the mesh that cannot work.
func checkCallers(r *run) {
	routes := r.routes()
	for c, onMesh := range r.callers() {
		for _, call := range c.Calls {
			s := r.called(c.Namespace, call.Host)
			switch {
			case onMesh && r.isMesh(call) && r.Standalone != nil:
				r.checkNamed(c, call)
			case onMesh && r.isMesh(call):
				r.checkScheme(c, call)
			case s != nil:
				r.checkPort(c, call, s, onMesh)
			case r.isMesh(call) && c.Pods != nil && !r.member(c.Meta).Skipped && (isAnswered(call.Path, routes) || r.isServed(c, call)):
				r.warn(c.Meta, call.At, "only pods on the mesh know the host %s, and these are not on it, so calls of %s fail; put them on the mesh too", call.Host, call.Text+call.Path)
			}
		}
	}
}

// RouteCall is a call of a route of the mesh.
type RouteCall struct {
	kube.Call
	About *kube.Meta
}

// RouteCalls returns the calls of routes of the mesh by pods that are on it. Services that the
// stream does not show may have the routes, so the checks do not judge them.
func RouteCalls(s *Stream) (all []RouteCall) {
	r := run{Stream: s, ports: portsOf(s.Sidecars, s.SidecarPort)}
	if !s.Routes {
		return nil
	}

	for c, onMesh := range r.callers() {
		for _, call := range c.Calls {
			if onMesh && r.isMesh(call) && strings.Trim(call.Path, "/") != "" {
				all = append(all, RouteCall{call, c.Meta})
			}
		}
	}

	return all
}

// callers returns the objects that name calls, and whether pods on the mesh make these.
func (r *run) callers() iter.Seq2[*kube.CallText, bool] {
	return func(yield func(*kube.CallText, bool) bool) {
		read := r.readOnMesh()
		for i := range r.Texts {
			c := &r.Texts[i]
			onMesh := read[c.Ref]
			if c.Pods != nil {
				onMesh = r.member(c.Meta).Meshed
			}
			if !yield(c, onMesh) {
				return
			}
		}
	}
}

// readOnMesh returns the ConfigMaps that pods on the mesh read.
func (r *run) readOnMesh() map[kube.Ref]bool {
	read := make(map[kube.Ref]bool)
	for _, p := range r.Pods {
		for _, name := range p.ConfigMaps {
			if r.member(p.Meta).Meshed {
				read[kube.Ref{Kind: "ConfigMap", Namespace: p.Namespace, Name: name}] = true
			}
		}
	}

	return read
}

// routes returns the routes of pods that join the mesh.
func (r *run) routes() (all []string) {
	for _, m := range r.joiningPods() {
		if r.Routes && m.Route != "" {
			all = append(all, m.Route)
		}
	}
	return all
}

// isAnswered reports whether a path lies under one of the routes, or is one.
func isAnswered(path string, routes []string) bool {
	return slices.ContainsFunc(routes, func(route string) bool {
		return strings.HasPrefix(path+"/", strings.TrimSuffix(route, "/")+"/")
	})
}

// called returns the Service of the stream that a host names for callers in a namespace; nil for
// none (Kubernetes documentation, DNS for Services and Pods).
func (r *run) called(namespace, host string) *kube.Service {
	labels := strings.Split(host, ".")
	switch {
	case len(labels) == 1:
		return r.Service(namespace, host)
	case len(labels) == 2 || labels[2] == "svc":
		return r.Service(labels[1], labels[0])
	}
	return nil
}

// checkPort looks at a call of a Service. Callers of a headless one reach the pods' own ports.
func (r *run) checkPort(c *kube.CallText, call kube.Call, s *kube.Service, onMesh bool) {
	m := r.member(s.Meta)
	if !m.Joins || s.Headless {
		return
	}

	host := r.hostOf(s)
	switch fate := m.fateOf(r, kube.Reference{Port: call.Port}, s); {
	case fate == goes:
		r.warn(c.Meta, call.At, "injection replaces port %s of Service %s/%s by %s, so calls of %s fail; %s",
			call.Port, s.Namespace, s.Name, m.replacement(), call.Text, r.wayOut(c, call, s, onMesh))
	case fate == leads && r.Standalone != nil:
		r.checkLeading(c, call, s, onMesh)
	case fate == leads && (call.Host != host || r.scheme(call.Scheme) != call.Scheme):
		write := host + ":" + call.Port
		if call.Scheme != "" {
			write = r.scheme(call.Scheme) + "://" + write
		}
		r.warn(c.Meta, call.At, "port %s of Service %s/%s leads to sidecars, which answer only the host %s over %s, so calls of %s fail; write %s",
			call.Port, s.Namespace, s.Name, host, strings.ToUpper(r.scheme("http")), call.Text, write)
	}
}

// routeOf returns the route of the service that a Service leads to; "" where the stream shows none.
func (r *run) routeOf(s *kube.Service) string {
	for p := range r.Behind(s) {
		if m := r.member(p.Meta); r.Routes && m.Route != "" {
			return m.Route
		}
	}
	return ""
}

// wayOut returns what to do about calls of a port that goes: pods on the mesh can call the route of
// the service, if they speak HTTP. Those that speak gRPC call the sidecar itself, because they
// cannot add the path of a route.
func (r *run) wayOut(c *kube.CallText, call kube.Call, s *kube.Service, onMesh bool) string {
	if r.Standalone != nil {
		return r.wayOnMesh(c, call, s, onMesh)
	}

	route, speech := r.routeOf(s), r.spokenAt(s, call.Port)
	_, spoken := schemes[call.Scheme]
	switch {
	case !onMesh || route == "" || len(r.MeshHosts) == 0 || !spoken && call.Scheme != "" || !r.carries(speech):
		return "keep the port with Injector.servicePorts: add"
	case speech == kube.GRPC && !spoken:
		return fmt.Sprintf("call %s:%s%s instead", r.hostOf(s), r.sidecarPort(r.member(s.Meta)), r.overTLS())
	}

	advice := fmt.Sprintf("call %s://%s%s instead", r.scheme("http"), r.MeshHosts[0], route)
	if !spoken {
		advice = "if this is HTTP, " + advice
	}

	return advice
}

// spokenAt returns the protocol of a port of a Service, by its number.
func (r *run) spokenAt(s *kube.Service, number string) kube.Protocol {
	for _, port := range s.Ports {
		if port.Number == number {
			return port.Speech(r.Behind(s)).Protocol
		}
	}
	return ""
}

// checkScheme looks at a call of the mesh by pods that are on it.
func (r *run) checkScheme(c *kube.CallText, call kube.Call) {
	if spoken := r.scheme(call.Scheme); spoken != call.Scheme {
		r.warn(c.Meta, call.At, "the mesh answers %s only (Injector.enableMeshTLS: %t), so calls of %s fail; write %s",
			strings.ToUpper(spoken), r.TLS, call.Text+call.Path, spoken+strings.TrimPrefix(call.Text, call.Scheme)+call.Path)
	}
}

// schemes are the schemes that sidecars answer: each without TLS, and with it.
var schemes = map[string]struct{ plain, tls string }{
	"http": {"http", "https"}, "https": {"http", "https"}, "ws": {"ws", "wss"}, "wss": {"ws", "wss"},
}

// scheme returns the scheme in which sidecars answer instead of another one; that one itself where
// it is not one of theirs.
func (r *run) scheme(instead string) string {
	s, ok := schemes[instead]
	switch {
	case !ok:
		return instead
	case r.TLS:
		return s.tls
	}

	return s.plain
}

// isMesh reports whether a call leads to the mesh by one of its names. In pods without a sidecar,
// localhost is the app itself, so a call of that says nothing.
func (r *run) isMesh(call kube.Call) bool {
	_, spoken := schemes[call.Scheme]
	ours := call.Port == "80" || call.Port == "443" || r.isSidecar(call.Port, r.SidecarPort)
	return spoken && ours && slices.Contains(r.MeshHosts, call.Host) && !IsLoopback(call.Host)
}

// IsLoopback reports whether a host is the machine itself (RFC 6761 section 6.3).
func IsLoopback(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
