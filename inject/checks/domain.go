package checks

import (
	"golang.org/x/net/publicsuffix"

	"github.com/tykmesh/tykmesh/inject/kube"
)

// Domain checks the names of namespaces: in one that is called like a top-level domain,
// APP.NAMESPACE, the name of a service and of its certificate, is also one of the public DNS.
var Domain = Check{
	Code:     "TM0035",
	Sentence: "A namespace must not have the name of a top-level domain.",
	Hint:     "rename the namespace, for example to NAMESPACE-mesh",
	run:      checkDomains,
}

// checkDomains looks for such namespaces. It warns once a namespace, at the first pods that do not
// accept the warning.
func checkDomains(r *run) {
	if !r.TLS || r.Standalone != nil { // without a Dashboard services are called APP.NAMESPACE.svc
		return
	}

	about := make(map[string]*kube.Pods)
	for p, m := range r.joiningPods() {
		if m.App == "" || !isPublicDomain(p.Namespace) {
			continue
		}
		if first := about[p.Namespace]; first == nil || r.Accepts(first.Meta, r.code) && !r.Accepts(p.Meta, r.code) {
			about[p.Namespace] = p
		}
	}

	for p, m := range r.joiningPods() {
		if about[p.Namespace] == p {
			r.warnPods(p, p.Place, "namespace %s has the name of a top-level domain, so %s.%[1]s is also a public name. "+
				"Pods trust the mesh CA for that name", p.Namespace, m.App)
		}
	}
}

// isPublicDomain reports whether a namespace has the name of a top-level domain of the public DNS.
// The list is the one by which browsers keep cookies apart (publicsuffix.org, the part of ICANN).
// It holds some domains only by the names below them, so it is asked for such a name.
func isPublicDomain(namespace string) bool {
	_, public := publicsuffix.PublicSuffix("tykmesh." + namespace)
	return public
}
