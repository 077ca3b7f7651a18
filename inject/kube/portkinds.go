package kube

import (
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// portKind says where the objects of a kind name ports of Services.
type portKind struct {
	groups []string
	kind   string
	places []place
	reads  func(o Object, trail []step, r *Reference) // reads how the Service at the end of a trail is called; nil: as places say
}

// place is where a Service and a port of it are named, as paths from the object.
type place struct {
	service, namespace, port []string

	caller  Caller
	unnamed string // the port that counts where none is named
	ofPods  bool   // Reference.OfPods
	host    bool   // the Service stands as a host
}

// at returns the place of a Service with entries of these names in one mapping.
func at(mapping, service, port string) place {
	p := keysOf(mapping)
	return place{service: append(p, keysOf(service)...), namespace: append(p, "namespace"), port: append(p, keysOf(port)...)}
}

// keysOf returns the keys of a path, with room for no more, so that longer paths share nothing.
func keysOf(path string) []string { return slices.Clip(strings.Split(path, ".")) }

// by returns the place with another caller.
func (p place) by(c Caller) place {
	p.caller = c
	return p
}

// byAPIServer returns the place of a Service that the API server calls, on port 443 where none is
// named (Kubernetes API reference, ServiceReference of the three groups).
func byAPIServer(mapping string) place {
	p := at(mapping, "name", "port").by(APIServer)
	p.unnamed = "443"
	return p
}

// openShift returns the place of a Service in a Route, which has one port for all its Services.
func openShift(service string) place {
	return place{service: keysOf(service), port: keysOf("spec.port.targetPort"), ofPods: true}
}

// istio returns the place of a Service in a VirtualService.
func istio(destination string) place {
	p := at(destination, "host", "port")
	p.namespace, p.host = nil, true
	return p
}

// The groups of kinds with the same name in several versions of a product.
var (
	gateway = []string{"gateway.networking.k8s.io"}
	traefik = []string{"traefik.io", "traefik.containo.us"}
	webhook = []string{"admissionregistration.k8s.io"}
)

// portKinds are the kinds that name ports of Services, a row for each. ServiceMonitors select
// Services instead (addMonitor). A PodMonitor has no row, because ports of containers stay; nor has
// a Gateway, of Istio or of Kubernetes, which names ports of its own listeners.
var portKinds = []portKind{
	{[]string{"networking.k8s.io", "extensions"}, "Ingress", []place{
		at("spec.defaultBackend", "service.name", "service.port"), at("spec.rules.*.http.paths.*.backend", "service.name", "service.port"),
		at("spec.backend", "serviceName", "servicePort"), at("spec.rules.*.http.paths.*.backend", "serviceName", "servicePort"), // before v1
	}, readIngress},
	{gateway, "HTTPRoute", []place{at("spec.rules.*.backendRefs.*", "name", "port"), at("spec.rules.*.filters.*.requestMirror.backendRef", "name", "port")}, readRoute},
	{gateway, "GRPCRoute", []place{at("spec.rules.*.backendRefs.*", "name", "port"), at("spec.rules.*.filters.*.requestMirror.backendRef", "name", "port")}, readRoute},
	{gateway, "TCPRoute", []place{at("spec.rules.*.backendRefs.*", "name", "port").by(Connection)}, nil},
	{gateway, "TLSRoute", []place{at("spec.rules.*.backendRefs.*", "name", "port").by(Connection)}, nil},
	{webhook, "ValidatingWebhookConfiguration", []place{byAPIServer("webhooks.*.clientConfig.service")}, nil},
	{webhook, "MutatingWebhookConfiguration", []place{byAPIServer("webhooks.*.clientConfig.service")}, nil},
	{[]string{"apiextensions.k8s.io"}, definition, []place{
		byAPIServer("spec.conversion.webhook.clientConfig.service"), byAPIServer("spec.conversion.webhookClientConfig.service"), // v1, v1beta1
	}, nil},
	{[]string{"apiregistration.k8s.io"}, "APIService", []place{byAPIServer("spec.service")}, nil},
	{traefik, "IngressRoute", []place{at("spec.routes.*.services.*", "name", "port")}, readTraefik},
	{traefik, "IngressRouteTCP", []place{at("spec.routes.*.services.*", "name", "port").by(Connection)}, nil},
	{traefik, "TraefikService", []place{
		at("spec.weighted.services.*", "name", "port"), at("spec.mirroring", "name", "port"), at("spec.mirroring.mirrors.*", "name", "port"),
	}, readTraefik},
	{[]string{"route.openshift.io"}, "Route", []place{openShift("spec.to.name"), openShift("spec.alternateBackends.*.name")}, readOpenShift},
	{[]string{"networking.istio.io"}, "VirtualService", []place{
		istio("spec.http.*.route.*.destination"), istio("spec.http.*.mirror"), istio("spec.http.*.mirrors.*.destination"),
		istio("spec.tls.*.route.*.destination").by(Connection), istio("spec.tcp.*.route.*.destination").by(Connection),
	}, readIstio},
}

// portKindOf returns the row of an object; nil where it has none.
func portKindOf(o Object) *portKind {
	i := slices.IndexFunc(portKinds, func(k portKind) bool { return k.kind == o.Kind && slices.Contains(k.groups, o.Group()) })
	if i < 0 {
		return nil
	}
	return &portKinds[i]
}

// The annotations of ingress-nginx by which requests get another Host, and go over TLS.
const (
	nginxHost     = "nginx.ingress.kubernetes.io/upstream-vhost"
	nginxProtocol = "nginx.ingress.kubernetes.io/backend-protocol"
)

func readIngress(o Object, _ []step, r *Reference) {
	annotations := o.Node.Get("metadata", "annotations")
	protocol := annotations.Get(nginxProtocol).Text()
	r.SetsHost = annotations.Get(nginxHost).Text() != ""
	r.TLS = strings.EqualFold(protocol, "HTTPS") || strings.EqualFold(protocol, "GRPCS")
}

// ruleAt is the index in a trail of an item of a list below spec.
const ruleAt = 3

// readRoute reads which filters of a rule, or of a backend, give requests another Host.
func readRoute(_ Object, trail []step, r *Reference) {
	r.SetsHost = rewritesHost(trail[ruleAt].Node) || rewritesHost(trail[len(trail)-2].Node)
}

// rewritesHost reports whether a filter gives requests another Host.
func rewritesHost(n *manifest.Node) bool {
	return slices.ContainsFunc(n.Get("filters").Items(), func(f *manifest.Node) bool { return f.Get("urlRewrite", "hostname").Text() != "" })
}

func readTraefik(_ Object, trail []step, r *Reference) {
	r.TLS = trail[len(trail)-2].Get("scheme").Text() == "https"
}

// readOpenShift reads whether a Route ends the TLS of clients, and begins another (OpenShift
// documentation, secured routes).
func readOpenShift(o Object, _ []step, r *Reference) {
	switch o.Node.Get("spec", "tls", "termination").Text() {
	case "passthrough":
		r.Caller = Connection
	case "reencrypt":
		r.TLS = true
	}
}

func readIstio(_ Object, trail []step, r *Reference) {
	r.SetsHost = trail[ruleAt].Get("rewrite", "authority").Text() != ""
}
