package checks

import (
	"iter"

	"github.com/tykmesh/tykmesh/inject/kube"
)

// Selector checks the pods behind a Service that joins the mesh: it leads to the sidecars' port
// only, so pods without a sidecar do not answer. A Service that keeps its ports leads to both.
var Selector = Check{
	Code:     "TM0019",
	Sentence: "A Service on the mesh must select pods on the mesh, and no others.",
	Hint:     "a Service on the mesh needs pods with a sidecar: annotate their pod templates",
	run:      checkSelectors,
}

// selection are the pods of the stream that a Service leads to.
type selection struct{ meshed, plain []*kube.Pods }

// joiningServices returns the Services that join the mesh, and the pods behind them.
func (r *run) joiningServices() iter.Seq2[*kube.Service, selection] {
	return func(yield func(*kube.Service, selection) bool) {
		for _, s := range r.Services {
			if r.member(s.Meta).Joins && !yield(s, r.selection(s)) {
				return
			}
		}
	}
}

func (r *run) selection(s *kube.Service) (out selection) {
	for p := range r.Behind(s) {
		if r.member(p.Meta).Meshed {
			out.meshed = append(out.meshed, p)
		} else if p.Kind != "PodTemplate" { // which makes no pods by itself
			out.plain = append(out.plain, p)
		}
	}
	return out
}

// checkSelectors examines the pods that a Service selects:
//
//	                  injected pods      none
//	plain pods        some have no       all have no
//	                  sidecar            sidecar
//	no plain pods     fine               they are elsewhere
func checkSelectors(r *run) {
	for s, selected := range r.joiningServices() {
		port := r.sidecarPort(r.member(s.Meta))
		switch {
		case len(s.Selector) == 0:
			r.warn(s.Meta, s.At, "the Service has no selector, so tykmesh cannot check it; its Endpoints must lead to port %s of injected pods", port)
		case len(selected.plain) > 0 && r.Adds:
			if len(selected.meshed) == 0 {
				r.warn(s.Meta, s.At, "spec.selector: it selects only %s, without a sidecar, so nothing answers on port %s; inject these pods", listed(selected.plain), port)
			}
		case len(selected.plain) > 0 && len(selected.meshed) > 0:
			r.breaks(s.Meta, s.At, "spec.selector: besides injected pods it selects %s, where no sidecar listens on port %s, so some calls fail; inject all of them or change the selector",
				listed(selected.plain), port)
		case len(selected.plain) > 0:
			r.breaks(s.Meta, s.At, "spec.selector: it selects %s, where no sidecar listens on port %s, so nothing answers; inject these pods", listed(selected.plain), port)
		case len(selected.meshed) == 0 && !r.isRoute(s):
			r.warn(s.Meta, s.At, "spec.selector: it selects no pods of the stream; nothing answers unless injected pods exist elsewhere")
		}
	}
}

// isRoute reports whether a workload that joins the mesh has the name of the Service; then
// checkRoutes examines its selector.
func (r *run) isRoute(s *kube.Service) bool {
	if !r.Routes {
		return false
	}

	for _, key := range r.ServiceLabels {
		for p := range r.Selected(s.Namespace, []kube.Label{{Key: key, Value: s.Name}}) {
			if r.member(p.Meta).Joins && p.Label(r.ServiceLabels) == s.Name {
				return true
			}
		}
	}

	return false
}
