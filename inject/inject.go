// Package inject says what it means to put a workload or a Service on the mesh, and to take it off again: which annotations count, what a
// pod gets, which port of a Service changes, and what is refused. It does what the admission webhook of tyk-k8s did, without its faults.
//
//	documents ──Inject──> Stream ──Workloads──> (registered elsewhere) ──Write(ids)──> text
//	documents ──Uninject──> Stream ──Write──> text
//
// It is pure: no network, no file, no clock, no log. It never touches what it does not inject.
package inject

import (
	"bytes"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Settings is what injection needs of the configuration.
type Settings struct {
	Namespace  string // of objects that name none; "" means default
	Routes     bool   // the services' APIs are registered, and their ids written into the pods (Injector.createRoutes)
	TLS        bool   // sidecars speak TLS (Injector.enableMeshTLS)
	Namespaced bool   // tags carry the namespace (Injector.slugs: namespaced)

	// Containers and InitContainers are added to every pod, in this order (Injector.containers, Injector.initContainers).
	Containers, InitContainers []manifest.Map
	// MeshHosts are the names of the mesh; a pod resolves them to itself (Injector.meshHosts).
	MeshHosts []string
}

// Outcome says what becomes of an object that carries an annotation of ours.
type Outcome int

// The outcomes. An object without our annotations has none, and is in no list.
const (
	// Injected objects are changed.
	Injected Outcome = iota
	// LeftAlone objects pass untouched, because a rule says so; Object.Reason says which.
	LeftAlone
	// Refused objects have a problem, and so has their stream.
	Refused
)

// Object is an object of the stream that carries an annotation of ours.
type Object struct {
	Kind, Namespace, Name string
	Pos                   manifest.Position
	Outcome               Outcome
	Reason                string // why it is left alone, as a clause: "its status is injected already"
	Warning               bool   // whether leaving it alone may surprise
	Change                string // what injection does to it: "sidecar tyk-mesh", "port 80 becomes 8080"

	title    string    // "document 12 (Deployment shop/web)"
	workload *Workload // nil for a Service
}

// String is how errors and reports name the object.
func (o *Object) String() string { return o.title }

// Workload is what registration needs to know of the object; nil for a Service.
func (o *Object) Workload() *Workload { return o.workload }

// marker is a text that every document of ours holds: the prefix of the injector's annotations.
const marker = "injector.tyk.io"

// Inject parses the documents that hold our annotations, says for each object in them what becomes of it, and edits those that are to
// be injected. Each result has been parsed again and compared with what was planned, so that nothing can be refused any more once
// something was registered; only the ids of APIs are open, which Stream.Write gets.
//
// Problems are in the order of the input; with any of them the stream is refused as a whole.
func Inject(docs []*manifest.Document, s Settings) (*Stream, []Problem) {
	in := injection{Stream: newStream(docs), settings: s, pods: make(podIndex)}
	in.routes = s.Routes
	waiting := make(map[int][]*subject) // which port of a Service reaches the app may depend on any pod of the stream
	for i, d := range docs {
		subjects := in.find(d)
		if hasService(subjects) {
			waiting[i] = subjects
			continue
		}
		in.edit(i, subjects)
	}
	for i := range docs {
		if subjects := waiting[i]; subjects != nil {
			in.edit(i, subjects)
		}
	}
	SortProblems(docs, in.problems)
	return in.Stream, in.problems
}

// injection is a run of Inject. It holds the trees of documents no longer than it needs them, because a long stream has many.
type injection struct {
	*Stream
	settings Settings
	pods     podIndex
	problems []Problem
}

// find says what becomes of the objects in a document.
func (in *injection) find(d *manifest.Document) (subjects []*subject) {
	if !bytes.Contains(d.Text, []byte(marker)) {
		return nil
	}
	root, err := d.Root()
	if err != nil {
		in.problems = append(in.problems, syntaxProblem(d, err))
		return nil
	}
	for _, node := range objects(root) {
		o, refused := in.examine(d, node)
		in.problems = append(in.problems, refused...)
		if o == nil {
			continue
		}
		if len(refused) > 0 {
			o.Outcome = Refused
		}
		in.Objects = append(in.Objects, o.Object)
		subjects = append(subjects, o)
	}
	return subjects
}

func hasService(subjects []*subject) bool {
	for _, o := range subjects {
		if o.Outcome == Injected && o.workload == nil {
			return true
		}
	}
	return false
}

// edit makes the edits of a document and forgets its tree.
func (in *injection) edit(i int, subjects []*subject) {
	page := &in.pages[i]
	if in.settings.Routes && len(subjects) > 0 {
		page.mark = markOf(page.Text)
	}
	var edits []manifest.Edit
	for _, o := range subjects {
		if o.Outcome != Injected {
			continue
		}
		es, err := in.edits(page, o)
		if err != nil {
			in.refuse(o, err)
			continue
		}
		edits = append(edits, es...)
		if o.workload != nil && in.settings.Routes {
			page.services = append(page.services, o.workload.Service)
		}
	}
	patch, err := page.Apply(edits...)
	if err != nil {
		in.refuse(owner(subjects, err), err)
	}
	page.patch = patch
	page.Forget()
}

// edits is what injection changes in an object.
func (in *injection) edits(p *page, o *subject) ([]manifest.Edit, error) {
	if o.workload != nil {
		return o.podEdits(in.settings, in.newIDs(p, o.workload))
	}
	return o.serviceEdits(in.pods)
}

// newIDs are the id annotations that the pod template does not carry yet.
func (in *injection) newIDs(p *page, w *Workload) manifest.Map {
	var out manifest.Map
	if in.settings.Routes && w.InboundID == "" {
		out = append(out, manifest.Entry{Key: annotationInbound, Value: p.inboundOf(w.Service)})
	}
	if in.settings.Routes && w.MeshID == "" {
		out = append(out, manifest.Entry{Key: annotationMesh, Value: p.meshOf(w.Service)})
	}
	return out
}

func (in *injection) refuse(o *subject, err error) {
	o.Outcome = Refused
	in.problems = append(in.problems, o.editProblem(err))
}
