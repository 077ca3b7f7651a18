package inject

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/display"
	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// misplaced finds annotations that ask for injection where they have no effect, in an object that
// carries none where they would.
//
//	of a pod template that no setting names      skipped
//	of a Kustomize patch                         skipped
//	of an object without any pod template        skipped
//	of one whose pods are another object's       left alone, with a warning
//	anywhere else                                left alone, with a warning
func (in *injection) misplaced(object kube.Object, readers []*target) (targets []*target) {
	object.Walk(func(n *manifest.Node) {
		key, value := n.Entry(annotationInject)
		if key == nil || declinesInjection(value.Text()) {
			return
		}
		o := in.settings.newTarget(object)
		o.Pos = object.Document.PositionOf(key)
		targets = append(targets, o)
		in.noEffect(o, n, key, readers)
	})

	return targets
}

// noEffect explains why an annotation has no effect; it stands at key in n.
func (in *injection) noEffect(o *target, n, key *manifest.Node, readers []*target) {
	path := n.PathFrom(o.object.Node)
	owner, ok := strings.CutSuffix("."+path, ".metadata.annotations")
	owner = strings.TrimPrefix(owner, ".")
	if ok && owner != "" && len(n.Parent().Parent().Get("spec", "containers").Items()) > 0 {
		in.skip(o.Object, o.problem(RuleKind, key, "this %s has a pod template at %s, where tykmesh does not look; add the path to Injector.podTemplates", o.Kind, owner))
		return
	}

	if len(readers) > 0 {
		o.leave(RulePlace, fmt.Sprintf("the annotation at %s has no effect; move it to %s", path, readers[0].annotations()), true)
		return
	}

	ref := o.object.Node.Get("spec", "workloadRef")
	switch {
	case ref.Get("name") != nil:
		o.leave(RulePlace, fmt.Sprintf("the annotation at %s has no effect, because this %s takes its pods from %s %s; move it to spec.template.metadata.annotations of that object",
			path, o.Kind, display.Line(cmp.Or(ref.Get("kind").Text(), "Deployment")), display.Line(ref.Get("name").Text())), true)
	case o.isPatch(owner):
		in.skip(o.Object, o.patch(key))
	case ok && owner == "" && kube.IsClusterScoped(o.Kind):
		in.skip(o.Object, o.problem(RuleKind, key, "annotation %s has no effect on a %s; write it into spec.template.metadata.annotations of each workload, and into "+
			"metadata.annotations of its Service", annotationInject, o.Kind))
	case ok && owner == "":
		in.skip(o.Object, o.problem(RuleKind, key, "annotation %s: this %s has no pods to inject", annotationInject, o.Kind))
	default:
		o.leave(RulePlace, fmt.Sprintf("the annotation at %s has no effect: this %s has no pod template", path, o.Kind), true)
	}
}

// annotations returns the path of the annotations that count for a pod template or a Service.
func (o *target) annotations() string {
	return strings.TrimPrefix(o.template.Path+".metadata.annotations", ".")
}

// kindless finds an annotation that asks for injection in a document without a kind.
func (in *injection) kindless(object kube.Object) (targets []*target) {
	object.Walk(func(n *manifest.Node) {
		key, value := n.Get("metadata", "annotations").Entry(annotationInject)
		if key == nil || !wantsInjection(value.Text()) {
			return
		}
		o := in.settings.newTarget(object)
		in.skip(o.Object, o.problem(RuleKind, key, "annotation %s: the object has no kind, like a patch of kustomize; inject the output of kustomize build", annotationInject))
		targets = append(targets, o)
	})

	return targets
}

// search looks in an object for tykmesh keys that nothing reads.
type search struct {
	*injection
	object  kube.Object
	readers []*target // where annotations are read
	found   []*target // of which something is to be said

	whole *target                    // the object itself, for keys that no reader reads
	reads map[*manifest.Node]*target // which reader reads a key; made when the first key is looked for
}

// strays finds keys of tykmesh that nothing reads: misspelt ones, and valid ones that stand where
// they have no effect. It adds the targets that one of them leaves out of the mesh.
//
//	key         | where it stands                          |
//	misspelt    | annotations of a pod that is injected    | examinePods says so
//	            | like inject, and no switch is there      | an error: the object would stay off the mesh
//	            | else                                     | a warning
//	inject      |                                          | misplaced says so
//	others      | annotations of a pod without the switch  | a warning
//	            | anywhere else, a Service among it        | a warning that names where it belongs
func (in *injection) strays(object kube.Object, readers, targets []*target) []*target {
	s := search{injection: in, object: object, readers: readers, found: targets}
	object.Walk(func(n *manifest.Node) {
		for i := 0; i+1 < len(n.Content); i += 2 {
			switch key := n.Content[i].Text(); {
			case !isOurs(key):
			case isAnnotation(key):
				s.unread(n, n.Content[i])
			case strings.Contains(key, "/") || isMeta(n): // else it may be the name of a host
				s.unknown(n.Content[i], n.Content[i+1])
			}
		}
	})

	return s.found
}

// isMeta reports whether a mapping is one of annotations or labels.
func isMeta(n *manifest.Node) bool {
	p := n.Parent()
	if p == nil || p.Kind != manifest.Mapping {
		return false
	}
	i := slices.Index(p.Content, n)
	name := p.Content[i-i%2].Text()
	return name == "annotations" || name == "labels"
}

// reader returns the target that reads a key, or nil.
func (s *search) reader(key *manifest.Node) *target {
	if s.reads == nil {
		s.reads = make(map[*manifest.Node]*target)
		for _, o := range s.readers {
			for k := range o.meta.Get("annotations").Entries() {
				s.reads[k] = o
			}
		}
	}

	return s.reads[key]
}

// isDecided reports whether a reader carries the switch; any of them if it is nil.
func (s *search) isDecided(reader *target) bool {
	return slices.ContainsFunc(s.readers, func(o *target) bool { return o.annotated && (o == reader || reader == nil) })
}

// target returns a reader, or the object itself if reader is nil.
func (s *search) target(reader *target) *target {
	if reader != nil {
		return reader
	}
	if s.whole == nil {
		s.whole = s.settings.newTarget(s.object)
	}
	return s.whole
}

// belongs returns the path where the object's annotations count.
func (s *search) belongs() string {
	if len(s.readers) > 0 && s.readers[0].template.Node != nil {
		return s.readers[0].annotations()
	}
	return "spec.template.metadata.annotations of the workload"
}

// unknown reports that there is no such annotation.
func (s *search) unknown(key, value *manifest.Node) {
	reader := s.reader(key)
	if reader != nil && reader.workload != nil {
		return // examinePods has reported it
	}

	o := s.target(reader)

	meant, place := meantBy(key.Text()), ""
	if reader == nil && strings.HasSuffix(meant, "?") {
		place = " Write it into " + s.belongs()
	}

	if len(s.readers) == 0 || s.isDecided(reader) || isSystem(o.Namespace) || declinesInjection(value.Text()) || !meansInject(key.Text()) {
		s.Warnings = append(s.Warnings, o.problem(RuleAnnotation, key, "there is no annotation %s%s%s", key.Text(), meant, place))
		return
	}

	s.problems = append(s.problems, o.problem(RuleAnnotation, key, "there is no annotation %s, so this %s stays out of the mesh%s%s", key.Text(), o.Kind, meant, place))
	if o.Outcome = Refused; !slices.Contains(s.found, o) {
		s.found = append(s.found, o)
	}
}

// unread reports an annotation that has no effect.
func (s *search) unread(in, key *manifest.Node) {
	text := key.Text()
	if text == annotationInject || isWritten(text) || !isMeta(in) {
		return
	}

	reader, belongs := s.reader(key), s.belongs()
	switch {
	case text == annotationAccept:
		if reader != nil || in == s.object.Node.Get("metadata", "annotations") {
			return
		}
		belongs = "metadata.annotations"
	case reader != nil && reader.template.Node != nil:
		if !reader.annotated {
			s.Warnings = append(s.Warnings, reader.problem(RuleAnnotation, key, "annotation %s has no effect without %s: %s; add that", text, annotationInject, usualInject))
		}
		return
	case reader != nil && s.settings.countsOnServices(text):
		return
	case len(s.readers) == 0 && in.Parent() != s.object.Node.Get("metadata"):
		return // data of something else
	}

	o := s.target(nil)
	s.Warnings = append(s.Warnings, o.problem(RulePlace, key, "annotation %s has no effect at %s of this %s; move it to %s", text, in.PathFrom(s.object.Node), o.Kind, belongs))
}

// nothing returns why no object is injected, and what to type where none asks for it; "" where one
// is, or was by an earlier run.
func (s *Stream) nothing() string {
	for _, o := range s.Objects {
		if o.joins() || o.done {
			return ""
		}
	}

	n := len(s.Objects)
	switch {
	case n == 1:
		return "the one annotated object is left unchanged"
	case n > 1:
		return fmt.Sprintf("all %d annotated objects are left unchanged", n)
	case !slices.ContainsFunc(s.documents, func(d document) bool { return len(d.content()) > 0 }):
		return "the input contains no object; check the command that produces it"
	}

	return fmt.Sprintf("nothing is annotated with %s: %s; write it into spec.template.metadata.annotations of each workload, "+
		"and into metadata.annotations of its Service", annotationInject, usualInject)
}

// content returns the first line of a document that is neither a comment nor a marker.
func (d document) content() []byte {
	for text := d.Text; ; {
		line := firstLine(text)
		if trimmed := bytes.TrimSpace(line); len(line) == 0 || !bytes.Equal(trimmed, []byte("---")) && !bytes.Equal(trimmed, []byte("...")) {
			return line
		}
		text = text[bytes.Index(text, line)+len(line):]
	}
}
