package inject

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// annotationEmitted is ours: the object is one that inject added to a stream, and uninject takes
// away. Its value is emittedBehind where the stream had no line break at its end before.
const annotationEmitted = "injector.tyk.io/emitted"

const (
	emittedPlainly = "yes"
	emittedBehind  = "unterminated"
)

// emit adds objects to the stream: those of workloads behind their documents, so that kubectl
// applies them one after the other; and behind all of it the ConfigMap of the CA, for each
// namespace that needs one and has none.
func (in *injection) emit() {
	last := len(in.documents) - 1
	for i := range in.Needs {
		n := &in.Needs[i]
		if in.settings.Authority == "" || !n.Authority || last < 0 {
			continue
		}

		in.addAt(last, addedObject{object: in.authority(n), comment: "What pods on the mesh trust"})
	}

	if len(in.additions) == 0 || !in.settings.List && in.endsOpen() {
		return
	}

	for i := range in.Needs {
		if n := &in.Needs[i]; n.Authority && in.settings.Authority != "" {
			n.Authority = false
			in.Authorities++
		}
	}

	if in.settings.List {
		in.addItems()
		return
	}

	var all []document
	for i, d := range in.documents {
		all = append(all, d)
		if objects := in.additions[i]; len(objects) > 0 {
			all = append(all, in.addBehind(i, objects)...)
			in.Emitted += len(objects)
		}
	}

	in.documents = all
}

// addAt adds an object behind a document.
func (in *injection) addAt(i int, o addedObject) {
	if in.additions == nil {
		in.additions = make(map[int][]addedObject)
	}
	in.additions[i] = append(in.additions[i], o)
}

// addBehind returns objects as documents behind another one, in its format.
func (in *injection) addBehind(i int, objects []addedObject) (added []document) {
	d := in.documents[i]
	ends := i+1 == len(in.documents) || in.beginsFile(i+1)
	// kubectl reads one JSON value before a separator, and no more (k8s.io/apimachinery,
	// util/yaml).
	asJSON := manifest.IsJSON(d.Text) && (ends || !bytes.HasPrefix(firstLine(in.documents[i+1].Text), []byte("---")))

	newline, before, mark := "\n", "", emittedPlainly
	if bytes.Contains(d.Text, []byte("\r\n")) {
		newline = "\r\n"
	}
	if ends && !bytes.HasSuffix(d.Text, []byte("\n")) {
		before, mark = newline, emittedBehind
	}

	for k, o := range objects {
		text := before + strings.ReplaceAll(o.text(mark, asJSON), "\n", newline)
		before, mark = "", emittedPlainly
		if k+1 == len(objects) && !ends {
			text = joined(text, in.documents[i+1].Text, asJSON, newline)
		}

		added = append(added, document{
			Document: &manifest.Document{File: d.File, Number: d.Last() + k + 1}, added: true,
			change: &change{patch: manifest.Patch{{Text: text}}},
		})
	}

	return added
}

// joined ends an added document so that the next one can follow as it is written: one that does not
// begin with --- needs an end marker before it (YAML 1.2, section 9.2). So do comments before a
// separator, which would else belong to the added document. A JSON value needs nothing.
func joined(text string, next []byte, asJSON bool, newline string) string {
	switch {
	case asJSON && bytes.HasPrefix(next, []byte("\n")):
		return strings.TrimSuffix(text, newline)
	case asJSON, bytes.HasPrefix(next, []byte("---")):
		return text
	}
	return text + "..." + newline
}

// endsOpen refuses documents that end within a block scalar without a line break: an added object
// would add a line break to that text.
func (in *injection) endsOpen() (open bool) {
	for _, i := range slices.Sorted(maps.Keys(in.additions)) {
		d := in.documents[i]
		if !d.EndsOpen() {
			continue
		}

		open = true
		p := Problem{
			Rule: RuleEdit, Pos: d.Position(len(d.Text)), Object: fmt.Sprintf("document %d", d.Number),
			Msg: "the text at the end of the file has no line break, and adding an object after it would change that text; end the file with a line break",
		}
		if in.settings.OnSkip == SkipFail || in.settings.Standalone != nil {
			in.problems = append(in.problems, p)
		} else {
			in.Warnings = append(in.Warnings, p)
		}
	}

	return open
}

// authority returns the ConfigMap of the CA. It names its namespace as the pods do.
func (in *injection) authority(n *Need) manifest.Map {
	meta := namespaced(manifest.Map{{Key: "name", Value: sidecar.Authority}}, n.Namespace, n.implicit)
	return manifest.Map{
		{Key: "apiVersion", Value: "v1"}, {Key: "kind", Value: "ConfigMap"}, {Key: "metadata", Value: meta},
		{Key: "data", Value: manifest.Map{{Key: sidecar.AuthorityKey, Value: in.settings.Authority}}},
	}
}

// text returns the object as a document of its own, with the mark that uninject looks for.
func (o addedObject) text(mark string, asJSON bool) string {
	object := o.marked(mark)
	if asJSON {
		text, err := json.Marshal(object)
		if err != nil {
			panic("inject: an object that JSON cannot hold: " + err.Error()) // texts and numbers only
		}
		return string(text) + "\n"
	}

	return "---\n# " + o.comment + "; tykmesh inject added it.\n" + manifest.Block(object)
}

// marked returns the object with the mark that uninject looks for.
func (o addedObject) marked(mark string) manifest.Map {
	meta, _ := o.object.Lookup("metadata")
	names, _ := meta.(manifest.Map)
	return o.object.With("metadata", names.With("annotations", manifest.Map{{Key: annotationEmitted, Value: mark}}))
}

// noteEmitted notes an object that an earlier run added.
func (in *injection) noteEmitted(object kube.Object) {
	if object.Node.Get("metadata", "annotations", annotationEmitted) == nil {
		return
	}

	ref := object.Meta(in.settings.Namespace).Ref
	in.emitted[ref] = true
	for _, host := range object.Node.Get("spec", "dnsNames").Items() {
		in.certified[ref] = append(in.certified[ref], kube.Text(host))
	}
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
	return emittedHow(root)
}

// emittedHow returns the mark that emit wrote into an object; "" if emit did not add it.
func emittedHow(object *manifest.Node) string {
	if !isEmitted(object) {
		return "" // the annotation was copied to another object
	}

	_, mark := object.Get("metadata", "annotations").Entry(annotationEmitted)
	if how := mark.Text(); how == emittedPlainly || how == emittedBehind {
		return how
	}

	return ""
}

// isEmitted reports whether an object is one that injection adds: of such a kind, with its label or
// such a name. Services of routes may have any name, and other tools rename objects.
func isEmitted(root *manifest.Node) bool {
	name, managed := root.Get("metadata", "name").Text(), root.Get("metadata", "labels", standalone.ManagedBy).Text() == standalone.Manager
	switch root.Get("kind").Text() {
	case "ConfigMap":
		return managed || name == sidecar.Authority || standalone.IsConfigMapName(name)
	case "Certificate", "NetworkPolicy":
		return managed || standalone.IsSecretName(name)
	case "Service":
		return managed
	}
	return false
}
