package checks

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/kube"
)

// Route checks the Services behind registered routes: the sidecars of callers go to
// http(s)://APP.NAMESPACE:PORT, the Service that is called as the app is, on the sidecars' port.
var Route = Check{
	Code:     "TM0021",
	Sentence: "The route of a service needs a Service of the same name that leads to its sidecars.",
	Hint:     "add a Service with the name of the app label, the annotation, and a selector of these pods",
	Alone:    "write injector.tyk.io/inject: \"true\" into the annotations of the Service; pods that only call others can do without",
	run:      checkRoutes,
}

// checkRoutes looks for the Service of each service whose route is registered. Without a Dashboard
// the Services themselves are the routes.
func checkRoutes(r *run) {
	if r.Standalone != nil {
		r.checkRoutesOfServices()
		return
	}

	if !r.Routes {
		return
	}

	type service struct{ namespace, app string }
	workloads := make(map[service][]*kube.Pods)
	var order []service
	for p, m := range r.joiningPods() {
		if m.App == "" || m.Route == "" {
			continue
		}

		key := service{p.Namespace, m.App}
		if workloads[key] == nil {
			order = append(order, key)
		}
		workloads[key] = append(workloads[key], p)
	}

	for _, key := range order {
		all := workloads[key]
		route := r.member(all[0].Meta).Route
		if s := r.Service(key.namespace, key.app); s != nil {
			r.checkRoute(s, all, route)
		} else if !all[0].IsJob() && r.mayServe(all[0]) {
			r.warn(all[0].Meta, all[0].Place, "the stream has no Service %s/%s, so the route %s works only if that Service exists elsewhere; a workload that only calls others needs no Service",
				key.namespace, key.app, route)
		}
	}
}

// checkRoute looks at the Service that is to serve a route. Behind a headless one callers reach the
// pods' own ports, whatever its ports say. Pods that sidecars cannot serve are for checkProtocols.
// An earlier run may have led the Service to another port than that of sidecars from now on.
func (r *run) checkRoute(s *kube.Service, workloads []*kube.Pods, route string) {
	m := r.member(s.Meta)
	if s.External || m.Skipped {
		return // it leads elsewhere, or another message explains why it is skipped
	}

	if len(s.Selector) > 0 && !slices.ContainsFunc(workloads, func(p *kube.Pods) bool { return p.Has(s.Selector) }) {
		r.breaks(s.Meta, s.At, "spec.selector: it does not select %s, although the route %s leads to this Service; correct the selector", listed(workloads), route)
		return
	}

	if m.Joins || s.Headless || !r.mayServe(workloads[0], s.Ports...) {
		return
	}

	remedy := "annotate the Service too"
	if m.Meshed {
		remedy = "update the Service with --reinject"
	}

	pods := r.member(workloads[0].Meta)
	port := cmp.Or(pods.Previous, r.sidecarPort(pods))
	i := slices.IndexFunc(s.Ports, func(p kube.ServicePort) bool { return p.Number == port })
	switch {
	case i < 0:
		r.breaks(s.Meta, s.Place, "the route %s of %s leads to port %s of this Service, which does not have that port; %s", route, listed(workloads), port, remedy)
	case !r.isSidecar(s.Ports[i].Target, r.sidecarPort(pods)):
		r.breaks(s.Meta, s.Ports[i].At, "the route %s of %s leads to port %s of this Service and from there to port %s of the pods, past the sidecar; %s",
			route, listed(workloads), port, strings.ToLower(s.Ports[i].Target), remedy)
	}
}
