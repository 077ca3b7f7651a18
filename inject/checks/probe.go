package checks

import (
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/kube"
)

// Probe checks commands that the kubelet runs in pods: rules that redirect all calls on the ports
// 80 and 443 redirect calls of a pod to itself, too. Probes of the other kinds come from outside of
// the pod, where the rules do not count.
var Probe = Check{
	Code:     "TM0037",
	Sentence: "The command of a probe or hook must reach the app, not the sidecar.",
	Hint: "use an httpGet probe, which the rules do not redirect; or redirect calls of the mesh only: injector.tyk.io/intercept: mesh, or Injector.intercept: mesh " +
		"(built-in sidecar)",
	run: checkProbes,
}

// harms say what follows if a command fails, by its field (Kubernetes documentation, Container
// Lifecycle Hooks, and Configure Liveness, Readiness and Startup Probes). A failed preStop hook has
// no such effect.
var harms = map[string]string{
	"startupProbe":        "the container would restart again and again",
	"livenessProbe":       "the container would restart again and again",
	"readinessProbe":      "the pod would not become ready",
	"lifecycle.postStart": "the container would restart again and again",
}

// checkProbes looks for commands that call the pod itself on a port that the rules redirect. The
// mesh cannot work where the app listens on that port. Else the call may be meant for the mesh.
func checkProbes(r *run) {
	for p, m := range r.joiningPods() {
		for _, call := range p.Local {
			if !slices.Contains(m.Captured, call.Port) {
				continue
			}

			harm, report := harms[call.Field], r.warn
			if harm != "" && m.serves(p, call.Port) {
				report = r.breaks
			} else {
				harm = "the app does not get it"
			}

			report(p.Meta, call.At, "%s of container %s: its command calls localhost on port %s, where the sidecar answers, so %s; %s",
				call.Field, call.Container, call.Port, harm, r.detour(call))
		}
	}
}

// serves reports whether an app listens on a port, as far as the stream shows.
func (m *Member) serves(p *kube.Pods, port string) bool {
	return port == m.AppPort || slices.ContainsFunc(p.Ports, func(declared kube.Port) bool { return declared.Number == port })
}

// detour returns what to do about a command.
func (r *run) detour(call kube.LocalCall) string {
	switch {
	case strings.HasSuffix(call.Field, "Probe"):
		return "use httpGet"
	case r.BuiltIn:
		return "set injector.tyk.io/intercept: mesh"
	default:
		return "call another port"
	}
}
