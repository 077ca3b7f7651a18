package inject

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// annotationEmitted is ours: the object is one that inject added to a stream, and uninject takes
// away. Its value is emittedBehind where the stream had no line break at its end before.
const annotationEmitted = "injector.tyk.io/emitted"

const (
	emittedPlainly = "yes"
	emittedBehind  = "unterminated"
)

// emit adds the ConfigMap of the CA behind the stream, for each namespace that needs one and has
// none in the stream.
func (in *injection) emit() {
	if in.settings.Authority == "" || len(in.documents) == 0 {
		return
	}

	last := in.documents[len(in.documents)-1]
	if in.endsOpen(last) {
		return
	}

	asJSON := manifest.IsJSON(last.Text)

	newline, before, mark := "\n", "", emittedPlainly
	if bytes.Contains(last.Text, []byte("\r\n")) {
		newline = "\r\n"
	}

	if !bytes.HasSuffix(last.Text, []byte("\n")) {
		before, mark = newline, emittedBehind
	}

	for i := range in.Needs {
		n := &in.Needs[i]
		if !n.Authority {
			continue
		}
		text := before + strings.ReplaceAll(in.authority(n, mark, asJSON), "\n", newline)
		before, mark, n.Authority = "", emittedPlainly, false
		in.Emitted++
		d := &manifest.Document{File: last.File, Number: last.Last() + in.Emitted}
		in.documents = append(in.documents, document{d, &change{patch: manifest.Patch{{Text: text}}}})
	}
}

// endsOpen refuses a stream that ends within a block scalar without a line break: an added
// ConfigMap would add a line break to that text.
func (in *injection) endsOpen(last document) bool {
	if !slices.ContainsFunc(in.Needs, func(n Need) bool { return n.Authority }) || !last.EndsOpen() {
		return false
	}

	p := Problem{
		Rule: RuleEdit, Pos: last.Position(len(last.Text)), Object: fmt.Sprintf("document %d", last.Number),
		Msg: "the text at the end of the file has no line break, and adding a ConfigMap after it would change that text; end the file with a line break",
	}
	if in.settings.OnSkip == SkipFail {
		in.problems = append(in.problems, p)
	} else {
		in.Warnings = append(in.Warnings, p)
	}

	return true
}

// authority returns the ConfigMap of the CA as a document of its own. It names its namespace as the
// pods do.
func (in *injection) authority(n *Need, mark string, asJSON bool) string {
	meta := manifest.Map{{Key: "name", Value: sidecar.Authority}}
	if !n.implicit {
		meta = append(meta, manifest.Entry{Key: "namespace", Value: n.Namespace})
	}

	meta = append(meta, manifest.Entry{Key: "annotations", Value: manifest.Map{{Key: annotationEmitted, Value: mark}}})

	object := manifest.Map{
		{Key: "apiVersion", Value: "v1"}, {Key: "kind", Value: "ConfigMap"}, {Key: "metadata", Value: meta},
		{Key: "data", Value: manifest.Map{{Key: sidecar.AuthorityKey, Value: in.settings.Authority}}},
	}
	if asJSON {
		text, err := json.Marshal(object)
		if err != nil {
			panic("inject: a ConfigMap that JSON cannot hold: " + err.Error()) // texts only
		}
		return string(text) + "\n"
	}

	return "---\n# What pods on the mesh trust; tykmesh inject added it.\n" + manifest.Block(object)
}

// withdraw deletes the documents that emit added. If emit also wrote a line break before them and
// nothing follows, it is deleted too: it becomes part of the deleted document, so that the document
// before it gets its original text.
func (s *Stream) withdraw() {
	end := true // of the file, but for what goes
	for i := range slices.Backward(s.documents) {
		d := &s.documents[i]
		how := emittedAs(d.Document)
		if end = how != "" && (end || i+1 == len(s.documents) || s.beginsFile(i+1)); how == "" {
			continue
		}

		if d.Number > 1 && how == emittedBehind && end {
			before := &s.documents[i-1]
			kept := bytes.TrimSuffix(bytes.TrimSuffix(before.Text, []byte("\n")), []byte("\r"))
			gone := before.Text[len(kept):]
			before.Document = before.Document.WithText(kept)
			d.Document = d.Document.WithText(slices.Concat(gone, d.Text))
		}

		d.change = &change{patch: manifest.Patch{{To: len(d.Text)}}}
		s.Emitted++
	}
}

// emittedAs returns the mark that emit wrote into a document; "" if emit did not add it.
func emittedAs(d *manifest.Document) string {
	if !bytes.Contains(d.Text, []byte(annotationEmitted)) {
		return ""
	}

	root, err := d.Root()
	if err != nil {
		return ""
	}

	defer d.Forget()
	if root.Get("kind").Text() != "ConfigMap" || root.Get("metadata", "name").Text() != sidecar.Authority {
		return "" // the annotation was copied to another object
	}

	_, mark := root.Get("metadata", "annotations").Entry(annotationEmitted)
	if how := mark.Text(); how == emittedPlainly || how == emittedBehind {
		return how
	}

	return ""
}
