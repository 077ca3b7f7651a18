package checks

// Security checks the levels of Pod Security that namespaces enforce: they reject pods that violate
// them because of the additions. Without this check the user would find the reason only in the
// events of a ReplicaSet.
var Security = Check{
	Code:     "TM0029",
	Sentence: "A namespace must allow the level of Pod Security that its pods need with a sidecar.",
	Hint: "allow it in the namespace (pod-security.kubernetes.io/enforce), or redirect traffic by other means: injector.tyk.io/intercept: none " +
		"with a CNI plugin or HTTP_PROXY",
	Alone: "allow it in the namespace (pod-security.kubernetes.io/enforce), or redirect traffic by other means: injector.tyk.io/intercept: none " +
		"with a CNI plugin; with mutual TLS that needs the code TM0044",
	run: checkSecurity,
}

// checkSecurity looks for pods that their namespace allows without the additions only.
func checkSecurity(r *run) {
	for p, m := range r.joiningPods() {
		n, v := r.NamespaceOf(p.Meta), m.Security
		if n != nil && v.After.Looser(n.Enforced) && !v.Before.Looser(n.Enforced) {
			r.breaks(p.Meta, p.Place, "Pod Security: namespace %s enforces level %s (%s), and the injected pods violate it: %s",
				p.Namespace, n.Enforced, n.At.Position(), v.Loosened[n.Enforced])
		}
	}
}
