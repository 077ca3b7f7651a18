package checks

import (
	"cmp"
	"fmt"

	"github.com/tykmesh/tykmesh/inject/kube"
)

// Public checks Services that callers outside of the cluster reach: these callers know the port,
// and none of them knows the mesh.
var Public = Check{
	Code:     "TM0036",
	Sentence: "A Service that callers outside of the cluster reach must keep its ports.",
	Hint:     "for the mesh, add an annotated Service of type ClusterIP with the name of the app label; leave the public one without the annotation",
	Alone:    "for the mesh, add an annotated Service of type ClusterIP, whose name callers use; leave the public one without the annotation",
	run:      checkPublic,
}

// checkPublic looks for such Services that join the mesh:
//
//	replace     the port goes, and with it its node port       breaks
//	preserve    80 becomes 443 with TLS                        breaks
//	preserve    the port leads to the sidecar                  may be intended
//	add         the load balancer serves the added port too    may be intended
//
// Without a Dashboard a port that leads to the sidecar answers all callers, over TLS if sidecars
// speak it. What mutual TLS refuses is for checkOutside.
func checkPublic(r *run) {
	for s := range r.joiningServices() {
		m := r.member(s.Meta)
		if s.Public == "" || m.Sidecar == "" {
			continue
		}

		switch p := m.Port; {
		case p == nil:
			r.warn(s.Meta, s.PublicAt, "%s: it publishes the added port %s too, on which sidecars %s; use a ClusterIP Service for the mesh",
				s.Public, m.Sidecar, cmp.Or(r.demand(s), "answer all callers"))
		case m.losesPublic():
			r.breaks(s.Meta, s.PublicAt, "%s: injection replaces %s by %s, so callers outside of the cluster would fail; set Injector.servicePorts: add",
				s.Public, publicPort(*p), m.replacement())
		case r.Standalone != nil:
			if r.TLS && !r.isMutual() {
				r.warn(s.Meta, s.PublicAt, "%s: port %s leads to sidecars, which %s; set Injector.servicePorts: add", s.Public, p.Number, r.demand(s))
			}
		default:
			r.warn(s.Meta, s.PublicAt, "%s: port %s leads to sidecars, which answer only requests for the host %s%s; set Injector.servicePorts: add",
				s.Public, p.Number, r.hostOf(s), r.overTLS())
		}
	}
}

// losesPublic reports whether callers outside of the cluster lose the port of a Service: its
// number, or the node port that goes with its entry.
func (m *Member) losesPublic() bool {
	return !m.KeepsName && m.Port.NodePort != "" || m.Port.Number != m.Becomes
}

// publicPort returns how a message names a port of a public Service.
func publicPort(p kube.ServicePort) string {
	if p.NodePort == "" {
		return "port " + p.Number
	}
	return fmt.Sprintf("port %s (node port %s)", p.Number, p.NodePort)
}

// overTLS returns that calls of sidecars need TLS, if they do.
func (r *run) overTLS() string {
	if r.TLS {
		return " over TLS"
	}
	return ""
}
