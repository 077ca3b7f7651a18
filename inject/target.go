package inject

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// target is an annotated Service or pod template, while it is examined and edited.
type target struct {
	*Object
	doc      *manifest.Document
	object   object
	template template       // without a node for a Service
	meta     *manifest.Node // the metadata that carries the annotations
	service  *kubeService   // nil for a pod template
	addition addition       // of a pod template that is to be injected
	warnings []Problem

	upgrade  string       // the apiVersion that the object gets; "" where it keeps its own
	selector manifest.Map // and the selector, if it has none
}

// examine returns the annotated targets of an object, with their outcomes.
func (in *injection) examine(d *manifest.Document, obj object) (targets []*target) {
	if obj.kind == "" {
		targets = in.kindless(d, obj)
		return in.strays(d, obj, nil, targets)
	}

	readers := in.readers(d, obj)
	for _, o := range readers {
		targets = in.appendTarget(targets, o)
	}

	if !slices.ContainsFunc(readers, (*target).isAnnotated) {
		targets = append(targets, in.misplaced(d, obj, readers)...)
	}

	return in.strays(d, obj, readers, targets)
}

// readers returns the places of an object where annotations count: its pod templates, or the
// Service that it is.
func (in *injection) readers(d *manifest.Document, obj object) (readers []*target) {
	templates := obj.templates(in.settings.PodTemplates)
	for _, t := range templates {
		o := newTarget(d, obj, in.settings.Namespace)
		if len(templates) > 1 {
			o.title = fmt.Sprintf("%s, %s)", strings.TrimSuffix(o.title, ")"), t.path)
		}
		o.template, o.meta = t, t.Get("metadata")
		readers = append(readers, o)
	}

	if obj.isService() {
		o := newTarget(d, obj, in.settings.Namespace)
		o.meta = obj.node.Get("metadata")
		readers = append(readers, o)
	}

	return readers
}

// appendTarget adds a target unless it has no part in the mesh.
func (in *injection) appendTarget(targets []*target, o *target) []*target {
	ours, problems := in.judge(o)
	in.Warnings = append(in.Warnings, o.warnings...)
	if len(problems) > 0 {
		in.problems = append(in.problems, problems...)
		o.Outcome = Refused
	}

	if ours || len(problems) > 0 {
		return append(targets, o)
	}

	return targets
}

// judge decides the outcome of a Service or a pod template; ours is false if it has no part in the
// mesh.
func (in *injection) judge(o *target) (ours bool, problems []Problem) {
	if problems := o.stringsOnly(); problems != nil {
		return true, problems
	}

	if in.settings.Sidecar != nil {
		if problems := o.unclearSwitch(); problems != nil {
			return true, problems
		}
	}

	if !o.wanted() {
		return o.Outcome == LeftAlone, nil
	}
	if k, _ := o.meta.Get("annotations").Entry(annotationRecord); k != nil {
		return true, []Problem{o.problem(RuleRecord, k, "annotation %s is present, but the status is not %s; restore the status, or delete both annotations", annotationRecord, statusInjected)}
	}

	if p := o.unfit(); p != nil {
		in.skip(o.Object, *p)
		return true, nil
	}

	if in.settings.Namespace == "" && o.object.node.Get("metadata", "namespace").Text() == "" {
		in.Defaulted = true
	}

	problems = o.missingVersion()
	if o.template.Node == nil {
		return true, append(problems, o.examineService()...)
	}

	return true, append(problems, o.examinePods(in.settings)...)
}

// wanted reports whether the object is to be injected; it says why not if it carries our
// annotations.
func (o *target) wanted() bool {
	_, inject := o.meta.Get("annotations").Entry(annotationInject)
	_, status := o.meta.Get("annotations").Entry(annotationStatus)
	switch {
	case inject == nil && status == nil:
	case strings.EqualFold(status.Text(), statusInjected):
		o.leave("", "it is injected already; --reinject updates it", false)
		o.done = true
	case inject != nil && isUnclear(inject.Text()):
		o.leave(RuleAnnotation, fmt.Sprintf("%s is %q; %s", annotationInject, inject.Text(), readings), true)
		o.Pos = o.doc.PositionOf(inject)
	case !wantsInjection(inject.Text()):
		o.leave("", fmt.Sprintf("%s is %q", annotationInject, inject.Text()), false)
	case isSystem(o.Namespace):
		o.leave(RuleSystem, "nothing in "+o.Namespace+" is put on the mesh", true)
	default:
		return true
	}

	return false
}

func newTarget(d *manifest.Document, obj object, namespace string) *target {
	meta := obj.node.Get("metadata")
	keep := func(n *manifest.Node) string { return strings.Clone(n.Text()) } // without the text of the whole document

	o := &target{doc: d, object: obj, Object: &Object{
		APIVersion: obj.apiVersion, Kind: obj.kind, Namespace: namespaceOf(obj.node, namespace), Name: keep(meta.Get("name")),
		Document: d.Number, Pos: d.PositionOf(obj.node),
	}}
	if o.Name == "" {
		o.Name = keep(meta.Get("generateName"))
	}

	if isClusterScoped(o.Kind) {
		o.Namespace = ""
	}

	o.title = titleOf(d.Number, o.Kind, o.Namespace, o.Name)

	return o
}

// titleOf returns the name of an object in errors and reports.
func titleOf(document int, kind, namespace, name string) string {
	if kind == "" {
		return fmt.Sprintf("document %d", document)
	}
	return fmt.Sprintf("document %d (%s)", document, nameOfObject(kind, namespace, name))
}

// nameOfObject returns kind, namespace and name of an object; no namespace where its kind has none.
func nameOfObject(kind, namespace, name string) string {
	kind, namespace, name = printable(kind), printable(namespace), printable(name)
	if isClusterScoped(kind) {
		return kind + " " + name
	}
	return fmt.Sprintf("%s %s/%s", kind, namespace, name)
}

// clusterKinds are kinds of Kubernetes, and of what often stands beside it, whose objects are in no
// namespace.
var clusterKinds = []string{
	"Namespace", "Node", "PersistentVolume", "StorageClass", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "APIService",
	"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
	"PriorityClass", "IngressClass", "GatewayClass", "RuntimeClass", "CSIDriver", "ClusterIssuer",
}

func isClusterScoped(kind string) bool { return slices.Contains(clusterKinds, kind) }

// namespaceOf returns the namespace of an object: its own, else the one that the user named, else
// default.
func namespaceOf(object *manifest.Node, named string) string {
	return cmp.Or(strings.Clone(object.Get("metadata", "namespace").Text()), named, "default")
}

func (o *target) leave(rule Rule, reason string, warning bool) {
	o.Outcome, o.Reason, o.Warning = LeftAlone, printable(reason), warning
	if warning {
		o.Rule = rule
	}
}

// isSystem reports whether a namespace is one of Kubernetes' own.
func isSystem(namespace string) bool { return namespace == "kube-system" || namespace == "kube-public" }

// isAnnotated reports whether a pod template or a Service has the inject annotation or a status.
func (o *target) isAnnotated() bool {
	_, inject := o.meta.Get("annotations").Entry(annotationInject)
	_, status := o.meta.Get("annotations").Entry(annotationStatus)
	return inject != nil || status != nil
}

// unclearSwitch refuses a value of the inject annotation that means neither yes nor no. The webhook
// read it as no.
func (o *target) unclearSwitch() []Problem {
	_, inject := o.meta.Get("annotations").Entry(annotationInject)
	if inject == nil || isInjected(o.meta) || !isUnclear(inject.Text()) {
		return nil
	}
	return []Problem{o.problem(RuleAnnotation, inject, "annotation %s: %q is neither yes nor no; %s%s", annotationInject, inject.Text(), readings, asVariable(inject.Text()))}
}

// stringsOnly refuses annotations that the API server would refuse.
func (o *target) stringsOnly() (problems []Problem) {
	for _, key := range []string{annotationInject, annotationStatus} {
		if _, value := o.meta.Get("annotations").Entry(key); value != nil && !value.IsString() {
			problems = append(problems, o.problem(RuleAnnotation, value, "annotation %s: must be a string, not %s; put it in quotes", key, value.Describe()))
		}
	}
	return problems
}

// problem returns a refusal at a node of the object's document.
func (o *target) problem(rule Rule, n *manifest.Node, format string, args ...any) Problem {
	return Problem{Rule: rule, Pos: o.doc.PositionOf(n), Object: o.title, Msg: printable(fmt.Sprintf(format, args...))}
}

// warn notes a problem that does not stop the run, at a node of the object's document.
func (o *target) warn(rule Rule, n *manifest.Node, format string, args ...any) {
	o.warnings = append(o.warnings, o.problem(rule, n, format, args...))
}

// editProblem returns the reason why an edit cannot be made; the manifest package knows the place
// but not the object.
func (o *target) editProblem(e *manifest.EditError) Problem {
	return Problem{Rule: RuleEdit, Pos: e.Pos, Object: o.title, Msg: printable(e.Msg)}
}

// unreadable returns the object and the problem of a document that cannot be parsed.
func unreadable(d *manifest.Document, err error) (*Object, Problem) {
	o := &Object{Document: d.Number, Pos: d.Position(0), title: fmt.Sprintf("document %d", d.Number)}
	p := Problem{Rule: RuleSyntax, Pos: o.Pos, Object: o.title, Msg: printable(err.Error())}
	if e := (*manifest.SyntaxError)(nil); errors.As(err, &e) {
		p.Pos, p.Msg = e.Pos, printable(e.Msg)
	}
	return o, p
}

// namespaceProblem refuses an invalid namespace (RFC 1123, as in Kubernetes), because it becomes
// part of host names.
func (o *target) namespaceProblem() []Problem {
	at := o.object.node
	if n := o.object.node.Get("metadata", "namespace"); !n.IsNull() {
		at = n
		if !n.IsString() {
			return []Problem{o.problem(RuleNamespace, n, "metadata.namespace: must be a string, not %s; put it in quotes", n.Describe())}
		}
	}

	if len(validation.IsDNS1123Label(o.Namespace)) > 0 {
		return []Problem{o.problem(RuleNamespace, at, "%q is not a valid namespace; use lower case letters, digits and dashes, 63 at most%s", o.Namespace, asVariable(o.Namespace))}
	}

	return nil
}

// appLabel reads the label that makes a workload a service of the mesh, the first that it has of
// Settings.ServiceLabels: the Kubernetes Service in front of it has its name, so it has to be a
// label of RFC 1035, as Service names are.
func (o *target) appLabel(s Settings) (string, *Problem) {
	key, label := o.serviceLabel(s)
	refuse := func(n *manifest.Node, format string, args ...any) (string, *Problem) {
		p := o.problem(RuleApp, n, format, args...)
		return "", &p
	}
	switch app := label.Text(); {
	case label == nil:
		return refuse(o.meta, "%s", o.unnamed(s))
	case !label.IsString():
		return refuse(label, "label %s: must be a string, not %s; put it in quotes", key, label.Describe())
	case app == "":
		return refuse(label, "label %s: must not be empty, because it names the service on the mesh", key)
	case app == "mesh":
		return refuse(label, "label %s: mesh is the tag of all sidecars; use another name", key)
	case len(validation.IsDNS1035Label(app)) > 0:
		return refuse(label, "label %s: %q is not a valid Service name; use lower case letters, digits and dashes, a letter first, 63 at most%s", key, app, asVariable(app))
	default:
		return strings.Clone(app), nil
	}
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
