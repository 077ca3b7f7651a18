package plan

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Gateways load a changed API within two seconds, and pods change when the printed manifests are
// applied. Calls fail in between where the running pods do not fit the changed API:
//
//	changes                         calls fail until                       no call fails if
//	scheme of the mesh API's        pods and callers have restarted        -
//	  target (TLS on or off)
//	its port (the sidecar's)        the Service is applied, and its pods   Service and pods change first
//	                                have restarted                         (Sidecar.previousPort)
//	port of the inbound API's       the pods have restarted                the app listens on both
//	  target (the app's)
//	listen path of the mesh API     callers use the new route              -
//	hosts of the mesh API           callers use another host               callers change first
//
// Namespaced slugs cause no outage: an API keeps the tag by which running sidecars load it. Neither
// does a new certificate: sidecars trust the CA of both.

// outage is a change of a service during which calls fail.
type outage struct {
	service *Service
	pos     manifest.Position // of what asks for the change
	what    string            // changes: "the route changes"
	change  string            // from which value to which: "/a -> /b"
	fails   string            // which calls fail, and how long
	hint    string            // how to avoid it; "" is the rule's
}

// mostOutages is the number of services with the same kind of outage that are reported one by one.
// TLS for all services is one decision, and one diagnostic.
const mostOutages = 3

// fail texts.
const (
	failUntilRestart = "calls fail from registration until the injected manifests are applied and all pods have restarted"
	failUntilApplied = "calls fail from registration until the injected Service is applied"
	failUntilCallers = "calls fail from registration until the pods of callers and callees have restarted with the injected manifests"
	failOnRoute      = "calls to the previous route fail from registration until callers use the new one"
	failOnHosts      = "calls to these hosts get 404 from registration until callers use another one"
)

// tellOutages notes the outages that the plan causes, and those that the user accepts.
func (p *Plan) tellOutages(services []Service, steps []serviceSteps, matched map[*mesh.WantedAPI]*dashboard.API) {
	var all []outage
	for i := range services {
		service := &services[i]
		found := service.inboundOutage(changeOf(steps[i].inbound, matched[&service.Inbound]), p.Settings)
		found = append(found, service.meshOutages(changeOf(steps[i].mesh, matched[&service.Mesh]), p.Settings)...)
		if !service.accepts(inject.RuleOutage) {
			all = append(all, found...)
			continue
		}
		for _, o := range found {
			p.Accepted = append(p.Accepted, problemOf([]outage{o}))
		}
	}

	p.Outages = grouped(all)
}

// apiChange is an API of a service as sidecars have it, and as the plan makes it; nil ones for an
// API that the plan does not change.
type apiChange struct{ from, to dashboard.Definition }

// changeOf returns what a step changes in an API that sidecars serve for its service. Calls to an
// inactive one fail already, and an adopted one served something else.
func changeOf(s *Step, api *dashboard.API) (c apiChange) {
	due, ok := s.Work.(*Registration)
	if !ok || api == nil || due.Wanted == nil || !api.Definition.Active() {
		return c
	}

	from := api.Definition
	if o, owned := mesh.OwnerOf(from); owned && o == s.Owner() || due.Wanted.HasShape(from) {
		c = apiChange{from, due.Updated}
	}

	return c
}

// inboundOutage returns the outage of another port of the app: its running pods do not listen
// there.
func (s *Service) inboundOutage(c apiChange, settings mesh.Settings) []outage {
	if c.from == nil {
		return nil
	}

	from, to := originOf(c.from), originOf(c.to)
	if !isLoopback(from.host) || !isLoopback(to.host) || from.port == to.port {
		return nil
	}

	o := outage{service: s, pos: s.at(s.first().PortPos), what: "the app's port changes", change: arrow(from.port, to.port), fails: failUntilRestart}
	if from.port != originOfURL(settings.InboundTarget).port { // where rules of configured containers lead to the app
		o.hint = "to avoid it, let the app listen on both ports for one release, with the previous one in injector.tyk.io/port; then change the annotation"
	}

	return []outage{o}
}

// meshOutages returns the outages of a change of the mesh API.
func (s *Service) meshOutages(c apiChange, settings mesh.Settings) (all []outage) {
	if c.from == nil {
		return nil
	}

	from, to := originOf(c.from), originOf(c.to)
	if from.host == to.host {
		all = append(all, s.tlsOutage(from, to, settings)...)
		all = append(all, s.portOutage(sidecarChange{from.port, mesh.MarkedNextPort(c.from), to.port, s.Mesh.NextPort})...)
	}

	if a, b := mesh.CleanPath(c.from.ListenPath()), mesh.CleanPath(c.to.ListenPath()); a != b {
		all = append(all, outage{
			service: s, pos: s.RoutePos, what: "the route changes", change: arrow(a, b), fails: failOnRoute,
			hint: "change the callers in the same release, and apply them right after this run",
		})
	}

	if lost := lostHosts(c.from.Domain(), c.to.Domain()); len(lost) > 0 {
		all = append(all, outage{
			service: s, pos: s.Pos, what: "mesh hosts are removed", change: strings.Join(lost, ", "), fails: failOnHosts,
			hint: "to avoid it, keep these hosts in Injector.meshHosts until no caller uses them",
		})
	}

	return all
}

// tlsOutage returns the outage of sidecars that begin or end to speak TLS: a gateway listens for
// one of both, for callers in its own pod and in others.
func (s *Service) tlsOutage(from, to origin, settings mesh.Settings) []outage {
	if from.scheme == to.scheme {
		return nil
	}

	what := "TLS is turned on"
	if from.scheme == "https" {
		what = "TLS is turned off"
	}

	host := append(hostsOf(settings.MeshAPIDomain()), settings.MeshHosts...)[0]
	return []outage{{
		service: s, pos: s.Pos, what: what, change: arrow(from.scheme, to.scheme), fails: failUntilCallers,
		hint: fmt.Sprintf("let callers use %s://%s instead of %s://%[2]s in the same release; inject all services in one run, and apply the manifests at once", to.scheme, host, from.scheme),
	}}
}

// sidecarChange holds the port of the Service to which callers go, and the other port of a change
// in two steps, or 0: as registered, and as the plan registers them.
type sidecarChange struct{ called, next, toCalled, toNext int }

// listens returns the port where the sidecars of running pods listen, once they have restarted for
// the first of two steps.
func (c sidecarChange) listens() int {
	if c.next != 0 {
		return c.next
	}
	return c.called
}

// fails reports whether calls fail, and whether until the pods have restarted. There are two
// moments. At the registration, callers go to another port of the Service, which must be there.
// Once the Service is applied, its port leads to a number, or by a name to where each pod listens.
//
//	                      registered     Service has   pods listen on    callers go to
//	before                8080           8080          8080              8080
//	first run             8080, 18080    8080          8080              8080
//	  applied                            8080, 18080   8080 or 18080     8080: by name to both
//	second run            18080          8080, 18080   18080             18080
//	  applied                            18080         18080             18080
//
// Callers of a headless Service reach the pod itself, so no port but its own is right.
func (c sidecarChange) fails(byName, headless bool) (yes, untilRestart bool) {
	there := c.toCalled == c.called || c.toCalled == c.next
	leads := byName || c.toNext != 0 || c.toCalled == c.listens()
	if headless {
		leads = c.toCalled == c.listens()
		there = leads
	}

	return !there || !leads, !leads
}

// portOutage returns the outage of another port of the sidecars.
func (s *Service) portOutage(c sidecarChange) []outage {
	yes, untilRestart := c.fails(s.first().ByName, s.first().Headless)
	if !yes {
		return nil
	}

	o := outage{service: s, pos: s.at(s.first().SidecarPortPos), what: "the sidecar's port changes", change: arrow(c.listens(), c.toCalled), fails: failUntilApplied}
	if untilRestart {
		o.fails = failUntilRestart
	}

	const again = "inject and apply; when all pods have restarted, delete that %s, inject and apply again"
	switch {
	case s.first().Headless:
		o.hint = "its Service is headless: callers reach the pods' own port, so two steps would not help; apply the manifests right after this run"
	case s.first().Port == 0: // configured containers
	case s.first().SidecarPortPos.Line > 0:
		o.hint = fmt.Sprintf("to avoid it, add injector.tyk.io/sidecar-previous-port: \"%d\", "+again, c.listens(), "annotation")
	default:
		o.hint = fmt.Sprintf("to avoid it, set Sidecar.previousPort: %d, "+again, c.listens(), "key")
	}

	return []outage{o}
}

// isLoopback reports whether a host is the pod itself.
func isLoopback(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}

// lostHosts returns the hosts of a domain that another domain does not answer. Of patterns it knows
// the hosts of tykmesh's own.
func lostHosts(from, to string) (lost []string) {
	if from == to || to == "" { // which answers every host
		return nil
	}
	for _, h := range hostsOf(from) {
		if !strings.EqualFold(h, to) && !matchesAny(strings.ToLower(to), []string{h}) {
			lost = append(lost, h)
		}
	}

	return lost
}

// hostsOf returns the hosts that a domain answers; nil where it is a pattern that tykmesh did not
// write (mesh.WantedAPI.Domain), or answers all.
func hostsOf(domain string) (hosts []string) {
	if !strings.Contains(domain, "{") {
		return strings.Fields(domain)
	}

	alternatives, ok := strings.CutPrefix(strings.TrimSuffix(domain, "}"), "{host:")
	for h := range strings.SplitSeq(alternatives, "|") {
		plain := strings.ReplaceAll(h, `\`, "")
		if !ok || regexp.QuoteMeta(plain) != h {
			return nil
		}
		hosts = append(hosts, plain)
	}

	return hosts
}
