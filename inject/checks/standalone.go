package checks

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/tykmesh/tykmesh/inject/kube"
)

// Standalone is a mesh without a Dashboard. The cluster's DNS leads its calls, so each Service is a
// route, and sidecars answer calls for any host.
type Standalone struct {
	Port         string // where callers find the sidecars of Services
	Certificates bool   // pods can call the mesh over TLS too, whether sidecars speak TLS or not
	Mutual       bool   // sidecars answer only callers with a certificate of the mesh
}

// isMutual reports whether sidecars demand a certificate of the mesh from their callers.
func (r *run) isMutual() bool { return r.Standalone != nil && r.Standalone.Mutual }

// demand returns which callers the sidecars behind a Service answer, as the end of a clause about
// them; "" where they answer all.
func (r *run) demand(s *kube.Service) string {
	switch {
	case r.Standalone == nil:
		return "answer only the host " + r.hostOf(s)
	case r.Standalone.Mutual:
		return demandCertificate
	case r.TLS:
		return "speak TLS with a certificate of the mesh CA"
	}
	return ""
}

// demandCertificate is the demand of mutual TLS.
const demandCertificate = "demand a certificate of the mesh"

// routeTo returns the route of a Service for callers in a namespace, without a Dashboard.
func (r *run) routeTo(s *kube.Service, namespace string) string {
	name := s.Name
	if s.Namespace != namespace {
		name += "." + s.Namespace
	}

	host := "mesh"
	if len(r.MeshHosts) > 0 {
		host = r.MeshHosts[0]
	}

	return host + "/" + name
}

// openFault returns the fault of a reference that leads to sidecars of a mesh without a Dashboard.
// What mutual TLS refuses is for checkOutside.
func (r *run) openFault(ref kube.Reference, s *kube.Service) fault {
	out := fault{about: s, at: ref.At}
	switch tls := ref.TLS || ref.Caller == kube.APIServer; {
	case r.isMutual() || tls == r.TLS:
	case r.TLS:
		out.text = fmt.Sprintf("%s leads to sidecars, which %s; connect over TLS and trust that CA", described(ref, s), r.demand(s))
	default:
		out.text = fmt.Sprintf("%s leads to sidecars, which speak no TLS; %s", described(ref, s), r.member(s.Meta).otherPort())
		out.breaks = ref.Caller == kube.APIServer
	}

	return out
}

// otherPort returns how callers of a Service can go past its sidecars.
func (m *Member) otherPort() string {
	if m.Port == nil {
		return "refer to a port of the app"
	}
	return "set Injector.servicePorts: add"
}

// checkRoutesOfServices looks for Services by which callers in a mesh without a Dashboard would
// find pods on the mesh, and which do not lead to their sidecars:
//
//	no Service                      the pods only call others
//	one leads to the sidecars       fine
//	a route annotation of its own   inject adds a Service
//	else                            the first Service cannot be called
func (r *run) checkRoutesOfServices() {
	served := make(map[*kube.Pods][]*kube.Service)
	for _, s := range r.Services {
		for p := range r.Behind(s) {
			served[p] = append(served[p], s)
		}
	}

	told := make(map[*kube.Service]bool)
	for p, m := range r.joiningPods() {
		services := served[p]
		hasOwn := strings.Trim(m.Route, "/") != m.App
		if len(services) == 0 || hasOwn || told[services[0]] || p.IsJob() || !r.mayServe(p, services[0].Ports...) {
			continue
		}
		if slices.ContainsFunc(services, func(s *kube.Service) bool { return r.isCallable(s, m) || r.member(s.Meta).Skipped }) {
			continue
		}

		told[services[0]] = true
		r.reportUncallable(services[0], p)
	}
}

// isCallable reports whether calls of a Service reach the sidecars of pods. Callers of a headless
// one reach the pods' own ports.
func (r *run) isCallable(s *kube.Service, pods *Member) bool {
	return r.member(s.Meta).Joins || s.Headless ||
		slices.ContainsFunc(s.Ports, func(p kube.ServicePort) bool {
			return p.Number == r.Standalone.Port && r.isSidecar(p.Target, r.sidecarPort(pods))
		})
}

// reportUncallable reports a Service that does not lead to the sidecars of pods. It may be meant
// for callers outside of the mesh, unless it has the port of the sidecars.
func (r *run) reportUncallable(s *kube.Service, p *kube.Pods) {
	port, remedy := r.Standalone.Port, "annotate the Service too"
	if r.member(s.Meta).Meshed {
		remedy = "update the Service with --reinject"
	}

	i := slices.IndexFunc(s.Ports, func(p kube.ServicePort) bool { return p.Number == port })
	if i < 0 {
		r.warn(s.Meta, s.Place, "calls of %s to %s go to port %s of this Service, which does not have that port; %s", r.routeTo(s, s.Namespace), p, port, remedy)
		return
	}

	r.breaks(s.Meta, s.Ports[i].At, "calls of %s to %s go to port %s of this Service and from there to port %s of the pods, past the sidecar; %s",
		r.routeTo(s, s.Namespace), p, port, strings.ToLower(s.Ports[i].Target), remedy)
}

// checkNamed looks at a call of a mesh without a Dashboard, by pods that are on it.
func (r *run) checkNamed(c *kube.CallText, call kube.Call) {
	spoken, port := schemes[call.Scheme].plain, "80"
	if call.Scheme == schemes[call.Scheme].tls {
		spoken, port = call.Scheme, "443"
	}

	url := call.Text + call.Path
	switch write := "://" + call.Host + call.Path; {
	case port == "443" && !r.Standalone.Certificates:
		r.warn(c.Meta, call.At, "without CA.bundlePath services have no certificates and the mesh answers no %s, so calls of %s fail; write %s",
			strings.ToUpper(spoken), url, schemes[call.Scheme].plain+write)
	case call.Port != port:
		r.warn(c.Meta, call.At, "the mesh answers %s on port %s only, so calls of %s fail; write %s", strings.ToUpper(spoken), port, url, spoken+write)
	default:
		r.checkCallee(c, call)
	}
}

// callee returns the name and the namespace of the Service that a call of the mesh names, without a
// Dashboard. The name is "" where the text does not show it.
func callee(namespace string, call kube.Call) (name, in string) {
	segment, _, _ := strings.Cut(strings.TrimPrefix(call.Path, "/"), "/")
	name, other, ok := strings.Cut(segment, ".")
	if ok {
		return name, other
	}
	return name, namespace
}

// checkCallee looks at the Service that a call of the mesh names. Those that the stream does not
// show may stand elsewhere.
func (r *run) checkCallee(c *kube.CallText, call kube.Call) {
	name, namespace := callee(c.Namespace, call)
	if name == "" && !strings.HasPrefix(call.Path, "/.") {
		return
	}

	url := call.Text + call.Path
	if len(validation.IsDNS1123Label(name)) > 0 || len(validation.IsDNS1123Label(namespace)) > 0 {
		r.warn(c.Meta, call.At, "the first segment of a path on the mesh is SERVICE or SERVICE.NAMESPACE in lower case, so sidecars refuse calls of %s; correct the name", url)
		return
	}

	s := r.Service(namespace, name)
	if s == nil || r.member(s.Meta).Skipped {
		return
	}

	switch {
	case s.External:
		r.warn(c.Meta, call.At, "Service %s/%s is an ExternalName, where no sidecar answers, so calls of %s fail; call its host itself", s.Namespace, s.Name, url)
	case !r.answers(s):
		r.warn(c.Meta, call.At, "Service %s/%s is not on the mesh, so calls of %s fail; annotate it and its pods", s.Namespace, s.Name, url)
	}
}

// answers reports whether sidecars may answer calls of a Service on the mesh.
func (r *run) answers(s *kube.Service) bool {
	if s.Headless {
		selected := r.selection(s)
		return len(selected.meshed) > 0 || len(selected.plain) == 0
	}
	return r.member(s.Meta).Meshed || slices.ContainsFunc(s.Ports, func(p kube.ServicePort) bool { return p.Number == r.Standalone.Port })
}

// isServed reports whether a call of a mesh without a Dashboard names a Service of the stream that
// is on it.
func (r *run) isServed(c *kube.CallText, call kube.Call) bool {
	if r.Standalone == nil {
		return false
	}

	name, namespace := callee(c.Namespace, call)
	s := r.Service(namespace, name)
	return s != nil && r.member(s.Meta).Meshed
}

// checkLeading looks at a call of a port that leads to the sidecars of a mesh without a Dashboard.
func (r *run) checkLeading(c *kube.CallText, call kube.Call, s *kube.Service, onMesh bool) {
	host, demand := call.Host, "answer over HTTP only"
	if r.TLS {
		host = s.Name + "." + s.Namespace + ".svc" // as their certificates name it
		demand = "answer only over HTTPS, as " + host
	}

	write := host + ":" + call.Port
	if call.Scheme != "" {
		write = r.scheme(call.Scheme) + "://" + write
	}

	_, spoken := schemes[call.Scheme]
	remedy := "write " + write
	switch {
	case r.isMutual():
		demand, remedy = demandCertificate, r.wayOnMesh(c, call, s, onMesh)
	case !spoken && call.Scheme != "":
		remedy = r.wayOnMesh(c, call, s, onMesh)
	case host == call.Host && r.scheme(call.Scheme) == call.Scheme:
		return
	}

	r.warn(c.Meta, call.At, "port %s of Service %s/%s leads to sidecars, which %s, so calls of %s fail; %s", call.Port, s.Namespace, s.Name, demand, call.Text, remedy)
}

// wayOnMesh returns what to do about calls of a port that no longer answers them, without a
// Dashboard: wayOut with the Service as the route. Those that speak gRPC have no certificate for
// mutual TLS.
func (r *run) wayOnMesh(c *kube.CallText, call kube.Call, s *kube.Service, onMesh bool) string {
	speech := r.spokenAt(s, call.Port)
	_, spoken := schemes[call.Scheme]
	direct := speech == kube.GRPC && !spoken
	switch {
	case !onMesh || !spoken && call.Scheme != "" || !r.carries(speech) || direct && r.isMutual():
		return "keep the port with Injector.servicePorts: add"
	case direct:
		return fmt.Sprintf("call %s.%s.svc:%s%s instead", s.Name, s.Namespace, r.Standalone.Port, r.overTLS())
	case !spoken:
		return "if this is HTTP, call http://" + r.routeTo(s, c.Namespace) + " instead"
	}
	return "call http://" + r.routeTo(s, c.Namespace) + " instead"
}
