package inject

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// PodTemplate says where the objects of a kind keep a pod template (Injector.podTemplates).
type PodTemplate struct {
	Group string // of the API, without its version; "" means any
	Kind  string
	Path  []string // of keys; Every stands for all items of a list, and for all values of a mapping
}

// Every is the key of a path that stands for all.
const Every = "*"

// templatePaths are where Kubernetes' own kinds, and the custom resources made after their model,
// keep their pod template.
var templatePaths = [][]string{{"spec", "template"}, {"spec", "jobTemplate", "spec", "template"}}

// object is a Kubernetes object in a document.
type object struct {
	node             *manifest.Node
	apiVersion, kind string
}

// group returns the group of the object's API; "" for the core group.
func (o object) group() string {
	group, _, ok := strings.Cut(o.apiVersion, "/")
	if !ok {
		return ""
	}
	return group
}

// isService reports whether an object is what Kubernetes itself calls a Service; others do too
// (Knative).
func (o object) isService() bool { return o.kind == "Service" && o.group() == "" }

// objects returns the objects of a document: its root, or the items of its lists. It returns an
// object once, even if aliases repeat it.
func objects(root *manifest.Node) []object {
	return appendObjects(nil, root, object{}, make(map[*manifest.Node]bool))
}

// appendObjects appends a node, or the items of a list. Items of a typed list (DeploymentList) may
// leave out kind and apiVersion.
func appendObjects(out []object, n *manifest.Node, item object, seen map[*manifest.Node]bool) []object {
	n = n.Resolve()
	if n == nil || n.Kind != manifest.Mapping || seen[n] {
		return out
	}

	seen[n] = true

	o := object{node: n, apiVersion: item.apiVersion, kind: item.kind}
	if kind := n.Get("kind").Text(); kind != "" {
		o.kind, o.apiVersion = strings.Clone(kind), strings.Clone(n.Get("apiVersion").Text())
	}

	items := n.Get("items")
	if !strings.HasSuffix(o.kind, "List") || items == nil || items.Kind != manifest.Sequence {
		return append(out, o)
	}

	item = object{apiVersion: o.apiVersion, kind: strings.TrimSuffix(o.kind, "List")}
	for _, i := range items.Items() {
		out = appendObjects(out, i, item, seen)
	}

	return out
}

// template is a pod template, and where in its object it stands; "" where the object is a Pod.
type template struct {
	*manifest.Node
	path string
}

// templates finds the pod templates of an object, and those of its kind that the configuration
// names. There is no other place in tykmesh that knows where templates are, so that none is read
// here and written there.
func (o object) templates(configured []PodTemplate) (out []template) {
	if o.isService() {
		return nil
	}

	add := func(n *manifest.Node, path string) {
		n = n.Resolve()
		known := slices.ContainsFunc(out, func(t template) bool { return t.Node == n })
		if spec := n.Get("spec"); !known && spec != nil && spec.Kind == manifest.Mapping {
			out = append(out, template{n, path})
		}
	}

	switch {
	case o.kind == "Pod" && o.group() == "":
		add(o.node, "")
	case o.kind == "PodTemplate" && o.group() == "":
		add(o.node.Get("template"), "template")
	default:
		for _, path := range templatePaths {
			add(o.node.Get(path...), dotted(path))
		}
	}

	for _, c := range configured {
		if c.Kind == o.kind && (c.Group == "" || c.Group == o.group()) {
			follow(o.node, c.Path, "", add)
		}
	}

	return out
}

// dotted returns a path of keys in the usual notation.
func dotted(path []string) string { return strings.Join(path, ".") }

// follow calls f with every node that a path leads to.
func follow(n *manifest.Node, path []string, at string, f func(n *manifest.Node, at string)) {
	switch {
	case n.IsNull():
	case len(path) == 0:
		f(n, strings.TrimPrefix(at, "."))
	case path[0] != Every:
		follow(n.Get(path[0]), path[1:], at+"."+path[0], f)
	default:
		for i, item := range n.Items() {
			follow(item, path[1:], fmt.Sprintf("%s[%d]", at, i), f)
		}
		for k, v := range n.Entries() {
			follow(v, path[1:], at+"."+k.Text(), f)
		}
	}
}

// walk calls f with every mapping beneath a node, itself included, that is written out there.
func walk(n *manifest.Node, f func(*manifest.Node)) {
	if n.Kind == manifest.Mapping {
		f(n)
	}

	for _, c := range n.Content {
		if len(c.Content) > 0 {
			walk(c, f)
		}
	}
}
