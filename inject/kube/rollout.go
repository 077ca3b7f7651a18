package kube

import "github.com/tykmesh/tykmesh/inject/manifest"

// Rollout is a Rollout of Argo with the Services between which it shifts traffic.
type Rollout struct {
	*Meta
	Services []RolloutService
	Routed   bool // an Ingress, or the like, shares out the traffic among them
}

// RolloutService is a Service that a Rollout names.
type RolloutService struct {
	Name string
	At   manifest.Place
}

// addRollout reads the Services of a Rollout (Argo Rollouts documentation, Rollout specification).
func addRollout(f *Facts, o Object) *Meta {
	r, strategy := &Rollout{Meta: f.meta(o)}, o.Node.Get("spec", "strategy")
	canary, blueGreen := strategy.Get("canary"), strategy.Get("blueGreen")
	r.Routed = !canary.Get("trafficRouting").IsNull()
	for _, n := range []*manifest.Node{
		canary.Get("stableService"), canary.Get("canaryService"), canary.Get("pingPong", "pingService"), canary.Get("pingPong", "pongService"),
		blueGreen.Get("activeService"), blueGreen.Get("previewService"),
	} {
		if n.Text() != "" {
			r.Services = append(r.Services, RolloutService{Text(n), o.Document.PlaceOf(n)})
		}
	}

	f.Rollouts = append(f.Rollouts, r)
	return r.Meta
}
