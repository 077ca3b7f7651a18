package checks

import (
	"slices"

	"github.com/tykmesh/tykmesh/inject/kube"
)

// Target checks where the ports of a Service that joins the mesh lead. Kubernetes requires pods to
// declare a port only if the Service names it.
var Target = Check{
	Code:     "TM0020",
	Sentence: "A port of a Service on the mesh must lead to a port of its pods.",
	Hint:     "a targetPort is the name or the number of a port of the pods",
	run:      checkTargets,
}

// checkTargets looks for the ports of pods that the ports of Services lead to.
func checkTargets(r *run) {
	for s, selected := range r.joiningServices() {
		for _, port := range s.Ports {
			if len(selected.meshed) > 0 {
				r.checkTarget(s, port, selected)
			}
		}
	}
}

func (r *run) checkTarget(s *kube.Service, port kube.ServicePort, selected selection) {
	declares := false
	for _, p := range slices.Concat(selected.meshed, selected.plain) {
		declares = declares || len(p.Ports) > 0
		if slices.ContainsFunc(p.Ports, port.LeadsTo) {
			return
		}
	}

	if slices.ContainsFunc(r.ports, func(p kube.Port) bool { return p.Name == port.Target || p.Number == port.Target }) {
		return
	}

	switch {
	case port.Named:
		r.breaks(s.Meta, port.At, "spec.ports: targetPort %s: no container of %s declares a port of this name; declare one or correct the name", port.Target, listed(selected.meshed))
	case declares: // pods that declare none say nothing about those that they have
		r.warn(s.Meta, port.At, "spec.ports: no container of %s declares port %s, the target of port %s; check the number (containers need not declare their ports)",
			listed(selected.meshed), port.Target, port.Number)
	}
}
