package plan

import (
	"fmt"
	"slices"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/spelling"
)

// A scoped sidecar loads the routes with the tags of the services that its pod calls:
//
//	the called service                                  then
//	is in the stream                                    its route has the tag after this run
//	has a registered route with the tag                 the sidecar loads it
//	has a registered route without it                   a warning: an older tykmesh registered it, or one with Injector.containers
//	has no route                                        a warning: the name is wrong, or the service comes later

// tellUnanswered warns of listed calls that no route answers.
func (p *Plan) tellUnanswered(services []Service, m *matcher) {
	if p.Settings.BuiltIn == nil {
		return
	}

	whys := make(map[inject.Service]string) // many pods may list one service
	for i := range services {
		for _, w := range services[i].workloads {
			for _, callee := range w.Calls {
				why, known := whys[callee]
				if !known && !isWanted(callee, services) {
					why = m.unansweredCall(callee, services)
				}
				if whys[callee] = why; why != "" {
					p.warn(inject.Problem{
						Rule: inject.RuleCalls, Pos: w.CallsPos, Object: w.Object, Msg: "annotation injector.tyk.io/calls: " + why,
					}, w.Accepts(inject.RuleCalls))
				}
			}
		}
	}
}

// isWanted reports whether a service is in the stream, whose services are sorted.
func isWanted(svc inject.Service, services []Service) bool {
	_, found := slices.BinarySearchFunc(services, svc, func(s Service, svc inject.Service) int { return compareServices(s.Service, svc) })
	return found
}

// unansweredCall returns why no registered route answers calls to a service; "" if one does.
func (m *matcher) unansweredCall(callee inject.Service, services []Service) string {
	o, tag := mesh.Owner{Service: callee, Role: mesh.Mesh}, m.settings.RouteTag(callee)
	routes := slices.Concat(m.apis.byOwner[o], m.apis.converted[o])
	switch {
	case slices.ContainsFunc(routes, func(d dashboard.Definition) bool { return d.HasTag(tag) }):
		return ""
	case len(routes) > 0:
		return fmt.Sprintf("the route of service %s lacks the tag %s, so these sidecars do not load it; run tykmesh inject or register with the manifests of %[1]s first", callee, tag)
	}

	return fmt.Sprintf("no service %s is on the mesh; register it, or correct the name%s", callee, m.meant(callee, services))
}

// meant returns the end of a warning about an unknown service: the known one that was probably
// meant, as the annotation names it. An app of that name in another namespace comes first.
func (m *matcher) meant(unknown inject.Service, services []Service) string {
	var known []string
	for _, svc := range slices.Concat(m.apis.registered(), names(services)) {
		if svc.App == unknown.App {
			return "; did you mean " + mesh.Host(svc) + "?"
		}
		known = append(known, mesh.Host(svc))
	}

	return spelling.DidYouMean("", mesh.Host(unknown), known)
}

// names returns the services without their APIs.
func names(services []Service) []inject.Service {
	all := make([]inject.Service, len(services))
	for i := range services {
		all[i] = services[i].Service
	}
	return all
}
