package inject

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// readRouteName reads the route annotation as the name of a Service: in a mesh without a Dashboard,
// the cluster's DNS is the route table.
func (o *target) readRouteName() {
	_, value := o.meta.Get("annotations").Entry(annotationRoute)
	if !value.IsString() {
		return // or refused already
	}

	name := strings.Trim(value.Text(), "/")
	switch {
	case name == "":
		return // the service's own name, which its Service has
	case strings.Contains(name, "/"):
		o.refuse(RuleRoute, value, "annotation %s: %q has several segments, and a route is the name of a Service (Injector.mode: standalone); write its first segment, and let the app answer below it",
			annotationRoute, value.Text())
	case len(validation.IsDNS1035Label(name)) > 0:
		o.refuse(RuleRoute, value, "annotation %s: %q cannot be the name of a Service, as a route must be (Injector.mode: standalone); use lower case letters, digits and dashes, a letter first, 63 at most",
			annotationRoute, value.Text())
	default:
		o.files.route, o.files.routeAt = strings.Clone(name), o.object.Document.PositionOf(value)
	}
}

// routeServices returns the Services that routes need and the stream lacks, by the first workload
// of each. It refuses names that lead elsewhere.
func (in *injection) routeServices() map[*Object]manifest.Map {
	first := make(map[kube.Ref]*Object)
	services := make(map[*Object]manifest.Map)
	for _, o := range in.Objects {
		if !o.joins() || o.files == nil || o.files.route == "" {
			continue
		}

		ref := kube.Ref{Kind: "Service", Namespace: o.Namespace, Name: o.files.route}
		there := in.facts.Service(ref.Namespace, ref.Name)
		switch owner := first[ref]; {
		case there != nil:
			in.checkRoute(o, there)
		case ref.Name == o.workload.Service.App: // its Service stands elsewhere, with further ports
		case owner == nil:
			first[ref] = o
			services[o] = in.routeService(o)
		case owner.workload.Service != o.workload.Service:
			in.refuseRoute(o, "%s has this route, too; write another", owner.Title())
		}
	}

	return services
}

// checkRoute refuses a route whose name a Service has that does not lead to the workload.
func (in *injection) checkRoute(o *Object, s *kube.Service) {
	svc, ok := in.leads[s]
	switch {
	case s.External:
		in.refuseRoute(o, "%s is an ExternalName, which leads out of the mesh; write another name", s.Title())
	case ok && svc == o.workload.Service:
	case !ok && in.selects(s, o):
		in.refuseRoute(o, "%s has this name and leads to these pods, but is not on the mesh; write annotation %s: \"true\" into it", s.Title(), annotationInject)
	default:
		in.refuseRoute(o, "%s has this name and leads elsewhere; write another name", s.Title())
	}
}

// selects reports whether a Service leads to the pods of a workload.
func (in *injection) selects(s *kube.Service, o *Object) bool {
	for p := range in.facts.Behind(s) {
		if p.Meta == o.Meta {
			return true
		}
	}
	return false
}

func (in *injection) refuseRoute(o *Object, format string, args ...any) {
	o.Outcome = Refused
	in.problems = append(in.problems, Problem{Rule: RuleRoute, Pos: o.files.routeAt, Object: o.Title(), Msg: fmt.Sprintf("annotation %s: %s", annotationRoute, fmt.Sprintf(format, args...))})
}

// routeService returns the Service of a route. It selects as a Service does that leads to all pods
// of the workload's service; without one, by the label that names the service.
func (in *injection) routeService(o *Object) manifest.Map {
	selector := labelMap(o.files.label)
	if s := in.fronts[o.workload.Service]; s != nil && in.leadsToAll(s, o) {
		selector = labelMap(s.Selector...)
	}

	return standalone.RouteService(o.files.route, selector, o.ports.leading())
}

// leadsToAll reports whether a Service leads to all pods of a workload's service, and not to those
// of one version alone.
func (in *injection) leadsToAll(s *kube.Service, o *Object) bool {
	for p := range in.facts.Selected(o.Namespace, []kube.Label{o.files.label}) {
		if svc, ok := in.serviceOf(p); ok && svc == o.workload.Service && !p.Has(s.Selector) {
			return false
		}
	}
	return true
}

// labelMap returns labels as a mapping.
func labelMap(labels ...kube.Label) (m manifest.Map) {
	for _, l := range labels {
		m = append(m, manifest.Entry{Key: l.Key, Value: l.Value})
	}
	return m
}
