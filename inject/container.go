package inject

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// itemNames maps the lists of a container to the key that tells their items apart (Kubernetes API,
// patchMergeKey). Injection adds no ports to the pod's own containers, but earlier versions did,
// and their records are still read.
var itemNames = map[string]string{"env": "name", "ports": "containerPort", "volumeMounts": "name"}

// merge adds the variables and the mounts by which containers trust the mesh, and a preStop sleep
// of some seconds. A container keeps the variables and mounts of these names, and the hook, that it
// has already.
func (p *podEditor) merge(containers []*manifest.Node, sleep int64) {
	a := p.object.addition
	for _, c := range containers {
		c = c.Resolve()
		m := merger{podEditor: p, container: c, name: kube.Text(c.Get("name"))}
		m.add("env", variableList(a.variables))
		m.add("volumeMounts", list(a.mounts))
		m.addSleep(sleep)
		m.finish()
	}
}

func variableList(variables []sidecar.Variable) (env manifest.List) {
	for _, v := range variables {
		env = append(env, manifest.Map{{Key: "name", Value: v.Name}, {Key: "value", Value: v.Value}})
	}
	return env
}

// merger collects what one container of the pod gets.
type merger struct {
	*podEditor
	container *manifest.Node
	name      string

	lists manifest.Map // fields that the container does not have yet
	added []string     // the paths of added items: env/NAME, volumeMounts/NAME, lifecycle/preStop
}

// add adds the items that the container's own list does not have.
func (m *merger) add(key string, items manifest.List) {
	_, own := m.container.Entry(key)
	if items = m.missing(key, items, own); len(items) == 0 {
		return
	}

	if own == nil {
		m.lists = append(m.lists, manifest.Entry{Key: key, Value: items})
		return
	}

	place := "container " + m.name + ": " + key
	m.edits = append(m.edits, m.fill(key+"/"+m.name, place, own, manifest.Insert{Into: own, Items: items})...)
}

// missing returns the items that the container's own list does not have, and notes their paths.
func (m *merger) missing(key string, items manifest.List, own *manifest.Node) (out manifest.List) {
	for _, item := range items {
		fields, _ := item.(manifest.Map)
		v, _ := fields.Lookup(itemNames[key])
		name := fmt.Sprint(v)
		if slices.ContainsFunc(own.Items(), func(n *manifest.Node) bool { return kube.Number(n.Get(itemNames[key])) == name }) {
			continue
		}

		out = append(out, item)
		m.added = append(m.added, key+"/"+name)
	}

	return out
}

// finish writes the new fields into the container, and the paths of all added items into the
// record.
func (m *merger) finish() {
	if len(m.lists) > 0 {
		m.edits = append(m.edits, manifest.Put{Into: m.container, Entries: m.lists})
	}

	switch {
	case len(m.added) == 0:
	case slices.Equal(m.added, []string{"volumeMounts/" + bundleVolume}):
		m.record.Mounts = append(m.record.Mounts, m.name)
	default:
		note(&m.record.Gained, m.name, m.added)
	}
}

// unmerge takes out of a container what its record lists. Records of earlier versions also list
// whole fields (image), and fields one level down (securityContext/runAsUser).
func (u *undo) unmerge(container *manifest.Node, added []string) {
	names := make(map[string][]string) // of items, by list
	for _, path := range added {
		key, name, below := strings.Cut(path, "/")
		switch {
		case !below:
			u.removeEntry(container, key)
		case itemNames[key] != "":
			names[key] = append(names[key], name)
		default:
			u.removeBelow(container, key, name)
		}
	}

	for _, key := range []string{"env", "ports", "volumeMounts"} {
		u.remove(container, key, key+"/"+container.Get("name").Text(), len(names[key]), func(n *manifest.Node) bool {
			return slices.Contains(names[key], kube.Number(n.Get(itemNames[key])))
		})
	}
}

// removeBelow takes an entry out of a field of a container. If nothing else is in the field, that
// gets its original state back: an empty one, or nothing.
func (u *undo) removeBelow(container *manifest.Node, key, name string) {
	field, value := container.Entry(key)
	in := value.Resolve()
	if k, _ := in.Entry(name); k == nil {
		return
	}

	text, wasEmpty := u.record.Empty[key+"/"+container.Get("name").Text()]
	switch {
	case len(in.Content) > 2:
		u.removeEntry(in, name)
	case wasEmpty:
		u.edits = append(u.edits, manifest.Empty{Node: value, Text: text})
	default:
		u.edits = append(u.edits, manifest.Remove{Node: field})
	}
}

// removeEntry takes an entry out of a mapping, if it is there.
func (u *undo) removeEntry(n *manifest.Node, key string) {
	if k, _ := n.Entry(key); k != nil {
		u.edits = append(u.edits, manifest.Remove{Node: k})
	}
}
