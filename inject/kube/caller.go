package kube

import (
	"slices"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Caller is an object of the stream whose texts name calls: pods by their environment, commands and
// arguments, a ConfigMap by its data.
type Caller struct {
	*Meta
	Pods  *Pods // nil for a ConfigMap
	Calls []Call
}

// AddCalls adds the calls of an object whose names count. The pods of the object must be there. It
// returns the identity of a ConfigMap with such calls, which is new to Facts; else nil.
func (f *Facts) AddCalls(o Object, names Names) *Meta {
	if o.Kind == "ConfigMap" && o.Group() == "" {
		c := caller{document: o.Document, names: names}
		for _, v := range o.Node.Get("data").Entries() {
			c.add(v)
		}

		if len(c.calls) == 0 {
			return nil
		}

		m := f.meta(o)
		f.Callers = append(f.Callers, Caller{Meta: m, Calls: c.calls})

		return m
	}

	for _, t := range o.Templates(f.PodTemplates) {
		p := f.templates[o.Document.PlaceOf(t.Node)]
		if p == nil {
			continue
		}

		c := caller{document: o.Document, names: names}
		c.addPods(t.Get("spec"))
		if len(c.calls) > 0 {
			f.Callers = append(f.Callers, Caller{p.Meta, p, c.calls})
		}
	}

	return nil
}

// caller collects the calls of an object.
type caller struct {
	document *manifest.Document
	names    Names
	calls    []Call
}

// addPods adds the calls of the containers of pods.
func (c *caller) addPods(spec *manifest.Node) {
	lists := make(once)
	for container := range Containers(spec) {
		for _, key := range []string{"command", "args"} {
			for _, text := range lists.items(container, key) {
				c.add(text)
			}
		}
		for _, variable := range lists.items(container, "env") {
			c.add(variable.Get("value"))
		}
	}
}

// once holds the lists that were read: aliases may repeat one in any number of containers.
type once map[*manifest.Node]bool

// items returns the items of the list under a key, unless they were read before.
func (o once) items(n *manifest.Node, key string) []*manifest.Node {
	list := n.Get(key)
	if list == nil || o[list] {
		return nil
	}
	o[list] = true
	return list.Items()
}

// add adds the calls of a scalar, each once. Their places are exact where the calls stand in the
// document as they do in the value; else the place is that of the value.
func (c *caller) add(n *manifest.Node) {
	n = n.Resolve()
	all := c.names.calls([]byte(n.Text()))
	if len(all) == 0 {
		return
	}

	written := c.names.calls(c.document.Written(n))
	exact := slices.EqualFunc(all, written, func(a, b found) bool { return a.Call == b.Call })

	known := make(map[Call]bool)
	for i, f := range all {
		if known[f.Call] {
			continue
		}

		known[f.Call] = true
		call := f.Call
		call.At = c.document.PlaceOf(n)
		if exact {
			call.At = c.document.PlaceIn(n, written[i].from)
		}

		c.calls = append(c.calls, call)
	}
}

// configMaps returns the names of the ConfigMaps that pods read, in volumes and in environments.
func configMaps(spec *manifest.Node) (names []string) {
	add := func(ref *manifest.Node) {
		if name := ref.Get("name"); name != nil {
			names = append(names, Text(name))
		}
	}
	lists := make(once)
	for _, v := range spec.Get("volumes").Items() {
		add(v.Get("configMap"))
		for _, s := range lists.items(v.Get("projected"), "sources") {
			add(s.Get("configMap"))
		}
	}

	for c := range Containers(spec) {
		for _, from := range lists.items(c, "envFrom") {
			add(from.Get("configMapRef"))
		}
		for _, v := range lists.items(c, "env") {
			add(v.Get("valueFrom", "configMapKeyRef"))
		}
	}

	slices.Sort(names)

	return slices.Compact(names)
}
