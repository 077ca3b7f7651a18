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
		return
	}

	in.readOthers(docs, around)
	in.noteOutages()
	in.Needs = in.needs()
	for _, w := range checks.Run(in.view()) {
		p := Problem{Rule: Rule(w.Code), Pos: w.At.Position(), Object: w.About.Title(), Msg: display.Line(w.Text)}
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
}

// noteOutages notes at the workloads how the stream bears on changes of registered services.
func (in *injection) noteOutages() {
	for meta, o := range in.objects {
		if w := o.workload; w != nil {
			s := in.facts.Service(w.Service.Namespace, w.Service.App)
			w.Headless, w.AcceptsOutages = s != nil && s.Headless, in.accepts(meta, checks.OutageCode)
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

// readOthers adds the facts of documents without annotations of tykmesh. It skips unreadable
// documents: kubectl reports them.
func (in *injection) readOthers(docs []*manifest.Document, around kube.Around) {
	for _, d := range docs {
		if isAddressed(d.Text) || !in.facts.Mentions(d.Text, around) {
			continue
		}

		if objects, err := kube.Objects(d); err == nil {
			for _, object := range objects {
				in.facts.AddAll(object)
			}
		}

		d.Forget()
	}
}

// view returns the stream as the checks see it.
func (in *injection) view() *checks.Stream {
	for meta, m := range in.members {
		o := in.objects[meta]
		m.Joins, m.Skipped = o.joins(), o.Outcome == Skipped
		m.Meshed = m.Joins || o.done
		if o.workload != nil {
			m.App, m.Route = o.workload.Service.App, o.workload.Route
			if o.workload.Port != 0 {
				m.AppPort = strconv.Itoa(o.workload.Port)
			}
		}
		if o.Outcome != Injected {
			m.Security, m.Port = kube.Verdict{}, nil
			if o.workload == nil {
				m.Sidecar = ""
			}
		}
	}

	s := in.settings
	return &checks.Stream{
		Facts: in.facts, Members: in.members, Accepts: in.accepts,
		Routes: s.Routes, TLS: s.TLS, BuiltIn: s.Sidecar != nil, ServiceLabels: s.serviceLabels(), Sidecars: s.running(),
		SidecarPort: strconv.Itoa(s.sidecarPorts().listen), Adds: s.ServicePorts == AddPort && s.Sidecar != nil, HTTP2: s.carriesHTTP2(), LimitsBodies: s.Sidecar != nil && s.Sidecar.MaxBody() != "",
	}
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
