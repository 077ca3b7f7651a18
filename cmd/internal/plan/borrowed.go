package plan

import (
	"fmt"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/inject"
)

// borrowed refuses annotations that name the certificate of another service, or of the mesh: a
// gateway that loads an API takes whatever certificate it names from the store, private key and
// all, and so could call others in that service's name. A certificate of no service may be named.
func (x *Snapshot) borrowed(services []Service) (problems []inject.Problem) {
	for i := range services {
		service := &services[i]
		for _, f := range service.first().Fields {
			mesh.EachID(f.Value, func(id string) {
				if owner := x.certificate(strings.ToLower(id)).ownerName(); owner != "" && owner != service.String() {
					problems = append(problems, service.problem(inject.RuleCertificate, f.Pos,
						"annotation %s names the certificate of %s, which service %s may not use: name another certificate", f.Key, describeOwner(owner), service.Service))
				}
			})
		}
	}

	return problems
}

func describeOwner(name string) string {
	if name == MeshName {
		return "the mesh"
	}
	return fmt.Sprintf("service %s", name)
}
