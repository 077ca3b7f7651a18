package checks

import (
	"iter"
	"slices"
	"strconv"

	"github.com/tykmesh/tykmesh/inject/kube"
)

// Policy checks that NetworkPolicies allow calls to the sidecars, and calls of the sidecars to
// others.
var Policy = Check{
	Code:     "TM0023",
	Sentence: "A NetworkPolicy must allow calls to the sidecars and between them.",
	Hint:     "allow the sidecar's port (8080, or Sidecar.port): pods on the mesh are called on it, and call others on it",
	run:      checkPolicies,
}

// checkPolicies looks for pods that join the mesh whose sidecars cannot be reached, or cannot reach
// others.
func checkPolicies(r *run) {
	called := blocked{r, func(p *kube.Policy) kube.Traffic { return p.Ingress }, func(w *kube.Pods) string { return r.sidecarPort(r.member(w.Meta)) }}
	for p, w := range called.policies() {
		r.breaks(p.Meta, p.Ingress.At, "spec.ingress: no caller can reach port %s, where the sidecar of %s listens; allow this port", called.port(w), w)
	}

	calls := blocked{r, func(p *kube.Policy) kube.Traffic { return p.Egress }, func(*kube.Pods) string { return r.SidecarPort }}
	for p, w := range calls.policies() {
		r.warn(p.Meta, p.Egress.At, "spec.egress: %s cannot reach port %s, where the sidecars of other services listen; allow this port", w, calls.port(w))
	}
}

// blocked looks for policies that block the sidecars' traffic of a direction.
type blocked struct {
	*run
	direction func(*kube.Policy) kube.Traffic
	port      func(*kube.Pods) string // that the pods need
}

// policies returns the policies that block, each with the first pods of which no other policy
// allows it.
func (b blocked) policies() iter.Seq2[*kube.Policy, *kube.Pods] {
	reached := make(map[*kube.Pods]bool)
	for _, p := range b.Policies {
		if t := b.direction(p); t.Limited {
			for w := range b.Under(p) {
				reached[w] = reached[w] || b.passes(t, b.port(w))
			}
		}
	}

	return func(yield func(*kube.Policy, *kube.Pods) bool) {
		for _, p := range b.Policies {
			if !b.direction(p).Limited {
				continue
			}

			for w := range b.Under(p) {
				if b.member(w.Meta).Joins && !reached[w] {
					if !yield(p, w) {
						return
					}
					break
				}
			}
		}
	}
}

// passes reports whether a rule lets a port through.
func (r *run) passes(t kube.Traffic, port string) bool {
	return slices.ContainsFunc(t.Rules, func(allowed []kube.PolicyPort) bool {
		return len(allowed) == 0 || slices.ContainsFunc(allowed, func(p kube.PolicyPort) bool { return r.isOpen(p, port) })
	})
}

func (r *run) isOpen(p kube.PolicyPort, port string) bool {
	first, err := strconv.ParseInt(p.Port, 10, 64)
	if n, wanted := strconv.ParseInt(port, 10, 64); err == nil && wanted == nil && p.End > 0 {
		return first <= n && n <= p.End
	}
	return p.Port == "" || r.isSidecar(p.Port, port)
}
