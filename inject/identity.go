package inject

import (
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// Identity is a service of a mesh without a Dashboard, as its certificate and its token name it.
type Identity struct {
	Service Service
	Names   []string          // of the Services that lead to it, sorted: its routes
	Hosts   []string          // that its certificate names, sorted: those of the Services that lead to it, and those of the mesh
	Object  string            // the first of its workloads, as errors name it
	Pos     manifest.Position // of that workload
}

// Identities returns the services of the stream's workloads, sorted: of those that are to be
// injected, and of injected ones. It returns nil in a mesh with a Dashboard.
func (s *Stream) Identities() (all []Identity) {
	for _, identity := range s.identities {
		all = append(all, *identity)
	}
	slices.SortFunc(all, func(a, b Identity) int { return compareServices(a.Service, b.Service) })

	return all
}

// identify finds the services of the workloads, and the Services that lead to each of them. It
// refuses a Service that leads to several: each needs a name of its own.
func (in *injection) identify() {
	if in.settings.Standalone == nil {
		return
	}

	in.identities, in.fronts, in.leads = make(map[Service]*Identity), make(map[Service]*kube.Service), make(map[*kube.Service]Service)
	names := make(map[Service][]string)
	for _, s := range in.facts.Services {
		svc, ok := in.behind(s)
		if !ok {
			continue
		}

		in.leads[s] = svc
		names[svc] = append(names[svc], s.Name)
		if in.fronts[svc] == nil {
			in.fronts[svc] = s
		}
	}

	for _, p := range in.facts.Pods {
		svc, ok := in.serviceOf(p)
		if ok && in.identities[svc] == nil {
			in.identities[svc] = &Identity{Service: svc, Object: p.Title(), Pos: p.Place.Position()}
			names[svc] = append(names[svc], in.ownName(svc)...)
		}
	}

	for _, o := range in.Objects {
		if o.joins() && o.workload != nil && o.files.route != "" {
			svc := o.workload.Service
			names[svc] = append(names[svc], o.files.route)
		}
	}

	for svc, identity := range in.identities {
		identity.Names = slices.Compact(slices.Sorted(slices.Values(names[svc])))
		identity.Hosts = standalone.Hosts(names[svc], svc.Namespace, in.settings.MeshHosts)
	}
}

// checkCertificates warns of Certificates of earlier runs that do not name a Service by which the
// service is now called: its callers refuse them.
func (in *injection) checkCertificates() {
	mesh := in.settings.Standalone
	if !mesh.TLS || mesh.Issuer == nil {
		return
	}

	for svc, identity := range in.identities {
		ref := kube.Ref{Kind: "Certificate", Namespace: svc.Namespace, Name: standalone.SecretName(standalone.Service(svc))}
		named, ok := in.certified[ref]
		missing := slices.DeleteFunc(slices.Clone(identity.Hosts), func(host string) bool { return slices.Contains(named, host) })
		if ok && len(missing) > 0 {
			in.Warnings = append(in.Warnings, Problem{Rule: RuleIdentity, Pos: identity.Pos, Object: identity.Object, Msg: "the Certificate " + ref.Name +
				" of an earlier run does not name " + strings.Join(missing, ", ") + ", and callers by that name refuse it; use inject --reinject"})
		}
	}
}

// ownName returns the name of a service as that of a Service, which may stand elsewhere. It returns
// none where the Service of that name leads to another service: a certificate is no proof if two
// services have it.
func (in *injection) ownName(svc Service) []string {
	if led, ok := in.leads[in.facts.Service(svc.Namespace, svc.App)]; ok && led != svc {
		return nil
	}
	return []string{svc.App}
}

// serviceOf returns the service of pods on the mesh; not ok for other pods.
func (in *injection) serviceOf(p *kube.Pods) (svc Service, ok bool) {
	if !in.meshed(p.Meta) {
		return svc, false
	}
	svc = Service{Namespace: p.Namespace, App: p.Label(in.settings.serviceLabels())}
	return svc, svc.App != ""
}

// behind returns the service that a Service on the mesh leads to; not ok if it leads to none.
func (in *injection) behind(s *kube.Service) (svc Service, ok bool) {
	if !in.meshed(s.Meta) && !leadsToSidecars(s) {
		return svc, false
	}

	for p := range in.facts.Behind(s) {
		found, isService := in.serviceOf(p)
		switch {
		case !isService:
		case !ok:
			svc, ok = found, true
		case found != svc:
			in.problems = append(in.problems, Problem{Rule: RuleIdentity, Pos: s.At.Position(), Object: s.Title(), Msg: "spec.selector: the Service leads to the apps " +
				strings.Join([]string{svc.App, found.App}, " and ") + ", and callers could not tell which one answers; select one app, by the label that names it"})
			return svc, true
		}
	}

	return svc, ok
}

// leadsToSidecars reports whether a Service has the port that injection adds.
func leadsToSidecars(s *kube.Service) bool {
	return slices.ContainsFunc(s.Ports, func(p kube.ServicePort) bool { return p.Name == sidecar.PortName })
}
