package mesh

import (
	"fmt"
	"strings"

	"github.com/tykmesh/tykmesh/inject"
)

// borrowed refuses annotations that name the certificate of another service, or of the mesh: a
// gateway that loads an API takes whatever certificate it names from the store, private key and
// all, and so could call others in that service's name. A certificate of no service may be named.
func borrowed(services []Service, state State, s Settings) (problems []inject.Problem) {
	var c *claims // made when it is needed, which is hardly ever
	for i := range services {
		service := &services[i]
		for _, f := range service.fields {
			for _, id := range storeIDs(f.Value) {
				if c == nil {
					c = newClaims(state, s)
				}
				if owner := c.ownerName(id); owner != "" && owner != service.String() {
					problems = append(problems, service.problem(inject.RuleCertificate, f.Pos,
						"annotation %s names the certificate of %s, which service %s may not use: name another certificate", f.Key, describeOwner(owner), service.Service))
				}
			}
		}
	}

	return problems
}

// ownerName returns the service that a certificate was made for, MeshName for that of the mesh, and
// "" for one that was not made for the mesh.
func (c *claims) ownerName(id string) string {
	if !c.ours(id) {
		return ""
	}
	hosts := c.hostsOf(id)
	if svc, ok := serviceOf(hosts); ok && hostKey(hosts) != hostKey(c.settings.meshCertificateHosts()) {
		return svc.String()
	}

	return MeshName
}

func describeOwner(name string) string {
	if name == MeshName {
		return "the mesh"
	}
	return fmt.Sprintf("service %s", name)
}

// storeIDs returns the ids of certificates that a value names.
func storeIDs(v any) (ids []string) {
	eachText(v, func(text string) {
		for id := range strings.SplitSeq(text, ",") {
			if id = strings.ToLower(strings.TrimSpace(id)); len(id) > fingerprintLength {
				ids = append(ids, id)
			}
		}
	})

	return ids
}
