package live

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tykmesh/tykmesh/inject/kube"
)

// leading returns the Services that select pods of the mesh, by these pods.
func (c *cluster) leading() map[*kube.Pods][]*kube.Service {
	leads := make(map[*kube.Pods][]*kube.Service)
	for _, s := range c.facts.Services {
		if s.External {
			continue
		}
		for p := range c.facts.Behind(s) {
			if c.byPods[p] != nil {
				leads[p] = append(leads[p], s)
			}
		}
	}

	return leads
}

// readRoutes finds the Services by whose names callers reach a service. A Service that leads to the
// app's own port alone is no route, and no fault where another one is.
func (r *reading) readRoutes(svc *Service) {
	var apart []string // Services without a port of the sidecar, which inject has not seen
	for _, w := range svc.workloads {
		for _, s := range r.leads[w.pods] {
			switch fault := r.routeFault(s, w, svc.Port); {
			case slices.Contains(svc.Routes, s.Name):
			case fault == "":
				svc.Routes = append(svc.Routes, s.Name)
				r.readBehind(svc, s)
			case r.injected[s]:
				r.note(Error, svc, "Service "+s.Name, fault+": calls of mesh/"+s.Name+" fail", "apply the output of tykmesh inject")
			case !s.Headless && !slices.Contains(apart, s.Name):
				apart = append(apart, s.Name)
			}
		}
	}

	slices.Sort(svc.Routes)
	if len(svc.Routes) == 0 && len(apart) > 0 {
		r.note(Warning, svc, "Service "+apart[0], fmt.Sprintf("it has no port of the sidecar: calls of mesh/%s fail", apart[0]),
			"annotate it with injector.tyk.io/inject, inject and apply")
	}
}

// routeFault returns why callers do not reach the sidecars of a workload, which listen on a port,
// by the name of a Service; "" where they do.
func (r *reading) routeFault(s *kube.Service, w *workload, listen int) string {
	ports := r.calls
	if len(ports) == 0 {
		ports = []int{listen} // as is usual; 0 is not known
	}

	for _, port := range ports {
		if fault := portFault(s, w, port, listen); port != 0 && fault != "" {
			return fault
		}
	}

	return ""
}

// portFault returns why callers that use a port of a Service do not reach the sidecars. The name of
// a headless Service stands for the pods themselves, of which every port is open; so it needs the
// port only to be meant.
func portFault(s *kube.Service, w *workload, port, listen int) string {
	number, sidecars := strconv.Itoa(port), strconv.Itoa(listen)
	i := slices.IndexFunc(s.Ports, func(p kube.ServicePort) bool { return p.TCP && p.Number == number })
	switch {
	case i < 0:
		return "it has no port " + number
	case s.Headless && port != listen:
		return fmt.Sprintf("its name stands for the pods, whose sidecars do not listen on port %s, but on %s", number, sidecars)
	case s.Headless:
		return ""
	}

	if target := s.Ports[i]; w.pods.Target(target) != sidecars {
		return fmt.Sprintf("port %s leads to port %s of the pods, and not to the sidecar", number, target.Target)
	}

	return ""
}

// callerPorts returns the ports of Services that sidecars call: one, but while the port of the mesh
// changes.
func (c *cluster) callerPorts() (ports []int) {
	for _, w := range c.workloads {
		found := c.configs[object{w.service.Namespace, w.mounts.config}]
		if found == nil {
			continue
		}
		if port := found.callerPort(); port != 0 && !slices.Contains(ports, port) {
			ports = append(ports, port)
		}
	}

	slices.Sort(ports)

	return ports
}

// readBehind notes where a route also leads.
func (r *reading) readBehind(svc *Service, s *kube.Service) {
	var bare []string
	for p := range r.facts.Behind(s) {
		w := r.byPods[p]
		switch {
		case w == nil && !p.IsJob():
			bare = append(bare, p.Kind+" "+p.Name)
		case w != nil && w.service.App != svc.App:
			r.note(Error, svc, "Service "+s.Name, "it leads to pods of the service "+w.service.App+" too: calls reach either", "select the pods of one app only")
			return
		}
	}

	if len(bare) > 0 {
		r.note(Warning, svc, "Service "+s.Name, "it leads to pods without a sidecar too, of "+strings.Join(bare, ", ")+": calls that reach them fail",
			"put them on the mesh, or select other labels")
	}
}
