package checks

import (
	"iter"
	"slices"
	"strconv"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// Policy checks that NetworkPolicies allow calls to the sidecars, and calls of the sidecars to
// others.
var Policy = Check{
	Code:     "TM0023",
	Sentence: "A NetworkPolicy must allow calls to the sidecars and between them.",
	Hint:     "allow port 8080: pods on the mesh are called on it, and call others on it",
	run:      checkPolicies,
}

// checkPolicies looks for pods that join the mesh whose sidecars cannot be reached, or cannot reach
// others.
func checkPolicies(r *run) {
	for p, w := range r.blocking(func(p *kube.Policy) kube.Traffic { return p.Ingress }) {
		r.breaks(p.Meta, p.Ingress.At, "spec.ingress: no caller can reach port %d, where the sidecar of %s listens; allow this port", sidecar.Port, w)
	}
	for p, w := range r.blocking(func(p *kube.Policy) kube.Traffic { return p.Egress }) {
		r.warn(p.Meta, p.Egress.At, "spec.egress: %s cannot reach port %d, where the sidecars of other services listen; allow this port", w, sidecar.Port)
	}
}

// blocking returns the policies that block the sidecars' traffic of a direction, each with the
// first pods of which no other policy allows it.
func (r *run) blocking(direction func(*kube.Policy) kube.Traffic) iter.Seq2[*kube.Policy, *kube.Pods] {
	reached := make(map[*kube.Pods]bool)
	for _, p := range r.Policies {
		if t := direction(p); t.Limited && r.passes(t) {
			for w := range r.Under(p) {
				reached[w] = true
			}
		}
	}

	return func(yield func(*kube.Policy, *kube.Pods) bool) {
		for _, p := range r.Policies {
			if t := direction(p); !t.Limited || r.passes(t) {
				continue
			}

			for w := range r.Under(p) {
				if r.member(w.Meta).Joins && !reached[w] {
					if !yield(p, w) {
						return
					}
					break
				}
			}
		}
	}
}

// passes reports whether a rule lets the sidecar's port through.
func (r *run) passes(t kube.Traffic) bool {
	return slices.ContainsFunc(t.Rules, func(allowed []kube.PolicyPort) bool {
		return len(allowed) == 0 || slices.ContainsFunc(allowed, r.isOpen)
	})
}

func (r *run) isOpen(p kube.PolicyPort) bool {
	first, err := strconv.ParseInt(p.Port, 10, 64)
	if err == nil && p.End > 0 {
		return first <= sidecar.Port && sidecar.Port <= p.End
	}
	return p.Port == "" || r.isSidecar(p.Port)
}
