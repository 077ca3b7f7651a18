package inject

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/tykmesh/tykmesh/inject/checks"
	"github.com/tykmesh/tykmesh/inject/display"
	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// target is an annotated Service or pod template, while it is examined and edited.
type target struct {
	*Object
	object    kube.Object
	template  kube.Template  // without a node for a Service
	meta      *manifest.Node // the metadata that carries the annotations
	annotated bool           // with the inject annotation or a status
	service   *kube.Service  // nil for a pod template
	pods      *kube.Pods     // nil for a Service
	addition  addition       // of a pod template that is to be injected
	member    *checks.Member // its view for the checks
	problems  []Problem      // for which it is refused
	warnings  []Problem

	upgrade  string       // the apiVersion that the object gets; "" where it keeps its own
	selector manifest.Map // and the selector, if it has none
}

// newTarget returns an object as a target, under the identity that its facts have.
func newTarget(object kube.Object, m *kube.Meta) *target {
	return &target{object: object, Object: &Object{Meta: m, Pos: m.Place.Position()}, member: new(checks.Member)}
}

// newTarget returns an object of which there are no facts as a target.
func (s Settings) newTarget(object kube.Object) *target {
	return newTarget(object, object.Meta(s.Namespace))
}

// examine returns the annotated targets of an object, with their outcomes.
func (in *injection) examine(object kube.Object) (targets []*target) {
	if object.Kind == "" {
		targets = in.kindless(object)
		return in.strays(object, nil, targets)
	}

	readers := in.readers(object)
	for _, o := range readers {
		targets = in.appendTarget(targets, o)
	}

	if !slices.ContainsFunc(readers, func(o *target) bool { return o.annotated }) {
		targets = append(targets, in.misplaced(object, readers)...)
	}

	return in.strays(object, readers, targets)
}

// readers returns the places of an object where annotations count: its pod templates, or the
// Service that it is. It adds the facts of the object.
func (in *injection) readers(object kube.Object) (readers []*target) {
	if object.IsService() {
		s := in.facts.AddService(object)
		o := in.newReader(object, s.Meta, object.Node.Get("metadata"))
		o.service = s
		return []*target{o}
	}

	templates := object.Templates(in.settings.PodTemplates)
	for _, t := range templates {
		p := in.facts.AddPods(object, t)
		if len(templates) > 1 {
			p.Part = t.Path
		}

		o := in.newReader(object, p.Meta, t.Get("metadata"))
		o.template, o.pods = t, p
		readers = append(readers, o)
	}

	if m := in.facts.Add(object); m != nil {
		in.noteAccepted(object, m, nil)
	}

	return readers
}

// newReader returns a target whose annotations count in its metadata.
func (in *injection) newReader(object kube.Object, m *kube.Meta, meta *manifest.Node) *target {
	in.noteAccepted(object, m, meta)
	o := newTarget(object, m)
	o.meta = meta
	_, inject := meta.Get("annotations").Entry(annotationInject)
	_, status := meta.Get("annotations").Entry(annotationStatus)
	o.annotated = inject != nil || status != nil

	return o
}

// appendTarget adds a target unless it has no part in the mesh.
func (in *injection) appendTarget(targets []*target, o *target) []*target {
	ours := in.judge(o)
	for _, w := range o.warnings {
		if in.accepts(o.Meta, string(w.Rule)) {
			in.Accepted = append(in.Accepted, w)
		} else {
			in.Warnings = append(in.Warnings, w)
		}
	}

	in.problems = append(in.problems, o.problems...)
	if len(o.problems) > 0 {
		o.Outcome = Refused
	}

	if ours {
		targets = append(targets, o)
	}

	return targets
}

// judge decides the outcome of a Service or a pod template; ours is false if it has no part in the
// mesh.
func (in *injection) judge(o *target) (ours bool) {
	o.stringsOnly()
	if len(o.problems) == 0 && in.settings.Sidecar != nil {
		o.unclearSwitch()
	}
	if len(o.problems) > 0 {
		return true
	}

	if !o.wanted() {
		in.refusePlaceholders(o)
		return o.Outcome == LeftAlone || len(o.problems) > 0
	}
	if k, _ := o.meta.Get("annotations").Entry(annotationRecord); k != nil {
		o.refuse(RuleRecord, k, "annotation %s is present, but the status is not %s; restore the status, or delete both annotations", annotationRecord, statusInjected)
		return true
	}

	if in.skipUnfit(o) {
		return true
	}

	if in.settings.Namespace == "" && o.Implicit {
		in.Defaulted = true
	}

	o.missingVersion()
	if o.template.Node == nil {
		o.examineService()
	} else {
		o.examinePods(in.settings)
	}

	return true
}

// wanted reports whether the object is to be injected; it says why not if it carries our
// annotations.
func (o *target) wanted() bool {
	_, inject := o.meta.Get("annotations").Entry(annotationInject)
	_, status := o.meta.Get("annotations").Entry(annotationStatus)
	switch {
	case inject == nil && status == nil:
	case isInjected(o.meta):
		o.leave("", "it is injected already; --reinject updates it", false)
		o.done = true
	case inject != nil && isUnclear(inject.Text()):
		o.leave(RuleAnnotation, fmt.Sprintf("%s is %q; %s", annotationInject, inject.Text(), readings), true)
		o.Pos = o.object.Document.PositionOf(inject)
	case !wantsInjection(inject.Text()):
		o.leave("", fmt.Sprintf("%s is %q", annotationInject, inject.Text()), false)
	case isSystem(o.Namespace):
		o.leave(RuleSystem, "nothing in "+o.Namespace+" is put on the mesh", true)
	default:
		return true
	}

	return false
}

// refusePlaceholders refuses pods that a run without a configuration injected: their sidecars reach
// no server. Another run of that kind leaves them alone.
func (in *injection) refusePlaceholders(o *target) {
	if o.done && o.template.Node != nil && !in.settings.Placeholders && sidecar.HasPlaceholders(o.object.Document.Text) {
		o.refuse(RulePlaceholder, o.template.Node, "its sidecar has placeholders of a run without a configuration; add --reinject")
	}
}

func (o *target) leave(rule Rule, reason string, warning bool) {
	o.Outcome, o.Reason, o.Warning = LeftAlone, display.Line(reason), warning
	if warning {
		o.Rule = rule
	}
}

// isSystem reports whether a namespace is one of Kubernetes' own.
func isSystem(namespace string) bool { return namespace == "kube-system" || namespace == "kube-public" }

// unclearSwitch refuses a value of the inject annotation that means neither yes nor no. The webhook
// read it as no.
func (o *target) unclearSwitch() {
	_, inject := o.meta.Get("annotations").Entry(annotationInject)
	if inject != nil && !isInjected(o.meta) && isUnclear(inject.Text()) {
		o.refuse(RuleAnnotation, inject, "annotation %s: %q is neither yes nor no; %s%s", annotationInject, inject.Text(), readings, asVariable(inject.Text()))
	}
}

// stringsOnly refuses annotations that the API server would refuse.
func (o *target) stringsOnly() {
	for _, key := range []string{annotationInject, annotationStatus} {
		if _, value := o.meta.Get("annotations").Entry(key); value != nil && !value.IsString() {
			o.refuse(RuleAnnotation, value, "annotation %s: must be a string, not %s; put it in quotes", key, value.Describe())
		}
	}
}

// problem returns a problem at a node of the object's document.
func (o *target) problem(rule Rule, n *manifest.Node, format string, args ...any) Problem {
	return Problem{Rule: rule, Pos: o.object.Document.PositionOf(n), Object: o.Title(), Msg: display.Line(fmt.Sprintf(format, args...))}
}

// place returns where the value of an annotation stands; the zero Position without the annotation.
func (o *target) place(annotation string) (pos manifest.Position) {
	if _, value := o.meta.Get("annotations").Entry(annotation); value != nil {
		pos = o.object.Document.PositionOf(value)
	}
	return pos
}

// reporter notes a problem of an object.
type reporter = func(rule Rule, n *manifest.Node, format string, args ...any)

// noteUnclear notes a problem that a Service of the stream may still solve (clearPorts).
func (o *target) noteUnclear(rule Rule, n *manifest.Node, format string, args ...any) {
	p := o.problem(rule, n, format, args...)
	o.unclear = &p
}

// refuse notes a problem for which the object is refused, at a node of its document.
func (o *target) refuse(rule Rule, n *manifest.Node, format string, args ...any) {
	o.problems = append(o.problems, o.problem(rule, n, format, args...))
}

// warn notes a problem that does not stop the run, at a node of the object's document.
func (o *target) warn(rule Rule, n *manifest.Node, format string, args ...any) {
	o.warnings = append(o.warnings, o.problem(rule, n, format, args...))
}

// editProblem returns the reason why an edit cannot be made; the manifest package knows the place
// but not the object.
func (o *target) editProblem(e *manifest.EditError) Problem {
	return Problem{Rule: RuleEdit, Pos: e.Pos, Object: o.Title(), Msg: display.Line(e.Msg)}
}

// unreadable returns the object and the problem of a document that cannot be parsed.
func unreadable(d *manifest.Document, err error) (*Object, Problem) {
	o := &Object{Meta: &kube.Meta{Document: d.Number}, Pos: d.Position(0)}
	p := Problem{Rule: RuleSyntax, Pos: o.Pos, Object: o.Title(), Msg: display.Line(err.Error())}
	if e := (*manifest.SyntaxError)(nil); errors.As(err, &e) {
		p.Pos, p.Msg = e.Pos, display.Line(e.Msg)
	}
	return o, p
}

// checkNamespace refuses an invalid namespace (RFC 1123, as in Kubernetes), because it becomes part
// of host names.
func (o *target) checkNamespace() {
	at := o.object.Node
	if n := at.Get("metadata", "namespace"); !n.IsNull() {
		at = n
	}

	switch {
	case at != o.object.Node && !at.IsString():
		o.refuse(RuleNamespace, at, "metadata.namespace: must be a string, not %s; put it in quotes", at.Describe())
	case len(validation.IsDNS1123Label(o.Namespace)) > 0:
		o.refuse(RuleNamespace, at, "%q is not a valid namespace; use lower case letters, digits and dashes, 63 at most%s", o.Namespace, asVariable(o.Namespace))
	}
}

// appLabel reads the label that makes a workload a service of the mesh, the first that it has of
// Settings.ServiceLabels: the Kubernetes Service in front of it has its name, so it has to be a
// label of RFC 1035, as Service names are. It returns "" for a refused one.
func (o *target) appLabel(s Settings) string {
	key, label := o.serviceLabel(s)
	switch app := label.Text(); {
	case label == nil:
		o.refuse(RuleApp, o.meta, "%s", o.unnamed(s))
	case !label.IsString():
		o.refuse(RuleApp, label, "label %s: must be a string, not %s; put it in quotes", key, label.Describe())
	case app == "":
		o.refuse(RuleApp, label, "label %s: must not be empty, because it names the service on the mesh", key)
	case app == "mesh":
		o.refuse(RuleApp, label, "label %s: mesh is the tag of all sidecars; use another name", key)
	case len(validation.IsDNS1035Label(app)) > 0:
		o.refuse(RuleApp, label, "label %s: %q is not a valid Service name; use lower case letters, digits and dashes, a letter first, 63 at most%s", key, app, asVariable(app))
	default:
		return strings.Clone(app)
	}

	return ""
}

// serviceLabel returns the label that names the service; nil where the pod template has none that
// does.
func (o *target) serviceLabel(s Settings) (key string, label *manifest.Node) {
	for _, key := range s.serviceLabels() {
		if _, label := o.meta.Get("labels").Entry(key); label != nil {
			return key, label
		}
	}
	return "", nil
}

// unnamed names the label that a pod template lacks for the name of its service.
func (o *target) unnamed(s Settings) string {
	labels := s.serviceLabels()
	if len(labels) > 1 {
		return fmt.Sprintf("the pod template needs one of the labels %s, with the name of its Service; it names the service on the mesh",
			strings.Join(labels, ", "))
	}

	text := fmt.Sprintf("the pod template needs the label %s, which names the service on the mesh; write %[1]s: NAME, with the name of its Service", labels[0])
	if _, other := o.meta.Get("labels").Entry(usualServiceLabel); other != nil {
		text += fmt.Sprintf("; or use %s: set Injector.serviceLabels: [%s, %[1]s]", usualServiceLabel, labels[0])
	}

	return text
}
