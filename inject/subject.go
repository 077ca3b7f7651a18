package inject

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// subject is an object while it is examined and edited: with the tree that it is a part of.
type subject struct {
	*Object
	doc  *manifest.Document
	node *manifest.Node // the object
	meta *manifest.Node // the metadata that carries the annotations: of the pod template, or of the Service
}

// objects returns the objects of a document: its root, or what the lists in it hold. One that aliases put into several places is
// returned once.
func objects(root *manifest.Node) []*manifest.Node {
	return appendObjects(nil, root, make(map[*manifest.Node]bool))
}

func appendObjects(out []*manifest.Node, n *manifest.Node, seen map[*manifest.Node]bool) []*manifest.Node {
	n = n.Resolve()
	if n == nil || n.Kind != manifest.Mapping || seen[n] {
		return out
	}
	seen[n] = true
	items := n.Get("items")
	if !strings.HasSuffix(n.Get("kind").Text(), "List") || items == nil || items.Kind != manifest.Sequence {
		return append(out, n)
	}
	for _, item := range items.Items() {
		out = appendObjects(out, item, seen)
	}
	return out
}

// podTemplate finds the pod template of an object: the object itself where it is a Pod, else the place where its kind has one. nil where
// it has none. There is no other place in tykmesh that knows where templates are, so that none is read here and written there.
func podTemplate(object *manifest.Node) *manifest.Node {
	template := object
	switch object.Get("kind").Text() {
	case "Pod":
	case "CronJob":
		template = object.Get("spec", "jobTemplate", "spec", "template")
	case "PodTemplate":
		template = object.Get("template")
	default:
		template = object.Get("spec", "template")
	}
	if spec := template.Get("spec"); spec == nil || spec.Kind != manifest.Mapping {
		return nil
	}
	return template
}

// examine says what becomes of an object; nil where it carries none of our annotations.
func (in *injection) examine(d *manifest.Document, node *manifest.Node) (*subject, []Problem) {
	o := newSubject(d, node, in.settings.Namespace)
	template := podTemplate(node)
	if own := node.Get("metadata", "annotations"); template != node && o.Kind != "Service" && hasInject(own) {
		switch {
		case template == nil:
			return nil, []Problem{o.problem(node, "annotation %s: a %s has no pods to inject", annotationInject, o.Kind)}
		case !isAnnotated(template.Get("metadata", "annotations")):
			return o.leave("the annotation stands on the "+o.Kind+", where it has no effect: it belongs into the metadata of the pod template", true), nil
		}
	}
	switch {
	case o.Kind == "Service":
		o.meta = node.Get("metadata")
	case template != nil:
		o.meta = template.Get("metadata")
		in.pods.add(o.Namespace, template)
	default:
		return nil, nil
	}
	if p := o.stringsOnly(); p != nil {
		return nil, p
	}
	if !o.wanted() {
		return o.annotated(), nil
	}
	if k, _ := o.meta.Get("annotations").Entry(annotationRecord); k != nil {
		return nil, []Problem{o.problem(k, "annotation %s: it is there, but the status is not %s: was the status changed by hand?", annotationRecord, statusInjected)}
	}
	if in.settings.Namespace == "" && node.Get("metadata", "namespace").Text() == "" {
		in.Defaulted = true
	}
	if o.Kind == "Service" {
		return o.examineService()
	}
	return o.examinePods(template, in.settings)
}

// wanted reports whether the object is to be injected; it says why not if it carries our annotations.
func (o *subject) wanted() bool {
	_, inject := o.meta.Get("annotations").Entry(annotationInject)
	_, status := o.meta.Get("annotations").Entry(annotationStatus)
	switch {
	case inject == nil && status == nil:
	case strings.EqualFold(status.Text(), statusInjected):
		o.leave("its status is injected already", false)
	case !wantsInjection(inject.Text()):
		o.leave(fmt.Sprintf("%s is %q", annotationInject, inject.Text()), inject != nil && !declinesInjection(inject.Text()))
	case o.Namespace == "kube-system" || o.Namespace == "kube-public":
		o.leave("nothing in "+o.Namespace+" is put on the mesh", true)
	default:
		return true
	}
	return false
}

// annotated is the object where something is to be said of it, else nil.
func (o *subject) annotated() *subject {
	if o.Outcome == LeftAlone {
		return o
	}
	return nil
}

func newSubject(d *manifest.Document, node *manifest.Node, namespace string) *subject {
	meta := node.Get("metadata")
	keep := func(n *manifest.Node) string { return strings.Clone(n.Text()) } // without the text of the whole document
	o := &subject{doc: d, node: node, Object: &Object{
		Kind: keep(node.Get("kind")), Namespace: keep(meta.Get("namespace")), Name: keep(meta.Get("name")), Pos: d.PositionOf(node),
	}}
	if o.Namespace == "" {
		o.Namespace = namespace
	}
	if o.Namespace == "" {
		o.Namespace = "default"
	}
	if o.Name == "" {
		o.Name = keep(meta.Get("generateName"))
	}
	o.title = fmt.Sprintf("document %d (%s %s/%s)", d.Number, o.Kind, o.Namespace, o.Name)
	return o
}

func (o *subject) leave(reason string, warning bool) *subject {
	o.Outcome, o.Reason, o.Warning = LeftAlone, reason, warning
	return o
}

func hasInject(annotations *manifest.Node) bool {
	_, v := annotations.Entry(annotationInject)
	return v != nil && wantsInjection(v.Text())
}

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
			problems = append(problems, o.problem(value, "annotation %s: must be a string, not %s; put it in quotes", key, value.Describe()))
		}
	}
	return problems
}

// problem is a refusal at a node of the object's document.
func (o *subject) problem(n *manifest.Node, format string, args ...any) Problem {
	return Problem{Pos: o.doc.PositionOf(n), Object: o.title, Msg: fmt.Sprintf(format, args...)}
}

// owner is the object whose edit failed: the last one that begins before the place of the error.
func owner(subjects []*subject, err error) *subject {
	e := (*manifest.EditError)(nil)
	out := subjects[len(subjects)-1]
	if !errors.As(err, &e) {
		return out
	}
	for _, o := range slices.Backward(subjects) {
		if o.Pos.Line < e.Pos.Line || o.Pos.Line == e.Pos.Line && o.Pos.Column <= e.Pos.Column {
			return o
		}
	}
	return out
}

// editProblem is a refusal while edits were made; the manifest package knows the place but not the object.
func (o *subject) editProblem(err error) Problem {
	if p := (Problem{}); errors.As(err, &p) {
		return p
	}
	if e := (*manifest.EditError)(nil); errors.As(err, &e) {
		return Problem{Pos: e.Pos, Object: o.title, Msg: e.Msg}
	}
	return Problem{Pos: o.Pos, Object: o.title, Msg: err.Error()}
}

func syntaxProblem(d *manifest.Document, err error) Problem {
	p := Problem{Pos: d.Position(0), Object: fmt.Sprintf("document %d", d.Number), Msg: err.Error()}
	if e := (*manifest.SyntaxError)(nil); errors.As(err, &e) {
		p.Pos, p.Msg = e.Pos, e.Msg
	}
	return p
}

// namespaceProblem refuses a namespace that there cannot be (RFC 1123, as Kubernetes has it): it becomes part of host names.
func (o *subject) namespaceProblem() []Problem {
	at := o.node
	if n := o.node.Get("metadata", "namespace"); !n.IsNull() {
		at = n
		if !n.IsString() {
			return []Problem{o.problem(n, "metadata.namespace: must be a string, not %s; put it in quotes", n.Describe())}
		}
	}
	if len(validation.IsDNS1123Label(o.Namespace)) > 0 {
		return []Problem{o.problem(at, "no namespace can be named %q: lower case letters, digits and dashes, 63 at most", o.Namespace)}
	}
	return nil
}

// appLabel reads the label that makes a workload a service of the mesh: the Kubernetes Service in front of it has its name, so it has to
// be a label of RFC 1035, as Service names are.
func (o *subject) appLabel() (string, *Problem) {
	_, label := o.meta.Get("labels").Entry("app")
	refuse := func(n *manifest.Node, format string, args ...any) (string, *Problem) {
		p := o.problem(n, format, args...)
		return "", &p
	}
	switch app := label.Text(); {
	case label == nil:
		return refuse(o.meta, "the label app is required on the pod template: it names the service on the mesh")
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
