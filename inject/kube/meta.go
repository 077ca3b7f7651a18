package kube

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/tykmesh/tykmesh/inject/display"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Ref is what objects refer to each other by.
type Ref struct{ Kind, Namespace, Name string }

// Meta identifies an object of the stream, or one of its pod templates.
type Meta struct {
	Ref        // the namespace is the usual one where the object names none; "" where its kind has none
	APIVersion string
	Document   int            // the number in its file, from 1
	Place      manifest.Place // where the object begins
	Part       string         // the path of the pod template, where the object has several
	Implicit   bool           // the object does not name its namespace
}

// Meta returns the identity of an object. Objects without a namespace are in the named one; ""
// means default.
func (o Object) Meta(namespace string) *Meta {
	meta := o.Node.Get("metadata")
	own := Text(meta.Get("namespace"))

	m := &Meta{
		Ref:        Ref{o.Kind, cmp.Or(own, namespace, "default"), cmp.Or(Text(meta.Get("name")), Text(meta.Get("generateName")))},
		APIVersion: o.APIVersion, Document: o.Document.Number, Place: o.Document.PlaceOf(o.Node), Implicit: own == "",
	}
	if IsClusterScoped(o.Kind) {
		m.Namespace = ""
	}

	return m
}

// String returns kind, namespace and name; no namespace where the kind has none.
func (r Ref) String() string {
	kind, namespace, name := display.Line(r.Kind), display.Line(r.Namespace), display.Line(r.Name)
	if IsClusterScoped(kind) {
		return kind + " " + name
	}
	return fmt.Sprintf("%s %s/%s", kind, namespace, name)
}

// Title returns the name of the object in errors and reports: "document 12 (Deployment shop/web)".
func (m *Meta) Title() string {
	switch {
	case m.Kind == "":
		return fmt.Sprintf("document %d", m.Document)
	case m.Part != "":
		return fmt.Sprintf("document %d (%s, %s)", m.Document, m, m.Part)
	}
	return fmt.Sprintf("document %d (%s)", m.Document, m)
}

// clusterKinds are kinds of Kubernetes, and of what often stands beside it, whose objects are in no
// namespace.
var clusterKinds = []string{
	"Namespace", "Node", "PersistentVolume", "StorageClass", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "APIService",
	"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
	"PriorityClass", "IngressClass", "GatewayClass", "RuntimeClass", "CSIDriver", "ClusterIssuer",
}

// IsClusterScoped reports whether the objects of a kind are in no namespace.
func IsClusterScoped(kind string) bool { return slices.Contains(clusterKinds, kind) }
