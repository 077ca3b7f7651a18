package kube

import (
	"slices"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// CallText holds the calls that the texts of an object name: those of pods in environments,
// commands and arguments, or those of a ConfigMap in its data.
type CallText struct {
	*Meta
	Pods  *Pods // nil for a ConfigMap
	Calls []Call
}

// CallReader reads the calls of a document whose names count. A value to which aliases lead counts
// once, for the first object that has it: it has one place, where all of them can be corrected.
type CallReader struct {
	Names
	seen once
}

// AddCalls adds the calls of an object. The pods of the object must be there. It returns the
// identity of a ConfigMap with such calls, which is new to Facts; else nil.
func (f *Facts) AddCalls(o Object, r *CallReader) *Meta {
	if r.seen == nil {
		r.seen = make(once)
	}

	if o.Kind == "ConfigMap" && o.Group() == "" {
		calls := r.dataCalls(o)
		if len(calls) == 0 {
			return nil
		}

		m := f.meta(o)
		f.Texts = append(f.Texts, CallText{Meta: m, Calls: calls})

		return m
	}

	for _, t := range o.Templates(f.PodTemplates) {
		p := f.templates[o.Document.PlaceOf(t.Node)]
		if p == nil {
			continue
		}
		if calls := r.podCalls(o, t.Get("spec")); len(calls) > 0 {
			f.Texts = append(f.Texts, CallText{p.Meta, p, calls})
		}
	}

	return nil
}

// dataCalls returns the calls in the data of a ConfigMap.
func (r *CallReader) dataCalls(o Object) (calls []Call) {
	for _, v := range o.Node.Get("data").Entries() {
		calls = r.appendCalls(calls, o.Document, v)
	}
	return calls
}

// podCalls returns the calls in the commands, arguments and environments of pods.
func (r *CallReader) podCalls(o Object, spec *manifest.Node) (calls []Call) {
	for container := range Containers(spec) {
		for _, key := range []string{"command", "args"} {
			for _, text := range r.seen.items(container, key) {
				calls = r.appendCalls(calls, o.Document, text)
			}
		}
		for _, variable := range r.seen.items(container, "env") {
			calls = r.appendCalls(calls, o.Document, variable.Get("value"))
		}
	}

	return calls
}

// appendCalls appends the calls of a scalar, each once. The places are those of the calls, as long
// as these stand in the document as they do in the value; else that of the value.
func (r *CallReader) appendCalls(calls []Call, d *manifest.Document, n *manifest.Node) []Call {
	n = n.Resolve()
	if n == nil || n.Kind != manifest.Scalar || r.seen[n] {
		return calls
	}

	r.seen[n] = true
	value := scanner{names: r.Names, text: []byte(n.Value)}
	var source *scanner
	known := make(map[Call]bool)
	for f, ok := value.nextOutside(); ok; f, ok = value.nextOutside() {
		if source == nil {
			source = &scanner{names: r.Names, text: d.Written(n)}
		}

		call := f.Call
		call.At = d.PlaceOf(n)
		if g, there := source.nextOutside(); there && g.Call == f.Call {
			call.At = d.PlaceIn(n, g.from)
		} else {
			source = new(scanner)
		}

		if !known[f.Call] {
			known[f.Call] = true
			calls = append(calls, call)
		}
	}

	return calls
}

// once holds nodes that were read: aliases may repeat one any number of times.
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
