package inject

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Stream is the result of Inject or Uninject: the documents with their changes, and the outcome of
// each annotated object.
type Stream struct {
	Objects     []*Object // in the order of the input
	Warnings    []Problem // problems that do not stop the run; in the order of the input
	Accepted    []Problem // warnings of the checks that a user accepted
	Needs       []Need    // by namespace
	Emitted     int       // how many objects were added to the input, or taken away there
	Authorities int       // how many of them are the ConfigMap of the CA
	Defaulted   bool      // some object that is injected names no namespace, and Settings.Namespace was "" too
	Nothing     string    // why Inject puts nothing on the mesh; "" where it does, or where something is there already

	Registered bool // Uninject: some object has the id of an API

	RouteCalls []RouteCall // of the mesh, which registered services may answer; none where no routes are wanted
	Calls      []Call      // between services, with Settings.Calls; sorted, each once

	documents []document
	routes    bool // Settings.Routes

	identities map[Service]*Identity // of a mesh without a Dashboard
}

// document is a document of the stream with its change. Most documents of a long stream share one
// empty change.
type document struct {
	*manifest.Document
	*change
	added bool // by emit
}

// change holds the edits of a document's text.
type change struct {
	patch    manifest.Patch
	services []Service // whose ids are to be written into the patch
	mark     string    // what stands for ids begins with it; the document's own text does not hold it
	again    bool      // it was injected before: the patch may repeat existing text
}

func newStream(docs []*manifest.Document) *Stream {
	s := &Stream{documents: make([]document, len(docs))}
	none := new(change)
	for i, d := range docs {
		s.documents[i] = document{Document: d, change: none}
	}
	return s
}

// Workloads returns the annotated pod templates that are to be injected, for registration; nil
// where no routes are wanted. Those of a refused object are among them as far as they name a
// service, so that all that is wrong with them can be said at once.
func (s *Stream) Workloads() []Workload {
	if !s.routes {
		return nil
	}
	var out []Workload
	for _, o := range s.Objects {
		if (o.Outcome == Injected || o.Outcome == Refused) && o.workload != nil && o.workload.Service.App != "" {
			out = append(out, *o.workload)
		}
	}

	return out
}

// Write writes the documents with the ids of their services' APIs. Between the last document of one
// file and the first of the next it writes the separator that the files did not need.
func (s *Stream) Write(w io.Writer, bindings map[Service]Binding) error {
	b := bufio.NewWriterSize(w, 1<<16)
	join := s.joint()
	if join == asYAML && manifest.BeginsJSON(s.documents[0].Text) {
		_, _ = b.WriteString("---\n")
	}

	var before []byte // the text before that is not blank

	i := 0
	for text := range s.Texts(bindings) {
		if i > 0 && (s.beginsFile(i) || join != asItIs && manifest.BeginsJSON(firstLine(text))) {
			text = separate(b, before, text, join == asJSON)
		}

		_, _ = b.Write(text) // Flush returns the first error
		if len(bytes.TrimSpace(text)) > 0 {
			before = text
		}

		i++
	}

	return b.Flush()
}

// joint returns how several files become one stream that kubectl reads. To kubectl a stream that
// begins with a bracket is JSON, in which no separator can stand (k8s.io/apimachinery, util/yaml).
//
//	files                          the stream
//	one                            the file (asItIs)
//	all are JSON                   the files one behind the other (asJSON)
//	others                         the files and values of JSON with separators between them, and
//	                               one in front if the first is JSON (asYAML)
func (s *Stream) joint() joint {
	files := 0
	for i := range s.documents {
		if s.beginsFile(i) {
			files++
		}
	}

	if files < 2 {
		return asItIs
	}

	for _, d := range s.documents {
		if text := d.begins(); len(bytes.TrimSpace(text)) > 0 && !manifest.IsJSON(text) {
			return asYAML
		}
	}

	return asJSON
}

// begins returns the text of the document, or the added text if it has none.
func (d document) begins() []byte {
	if len(d.Text) == 0 && len(d.patch) > 0 {
		return []byte(d.patch[0].Text)
	}
	return d.Text
}

type joint int

const (
	asItIs joint = iota
	asJSON
	asYAML
)

// beginsFile reports whether a document is the first of its file.
func (s *Stream) beginsFile(i int) bool { return s.documents[i].Number == 1 }

// Texts returns the texts of the documents, in their order, with the ids of their services' APIs.
// Documents without an injected object are as they were, and shared with the input.
func (s *Stream) Texts(bindings map[Service]Binding) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for _, d := range s.documents {
			if !yield(d.bind(bindings).Apply(d.Text)) {
				return
			}
		}
	}
}

// File is one file of the input, and what changes in it.
type File struct {
	Name  string // as the user named it
	Text  []byte
	Patch manifest.Patch
}

// Files returns the files of the input in their order, each as often as it was named, with the ids
// of their services' APIs.
func (s *Stream) Files(bindings map[Service]Binding) iter.Seq[File] {
	return func(yield func(File) bool) {
		for documents := s.documents; len(documents) > 0; {
			n := 1
			for n < len(documents) && documents[n].Number != 1 {
				n++
			}

			if !yield(file(documents[:n], bindings)) {
				return
			}

			documents = documents[n:]
		}
	}
}

// file puts the documents of a file together again.
func file(documents []document, bindings map[Service]Binding) File {
	f := File{Name: documents[0].File, Text: documents[0].Text, Patch: documents[0].bind(bindings)}
	if len(documents) == 1 {
		return f
	}

	f.Text = nil
	for i, d := range documents {
		if i > 0 {
			f.Patch = append(f.Patch, d.bind(bindings).Shift(len(f.Text))...)
		}
		f.Text = append(f.Text, d.Text...)
	}

	return f
}

// bind returns the patch with the ids of the services' APIs. It leaves alone what an injection
// before this one wrote in the same way.
func (d document) bind(bindings map[Service]Binding) manifest.Patch {
	patch := d.bound(bindings)
	if d.again {
		return patch.Least(d.Text)
	}
	return patch
}

func (d document) bound(bindings map[Service]Binding) manifest.Patch {
	if len(d.services) == 0 {
		return d.patch
	}

	var ids []string
	for _, svc := range d.services {
		ids = append(ids, manifest.Quote(d.inboundOf(svc)), manifest.Quote(bindings[svc].InboundID),
			manifest.Quote(d.meshOf(svc)), manifest.Quote(bindings[svc].MeshID))
	}

	replacer := strings.NewReplacer(ids...)

	out := slices.Clone(d.patch)
	for i := range out {
		out[i].Text = replacer.Replace(out[i].Text)
	}

	return out
}

// markOf returns a word that a text does not hold: no text holds its own digest.
func markOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// inboundOf and meshOf stand for ids until they are known. A space makes them quoted wherever they
// are written.
func (d document) inboundOf(s Service) string { return d.mark + " inbound " + s.String() }
func (d document) meshOf(s Service) string    { return d.mark + " mesh " + s.String() }

// separate ends a document, if there is one, so that another file's can follow. A directive has to
// stand behind an end marker, YAML 1.2 section 9.2, and a byte order mark only at the start of a
// stream.
func separate(w *bufio.Writer, before, next []byte, json bool) []byte {
	if len(before) == 0 || len(bytes.TrimSpace(next)) == 0 {
		return next
	}

	next = bytes.TrimPrefix(next, []byte("\ufeff"))
	if before[len(before)-1] != '\n' {
		_ = w.WriteByte('\n')
	}

	switch start := firstLine(next); {
	case json:
	case bytes.HasPrefix(start, []byte("%")):
		_, _ = w.WriteString("...\n")
	case !bytes.HasPrefix(start, []byte("---")):
		_, _ = w.WriteString("---\n")
	}

	return next
}

// firstLine returns the first line of a text that says something.
func firstLine(text []byte) []byte {
	for line := range bytes.Lines(text) {
		if trimmed := bytes.TrimSpace(line); len(trimmed) > 0 && trimmed[0] != '#' {
			return line
		}
	}
	return nil
}
