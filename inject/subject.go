package inject

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// subject is what carries annotations of ours, while it is examined and edited: a Service, or a pod template of an object.
type subject struct {
	*Object
	doc      *manifest.Document
	object   object
	template template       // without a node for a Service
	meta     *manifest.Node // the metadata that carries the annotations
	service  *service       // nil for a pod template
	addition addition       // of a pod template that is to be injected
	warnings []Problem

	upgrade  string       // the apiVersion that the object gets; "" where it keeps its own
	selector manifest.Map // and the selector, if it has none
}

// examine says what becomes of an object; there are no subjects where it carries none of our annotations.
func (in *injection) examine(d *manifest.Document, obj object) (subjects []*subject) {
	if obj.kind == "" {
		return in.kindless(d, obj)
	}
	templates := obj.templates(in.settings.PodTemplates)
	annotated := false
	for _, t := range templates {
		o := newSubject(d, obj, in.settings.Namespace)
		if len(templates) > 1 {
			o.title = fmt.Sprintf("%s, %s)", strings.TrimSuffix(o.title, ")"), t.path)
		}
		o.template, o.meta = t, t.Get("metadata")
		annotated = annotated || isAnnotated(o.meta.Get("annotations"))
		subjects = in.appendSubject(subjects, o)
	}
	if obj.isService() {
		o := newSubject(d, obj, in.settings.Namespace)
		o.meta = obj.node.Get("metadata")
		annotated = isAnnotated(o.meta.Get("annotations"))
		subjects = in.appendSubject(subjects, o)
	}
	if annotated {
		return subjects
	}
	return append(subjects, in.astray(d, obj, templates)...)
}

// kindless finds an annotation that asks for injection in what would be an object if it said of which kind.
func (in *injection) kindless(d *manifest.Document, obj object) (subjects []*subject) {
	walk(obj.node, func(n *manifest.Node) {
		key, value := n.Get("metadata", "annotations").Entry(annotationInject)
		if key == nil || !wantsInjection(value.Text()) {
			return
		}
		o := newSubject(d, obj, in.settings.Namespace)
		in.skip(o.Object, o.problem(RuleKind, key, "annotation %s: the object has no kind", annotationInject))
		subjects = append(subjects, o)
	})
	return subjects
}

// appendSubject adds a subject if there is something to be said of it.
func (in *injection) appendSubject(subjects []*subject, o *subject) []*subject {
	ours, problems := in.judge(o)
	in.Warnings = append(in.Warnings, o.warnings...)
	if len(problems) > 0 {
		in.problems = append(in.problems, problems...)
		o.Outcome = Refused
	}
	if ours || len(problems) > 0 {
		return append(subjects, o)
	}
	return subjects
}

// judge says what becomes of a Service or a pod template; ours is false where nothing is to be said of it.
func (in *injection) judge(o *subject) (ours bool, problems []Problem) {
	if problems := o.stringsOnly(); problems != nil {
		return true, problems
	}
	if !o.wanted() {
		return o.Outcome == LeftAlone, nil
	}
	if k, _ := o.meta.Get("annotations").Entry(annotationRecord); k != nil {
		return true, []Problem{o.problem(RuleRecord, k, "annotation %s: it is there, but the status is not %s: was the status changed by hand?", annotationRecord, statusInjected)}
	}
	if in.settings.Namespace == "" && o.object.node.Get("metadata", "namespace").Text() == "" {
		in.Defaulted = true
	}
	if o.template.Node == nil {
		return true, o.examineService()
	}
	return true, o.examinePods(in.settings)
}

// astray finds annotations that ask for injection where they have no effect, in an object that carries none where they would.
//
//	of a pod template that nobody told us of     skipped
//	of an object without any pod template        skipped
//	anywhere else                                left alone, with a warning
func (in *injection) astray(d *manifest.Document, obj object, templates []template) (subjects []*subject) {
	walk(obj.node, func(n *manifest.Node) {
		key, value := n.Entry(annotationInject)
		if key == nil || !wantsInjection(value.Text()) {
			return
		}
		o := newSubject(d, obj, in.settings.Namespace)
		o.Pos = d.PositionOf(key)
		subjects = append(subjects, o)
		path := n.PathFrom(obj.node)
		owner, ok := strings.CutSuffix("."+path, ".metadata.annotations")
		owner = strings.TrimPrefix(owner, ".")
		switch {
		case ok && owner != "" && len(n.Parent().Parent().Get("spec", "containers").Items()) > 0:
			in.skip(o.Object, o.problem(RuleKind, key, "this %s has a pod template at %s, where tykmesh does not look: name it in Injector.podTemplates", o.Kind, owner))
		case ok && owner == "" && len(templates) == 0:
			in.skip(o.Object, o.problem(RuleKind, key, "annotation %s: this %s has no pods to inject", annotationInject, o.Kind))
		case len(templates) == 0:
			o.leave(RulePlace, fmt.Sprintf("the annotation at %s has no effect: this %s has no pod template", path, o.Kind), true)
		default:
			o.leave(RulePlace, fmt.Sprintf("the annotation at %s has no effect: it belongs to %s", path, templates[0].annotations()), true)
		}
	})
	return subjects
}

// annotations is the path of a template's annotations.
func (t template) annotations() string {
	return strings.TrimPrefix(t.path+".metadata.annotations", ".")
}

// wanted reports whether the object is to be injected; it says why not if it carries our annotations.
func (o *subject) wanted() bool {
	_, inject := o.meta.Get("annotations").Entry(annotationInject)
	_, status := o.meta.Get("annotations").Entry(annotationStatus)
	switch {
	case inject == nil && status == nil:
	case strings.EqualFold(status.Text(), statusInjected):
		o.leave("", "its status is injected already; --reinject brings it up to date", false)
	case !wantsInjection(inject.Text()):
		o.leave(RuleAnnotation, fmt.Sprintf("%s is %q", annotationInject, inject.Text()), inject != nil && !declinesInjection(inject.Text()))
	case isSystem(o.Namespace):
		o.leave(RuleSystem, "nothing in "+o.Namespace+" is put on the mesh", true)
	default:
		return true
	}
	return false
}

func newSubject(d *manifest.Document, obj object, namespace string) *subject {
	meta := obj.node.Get("metadata")
	keep := func(n *manifest.Node) string { return strings.Clone(n.Text()) } // without the text of the whole document
	o := &subject{doc: d, object: obj, Object: &Object{
		APIVersion: obj.apiVersion, Kind: obj.kind, Namespace: namespaceOf(obj.node, namespace), Name: keep(meta.Get("name")),
		Document: d.Number, Pos: d.PositionOf(obj.node),
	}}
	if o.Name == "" {
		o.Name = keep(meta.Get("generateName"))
	}
	o.title = titleOf(d.Number, o.Kind, o.Namespace, o.Name)
	return o
}

// titleOf is how errors and reports name an object.
func titleOf(document int, kind, namespace, name string) string {
	kind, namespace, name = printable(kind), printable(namespace), printable(name)
	if kind == "" {
		return fmt.Sprintf("document %d", document)
	}
	return fmt.Sprintf("document %d (%s %s/%s)", document, kind, namespace, name)
}

// namespaceOf is the namespace of an object: its own, else the one that the user named, else default.
func namespaceOf(object *manifest.Node, named string) string {
	return cmp.Or(strings.Clone(object.Get("metadata", "namespace").Text()), named, "default")
}

func (o *subject) leave(rule Rule, reason string, warning bool) {
	o.Outcome, o.Reason, o.Warning = LeftAlone, reason, warning
	if warning {
		o.Rule = rule
	}
}

// isSystem reports whether a namespace is one of Kubernetes' own.
func isSystem(namespace string) bool { return namespace == "kube-system" || namespace == "kube-public" }

// isAnnotated reports whether annotations say what is to become of a pod template, be it nothing.
func isAnnotated(annotations *manifest.Node) bool {
	_, inject := annotations.Entry(annotationInject)
	_, status := annotations.Entry(annotationStatus)
	return inject != nil || status != nil
}

// stringsOnly refuses annotations that the API server would refuse.
func (o *subject) stringsOnly() (problems []Problem) {
	for _, key := range []string{annotationInject, annotationStatus} {
		if _, value := o.meta.Get("annotations").Entry(key); value != nil && !value.IsString() {
			problems = append(problems, o.problem(RuleAnnotation, value, "annotation %s: must be a string, not %s; put it in quotes", key, value.Describe()))
		}
	}
	return problems
}

// problem is a refusal at a node of the object's document.
func (o *subject) problem(rule Rule, n *manifest.Node, format string, args ...any) Problem {
	return Problem{Rule: rule, Pos: o.doc.PositionOf(n), Object: o.title, Msg: printable(fmt.Sprintf(format, args...))}
}

// warn notes what is odd at a node of the object's document, and stands in nobody's way.
func (o *subject) warn(rule Rule, n *manifest.Node, format string, args ...any) {
	o.warnings = append(o.warnings, o.problem(rule, n, format, args...))
}

// editProblem is the reason why an edit cannot be made; the manifest package knows the place but not the object.
func (o *subject) editProblem(e *manifest.EditError) Problem {
	return Problem{Rule: RuleEdit, Pos: e.Pos, Object: o.title, Msg: printable(e.Msg)}
}

// unreadable is a document in which no object is known.
func unreadable(d *manifest.Document, err error) (*Object, Problem) {
	o := &Object{Document: d.Number, Pos: d.Position(0), title: fmt.Sprintf("document %d", d.Number)}
	p := Problem{Rule: RuleSyntax, Pos: o.Pos, Object: o.title, Msg: printable(err.Error())}
	if e := (*manifest.SyntaxError)(nil); errors.As(err, &e) {
		p.Pos, p.Msg = e.Pos, printable(e.Msg)
	}
	return o, p
}

// namespaceProblem refuses a namespace that there cannot be (RFC 1123, as Kubernetes has it): it becomes part of host names.
func (o *subject) namespaceProblem() []Problem {
	at := o.object.node
	if n := o.object.node.Get("metadata", "namespace"); !n.IsNull() {
		at = n
		if !n.IsString() {
			return []Problem{o.problem(RuleNamespace, n, "metadata.namespace: must be a string, not %s; put it in quotes", n.Describe())}
		}
	}
	if len(validation.IsDNS1123Label(o.Namespace)) > 0 {
		return []Problem{o.problem(RuleNamespace, at, "no namespace can be named %q: lower case letters, digits and dashes, 63 at most", o.Namespace)}
	}
	return nil
}

// appLabel reads the label that makes a workload a service of the mesh: the Kubernetes Service in front of it has its name, so it has to
// be a label of RFC 1035, as Service names are.
func (o *subject) appLabel() (string, *Problem) {
	_, label := o.meta.Get("labels").Entry("app")
	refuse := func(n *manifest.Node, format string, args ...any) (string, *Problem) {
		p := o.problem(RuleApp, n, format, args...)
		return "", &p
	}
	switch app := label.Text(); {
	case label == nil:
		return refuse(o.meta, "the label app is required on the pod template: it names the service on the mesh; say app: NAME, as the Service in front of it is called")
	case !label.IsString():
		return refuse(label, "label app: must be a string, not %s; put it in quotes", label.Describe())
	case app == "":
		return refuse(label, "label app: must not be empty: it names the service on the mesh")
	case app == "mesh":
		return refuse(label, "label app: mesh is the tag of all sidecars, so no service can have the name")
	case len(validation.IsDNS1035Label(app)) > 0:
		return refuse(label, "label app: no Service can be named %q, so nothing would reach it: lower case letters, digits and dashes, a letter first, 63 at most", app)
	default:
		return strings.Clone(app), nil
	}
}
