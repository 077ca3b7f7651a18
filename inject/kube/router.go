package kube

import (
	"cmp"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Router is an Ingress, an HTTPRoute or a GRPCRoute.
type Router struct {
	*Meta
	Backends []Backend
	TLS      bool // it speaks TLS to its backends
}

// Backend is a Service that a router hands requests to.
type Backend struct {
	Namespace, Service string
	Port               string // a number or a name
	At                 manifest.Place
	SetsHost           bool // the requests get a Host of their own
}

// The annotations of ingress-nginx by which requests get another Host, and go over TLS.
const (
	nginxHost     = "nginx.ingress.kubernetes.io/upstream-vhost"
	nginxProtocol = "nginx.ingress.kubernetes.io/backend-protocol"
)

// addIngress reads the backends of an Ingress: as networking.k8s.io/v1 has them, and as the
// versions before it did.
func addIngress(f *Facts, o Object) *Meta {
	annotations, spec := o.Node.Get("metadata", "annotations"), o.Node.Get("spec")
	protocol := annotations.Get(nginxProtocol).Text()

	r := &Router{Meta: f.meta(o), TLS: strings.EqualFold(protocol, "HTTPS") || strings.EqualFold(protocol, "GRPCS")}
	add := func(b *manifest.Node) {
		service, port := b.Get("service", "name"), cmp.Or(b.Get("service", "port", "number"), b.Get("service", "port", "name"))
		if service == nil {
			service, port = b.Get("serviceName"), b.Get("servicePort")
		}
		r.add(o, r.Namespace, service, port, annotations.Get(nginxHost).Text() != "")
	}

	add(spec.Get("defaultBackend"))
	add(spec.Get("backend"))
	for _, rule := range spec.Get("rules").Items() {
		for _, path := range rule.Get("http", "paths").Items() {
			add(path.Get("backend"))
		}
	}

	f.Routers = append(f.Routers, r)
	return r.Meta
}

// addRoute reads the backends of a route of the Gateway API.
func addRoute(f *Facts, o Object) *Meta {
	r := &Router{Meta: f.meta(o)}
	for _, rule := range o.Node.Get("spec", "rules").Items() {
		host := rewritesHost(rule)
		for _, ref := range rule.Get("backendRefs").Items() {
			if kind := ref.Get("kind").Text(); kind != "" && kind != "Service" || ref.Get("group").Text() != "" {
				continue
			}
			r.add(o, cmp.Or(Text(ref.Get("namespace")), r.Namespace), ref.Get("name"), ref.Get("port"), host || rewritesHost(ref))
		}
	}

	f.Routers = append(f.Routers, r)
	return r.Meta
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

func (r *Router) add(o Object, namespace string, service, port *manifest.Node, setsHost bool) {
	if service != nil && port != nil {
		r.Backends = append(r.Backends, Backend{namespace, Text(service), keptNumber(port), o.Document.PlaceOf(port), setsHost})
	}
}
