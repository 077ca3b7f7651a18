package inject

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// callsNone is the value of annotationCalls for pods that call no service. An app of that name is
// written with its namespace.
const callsNone = "none"

// readCalls reads the services that a pod calls: its sidecar loads their routes and no others.
func (p *pod) readCalls(text string) error {
	names := commas(text)
	switch {
	case len(names) == 0:
		return errors.New("names no service; write APP or APP.NAMESPACE, or none for a pod that calls no service")
	case len(names) == 1 && names[0] == callsNone:
		names = nil
	case slices.Contains(names, callsNone):
		return fmt.Errorf("%s stands alone; delete it, or write the namespace of an app that has this name: %[1]s.NAMESPACE", callsNone)
	}

	w := p.workload
	for _, name := range names {
		callee, err := parseCall(name, w.Service.Namespace)
		if err != nil {
			return err
		}
		w.Calls = append(w.Calls, callee)
	}

	slices.SortFunc(w.Calls, compareServices)
	w.Calls = slices.Compact(w.Calls)
	w.Scoped, w.CallsPos = true, p.place(annotationCalls)

	return nil
}

// compareServices sorts services by namespace, and then by name.
func compareServices(a, b Service) int {
	return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.App, b.App))
}

// parseCall reads APP, in the caller's own namespace, or APP.NAMESPACE. An app has the name of its
// Service, so both must be labels as Kubernetes demands (RFC 1035 and RFC 1123).
func parseCall(name, own string) (Service, error) {
	app, namespace, other := strings.Cut(name, ".")
	if !other {
		namespace = own
	}

	if len(validation.IsDNS1035Label(app)) > 0 || other && len(validation.IsDNS1123Label(namespace)) > 0 {
		return Service{}, fmt.Errorf("%q does not name a service; write APP or APP.NAMESPACE", name)
	}

	return Service{Namespace: namespace, App: app}, nil
}

// tags returns the gateway tags of a workload's sidecars, which load the APIs that have one of
// them. They come sorted and each once, so that another order of the annotation restarts no pod.
//
//	without the annotation   the routes of the whole mesh, and the service's own inbound API
//	scoped                   the inbound API, and the routes of the listed services
func (w *Workload) tags(namespaced bool) string {
	own := w.Service.Tag(namespaced)
	if !w.Scoped {
		return meshTag + "," + own
	}

	routes := make([]string, len(w.Calls))
	for i, callee := range w.Calls {
		routes[i] = callee.RouteTag(namespaced)
	}
	slices.Sort(routes)

	return strings.Join(append([]string{own}, slices.Compact(routes)...), ",")
}

// readMemoryLimit reads the memory limit of a pod's sidecar, which the plan compares with the
// routes of the mesh.
func (p *pod) readMemoryLimit(text string) error {
	p.workload.MemoryLimit, p.workload.MemoryLimitPos = text, p.place(annotationMemoryLimit)
	return quantity(text, &p.Resources.MemoryLimit)
}
