// Package kube reads Kubernetes objects: which objects stand in a document, where their pod
// templates are, and the facts about Services, pods and the objects around them that belong to a
// stream as a whole.
//
//	document ──Objects──> objects ──Facts.Add──> pods, Services, referrers, policies, ...
//
// Facts are small copies with their places: they outlive the trees of the documents. The package
// edits nothing, and does not know what its facts are for.
package kube

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Object is a Kubernetes object in a document.
type Object struct {
	Document         *manifest.Document
	Node             *manifest.Node
	APIVersion, Kind string // "" where the object has none
}

// Objects returns the objects of a document: its root, or the items of its lists. It returns an
// object once, even if aliases repeat it.
//
// Errors: the document cannot be parsed.
func Objects(d *manifest.Document) ([]Object, error) {
	root, err := d.Root()
	if err != nil {
		return nil, err
	}
	return appendObjects(nil, root, Object{Document: d}, make(map[*manifest.Node]bool)), nil
}

// appendObjects appends a node, or the items of a list. Items of a typed list (DeploymentList) may
// leave out kind and apiVersion, which they have from item then.
func appendObjects(out []Object, n *manifest.Node, item Object, seen map[*manifest.Node]bool) []Object {
	n = n.Resolve()
	if n == nil || n.Kind != manifest.Mapping || seen[n] {
		return out
	}

	seen[n] = true

	o := item
	o.Node = n
	if kind := n.Get("kind").Text(); kind != "" {
		o.Kind, o.APIVersion = strings.Clone(kind), Text(n.Get("apiVersion"))
	}

	items := n.Get("items")
	if !strings.HasSuffix(o.Kind, "List") || items == nil || items.Kind != manifest.Sequence {
		return append(out, o)
	}

	item.Kind, item.APIVersion = strings.TrimSuffix(o.Kind, "List"), o.APIVersion
	for _, i := range items.Items() {
		out = appendObjects(out, i, item, seen)
	}

	return out
}

// Group returns the group of the object's API; "" for the core group.
func (o Object) Group() string {
	group, _, ok := strings.Cut(o.APIVersion, "/")
	if !ok {
		return ""
	}
	return group
}

// IsService reports whether an object is what Kubernetes itself calls a Service; others do too
// (Knative).
func (o Object) IsService() bool { return o.Kind == "Service" && o.Group() == "" }

// PodTemplate says where the objects of a kind keep a pod template.
type PodTemplate struct {
	Group string // of the API, without its version; "" means any
	Kind  string
	Path  []string // of keys; "*" stands for all items of a list, and for all values of a mapping
}

// every is the key of a path that stands for all.
const every = "*"

// Template is a pod template, and its path in its object; "" where the object is a Pod.
type Template struct {
	*manifest.Node
	Path string
}

// templatePaths are where Kubernetes' own kinds, and the custom resources made after their model,
// keep their pod template.
var templatePaths = [][]string{{"spec", "template"}, {"spec", "jobTemplate", "spec", "template"}}

// IsTemplatePath reports whether Kubernetes' own kinds keep a pod template at a path.
func IsTemplatePath(path string) bool {
	return slices.ContainsFunc(templatePaths, func(t []string) bool { return path == strings.Join(t, ".") })
}

// Templates finds the pod templates of an object, and those of its kind that the configuration
// names. There is no other place in tykmesh that knows where templates are, so that none is read
// here and written there.
func (o Object) Templates(configured []PodTemplate) (out []Template) {
	if o.IsService() {
		return nil
	}

	add := func(n *manifest.Node, path string) {
		n = n.Resolve()
		found := slices.ContainsFunc(out, func(t Template) bool { return t.Node == n })
		if spec := n.Get("spec"); !found && spec != nil && spec.Kind == manifest.Mapping {
			out = append(out, Template{n, path})
		}
	}

	switch {
	case o.Kind == "Pod" && o.Group() == "":
		add(o.Node, "")
	case o.Kind == "PodTemplate" && o.Group() == "":
		add(o.Node.Get("template"), "template")
	default:
		for _, path := range templatePaths {
			add(o.Node.Get(path...), strings.Join(path, "."))
		}
	}

	for _, c := range configured {
		if c.Kind == o.Kind && (c.Group == "" || c.Group == o.Group()) {
			follow(c.Path, o.trail(c.Path), func(found []step) { add(last(found).Node, pathOf(found)) })
		}
	}

	return out
}

// step is a node on the way along a path.
type step struct {
	*manifest.Node
	key   string // in the node before; "" for an item of a list
	index int
}

// trail returns the way along a path that has only begun, at the object itself.
func (o Object) trail(path []string) []step {
	return append(make([]step, 0, len(path)+1), step{Node: o.Node})
}

func last(trail []step) step { return trail[len(trail)-1] }

// pathOf returns a way in one word: spec.rules[0].name.
func pathOf(trail []step) string {
	path := ""
	for _, s := range trail[1:] {
		if s.key == "" {
			path += fmt.Sprintf("[%d]", s.index)
		} else {
			path += "." + s.key
		}
	}

	return strings.TrimPrefix(path, ".")
}

// follow calls f with every way along a path, from the end of another way on. f must not keep it.
func follow(path []string, trail []step, f func(trail []step)) {
	at := last(trail)
	switch {
	case at.IsNull():
	case len(path) == 0:
		f(trail)
	case path[0] != every:
		follow(path[1:], append(trail, step{Node: at.Get(path[0]), key: path[0]}), f)
	default:
		for i, item := range at.Items() {
			follow(path[1:], append(trail, step{Node: item, index: i}), f)
		}
		for k, v := range at.Entries() {
			follow(path[1:], append(trail, step{Node: v, key: k.Text()}), f)
		}
	}
}

// Text returns the text of a node, without that of its whole document.
func Text(n *manifest.Node) string { return strings.Clone(n.Text()) }

// Number returns a port in decimal, or the name of a named one.
func Number(port *manifest.Node) string {
	if n, ok := port.Int(); ok {
		return strconv.FormatInt(n, 10)
	}
	return port.Text()
}

// keptNumber returns a port as Number does, without the text of its whole document.
func keptNumber(port *manifest.Node) string {
	if port.IsString() {
		return Text(port)
	}
	return Number(port)
}

// IsTCP reports whether a port of a container or of a Service is a TCP port, which is the default.
func IsTCP(port *manifest.Node) bool {
	protocol := port.Get("protocol").Text()
	return protocol == "" || protocol == "TCP"
}

// Containers returns the containers of a pod, and then its init containers.
func Containers(spec *manifest.Node) iter.Seq[*manifest.Node] {
	return func(yield func(*manifest.Node) bool) {
		for _, list := range []string{"containers", "initContainers"} {
			for _, c := range spec.Get(list).Items() {
				if !yield(c) {
					return
				}
			}
		}
	}
}

// IsNative reports whether an init container goes on running beside the others (Kubernetes
// documentation, sidecar containers).
func IsNative(initContainer *manifest.Node) bool {
	return initContainer.Get("restartPolicy").Text() == "Always"
}

// Walk calls f with every mapping of the object, itself included, that is written out there.
func (o Object) Walk(f func(*manifest.Node)) { walk(o.Node, f) }

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
