package inject

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// selection are the pods of the stream that a Service leads to.
type selection struct{ meshed, plain []*workloadPods }

func (s selection) all() []*workloadPods { return slices.Concat(s.meshed, s.plain) }

func (c *checks) selection(s *kubeService) (out selection) {
	if len(s.selector) == 0 {
		return out
	}
	for p := range c.pods.selected(s.namespace, s.selector) {
		if p.meshed() {
			out.meshed = append(out.meshed, p)
		} else if p.kind != "PodTemplate" { // which makes no pods by itself
			out.plain = append(out.plain, p)
		}
	}

	return out
}

// checkServices examines the Services that join the mesh: from now on they lead to the sidecars'
// port only.
func (c *checks) checkServices() {
	for _, s := range c.facts.services {
		if !s.joins() {
			continue
		}
		selected := c.selection(s)
		c.checkSelector(s, selected)
		if len(selected.meshed) > 0 {
			for i := range s.ports {
				c.checkTarget(s, &s.ports[i], selected)
			}
		}
	}
}

// checkSelector examines the pods that a Service selects:
//
//	                  injected pods      none
//	plain pods        some have no       all have no
//	                  sidecar            sidecar
//	no plain pods     fine               they are elsewhere
func (c *checks) checkSelector(s *kubeService, selected selection) {
	switch {
	case len(s.selector) == 0:
		c.warn(&s.known, RuleSelector, s.at, "the Service has no selector, so tykmesh cannot check it; its Endpoints must lead to port %d of injected pods", sidecar.Port)
	case len(selected.plain) > 0 && len(selected.meshed) > 0:
		c.breaks(&s.known, RuleSelector, s.at, "spec.selector: besides injected pods it selects %s, where no sidecar listens on port %d, so some calls fail; inject all of them or change the selector",
			listed(selected.plain), sidecar.Port)
	case len(selected.plain) > 0:
		c.breaks(&s.known, RuleSelector, s.at, "spec.selector: it selects %s, where no sidecar listens on port %d, so nothing answers; inject these pods", listed(selected.plain), sidecar.Port)
	case len(selected.meshed) == 0 && !c.names(s):
		c.warn(&s.known, RuleSelector, s.at, "spec.selector: it selects no pods of the stream; nothing answers unless injected pods exist elsewhere")
	}
}

// names reports whether a workload that joins the mesh has the name of the Service; then
// checkRoutes examines its selector.
func (c *checks) names(s *kubeService) bool {
	if !c.settings.Routes {
		return false
	}

	labels := c.settings.serviceLabels()
	for _, key := range labels {
		for p := range c.pods.selected(s.namespace, []pair{{key, s.name}}) {
			if p.joins() && p.service(labels) == s.name {
				return true
			}
		}
	}

	return false
}

// checkTarget looks for the port of a pod that a port of a Service leads to. Kubernetes requires
// the declaration only for named ports.
func (c *checks) checkTarget(s *kubeService, port *servicePort, selected selection) {
	declares := false
	for _, p := range selected.all() {
		declares = declares || len(p.ports) > 0
		if slices.ContainsFunc(p.ports, func(c containerPort) bool {
			return port.named && c.name == port.target || !port.named && c.number == port.target
		}) {
			return
		}
	}

	if slices.ContainsFunc(c.sidecar, func(c containerPort) bool { return c.name == port.target || c.number == port.target }) {
		return
	}

	switch {
	case port.named:
		c.breaks(&s.known, RuleTarget, port.at, "spec.ports: targetPort %s: no container of %s declares a port of this name; declare one or correct the name", port.target, listed(selected.meshed))
	case declares: // pods that declare none say nothing about those that they have
		c.warn(&s.known, RuleTarget, port.at, "spec.ports: no container of %s declares port %s, the target of port %s; check the number (containers need not declare their ports)",
			listed(selected.meshed), port.target, port.number)
	}
}

// sidecarPorts returns the ports of the added containers, including the one that every sidecar has.
func (s Settings) sidecarPorts() []containerPort {
	out := []containerPort{{number: strconv.Itoa(sidecar.Port)}}
	for _, container := range s.running() {
		for _, p := range container.List("ports") {
			port, _ := p.(manifest.Map)
			number, _ := port.Lookup("containerPort")
			out = append(out, containerPort{port.String("name"), decimal(number)})
		}
	}

	return out
}

// running returns the added containers that run as long as the pod.
func (s Settings) running() []manifest.Map {
	out := slices.Clone(s.Containers)
	for _, c := range s.InitContainers {
		if c.String("restartPolicy") == "Always" {
			out = append(out, c)
		}
	}

	if s.Sidecar != nil {
		out = append(out, s.Sidecar.Container())
	}

	return out
}

// decimal returns a number of the configuration; "" for anything else.
func decimal(v any) string {
	switch v := v.(type) {
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	}
	return ""
}

// isSidecar reports whether a port, given by name or number, is the sidecar's.
func (c *checks) isSidecar(port string) bool {
	want := strconv.Itoa(sidecar.Port)
	return port == want || slices.ContainsFunc(c.sidecar, func(p containerPort) bool { return p.name == port && port != "" && p.number == want })
}

// checkRoutes looks for the Service of each service whose route is registered. Callers' sidecars go
// to http(s)://APP.NAMESPACE:8080: to the Service that is called as the app is.
func (c *checks) checkRoutes() {
	if !c.settings.Routes {
		return
	}

	workloads := make(map[Service][]*workloadPods)
	var order []Service
	for _, p := range c.facts.pods {
		if !p.joins() || p.object.workload == nil || p.object.workload.Service.App == "" || p.object.workload.Route == "" {
			continue
		}
		svc := p.object.workload.Service
		if workloads[svc] == nil {
			order = append(order, svc)
		}

		workloads[svc] = append(workloads[svc], p)
	}

	for _, svc := range order {
		if s := c.services[named{svc.Namespace, svc.App}]; s != nil {
			c.checkRoute(s, workloads[svc])
		} else if p := workloads[svc][0]; !p.isJob() {
			c.warn(&p.known, RuleRoute, p.place, "the stream has no Service %s, so the route %s works only if that Service exists elsewhere; a workload that only calls others needs no Service",
				svc, p.object.workload.Route)
		}
	}
}

// isJob reports whether the pods belong to a job, which serves no calls.
func (p *workloadPods) isJob() bool { return p.kind == "Job" || p.kind == "CronJob" }

// checkRoute looks at the Service that is to serve a route. Behind a headless one callers reach the
// pods' own ports, whatever its ports say.
func (c *checks) checkRoute(s *kubeService, workloads []*workloadPods) {
	route := workloads[0].object.workload.Route
	if s.external || s.object != nil && s.object.Outcome == Skipped {
		return // it leads elsewhere, or another message explains why it is skipped
	}

	if len(s.selector) > 0 && !slices.ContainsFunc(workloads, func(p *workloadPods) bool { return p.has(s.selector) }) {
		c.breaks(&s.known, RuleRoute, s.at, "spec.selector: it does not select %s, although the route %s leads to this Service; correct the selector", listed(workloads), route)
		return
	}

	if s.joins() || s.injected || s.headless {
		return
	}

	i := slices.IndexFunc(s.ports, func(p servicePort) bool { return p.number == strconv.Itoa(sidecar.Port) })
	switch {
	case i < 0:
		c.breaks(&s.known, RuleRoute, s.place, "the route %s of %s leads to port %d of this Service, which does not have that port; annotate the Service too", route, listed(workloads), sidecar.Port)
	case !c.isSidecar(s.ports[i].target):
		c.breaks(&s.known, RuleRoute, s.ports[i].at, "the route %s of %s leads to port %d of this Service and from there to port %s of the pods, past the sidecar; annotate the Service too",
			route, listed(workloads), sidecar.Port, strings.ToLower(s.ports[i].target))
	}
}
