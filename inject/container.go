package inject

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// itemNames say by which key items of a container's lists are told from each other (Kubernetes API,
// patchMergeKey).
var itemNames = map[string]string{"env": "name", "ports": "containerPort", "volumeMounts": "name"}

// within are the mappings of a container that a pod's own sidecar may fill in part. All others
// count as a whole: half a probe, or a limit without its request, would be neither the one nor the
// other.
var within = []string{"securityContext"}

// gain gives containers of the pod what they need to trust the mesh: mounts, and variables that
// they do not set themselves.
func (p *podEditor) gain(containers []*manifest.Node) {
	a := p.object.addition
	var base manifest.Map
	if len(a.variables) > 0 {
		var env manifest.List
		for _, v := range a.variables {
			env = append(env, manifest.Map{{Key: "name", Value: v.Name}, {Key: "value", Value: v.Value}})
		}
		base = append(base, manifest.Entry{Key: "env", Value: env})
	}

	if len(a.mounts) > 0 {
		base = append(base, manifest.Entry{Key: "volumeMounts", Value: list(a.mounts)})
	}

	for _, c := range containers {
		if !a.isOwnSidecar(c) {
			p.lay(base, c.Resolve())
		}
	}
}

// lay puts a mapping under a container of the pod: what the container says stays, and what it does
// not say is added.
func (p *podEditor) lay(base manifest.Map, container *manifest.Node) {
	if len(base) == 0 || container == nil {
		return
	}

	layer := layer{podEditor: p, container: container.Get("name").Text()}
	layer.under(base, container, "")
	name := strings.Clone(layer.container)
	switch {
	case len(layer.gained) == 0:
	case slices.Equal(layer.gained, []string{"volumeMounts/" + bundleVolume}):
		p.record.Mounts = append(p.record.Mounts, name)
	default:
		if p.record.Gained == nil {
			p.record.Gained = make(map[string][]string)
		}
		p.record.Gained[name] = layer.gained
	}
}

// layer is what one container gets, and the paths under which it is found again: image, env/NAME,
// securityContext/runAsUser.
type layer struct {
	*podEditor
	container string
	gained    []string
}

func (l *layer) under(base manifest.Map, node *manifest.Node, path string) {
	var missing manifest.Map
	for _, e := range base {
		_, own := node.Entry(e.Key)
		items, isList := e.Value.(manifest.List)

		below, isMap := e.Value.(manifest.Map)
		switch {
		case isList && itemNames[e.Key] != "":
			if items = l.lacking(e.Key, items, own); len(items) == 0 {
				continue
			}
			if own == nil {
				missing = append(missing, manifest.Entry{Key: e.Key, Value: items})
				continue
			}

			place := "container " + l.container + ": " + e.Key
			l.edits = append(l.edits, l.fill(e.Key+"/"+l.container, place, own, manifest.Append{To: own, Values: items})...)

		case own == nil:
			missing = append(missing, e)
			l.gained = append(l.gained, path+e.Key)
		case isMap && slices.Contains(within, e.Key) && len(own.Resolve().Content) > 0:
			l.under(below, own.Resolve(), path+e.Key+"/")
		}
	}

	if len(missing) > 0 {
		l.edits = append(l.edits, manifest.Put{Into: node, Entries: missing})
	}
}

// lacking returns the items that a container's own list does not have.
func (l *layer) lacking(key string, items manifest.List, own *manifest.Node) (out manifest.List) {
	for _, item := range items {
		m, _ := item.(manifest.Map)
		v, _ := m.Lookup(itemNames[key])
		name := fmt.Sprint(v)
		if slices.ContainsFunc(own.Items(), func(n *manifest.Node) bool { return number(n.Get(itemNames[key])) == name }) {
			continue
		}
		out = append(out, item)
		l.gained = append(l.gained, key+"/"+name)
	}

	return out
}

// lose takes what a container gained out of it again.
func (u *undo) lose(container *manifest.Node, gained []string) {
	lists := make(map[string][]string) // names of items by list
	for _, path := range gained {
		key, name, below := strings.Cut(path, "/")
		switch {
		case !below:
			u.removeEntry(container, key)
		case itemNames[key] != "":
			lists[key] = append(lists[key], name)
		default:
			u.removeEntry(container.Get(key).Resolve(), name)
		}
	}

	for _, key := range []string{"env", "ports", "volumeMounts"} {
		u.remove(container, key, key+"/"+container.Get("name").Text(), len(lists[key]), func(n *manifest.Node) bool {
			return slices.Contains(lists[key], number(n.Get(itemNames[key])))
		})
	}
}

// removeEntry takes an entry out of a mapping, if it is there.
func (u *undo) removeEntry(n *manifest.Node, key string) {
	if k, _ := n.Entry(key); k != nil {
		u.edits = append(u.edits, manifest.Remove{Node: k})
	}
}
