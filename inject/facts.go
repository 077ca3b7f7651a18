package inject

import (
	"maps"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// facts are the parts of objects that the checks across a stream need: small copies, because Inject
// drops the trees of documents early.
type facts struct {
	pods     []*workloadPods
	services []*kubeService
	routers  []*router
	policies []*policy
	scalers  []*scaler
	quotas   []*quota
	provided map[provided]bool

	namespaces []*namespace
	defaulted  map[defaulted]bool
	problems   []Problem // invalid codes in accept annotations
}

// known identifies an object that the checks can report.
type known struct {
	kind, namespace, name string
	document              int
	title                 string // where it is not that of an object
	place                 manifest.Place
	accepts               []Rule
}

// String returns kind, namespace and name.
func (k *known) String() string { return nameOfObject(k.kind, k.namespace, k.name) }

// kubeService is a Kubernetes Service.
type kubeService struct {
	known
	object   *Object // as the stream reports it; nil for a Service without annotations of tykmesh
	injected bool    // by an earlier run
	external bool    // an ExternalName
	headless bool
	selector []pair
	at       manifest.Place // of the selector
	ports    []servicePort
	turned   int // index of the port that leads to the sidecars now, or none
}

const none = -1

// servicePort is a port of a Service.
type servicePort struct {
	name, number string
	target       string // the number or the name of a container port
	named        bool
	tcp          bool
	appProtocol  string
	becomes      string         // its number where the Service joins the mesh
	keepsName    bool           // and whether its name stays
	at           manifest.Place // of the targetPort, else of the port
}

// joins reports whether this run turns the Service to the sidecars, or would if nothing were wrong
// with it.
func (s *kubeService) joins() bool { return s.object != nil && s.object.joins() }

// note remembers the facts of an object. targets are its annotated pod templates, or the annotated
// Service itself.
func (f *facts) note(d *manifest.Document, obj object, s Settings, targets []*target) {
	if obj.kind == "" {
		return
	}

	if obj.isService() {
		svc := newService(d, obj.node, f.known(d, obj, s))
		if len(targets) > 0 {
			svc.object, targets[0].service = targets[0].Object, svc
		}
		f.services = append(f.services, svc)
		return
	}

	f.notePods(d, obj, s, targets)
	f.noteOther(d, obj, s)
}

// notePods remembers the pod templates of an object.
func (f *facts) notePods(d *manifest.Document, obj object, s Settings, targets []*target) {
	for _, t := range obj.templates(s.PodTemplates) {
		meta := t.Get("metadata")
		p := &workloadPods{known: f.known(d, obj, s, meta), labels: pairs(meta.Get("labels")), ports: containerPorts(t.Node), injected: isInjected(meta)}
		p.implicit = obj.node.Get("metadata", "namespace").IsNull()
		if i := slices.IndexFunc(targets, func(o *target) bool { return o.template.Node == t.Node }); i >= 0 {
			p.object, p.title = targets[i].Object, targets[i].title
			if p.joins() {
				p.led, p.signs, p.lacks = targets[i].led(s), signs(d, meta, t.Get("spec")), targets[i].lacks()
			}
		}

		f.pods = append(f.pods, p)
	}
}

// noteOther remembers the facts of an object that is neither a Service nor has pods.
func (f *facts) noteOther(d *manifest.Document, obj object, s Settings) {
	switch obj.group() + "/" + obj.kind {
	case "networking.k8s.io/Ingress", "extensions/Ingress":
		f.routers = append(f.routers, newIngress(d, obj.node, f.known(d, obj, s)))
	case "gateway.networking.k8s.io/HTTPRoute", "gateway.networking.k8s.io/GRPCRoute":
		f.routers = append(f.routers, newRoute(d, obj.node, f.known(d, obj, s)))
	case "networking.k8s.io/NetworkPolicy", "extensions/NetworkPolicy":
		if p := newPolicy(d, obj.node, f.known(d, obj, s)); p != nil {
			f.policies = append(f.policies, p)
		}
	case "/Namespace":
		f.namespaces = append(f.namespaces, newNamespace(d, obj.node, f.known(d, obj, s)))
	case "/ResourceQuota":
		if q := newQuota(d, obj.node, f.known(d, obj, s)); q != nil {
			f.quotas = append(f.quotas, q)
		}
	case "/LimitRange":
		f.defaults(obj, s)
	case "/ConfigMap", "/Secret":
		f.provides(obj, s)
	case "autoscaling/HorizontalPodAutoscaler":
		f.scalers = append(f.scalers, newScaler(d, obj.node, f.known(d, obj, s)))
	}
}

// known returns the identity of an object. Its annotations, and those of its pod template, list the
// accepted codes.
func (f *facts) known(d *manifest.Document, obj object, s Settings, template ...*manifest.Node) known {
	meta := obj.node.Get("metadata")
	accepts, problems := accepted(d, obj, s, append([]*manifest.Node{meta}, template...)...)
	f.problems = append(f.problems, problems...)

	name := keep(meta.Get("name"))
	if name == "" {
		name = keep(meta.Get("generateName"))
	}

	return known{
		kind: obj.kind, namespace: namespaceOf(obj.node, s.Namespace), name: name, document: d.Number, place: d.PlaceOf(obj.node), accepts: accepts,
	}
}

// merge adds the facts of more documents.
func (f *facts) merge(more facts) {
	f.pods = append(f.pods, more.pods...)
	f.services = append(f.services, more.services...)
	f.routers = append(f.routers, more.routers...)
	f.policies = append(f.policies, more.policies...)
	f.scalers = append(f.scalers, more.scalers...)
	f.namespaces = append(f.namespaces, more.namespaces...)
	f.quotas = append(f.quotas, more.quotas...)
	f.provided = union(f.provided, more.provided)
	f.defaulted = union(f.defaulted, more.defaulted)
	f.problems = append(f.problems, more.problems...)
}

// union adds the members of a set to another one, either of which may be nil.
func union[K comparable](to, from map[K]bool) map[K]bool {
	if to == nil {
		return from
	}
	maps.Copy(to, from)
	return to
}

// isInjected reports whether metadata say that an earlier run injected their object.
func isInjected(meta *manifest.Node) bool {
	return strings.EqualFold(meta.Get("annotations", annotationStatus).Text(), statusInjected)
}

func newService(d *manifest.Document, node *manifest.Node, k known) *kubeService {
	spec := node.Get("spec")
	s := &kubeService{
		known: k, injected: isInjected(node.Get("metadata")), turned: none,
		external: spec.Get("type").Text() == "ExternalName", headless: spec.Get("clusterIP").Text() == "None",
		selector: pairs(spec.Get("selector")), at: d.PlaceOf(at(spec.Get("selector"), node)),
	}
	for _, p := range spec.Get("ports").Items() {
		target := p.Get("targetPort")
		if target.IsNull() {
			target = p.Get("port")
		}

		s.ports = append(s.ports, servicePort{
			name: keep(p.Get("name")), number: strings.Clone(number(p.Get("port"))),
			target: strings.Clone(number(target)), named: isName(target), at: d.PlaceOf(at(target, p)),
			tcp: isTCP(p), appProtocol: keep(p.Get("appProtocol")),
		})
	}

	return s
}

// isName reports whether a port is given by its name, in which a letter must be (IANA service
// names, RFC 6335).
func isName(port *manifest.Node) bool {
	return port.IsString() && strings.ContainsFunc(port.Text(), func(r rune) bool { return r >= 'a' && r <= 'z' })
}

// at returns a node, or another one where it is missing.
func at(n, other *manifest.Node) *manifest.Node {
	if n == nil {
		return other
	}
	return n
}
