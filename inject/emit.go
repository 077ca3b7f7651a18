package inject

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// annotationEmitted is ours: the object is one that inject added to a stream, and uninject takes away. Its value is emittedBehind where the stream
// had no line break at its end before.
const annotationEmitted = "injector.tyk.io/emitted"

const (
	emittedPlainly = "yes"
	emittedBehind  = "unterminated"
)

// emit adds the ConfigMap of the CA behind the stream, for each namespace that needs one and has none in the stream. Where files of both kinds end
// with JSON, what stands behind could not be read in the file and in the stream alike: there the need stays one.
func (in *injection) emit() {
	last := len(in.pages) - 1
	if in.settings.Authority == "" || last < 0 {
		return
	}
	p := &in.pages[last]
	asJSON := manifest.BeginsJSON(p.Text)
	if asJSON && in.joint() == asYAML {
		return
	}
	var text strings.Builder
	mark := emittedPlainly
	newline := "\n"
	if bytes.Contains(p.Text, []byte("\r\n")) {
		newline = "\r\n"
	}
	if !bytes.HasSuffix(p.Text, []byte("\n")) {
		text.WriteString(newline)
		mark = emittedBehind
	}
	for i := range in.Needs {
		n := &in.Needs[i]
		if !n.Authority {
			continue
		}
		text.WriteString(strings.ReplaceAll(in.authority(n, mark, asJSON), "\n", newline))
		n.Authority, mark = false, emittedPlainly
		in.Emitted++
	}
	if in.Emitted > 0 {
		p.patch = append(slices.Clip(p.patch), manifest.Splice{From: len(p.Text), To: len(p.Text), Text: text.String()})
	}
}

// authority is the ConfigMap of the CA as a document of its own. It names its namespace as the pods do.
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

// withdraw takes out of a stream what emit added to it. A line break in front of that goes with it where emit wrote it: it becomes part of the
// document that goes, so that the one before is what it was.
func (s *Stream) withdraw() {
	for i := range s.pages {
		p := &s.pages[i]
		how := emittedAs(p.Document)
		if how == "" {
			continue
		}
		if i > 0 && how == emittedBehind {
			before := &s.pages[i-1]
			kept := bytes.TrimSuffix(bytes.TrimSuffix(before.Text, []byte("\n")), []byte("\r"))
			gone := before.Text[len(kept):]
			before.Document = before.Document.WithText(kept)
			p.Document = p.Document.WithText(slices.Concat(gone, p.Text))
		}
		p.patch = manifest.Patch{{To: len(p.Text)}}
		s.Emitted++
	}
}

// emittedAs is how emit added a document; "" where it did not.
func emittedAs(d *manifest.Document) string {
	if !bytes.Contains(d.Text, []byte(annotationEmitted)) {
		return ""
	}
	root, err := d.Root()
	if err != nil {
		return ""
	}
	defer d.Forget()
	_, mark := root.Get("metadata", "annotations").Entry(annotationEmitted)
	if how := mark.Text(); how == emittedPlainly || how == emittedBehind {
		return how
	}
	return ""
}
