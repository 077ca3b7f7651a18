package kube

import (
	"iter"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Referrer is an object that names ports of Services.
type Referrer struct {
	*Meta
	References []Reference
}

// Reference is a port of a Service as an object names it.
type Reference struct {
	Namespace, Service string
	Port               string         // a number or a name; "" where none is named
	At                 manifest.Place // of the port, else of the Service's name

	Caller   Caller
	SetsHost bool // the requests get a Host of their own
	TLS      bool // they go over TLS
	OfPods   bool // a number is that of a port of the pods; where no port is named, all count

	services *servicesOf // that are meant instead of a named one
}

// Caller says by whom a port is called that an object names.
type Caller uint8

const (
	// Proxy passes requests on, with the Host of the client or with one that the object sets.
	Proxy Caller = iota
	// Connection passes connections on as they are.
	Connection
	// APIServer calls NAME.NAMESPACE.svc over TLS (Kubernetes documentation, Dynamic Admission
	// Control, Service reference).
	APIServer
	// Prometheus calls the addresses of pods (Prometheus documentation, kubernetes_sd_config).
	Prometheus
)

// PortReference says where the objects of a kind name a port of a Service
// (Injector.portReferences). Its paths are lists of keys as in PodTemplate.
type PortReference struct {
	Group     string // of the API, without its version; "" means any
	Kind      string
	Service   []string // of the name
	Port      []string // of the number or the name; of a mapping that has one of the two
	Namespace []string // none means the object's own
}

// names reports whether the reference is about an object.
func (p PortReference) names(o Object) bool {
	return p.Kind == o.Kind && (p.Group == "" || p.Group == o.Group())
}

// addReferrer adds an object that has a row in portKinds.
func addReferrer(f *Facts, o Object) *Meta {
	m := f.meta(o)
	f.addReferences(o, m)
	return m
}

// addReferences reads the ports of Services that an object names: those of its row in portKinds,
// and those of the configuration.
func (f *Facts) addReferences(o Object, m *Meta) {
	r := &Referrer{Meta: m}
	if k := portKindOf(o); k != nil {
		for _, p := range k.places {
			r.read(o, p, k.reads)
		}
	}

	for _, p := range f.PortReferences {
		if p.names(o) {
			r.read(o, place{service: p.Service, port: p.Port, namespace: p.Namespace}, nil)
		}
	}

	f.Referrers = append(f.Referrers, r)
}

// read adds the references at a place of an object. What stands beside a Service's name, in as many
// items of lists as the paths have in common, belongs to it.
func (r *Referrer) read(o Object, p place, reads func(Object, []step, *Reference)) {
	follow(p.service, o.trail(p.service), func(trail []step) {
		if !isOfService(trail[len(trail)-2].Node) {
			return
		}

		ref := Reference{Namespace: r.Namespace, Service: Text(last(trail).Node), Caller: p.caller, OfPods: p.ofPods}
		if p.host {
			ref.Service, ref.Namespace = serviceOfHost(ref.Service, r.Namespace)
		}
		for n := range beside(trail, p.service, p.namespace) {
			ref.Namespace = Text(n)
		}
		if reads != nil {
			reads(o, trail, &ref)
		}

		named := false
		for n := range beside(trail, p.service, p.port) {
			named = true
			r.add(o, ref, n)
		}
		if !named {
			ref.Port, ref.At = p.unnamed, o.Document.PlaceOf(last(trail).Node)
			r.References = append(r.References, ref)
		}
	})
}

// add adds a reference with its port: a number, a name, or a mapping of one of the two.
func (r *Referrer) add(o Object, ref Reference, port *manifest.Node) {
	for _, key := range []string{"number", "name"} {
		if n := port.Get(key); !n.IsNull() {
			port = n
			break
		}
	}

	ref.Port, ref.At = keptNumber(port), o.Document.PlaceOf(port)
	r.References = append(r.References, ref)
}

// beside returns the nodes that another path leads to, with the same items of lists as a trail as
// far as both paths agree.
func beside(trail []step, path, other []string) iter.Seq[*manifest.Node] {
	return func(yield func(*manifest.Node) bool) {
		if len(other) == 0 {
			return
		}

		n := 0
		for n < min(len(path), len(other)) && path[n] == other[n] {
			n++
		}

		more := true
		follow(other[n:], slices.Clone(trail[:n+1]), func(found []step) { more = more && yield(last(found).Node) })
	}
}

// isOfService reports whether a mapping names a Service, and nothing of another kind.
func isOfService(n *manifest.Node) bool {
	kind := n.Get("kind").Text()
	return (kind == "" || kind == "Service") && n.Get("group").Text() == ""
}

// serviceOfHost returns the Service that a host names: a name alone is one of the namespace (Istio
// documentation, Destination).
func serviceOfHost(host, namespace string) (service, in string) {
	service, rest, found := strings.Cut(host, ".")
	if found {
		namespace, rest, found = strings.Cut(rest, ".")
	}
	if found && rest != "svc" && !strings.HasPrefix(rest, "svc.") {
		return "", "" // a host outside of the cluster
	}

	return service, namespace
}

// servicesOf are Services by their labels.
type servicesOf struct {
	namespaces []string // nil means all
	selector   labels.Selector
}

// addMonitor reads the ports of Services that a ServiceMonitor names. Its targetPort is a port that
// containers declare, which stays (Prometheus documentation, kubernetes_sd_config, role endpoints).
func addMonitor(f *Facts, o Object) *Meta {
	r, spec := &Referrer{Meta: f.meta(o)}, o.Node.Get("spec")
	selector, err := labelSelector(spec.Get("selector"))
	if err != nil || spec.Get("selector").IsNull() {
		return nil
	}

	services := &servicesOf{namespaces: []string{r.Namespace}, selector: selector}
	if names := spec.Get("namespaceSelector", "matchNames").Items(); len(names) > 0 {
		services.namespaces = nil
		for _, n := range names {
			services.namespaces = append(services.namespaces, Text(n))
		}
	}
	if spec.Get("namespaceSelector", "any").IsTrue() {
		services.namespaces = nil
	}

	for _, e := range spec.Get("endpoints").Items() {
		ref := Reference{Caller: Prometheus, TLS: strings.EqualFold(e.Get("scheme").Text(), "https"), services: services}
		switch port := e.Get("port"); {
		case !port.IsNull():
			r.add(o, ref, port)
		case e.Get("targetPort").IsNull():
			ref.OfPods, ref.At = true, o.Document.PlaceOf(e)
			r.References = append(r.References, ref)
		}
	}

	f.Referrers = append(f.Referrers, r)
	return r.Meta
}

// Referred returns the Services that a reference means.
func (f *Facts) Referred(r Reference) iter.Seq[*Service] {
	return func(yield func(*Service) bool) {
		if r.services == nil {
			if s := f.Service(r.Namespace, r.Service); s != nil {
				yield(s)
			}
			return
		}

		for _, s := range f.Services {
			in := r.services.namespaces == nil || slices.Contains(r.services.namespaces, s.Namespace)
			if in && r.services.selector.Matches(labelSet(s.Labels)) && !yield(s) {
				return
			}
		}
	}
}
