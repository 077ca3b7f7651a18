package checks

import "github.com/tykmesh/tykmesh/inject/kube"

// OutageCode is the code of changes during which calls fail. The plan of a registration reports
// them as well, because it knows the registered state.
const OutageCode = "TM0040"

// Outage checks changes of services on the mesh for a time in which calls to them fail.
var Outage = Check{
	Code:     OutageCode,
	Sentence: "Calls to a service on the mesh should not fail while it changes.",
	Hint:     "apply the injected manifests right after this run, and wait for the rollout",
	run:      checkPreviousPorts,
}

// checkPreviousPorts looks for headless Services whose sidecars change their port in two steps.
// Callers go to the previous port until the second step, and reach the port of a pod itself: behind
// a headless Service nothing leads from one port to the other, and the sidecar listens on the new
// one. Without a Dashboard each caller goes to its own Sidecar.port, so only callers and pods that
// differ do not meet.
func checkPreviousPorts(r *run) {
	if !r.Routes && r.Standalone == nil {
		return
	}

	for _, s := range r.Services {
		if !s.Headless {
			continue
		}

		m := r.calledBehind(s)
		if m.Previous == "" {
			continue
		}

		if r.Standalone != nil {
			r.warn(s.Meta, s.Place, "the Service is headless, so callers reach the pods themselves: while sidecars change between the ports %s and %s, calls of pods on the other port fail; restart all of them at once",
				m.Sidecar, m.Previous)
			continue
		}
		r.breaks(s.Meta, s.Place, "the Service is headless, so callers reach port %s of the pods themselves, where no sidecar listens; change them in one step: annotate its pods with injector.tyk.io/sidecar-port: %q, without sidecar-previous-port",
			m.Previous, m.Sidecar)
	}
}

// calledBehind returns the pods that callers reach by the name of a Service; the Service itself
// where its pods are not in the stream.
func (r *run) calledBehind(s *kube.Service) (found *Member) {
	found = r.member(s.Meta)
	for p := range r.Behind(s) {
		m := r.member(p.Meta)
		if m.Joins && (m.App == s.Name || r.Standalone != nil) { // then each Service is a route
			return m
		}
		found = &outside
	}

	return found
}
