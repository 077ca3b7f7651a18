// Package inject says what it means to put a workload or a Service on the mesh, and to take it off again: which annotations count, what a
// pod gets, which port of a Service changes, and what is refused. It does what the admission webhook of tyk-k8s did, without its faults.
//
//	documents ──Find──> Stream of objects ──Workloads──> (registered elsewhere) ──Apply(ids)──> text
//	documents ──Uninject──> text
//
// It is pure: no network, no file, no clock, no log. It never touches what it does not inject.
package inject

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

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

	title    string // "document 12 (Deployment shop/web)"
	doc      *manifest.Document
	node     *manifest.Node // the object
	meta     *manifest.Node // the metadata that carries the annotations: of the pod template, or of the Service
	workload *Workload      // nil for a Service
	ports    *portChange    // nil for a workload
}

// String is how errors and reports name the object.
func (o *Object) String() string { return o.title }

// Workload is what registration needs to know of the object; nil for a Service.
func (o *Object) Workload() *Workload { return o.workload }

// Stream is a stream of documents with the objects in it that are ours.
type Stream struct {
	Documents []*manifest.Document
	Objects   []*Object // in the order of the input
	Defaulted bool      // some object that is injected names no namespace, and Settings.Namespace was "" too

	settings Settings
}

// marker is a text that every document of ours holds: the prefix of the injector's annotations.
const marker = "injector.tyk.io"

// Find parses the documents that hold our annotations, and says for each object in them what becomes of it. It does not change them.
// Problems are in the order of the input; with any of them the stream is refused as a whole.
func Find(docs []*manifest.Document, s Settings) (*Stream, []Problem) {
	stream := &Stream{Documents: docs, settings: s}
	var problems []Problem
	for _, d := range docs {
		if !bytes.Contains(d.Text, []byte(marker)) {
			continue
		}
		root, err := d.Root()
		if err != nil {
			problems = append(problems, syntaxProblem(d, err))
			continue
		}
		for _, node := range objects(root) {
			o, refused := stream.examine(d, node)
			problems = append(problems, refused...)
			if o != nil {
				if len(refused) > 0 {
					o.Outcome = Refused
				}
				stream.Objects = append(stream.Objects, o)
			}
		}
	}
	for _, o := range stream.Objects {
		if o.Outcome == Injected && o.Kind == "Service" {
			if p := o.choosePort(stream); p != nil {
				o.Outcome = Refused
				problems = append(problems, *p)
			}
		}
	}
	sortProblems(docs, problems)
	return stream, problems
}

func sortProblems(docs []*manifest.Document, problems []Problem) {
	slices.SortStableFunc(problems, func(a, b Problem) int { return comparePlaces(docs, a.Pos, b.Pos) })
}

// comparePlaces orders positions as the input has them: by file in the order of the documents, then by line and column.
func comparePlaces(docs []*manifest.Document, a, b manifest.Position) int {
	if a.File == b.File {
		return cmp.Or(a.Line-b.Line, a.Column-b.Column)
	}
	file := func(p manifest.Position) int {
		return slices.IndexFunc(docs, func(d *manifest.Document) bool { return d.File == p.File })
	}
	return file(a) - file(b)
}

// Workloads are the annotated pod templates that are injected, for registration; nil where no routes are wanted.
func (s *Stream) Workloads() []Workload {
	if !s.settings.Routes {
		return nil
	}
	var out []Workload
	for _, o := range s.Objects {
		if o.Outcome == Injected && o.workload != nil {
			out = append(out, *o.workload)
		}
	}
	return out
}

// Apply edits the stream: Edit and Bind in one.
func (s *Stream) Apply(bindings map[Service]Binding) ([][]byte, []Problem) {
	edited, problems := s.Edit()
	if len(problems) > 0 {
		return nil, problems
	}
	return edited.Bind(bindings), nil
}

// Edited is an edited stream that waits for the ids of APIs.
type Edited struct {
	texts    [][]byte
	services map[int][]Service // by document: whose ids are to be written into it
}

// Edit makes all edits, and has each result parsed again and compared with what was planned, so that nothing can be refused any more
// once something was registered. Documents that are not injected are as they were, and shared with the input.
func (s *Stream) Edit() (*Edited, []Problem) {
	edits := make(map[*manifest.Document][]manifest.Edit)
	services := make(map[*manifest.Document][]Service)
	last := make(map[*manifest.Document]*Object)
	var problems []Problem
	for _, o := range s.Objects {
		if o.Outcome != Injected {
			continue
		}
		es, err := s.edits(o)
		if err != nil {
			problems = append(problems, o.editProblem(err))
			continue
		}
		edits[o.doc], last[o.doc] = append(edits[o.doc], es...), o
		if o.workload != nil && s.settings.Routes {
			services[o.doc] = append(services[o.doc], o.workload.Service)
		}
	}
	out := &Edited{texts: make([][]byte, len(s.Documents)), services: make(map[int][]Service)}
	for i, d := range s.Documents {
		text, err := d.Apply(edits[d]...)
		if err != nil {
			problems = append(problems, last[d].editProblem(err))
		}
		out.texts[i], out.services[i] = text, services[d]
	}
	sortProblems(s.Documents, problems)
	return out, problems
}

func (s *Stream) edits(o *Object) ([]manifest.Edit, error) {
	if o.workload != nil {
		return s.podEdits(o)
	}
	return o.serviceEdits()
}

// Bind returns the text of every document with the ids of its services' APIs in it.
func (e *Edited) Bind(bindings map[Service]Binding) [][]byte {
	out := slices.Clone(e.texts)
	for i, services := range e.services {
		if len(services) == 0 {
			continue
		}
		var known []string
		for _, svc := range services {
			known = append(known, string(manifest.Quote(inboundOf(svc))), string(manifest.Quote(bindings[svc].InboundID)),
				string(manifest.Quote(meshOf(svc))), string(manifest.Quote(bindings[svc].MeshID)))
		}
		out[i] = []byte(strings.NewReplacer(known...).Replace(string(out[i])))
	}
	return out
}

// inboundOf and meshOf stand for ids until they are known. A space makes them quoted wherever they are written.
func inboundOf(s Service) string { return "id of the inbound API of " + s.String() }
func meshOf(s Service) string    { return "id of the mesh API of " + s.String() }

// Join puts the texts of documents together again. Between the last document of one file and the first of the next it writes the
// separator that the files did not need.
func Join(docs []*manifest.Document, texts [][]byte) []byte {
	var out bytes.Buffer
	size := 0
	for _, t := range texts {
		size += len(t) + len("\n---\n")
	}
	out.Grow(size)
	for i, text := range texts {
		if i > 0 && docs[i].File != docs[i-1].File || i > 0 && docs[i].Number == 1 {
			text = separate(&out, text)
		}
		out.Write(text)
	}
	return out.Bytes()
}

// separate ends a document, if there is one, so that another file's can follow. A directive has to stand behind an end marker, YAML 1.2
// section 9.2, and a byte order mark only at the start of a stream.
func separate(out *bytes.Buffer, next []byte) []byte {
	before := out.Bytes()
	if len(bytes.TrimSpace(before)) == 0 || len(bytes.TrimSpace(next)) == 0 {
		return next
	}
	next = bytes.TrimPrefix(next, []byte("\ufeff"))
	if before[len(before)-1] != '\n' {
		out.WriteByte('\n')
	}
	switch start := firstLine(next); {
	case bytes.HasPrefix(start, []byte("%")):
		out.WriteString("...\n")
	case !bytes.HasPrefix(start, []byte("---")):
		out.WriteString("---\n")
	}
	return next
}

// firstLine is the first line of a text that says something.
func firstLine(text []byte) []byte {
	for line := range bytes.Lines(text) {
		if trimmed := bytes.TrimSpace(line); len(trimmed) > 0 && trimmed[0] != '#' {
			return line
		}
	}
	return nil
}
