package checks

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/kube"
)

// ServiceRef names a service of the mesh.
type ServiceRef struct{ Namespace, App string }

// ServiceCall says that a text of pods on the mesh, or of a ConfigMap that they read, names a call
// of another service.
type ServiceCall struct{ From, To ServiceRef }

// ServiceCalls returns the calls between services that the texts of the stream name: by a route of
// the mesh, or by the name of a Service. They are sorted, each once. A text may never be used.
func ServiceCalls(s *Stream) (all []ServiceCall) {
	r := run{Stream: s, ports: portsOf(s.Sidecars, s.SidecarPort)}
	readers, routes := r.readers(), r.routed()
	for i := range r.Texts {
		c := &r.Texts[i]
		from := readers[c.Ref]
		if c.Pods != nil {
			from = r.serviceOf(c.Pods)
		}

		for _, call := range c.Calls {
			for _, caller := range from {
				for _, callee := range r.callees(routes, caller, call) {
					if caller != callee {
						all = append(all, ServiceCall{caller, callee})
					}
				}
			}
		}
	}

	slices.SortFunc(all, func(a, b ServiceCall) int { return cmp.Or(a.From.compare(b.From), a.To.compare(b.To)) })

	return slices.Compact(all)
}

func (s ServiceRef) compare(other ServiceRef) int {
	return cmp.Or(strings.Compare(s.Namespace, other.Namespace), strings.Compare(s.App, other.App))
}

// serviceOf returns the service of pods on the mesh; none for others.
func (r *run) serviceOf(p *kube.Pods) []ServiceRef {
	if m := r.member(p.Meta); m.Meshed && m.App != "" {
		return []ServiceRef{{p.Namespace, m.App}}
	}
	return nil
}

// readers returns the services that read each ConfigMap.
func (r *run) readers() map[kube.Ref][]ServiceRef {
	all := make(map[kube.Ref][]ServiceRef)
	for _, p := range r.Pods {
		for _, name := range p.ConfigMaps {
			ref := kube.Ref{Kind: "ConfigMap", Namespace: p.Namespace, Name: name}
			all[ref] = append(all[ref], r.serviceOf(p)...)
		}
	}
	return all
}

// callees returns the services that a call of a service reaches.
func (r *run) callees(routes map[string][]ServiceRef, caller ServiceRef, call kube.Call) (all []ServiceRef) {
	var s *kube.Service
	switch {
	case !r.isMesh(call):
		s = r.called(caller.Namespace, call.Host)
	case r.Standalone == nil:
		return behindRoute(routes, call.Path)
	default:
		name, _, _ := strings.Cut(strings.TrimPrefix(call.Path, "/"), "/")
		s = r.called(caller.Namespace, name)
	}

	if s == nil {
		return nil
	}
	for p := range r.Behind(s) {
		all = append(all, r.serviceOf(p)...)
	}

	return all
}

// routed returns the services behind each route of the mesh, by the route without a last slash.
func (r *run) routed() map[string][]ServiceRef {
	all := make(map[string][]ServiceRef)
	for p, m := range r.joiningPods() {
		if m.Route != "" {
			route := strings.TrimSuffix(m.Route, "/")
			all[route] = append(all[route], r.serviceOf(p)...)
		}
	}
	return all
}

// behindRoute returns the services with the longest of the routes that answers a path.
func behindRoute(routes map[string][]ServiceRef, path string) []ServiceRef {
	for path = strings.TrimSuffix(path, "/"); ; {
		if found, ok := routes[path]; ok {
			return found
		}
		last := strings.LastIndexByte(path, '/')
		if last < 0 {
			return nil
		}
		path = path[:last]
	}
}
