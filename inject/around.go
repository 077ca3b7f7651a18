package inject

import (
	"slices"
	"strconv"

	"github.com/tykmesh/tykmesh/inject/checks"
	"github.com/tykmesh/tykmesh/inject/display"
	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// lookAround examines the objects around those that join the mesh. It reads other documents only
// after all edits, because both at once would need more memory.
func (in *injection) lookAround(docs []*manifest.Document) {
	around := in.around()
	if around == 0 {
		in.identify() // what earlier runs put on the mesh
		return
	}

	in.readOthers(docs, around)
	in.noteSurroundings()
	in.Needs = in.needs()
	in.settleMembers()
	view := in.view()
	in.noteRouteCalls(view)
	for _, w := range checks.Run(view) {
		p := Problem{Rule: Rule(w.Code), Pos: w.At.Position(), Object: w.About.Title(), Msg: display.Line(w.Text), Hint: w.Hint}
		switch {
		case w.Accepted:
			in.Accepted = append(in.Accepted, p)
		case w.Breaks && in.settings.Strict:
			in.problems = append(in.problems, p)
		default:
			in.Warnings = append(in.Warnings, p)
		}
	}

	SortProblems(docs, in.Accepted)
	in.problems = append(in.problems, in.unacceptable...)
	in.identify()
}

// noteSurroundings notes at the workloads the facts of the stream on which warnings about their
// registration depend.
func (in *injection) noteSurroundings() {
	for meta, o := range in.objects {
		if w := o.workload; w != nil {
			s := in.facts.Service(w.Service.Namespace, w.Service.App)
			w.Headless, w.Accepted = s != nil && s.Headless, slices.Concat(in.accepted[meta], in.settings.Accept)
		}
	}
}

// around returns which objects join the mesh, so that others have to be read.
func (in *injection) around() (around kube.Around) {
	if slices.ContainsFunc(in.facts.Services, func(s *kube.Service) bool { return in.joins(s.Meta) }) {
		around |= kube.Services
	}
	if slices.ContainsFunc(in.facts.Pods, func(p *kube.Pods) bool { return in.joins(p.Meta) }) {
		around |= kube.Workloads
	}
	return around
}

// joins reports whether the run puts an object on the mesh, or would if nothing were wrong with it.
func (in *injection) joins(m *kube.Meta) bool {
	o := in.objects[m]
	return o != nil && o.joins()
}

// meshed reports whether an object joins the mesh, or an earlier run put it there.
func (in *injection) meshed(m *kube.Meta) bool {
	o := in.objects[m]
	return o != nil && (o.joins() || o.done)
}

// readOthers adds the facts of documents without annotations of tykmesh, and the calls in all
// documents: only now it is known whose ports change. It skips unreadable documents: kubectl
// reports them.
func (in *injection) readOthers(docs []*manifest.Document, around kube.Around) {
	names := in.called()
	for _, d := range docs {
		calls := names.In(d.Text)
		other := !isAddressed(d.Text) && (calls || in.facts.Mentions(d.Text, around))
		if !calls && !other {
			continue
		}

		if objects, err := kube.Objects(d); err == nil {
			reader := &kube.CallReader{Names: names}
			for _, object := range objects {
				if other {
					in.facts.AddAll(object)
				}
				if m := in.facts.AddCalls(object, reader); m != nil {
					in.noteAccepted(object, m, nil)
				}
			}
		}

		d.Forget()
	}
}

// called returns the names by which texts call the things that change: Services that join the mesh,
// and the mesh itself.
func (in *injection) called() kube.Names {
	names := in.meshNames()
	for _, s := range in.facts.Services {
		if m := in.members[s.Meta]; m != nil && m.Port != nil && in.joins(s.Meta) {
			names.Services[s.Name] = true
		}
	}

	return names
}

// meshNames returns the names of the mesh itself.
func (in *injection) meshNames() kube.Names {
	names := kube.Names{Hosts: make(map[string]bool), Services: make(map[string]bool)}
	for _, host := range in.settings.MeshHosts {
		if !checks.IsLoopback(host) {
			names.Hosts[host] = true
		}
	}

	return names
}

// noteRouteCalls keeps the calls of routes, which registered services may have too.
func (in *injection) noteRouteCalls(s *checks.Stream) {
	for _, c := range checks.RouteCalls(s) {
		call := RouteCall{
			Pos: c.At.Position(), Object: c.About.Title(), URL: c.Text + c.Path, Path: c.Path,
			Accepted: in.accepts(c.About, checks.CallersCode),
		}
		if o := in.objects[c.About]; o != nil && o.workload != nil {
			call.Scoped, call.Loaded = o.workload.Scoped, o.workload.Calls
		}
		in.RouteCalls = append(in.RouteCalls, call)
	}
}

// settleMembers notes the outcomes of objects for the checks.
func (in *injection) settleMembers() {
	for meta, m := range in.members {
		o := in.objects[meta]
		m.Joins, m.Skipped = o.joins(), o.Outcome == Skipped
		m.Meshed = in.meshed(meta)
		if o.workload != nil {
			m.App, m.Route = o.workload.Service.App, o.workload.Route
			if o.workload.Port != 0 {
				m.AppPort = strconv.Itoa(o.workload.Port)
			}
		}

		if o.Outcome != Injected {
			m.Security, m.Port = kube.Verdict{}, nil
			if o.workload == nil {
				m.Sidecar, m.Previous = "", ""
			}
		}
	}
}

// view returns the stream as the checks see it.
func (in *injection) view() *checks.Stream {
	s := in.settings
	return &checks.Stream{
		Facts: in.facts, Members: in.members, Accepts: in.accepts,
		Routes: s.Routes, TLS: s.sidecarTLS(), MeshHosts: s.MeshHosts, BuiltIn: s.Sidecar != nil, ServiceLabels: s.serviceLabels(), Sidecars: s.running(),
		SidecarPort: strconv.Itoa(s.sidecarPorts().listen), Adds: s.adds(),
		HTTP2: s.carriesHTTP2(), LimitsBodies: s.Sidecar != nil && s.Sidecar.MaxBody() != "",
		Standalone: s.standaloneChecks(),
		Reconnects: s.Sidecar != nil && s.Sidecar.Traffic.MaxConnTime > 0,
	}
}

// standaloneChecks returns the mesh without a Dashboard as the checks see it; nil with one.
func (s Settings) standaloneChecks() *checks.Standalone {
	if s.Standalone == nil {
		return nil
	}
	return &checks.Standalone{Port: strconv.Itoa(s.Standalone.Port), Certificates: s.Standalone.Certificates, Mutual: s.Standalone.Mutual}
}

// joins reports whether a run changes the object, or would if nothing were wrong with it.
func (o *Object) joins() bool { return o.Outcome == Injected || o.Outcome == Refused }

// running returns the added containers that run as long as the pod.
func (s Settings) running() []manifest.Map {
	out := slices.Clone(s.Containers)
	for _, c := range s.InitContainers {
		if c.String("restartPolicy") == "Always" {
			out = append(out, c)
		}
	}

	if s.Sidecar != nil {
		out = append(out, s.Sidecar.Container())
	}

	return out
}
