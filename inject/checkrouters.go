package inject

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// router is an Ingress, an HTTPRoute or a GRPCRoute.
type router struct {
	known
	backends []backend
	tls      bool // it speaks TLS to its backends
}

// backend is a Service that a router hands requests to.
type backend struct {
	named
	port string // a number or a name
	at   manifest.Place
	host bool // the requests get a Host of their own
}

// The annotations of ingress-nginx by which requests get another Host, and go over TLS.
const (
	nginxHost     = "nginx.ingress.kubernetes.io/upstream-vhost"
	nginxProtocol = "nginx.ingress.kubernetes.io/backend-protocol"
)

// newIngress reads the backends of an Ingress: as networking.k8s.io/v1 has them, and as the
// versions before it did.
func newIngress(d *manifest.Document, node *manifest.Node, k known) *router {
	annotations, spec := node.Get("metadata", "annotations"), node.Get("spec")
	protocol := annotations.Get(nginxProtocol).Text()

	r := &router{known: k, tls: strings.EqualFold(protocol, "HTTPS") || strings.EqualFold(protocol, "GRPCS")}
	add := func(b *manifest.Node) {
		service, port := b.Get("service", "name"), at(b.Get("service", "port", "number"), b.Get("service", "port", "name"))
		if service == nil {
			service, port = b.Get("serviceName"), b.Get("servicePort")
		}
		r.add(d, service, k.namespace, port, annotations.Get(nginxHost).Text() != "")
	}

	add(spec.Get("defaultBackend"))
	add(spec.Get("backend"))
	for _, rule := range spec.Get("rules").Items() {
		for _, path := range rule.Get("http", "paths").Items() {
			add(path.Get("backend"))
		}
	}

	return r
}

// newRoute reads the backends of a route of the Gateway API.
func newRoute(d *manifest.Document, node *manifest.Node, k known) *router {
	r := &router{known: k}
	for _, rule := range node.Get("spec", "rules").Items() {
		host := rewritesHost(rule)
		for _, ref := range rule.Get("backendRefs").Items() {
			if kind := ref.Get("kind").Text(); kind != "" && kind != "Service" || ref.Get("group").Text() != "" {
				continue
			}
			r.add(d, ref.Get("name"), cmp.Or(keep(ref.Get("namespace")), k.namespace), ref.Get("port"), host || rewritesHost(ref))
		}
	}

	return r
}

// rewritesHost reports whether a filter gives requests another Host.
func rewritesHost(n *manifest.Node) bool {
	for _, f := range n.Get("filters").Items() {
		if f.Get("urlRewrite", "hostname").Text() != "" {
			return true
		}
	}
	return false
}

func (r *router) add(d *manifest.Document, service *manifest.Node, namespace string, port *manifest.Node, host bool) {
	if service == nil || port == nil {
		return
	}
	r.backends = append(r.backends, backend{named: named{namespace, keep(service)}, port: strings.Clone(number(port)), at: d.PlaceOf(port), host: host})
}

// checkRouters looks for Ingresses and routes that lead to a Service that joins the mesh: the
// Service may lose its port, and a sidecar answers requests only for the host of its own service.
func (c *checks) checkRouters() {
	for _, r := range c.facts.routers {
		broken, warned := make(map[named]bool), make(map[named]*backend)
		var order []named
		for i := range r.backends {
			b := &r.backends[i]
			s := c.services[b.named]
			if s == nil || !s.joins() || broken[b.named] {
				continue
			}

			if lost := s.loses(b.port); lost != nil {
				broken[b.named] = true
				c.breaks(&r.known, RuleIngress, b.at, "injection replaces port %s of Service %s/%s by %s, so this backend would break; refer to the new port", b.port, s.namespace, s.name, lost.now())
			} else if s.leads(b.port) && warned[b.named] == nil && (!b.host || c.settings.TLS && !r.tls) {
				warned[b.named] = b
				order = append(order, b.named)
			}
		}

		for _, name := range order {
			if !broken[name] {
				c.warn(&r.known, RuleIngress, warned[name].at, "%s", c.answers(c.services[name]))
			}
		}
	}
}

// loses returns the port that the sidecar's port replaces, if a backend refers to it by this number
// or name; else nil.
func (s *kubeService) loses(port string) *servicePort {
	if s.turned == none || isSidecarsOf(port) {
		return nil
	}
	if p := &s.ports[s.turned]; port == p.number && p.becomes != p.number || port == p.name && port != "" && !p.keepsName {
		return p
	}
	return nil
}

// now returns the port that replaces this one, with its name.
func (p *servicePort) now() string {
	if p.keepsName {
		return p.becomes
	}
	return p.becomes + " (" + portName + ")"
}

// leads reports whether a port of a Service, as it will be, leads to the sidecars.
func (s *kubeService) leads(port string) bool {
	if s.turned == none {
		return false
	}
	p := s.ports[s.turned]
	return isSidecarsOf(port) || port == p.becomes || p.keepsName && port == p.name
}

// isSidecarsOf reports whether a port of a Service is the one that it gets.
func isSidecarsOf(port string) bool { return port == strconv.Itoa(sidecar.Port) || port == portName }

// answers returns the warning about the hosts that the sidecars behind a Service serve.
func (c *checks) answers(s *kubeService) string {
	app := s.name
	for p := range c.pods.selected(s.namespace, s.selector) {
		if name := p.service(c.settings.serviceLabels()); p.meshed() && name != "" {
			app = name
			break
		}
	}

	text := fmt.Sprintf("the sidecars behind Service %s/%s answer only requests for the host %s.%s, others get 404; rewrite the Host header", s.namespace, s.name, app, s.namespace)
	if c.settings.TLS {
		text += "; they speak TLS, so connect over TLS"
	}

	return text
}
