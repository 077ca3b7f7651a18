package inject

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Service is a service of the mesh: what two API definitions and a certificate are made for.
// Workloads with the same namespace and the same service label are one service.
type Service struct {
	Namespace, App string
}

// usualServiceLabel is a common alternative to the label app.
const usualServiceLabel = "app.kubernetes.io/name"

// serviceLabels returns the labels of which the first that pods have names their service.
func (s Settings) serviceLabels() []string {
	if len(s.ServiceLabels) == 0 {
		return []string{"app"}
	}
	return s.ServiceLabels
}

// String returns namespace/app.
func (s Service) String() string { return s.Namespace + "/" + s.App }

// Tag returns the gateway tag that only the sidecars of the service carry; namespaced as
// Injector.slugs says.
func (s Service) Tag(namespaced bool) string {
	if namespaced {
		return s.App + "." + s.Namespace
	}
	return s.App
}

// RouteTag returns the tag of the service's route, which sidecars carry that load the routes of a
// few services only. A service has no dot in its name, and cannot be called mesh: so no service has
// it as its Tag.
func (s Service) RouteTag(namespaced bool) string { return meshTag + "." + s.Tag(namespaced) }

// Field is one annotation of the form KIND.service.tyk.io/PATH: a value to set in the inbound API
// definition.
type Field struct {
	Key   string // the annotation
	Path  string // dotted, with every dash of the annotation turned into an underscore, as tyk-k8s did
	Value any    // string, bool, json.Number, map[string]any, []any or nil
	Pos   manifest.Position
}

// Workload is an annotated pod template as far as registration needs it.
type Workload struct {
	Object  string            // how errors name it: "document 12 (Deployment shop/web)"
	Pos     manifest.Position // where the object stands
	Service Service

	Route    string            // the path on the mesh; begins with a slash; "" where it was refused
	RoutePos manifest.Position // of the route annotation, else of the object

	Port int // where the app listens, on 127.0.0.1; 0 where the configured containers lead the sidecar to it

	PortPos manifest.Position // of the annotation that names it; Line 0 without one

	// Protocol is that of the app, where it is HTTP/2 or gRPC, and the sidecar carries it; else "",
	// which means HTTP.
	Protocol kube.Protocol

	// SidecarPort is the port of the Service to which the sidecars of callers go.
	SidecarPort    int
	SidecarPortPos manifest.Position // of the annotation that sets it; Line 0 without one
	// NextPort is the other port of the Service that leads to the sidecars, where they listen by
	// now and callers go next (Sidecar.previousPort); 0 without one.
	NextPort int
	// ByName reports that the Service leads to its sidecars by the name of their port, and so to
	// each pod where its sidecar listens.
	ByName bool
	// Headless reports that callers reach the pods' own ports, as far as the stream shows.
	Headless bool
	// Accepted are the rules whose warnings about these pods the user accepts.
	Accepted []Rule

	Template    string // the name in template.service.tyk.io
	HasTemplate bool
	TemplatePos manifest.Position

	Fields []Field // sorted by Key

	// Scoped says that the sidecars load the routes of Calls only, and not those of the whole mesh.
	Scoped   bool
	Calls    []Service         // sorted, each once
	CallsPos manifest.Position // of the annotation that lists them

	MemoryLimit    string            // of the sidecar, where an annotation sets it; else ""
	MemoryLimitPos manifest.Position // of that annotation

	// InboundID and MeshID are database ids that the manifest already names; "" where it names
	// none.
	InboundID, MeshID string
}

// Speaks returns the protocol of the app.
func (w Workload) Speaks() kube.Protocol { return cmp.Or(w.Protocol, kube.HTTP) }

// Target returns the URL where the sidecar finds the app; "" where the configured containers lead
// it there. A gateway speaks HTTP/2 without TLS to a target h2c:// (Tyk documentation, gRPC proxy).
func (w Workload) Target() string {
	switch {
	case w.Port == 0:
		return ""
	case w.Protocol != "":
		return fmt.Sprintf("h2c://127.0.0.1:%d", w.Port)
	}
	return fmt.Sprintf("http://127.0.0.1:%d", w.Port)
}

// Accepts reports whether the user accepts the warnings of a rule about these pods.
func (w Workload) Accepts(rule Rule) bool { return slices.Contains(w.Accepted, rule) }

// Binding holds the Dashboard's ids of a service's two APIs, as they are written into annotations.
type Binding struct {
	InboundID, MeshID string
}

// Call is a call of one service by another. The called one may not be in the stream.
type Call struct{ From, To Service }

// RouteCall is a call of a route of the mesh that an object of the stream names. Services that the
// stream does not show may have the route.
type RouteCall struct {
	Pos    manifest.Position
	Object string // "document 12 (Deployment shop/web)"
	URL    string // without user and query
	Path   string // as far as the object shows whole segments

	// Scoped says that the sidecars of the caller load the routes of these services only.
	Scoped bool
	Loaded []Service

	Accepted bool // by the user, if nothing answers the call
}

// Problem is one reason why a stream is refused: where, which object, which rule.
type Problem struct {
	Rule   Rule
	Pos    manifest.Position
	Object string // "document 12 (Deployment shop/web)", or "" where no object is known
	Msg    string
	Hint   string // the next thing to try, where it differs from the rule's
}

// Error returns position, object and message on one line.
func (p Problem) Error() string {
	if p.Object == "" {
		return fmt.Sprintf("%s: %s", p.Pos, p.Msg)
	}
	return fmt.Sprintf("%s: %s: %s", p.Pos, p.Object, p.Msg)
}

// SortProblems puts problems in the order of the input: by file in the order of the documents, then
// by line and column.
func SortProblems(docs []*manifest.Document, problems []Problem) {
	files := make(map[string]int)
	for i, d := range docs {
		if _, ok := files[d.File]; !ok {
			files[d.File] = i
		}
	}

	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(files[a.Pos.File]-files[b.Pos.File], a.Pos.Line-b.Pos.Line, a.Pos.Column-b.Pos.Column)
	})
}
