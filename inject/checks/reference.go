package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// Reference checks objects that name ports of Services, such as Ingresses, webhooks and monitors: a
// Service that joins the mesh may lose the port, and a sidecar answers requests only for the host
// of its own service.
var Reference = Check{
	Code:     "TM0022",
	Sentence: "An object that names a Service port needs that port, and answers from the sidecar behind it.",
	Hint: "set Injector.servicePorts: add, which keeps every port as it is; or add a second Service without the annotation, which bypasses the sidecar; " +
		viaSidecar,
	Kept:  "name the port that leads to the app, which stays as it is; " + viaSidecar,
	Alone: "name the port that leads to the app; Injector.servicePorts: add keeps every port as it is",
	run:   checkReferences,
}

// viaSidecar is how objects that name a port of a Service can reach the app through the sidecar.
const viaSidecar = "or go through the sidecar, with its port and the host APP.NAMESPACE (nginx: upstream-vhost, and backend-protocol: HTTPS if the mesh uses TLS)"

// checkReferences looks for objects that name ports of a Service that joins the mesh.
func checkReferences(r *run) {
	r.reportReferences(r.faultOf)
	r.checkRollouts()
}

// reportReferences reports the faults of references to Services that join the mesh: a Service once
// for each object, and a warning only where nothing of the Service breaks.
func (r *run) reportReferences(faultOf func(kube.Reference, *kube.Service) fault) {
	for _, o := range r.Referrers {
		broken, warned := make(map[*kube.Service]bool), make(map[*kube.Service]bool)
		var suspicions []fault
		for _, ref := range o.References {
			for s := range r.Referred(ref) {
				if !r.member(s.Meta).Joins || broken[s] {
					continue
				}

				switch found := faultOf(ref, s); {
				case found.text == "":
				case found.breaks:
					broken[s] = true
					r.breaks(o.Meta, ref.At, "%s", found.text)
				case !warned[s]:
					warned[s] = true
					suspicions = append(suspicions, found)
				}
			}
		}

		for _, found := range suspicions {
			if !broken[found.about] {
				r.warn(o.Meta, found.at, "%s", found.text)
			}
		}
	}
}

// fault is the reason why a reference to a Service gets no answer, or may get none.
type fault struct {
	about  *kube.Service
	at     manifest.Place
	text   string // "" where there is no such reason
	breaks bool   // it gets no answer any longer; else it may get none
}

// fate says what becomes of the port of a reference.
type fate int

const (
	stays  fate = iota
	goes        // no port has its number or name any longer
	leads       // to the sidecars
	joined      // all ports count, and that of the sidecars is added to them
	unsure      // no port is named, and there are several now
)

// fateOf returns what becomes of the port that a reference names:
//
//	             replace    preserve    add
//	the app's    goes       leads       stays
//	its target   goes       goes        stays
//	the added    leads      leads       leads
//	another      stays      stays       stays
//	the only     leads      leads       unsure
//	all          leads      leads       joined
func (m *Member) fateOf(r *run, ref kube.Reference, s *kube.Service) fate {
	switch {
	case ref.Port == "":
		return m.fateOfUnnamed(ref.OfPods, s)
	case m.isAdded(ref.Port):
		return leads
	case m.Port == nil:
		return stays
	case ref.OfPods && isNumber(ref.Port):
		return m.fateOfTarget(r, ref.Port, s)
	case ref.Port == m.Becomes || m.KeepsName && ref.Port == m.Port.Name:
		return leads
	case ref.Port == m.Port.Number || ref.Port == m.Port.Name:
		return goes
	}

	return stays
}

// fateOfUnnamed returns what becomes of a reference that names no port: it means all ports of a
// Service, or its only one. Which one of several it means is unknown.
func (m *Member) fateOfUnnamed(all bool, s *kube.Service) fate {
	switch {
	case m.Sidecar == "" || !all && len(s.Ports) > 1:
		return stays
	case m.Port != nil:
		return leads
	case all:
		return joined
	default:
		return unsure
	}
}

// fateOfTarget returns what becomes of a reference to a port of the pods: it goes with the last
// port of the Service that leads there.
func (m *Member) fateOfTarget(r *run, target string, s *kube.Service) fate {
	changes := func(p kube.ServicePort) bool { return p == *m.Port }
	leadsThere := func(p kube.ServicePort) bool { return r.Reached(s, p) == target }
	if leadsThere(*m.Port) && !slices.ContainsFunc(s.Ports, func(p kube.ServicePort) bool { return !changes(p) && leadsThere(p) }) {
		return goes
	}
	return stays
}

func isNumber(port string) bool { return strings.Trim(port, "0123456789") == "" }

// isAdded reports whether a port of a Service is one that it gets.
func (m *Member) isAdded(port string) bool {
	return m.Sidecar != "" && (port == m.Sidecar || port == m.Previous || port == sidecar.PortName)
}

// replacement returns the port that replaces that of a Service, with its name.
func (m *Member) replacement() string {
	if m.KeepsName {
		return m.Becomes
	}
	return m.Becomes + " (" + sidecar.PortName + ")"
}

// replacementOf returns the port that replaces that of a reference.
func (m *Member) replacementOf(ref kube.Reference) string {
	if ref.OfPods && isNumber(ref.Port) {
		return m.Sidecar
	}
	return m.replacement()
}

// losses say what a caller can no longer do without the port that it names.
var losses = map[kube.Caller]string{
	kube.Proxy:      "this backend would break",
	kube.Connection: "this backend would break",
	kube.APIServer:  "the API server could not call it",
	kube.Prometheus: "Prometheus would scrape nothing there",
}

// strangers say why callers get no answer from sidecars, those that never do.
var strangers = map[kube.Caller]string{
	kube.Connection: "this object passes connections on as they are",
	kube.APIServer:  "the API server calls the host %s.%s.svc",
	kube.Prometheus: "Prometheus calls the addresses of pods",
}

// faultOf returns the fault of a reference to a Service that joins the mesh.
func (r *run) faultOf(ref kube.Reference, s *kube.Service) fault {
	m, out := r.member(s.Meta), fault{about: s, at: ref.At}
	switch m.fateOf(r, ref, s) {
	case goes:
		out.breaks = true
		out.text = fmt.Sprintf("injection replaces %s by %s, so %s; %s", described(ref, s), m.replacementOf(ref), losses[ref.Caller], r.remedyFor(m, ref.Caller))
	case leads:
		if r.Standalone != nil {
			return r.openFault(ref, s)
		}
		out.text, out.breaks = r.strangerText(ref, s)
		if !out.breaks && (!ref.SetsHost || r.TLS && !ref.TLS) {
			out.text = r.hostText(s)
		}
	case joined:
		demand := r.demand(s)
		if demand == "" {
			break // sidecars answer these requests too
		}
		out.breaks = ref.Caller != kube.Prometheus
		out.text = fmt.Sprintf("it names no port, so some of its requests would go to port %s of Service %s/%s, where sidecars %s; name a port",
			m.Sidecar, s.Namespace, s.Name, demand)
	case unsure:
		out.text = fmt.Sprintf("it names no port of Service %s/%s, which gets a second one; name the port", s.Namespace, s.Name)
	}

	return out
}

// strangerText returns why a caller gets no answer from sidecars, if it never does.
func (r *run) strangerText(ref kube.Reference, s *kube.Service) (text string, ok bool) {
	stranger, ok := strangers[ref.Caller]
	if !ok {
		return "", false
	}
	if ref.Caller == kube.APIServer {
		stranger = fmt.Sprintf(stranger, s.Name, s.Namespace)
	}

	return fmt.Sprintf("%s leads to sidecars, which answer only the host %s, but %s; %s",
		described(ref, s), r.hostOf(s), stranger, r.remedyFor(r.member(s.Meta), ref.Caller)), true
}

// hostText returns the demands of sidecars on their callers.
func (r *run) hostText(s *kube.Service) string {
	text := fmt.Sprintf("the sidecars behind Service %s/%s answer only requests for the host %s, others get 404; rewrite the Host header", s.Namespace, s.Name, r.hostOf(s))
	if r.TLS {
		text += "; they speak TLS, so connect over TLS"
	}
	return text
}

// remedyFor returns what to do about a port of a Service that breaks for a caller. No caller has a
// certificate for the new port, as far as the stream shows.
func (r *run) remedyFor(m *Member, c kube.Caller) string {
	if m.Port != nil && c == kube.Proxy && !r.isMutual() {
		return "refer to the new port"
	}
	return m.otherPort()
}

// described returns how a message names the port of a reference.
func described(ref kube.Reference, s *kube.Service) string {
	service := fmt.Sprintf(" of Service %s/%s", s.Namespace, s.Name)
	switch {
	case ref.Port == "":
		return "the port" + service
	case ref.OfPods && isNumber(ref.Port):
		return "target port " + ref.Port + service
	}
	return "port " + ref.Port + service
}

// hostOf returns the host that the sidecars behind a Service answer.
func (r *run) hostOf(s *kube.Service) string {
	for p := range r.Behind(s) {
		if name := p.Label(r.ServiceLabels); r.member(p.Meta).Meshed && name != "" {
			return name + "." + s.Namespace
		}
	}
	return s.Name + "." + s.Namespace
}
