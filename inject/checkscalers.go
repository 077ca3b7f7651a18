package inject

import (
	"slices"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// scaler is a HorizontalPodAutoscaler.
type scaler struct {
	known
	target  [2]string // kind and name
	metrics []metric
}

// metric is a resource of whose requests a scaler computes a share.
type metric struct {
	resource string
	at       manifest.Place
}

// newScaler reads what a HorizontalPodAutoscaler computes from the requests of all containers.
// Without any metric that is the CPU.
func newScaler(d *manifest.Document, node *manifest.Node, k known) *scaler {
	spec := node.Get("spec")
	ref := spec.Get("scaleTargetRef")

	s := &scaler{known: k, target: [2]string{keep(ref.Get("kind")), keep(ref.Get("name"))}}
	for _, m := range spec.Get("metrics").Items() {
		share := m.Get("resource", "target", "type").Text() == "Utilization" || m.Get("resource", "targetAverageUtilization") != nil // v2, v2beta1
		if m.Get("type").Text() == "Resource" && share {
			s.metrics = append(s.metrics, metric{keep(m.Get("resource", "name")), d.PlaceOf(m)})
		}
	}

	if len(spec.Get("metrics").Items()) == 0 {
		share := at(spec.Get("targetCPUUtilizationPercentage"), spec) // v1
		s.metrics = []metric{{"cpu", d.PlaceOf(at(share, node))}}
	}

	return s
}

// checkScalers looks for scalers of pods that join the mesh that compute a share of a request which
// a sidecar does not make: then they compute nothing.
func (c *checks) checkScalers() {
	if len(c.facts.scalers) == 0 {
		return
	}

	scaled := make(map[named]map[string]*workloadPods)
	for _, p := range c.facts.pods {
		if key := (named{p.namespace, p.name}); p.joins() {
			if scaled[key] == nil {
				scaled[key] = make(map[string]*workloadPods)
			}
			scaled[key][p.kind] = p
		}
	}

	for _, s := range c.facts.scalers {
		w := scaled[named{s.namespace, s.target[1]}][s.target[0]]
		if w == nil {
			continue
		}

		for _, m := range s.metrics {
			if container := c.settings.without(m.resource); container != "" {
				c.breaks(&s.known, RuleScaler, m.at, "it scales %s by its use of the requested %s, but container %s requests none, so it cannot scale; set a request",
					w, m.resource, container)
			}
		}
	}
}

// without returns the name of a container that a pod gets without a request of a resource. A limit
// is a request where none is made.
func (s Settings) without(resource string) string {
	containers := s.running()
	i := slices.IndexFunc(containers, func(c manifest.Map) bool {
		return !states(c, "requests", resource) && !states(c, "limits", resource)
	})
	if i < 0 {
		return ""
	}

	return containers[i].String("name")
}
