package checks

// Mesh checks pods for other service meshes: the rules of two meshes cannot both have the calls of
// a pod.
var Mesh = Check{
	Code:     "TM0033",
	Sentence: "A pod cannot be on two meshes that both redirect its calls.",
	Hint:     "take the pods off one of the two meshes; with the built-in sidecar, injector.tyk.io/intercept: none leaves their calls to the other mesh",
	run:      checkMeshes,
}

// checkMeshes looks for pods that join the mesh and have the proxy of another one, or get it. A
// pod's own word counts before its namespace's. Without rules another mesh is no harm.
func checkMeshes(r *run) {
	for p, m := range r.joiningPods() {
		if !m.Redirected {
			continue
		}

		const text = "%s%s: the pods are also on %s, which redirects their calls, and those of the sidecar, to its own proxy; use one mesh"
		own := make(map[string]bool)
		for _, s := range p.Meshes {
			if own[s.Mesh] = true; !s.Declines {
				r.warn(p.Meta, s.At, text, s.Text, "", s.Mesh)
			}
		}

		n := r.NamespaceOf(p.Meta)
		if n == nil {
			continue
		}

		for _, s := range n.Meshes {
			if !own[s.Mesh] && !s.Declines {
				r.warnPods(p, p.Place, text, s.Text, " of namespace "+p.Namespace+" ("+s.At.Position().String()+")", s.Mesh)
			}
		}
	}
}
