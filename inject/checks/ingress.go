package checks

import (
	"fmt"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// Ingress checks Ingresses and routes of a Gateway: a Service that joins the mesh may lose the port
// that they refer to, and a sidecar answers requests only for the host of its own service.
var Ingress = Check{
	Code:     "TM0022",
	Sentence: "An Ingress or a route of a Gateway needs an existing Service port, and a host that the sidecars answer.",
	Hint: "to bypass the sidecar, add a second Service without the annotation; to pass through it, use port 8080, or the old port with " +
		"Injector.servicePorts: preserve, and with nginx upstream-vhost: APP.NAMESPACE, and backend-protocol: HTTPS if the mesh uses TLS",
	run: checkRouters,
}

// checkRouters looks for Ingresses and routes that lead to a Service that joins the mesh.
func checkRouters(r *run) {
	for _, router := range r.Routers {
		broken, warned := make(map[*kube.Service]bool), make(map[*kube.Service]kube.Backend)
		var order []*kube.Service
		for _, b := range router.Backends {
			s := r.Service(b.Namespace, b.Service)
			if s == nil || !r.member(s.Meta).Joins || broken[s] {
				continue
			}

			m := r.member(s.Meta)
			if _, found := warned[s]; m.loses(b.Port) {
				broken[s] = true
				r.breaks(router.Meta, b.At, "injection replaces port %s of Service %s/%s by %s, so this backend would break; refer to the new port", b.Port, s.Namespace, s.Name, m.replacement())
			} else if !found && m.leads(b.Port) && (!b.SetsHost || r.TLS && !router.TLS) {
				warned[s] = b
				order = append(order, s)
			}
		}

		for _, s := range order {
			if !broken[s] {
				r.warn(router.Meta, warned[s].At, "%s", r.hostWarning(s))
			}
		}
	}
}

// loses reports whether the sidecar's port replaces the one that a backend refers to, by number or
// name.
func (m *Member) loses(port string) bool {
	if m.Port == nil || m.isAdded(port) {
		return false
	}
	return port == m.Port.Number && m.Becomes != port || port == m.Port.Name && port != "" && !m.KeepsName
}

// leads reports whether a port of a Service, as it will be, leads to the sidecars.
func (m *Member) leads(port string) bool {
	return m.Port != nil && (m.isAdded(port) || port == m.Becomes || m.KeepsName && port == m.Port.Name)
}

// replacement returns the port that replaces that of a Service, with its name.
func (m *Member) replacement() string {
	if m.KeepsName {
		return m.Becomes
	}
	return m.Becomes + " (" + sidecar.PortName + ")"
}

// isAdded reports whether a port of a Service is the one that it gets.
func (m *Member) isAdded(port string) bool {
	return port == m.Sidecar || port == sidecar.PortName
}

// hostWarning returns the warning about the hosts that the sidecars behind a Service serve.
func (r *run) hostWarning(s *kube.Service) string {
	app := s.Name
	for p := range r.Selected(s.Namespace, s.Selector) {
		if name := p.Label(r.ServiceLabels); r.member(p.Meta).Meshed && name != "" {
			app = name
			break
		}
	}

	text := fmt.Sprintf("the sidecars behind Service %s/%s answer only requests for the host %s.%s, others get 404; rewrite the Host header", s.Namespace, s.Name, app, s.Namespace)
	if r.TLS {
		text += "; they speak TLS, so connect over TLS"
	}

	return text
}
