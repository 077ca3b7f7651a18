package checks

import (
	"slices"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Scaler checks HorizontalPodAutoscalers: they compute a share of the requests of all containers,
// and nothing if one of them makes none.
var Scaler = Check{
	Code:     "TM0024",
	Sentence: "A HorizontalPodAutoscaler that uses resource requests needs one for every container.",
	Hint:     "give the sidecar resources.requests, or scale by a metric of type ContainerResource",
	run:      checkScalers,
}

// checkScalers looks for scalers of pods that join the mesh, by a request that a sidecar does not
// make.
func checkScalers(r *run) {
	if len(r.Scalers) == 0 {
		return
	}

	scaled := make(map[kube.Ref]*kube.Pods)
	for p := range r.joiningPods() {
		scaled[p.Ref] = p
	}

	for _, s := range r.Scalers {
		w := scaled[s.Target]
		if w == nil {
			continue
		}

		for _, m := range s.Metrics {
			if container := r.without(m.Resource); container != "" {
				r.breaks(s.Meta, m.At, "it scales %s by its use of the requested %s, but container %s requests none, so it cannot scale; set a request",
					w, m.Resource, container)
			}
		}
	}
}

// without returns the name of a sidecar without a request of a resource. A limit is a request where
// none is made.
func (r *run) without(resource string) string {
	i := slices.IndexFunc(r.Sidecars, func(c manifest.Map) bool {
		return !states(c, "requests", resource) && !states(c, "limits", resource)
	})
	if i < 0 {
		return ""
	}

	return r.Sidecars[i].String("name")
}
