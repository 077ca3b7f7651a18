package kube

import (
	"cmp"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Scaler is a HorizontalPodAutoscaler.
type Scaler struct {
	*Meta
	Target  Ref // of the pods
	Metrics []Metric
}

// Metric is a resource of whose requests by all containers a scaler computes a share.
type Metric struct {
	Resource string
	At       manifest.Place
}

// addScaler reads what a HorizontalPodAutoscaler computes from the requests of all containers.
// Without any metric that is the CPU.
func addScaler(f *Facts, o Object) *Meta {
	spec := o.Node.Get("spec")
	target := spec.Get("scaleTargetRef")

	s := &Scaler{Meta: f.meta(o)}
	s.Target = Ref{Text(target.Get("kind")), s.Namespace, Text(target.Get("name"))}
	for _, m := range spec.Get("metrics").Items() {
		share := m.Get("resource", "target", "type").Text() == "Utilization" || m.Get("resource", "targetAverageUtilization") != nil // v2, v2beta1
		if m.Get("type").Text() == "Resource" && share {
			s.Metrics = append(s.Metrics, Metric{Text(m.Get("resource", "name")), o.Document.PlaceOf(m)})
		}
	}

	if len(spec.Get("metrics").Items()) == 0 {
		share := spec.Get("targetCPUUtilizationPercentage") // v1
		s.Metrics = []Metric{{"cpu", o.Document.PlaceOf(cmp.Or(share, spec, o.Node))}}
	}

	f.Scalers = append(f.Scalers, s)
	return s.Meta
}
