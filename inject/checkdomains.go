package inject

import (
	"slices"

	"golang.org/x/net/publicsuffix"
)

// isPublicDomain reports whether a namespace has the name of a top-level domain of the public DNS.
// The list is the one by which browsers keep cookies apart (publicsuffix.org, the part of ICANN).
// It holds some domains only by the names below them, so it is asked for such a name.
func isPublicDomain(namespace string) bool {
	_, public := publicsuffix.PublicSuffix("tykmesh." + namespace)
	return public
}

// checkDomains looks for namespaces that are called like a top-level domain: APP.NAMESPACE, the
// name of a service and of its certificate, is then one of the public DNS too. It says so once a
// namespace, at the first pods that do not accept it.
func (c *checks) checkDomains() {
	if !c.settings.TLS {
		return
	}

	said := make(map[string]*workloadPods)
	for _, p := range c.facts.pods {
		if !p.joins() || p.object.workload == nil || p.object.workload.Service.App == "" || !isPublicDomain(p.namespace) {
			continue
		}
		if before := said[p.namespace]; before == nil || c.accepts(&before.known, RuleDomain) && !c.accepts(&p.known, RuleDomain) {
			said[p.namespace] = p
		}
	}

	for _, p := range c.facts.pods {
		if said[p.namespace] != p {
			continue
		}
		about := p.known
		if n := c.spaces[p.namespace]; n != nil {
			about.accepts = slices.Concat(p.accepts, n.accepts)
		}

		app := p.object.workload.Service.App
		c.warn(&about, RuleDomain, p.place, "namespace %s has the name of a top-level domain, so %s.%[1]s is also a public name. "+
			"Pods trust the mesh CA for that name", p.namespace, app)
	}
}
