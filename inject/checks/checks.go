// Package checks finds objects that injection would break without changing them: a Service that
// leads past the sidecars, an Ingress that loses its port.
//
//	facts about the objects of a stream, and their members of the mesh ──Run──> warnings
//
// A check is a file, with its texts and its function, and an item of All. The checks change
// nothing, and do not decide which warnings end a run.
package checks

import (
	"cmp"
	"fmt"
	"iter"
	"slices"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Check is a check across a stream. Its warnings can be accepted: objects may be meant as they are,
// because a stream does not show everything.
type Check struct {
	Code     string // stays the same from version to version, for those who filter reports
	Sentence string // the rule that objects must keep
	Hint     string // the next thing to try, for users
	Kept     string // the same where Services keep all ports; "" if it is the same
	Alone    string // the same without a Dashboard; "" if it is the same
	run      func(*run)
}

// All are the checks, by code.
var All = []Check{
	Selector, Target, Route, Reference, Policy, Scaler, Security, Mesh, Quota, Domain, Public, Probe, Protocol, Callers, Outage, Outside,
}

// Stream is a stream of objects, and what injection does to them.
type Stream struct {
	*kube.Facts
	Members map[*kube.Meta]*Member // the annotated pods and Services

	Routes        bool           // the routes of services are registered
	TLS           bool           // sidecars speak TLS
	MeshHosts     []string       // the names of the mesh
	BuiltIn       bool           // they are built-in ones
	ServiceLabels []string       // the first of these labels that pods have names their service
	Sidecars      []manifest.Map // the added containers that run as long as the pod
	SidecarPort   string         // where sidecars listen, unless a member says otherwise
	HTTP2         bool           // sidecars carry HTTP/2
	LimitsBodies  bool           // sidecars limit request bodies, unless their pods say that they speak gRPC
	Reconnects    bool           // sidecars replace their connections, unless their pods say that they speak HTTP/2
	Standalone    *Standalone    // a mesh without a Dashboard; else nil
	Adds          bool           // Services keep all ports, and get one that leads to pods with a sidecar alone

	// Accepts reports whether the user accepts the warnings of a code about an object.
	Accepts func(about *kube.Meta, code string) bool
}

// Member is what injection does to annotated pods, or to a Service.
type Member struct {
	Joins   bool // this run puts them on the mesh, or would if nothing were wrong with them
	Meshed  bool // they join, or an earlier run put them on the mesh
	Skipped bool // they cannot be edited

	// Sidecar is the number of the port where sidecars listen, and of the Service port that leads
	// to them; "" where it is unknown.
	Sidecar string
	// Previous is the other port of the Service, which callers use for now; "" without one.
	Previous string

	// Of pods that join.
	App, Route string      // "" where they are refused
	Redirected bool        // rules lead the calls of the pods to the sidecar
	AppPort    string      // where the app listens; "" if the configured containers lead the sidecar to it
	Speaks     kube.Speech // the protocol there
	Captured   []string    // the ports on which rules lead the calls of the pods to themselves to the sidecar
	Unset      []Unset     // of the added containers
	Security   kube.Verdict

	// Of a Service that joins: the port that leads to the sidecars now, and what becomes of it.
	Port      *kube.ServicePort // nil where it is refused, or keeps all ports and gets the sidecar's
	Becomes   string            // its number
	KeepsName bool
}

// Warning is the result of a check for an object.
type Warning struct {
	Code     string
	About    *kube.Meta
	At       manifest.Place
	Text     string
	Breaks   bool   // the mesh cannot work as far as the stream shows; else it may be intended
	Accepted bool   // by the user
	Hint     string // where it differs from that of the check
}

// Run runs all checks, in their order.
func Run(s *Stream) (warnings []Warning) {
	r := run{Stream: s, ports: portsOf(s.Sidecars, s.SidecarPort)}
	for _, check := range All {
		r.code, r.hint = check.Code, ""
		if s.Adds {
			r.hint = check.Kept
		}
		if s.Standalone != nil {
			r.hint = cmp.Or(check.Alone, r.hint)
		}
		check.run(&r)
	}
	return r.warnings
}

// run is a run of a check.
type run struct {
	*Stream
	ports    []kube.Port // of the sidecars
	code     string
	hint     string // for the warnings of the check; "" if it is the usual one
	warnings []Warning
}

// breaks reports that the mesh cannot work as far as the stream shows.
func (r *run) breaks(about *kube.Meta, at manifest.Place, format string, args ...any) {
	r.warnings = append(r.warnings, Warning{r.code, about, at, fmt.Sprintf(format, args...), true, r.Accepts(about, r.code), r.hint})
}

// warn reports something that may be intended, because the stream does not show everything.
func (r *run) warn(about *kube.Meta, at manifest.Place, format string, args ...any) {
	r.warnings = append(r.warnings, Warning{r.code, about, at, fmt.Sprintf(format, args...), false, r.Accepts(about, r.code), r.hint})
}

// warnPods does as warn about pods for a reason that is their namespace's too, where it can also be
// accepted.
func (r *run) warnPods(p *kube.Pods, at manifest.Place, format string, args ...any) {
	r.warn(p.Meta, at, format, args...)
	if n := r.NamespaceOf(p.Meta); n != nil && r.Accepts(n.Meta, r.code) {
		r.warnings[len(r.warnings)-1].Accepted = true
	}
}

// outside is what injection does to all other objects.
var outside Member

func (r *run) member(m *kube.Meta) *Member {
	if found := r.Members[m]; found != nil {
		return found
	}
	return &outside
}

// joiningPods returns the pods that join the mesh.
func (r *run) joiningPods() iter.Seq2[*kube.Pods, *Member] {
	return func(yield func(*kube.Pods, *Member) bool) {
		for _, p := range r.Pods {
			if m := r.member(p.Meta); m.Joins && !yield(p, m) {
				return
			}
		}
	}
}

// sidecarPort returns where the sidecars of a member listen.
func (r *run) sidecarPort(m *Member) string { return cmp.Or(m.Sidecar, r.SidecarPort) }

// portsOf returns the ports of sidecars, including the one that every sidecar has.
func portsOf(sidecars []manifest.Map, usual string) []kube.Port {
	ports := []kube.Port{{Number: usual}}
	for _, container := range sidecars {
		for _, p := range container.List("ports") {
			port, _ := p.(manifest.Map)
			number, _ := port.Lookup("containerPort")
			ports = append(ports, kube.Port{Name: port.String("name"), Number: decimal(number)})
		}
	}

	return ports
}

// decimal returns a number of the configuration; "" for anything else.
func decimal(v any) string {
	switch v.(type) {
	case int, int64:
		return fmt.Sprint(v)
	}
	return ""
}

// isSidecar reports whether a port of pods, given by name or number, is the one where their sidecar
// listens.
func (r *run) isSidecar(port, listens string) bool {
	return port == listens || slices.ContainsFunc(r.ports, func(p kube.Port) bool { return p.Name == port && port != "" && p.Number == r.SidecarPort })
}

// listed returns the names of a few objects, and the number of the others.
func listed(all []*kube.Pods) string {
	const most = 3
	text := ""
	for i, p := range all[:min(len(all), most)] {
		if i > 0 {
			text += ", "
		}
		text += p.String()
	}

	if n := len(all) - most; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}

	return text
}
