package inject

import (
	"bytes"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Uninject takes what injection added out of the documents again, as the record annotation in each object says. What a user has added
// since stays. Objects that are injected but carry no record, as the webhook left them, are left alone with a warning: what it changed is
// not known.
func Uninject(docs []*manifest.Document, s Settings) (*Stream, []Problem) {
	stream := newStream(docs)
	var problems []Problem
	for i, d := range docs {
		if !bytes.Contains(d.Text, []byte(marker)) {
			continue
		}
		root, err := d.Root()
		if err != nil {
			problems = append(problems, syntaxProblem(d, err))
			continue
		}
		var edits []manifest.Edit
		var subjects []*subject
		for _, node := range objects(root) {
			o, es, p := uninjectObject(d, node, s.Namespace)
			if p != nil {
				problems = append(problems, *p)
			}
			if o != nil {
				stream.Objects = append(stream.Objects, o.Object)
				edits, subjects = append(edits, es...), append(subjects, o)
			}
		}
		if stream.pages[i].patch, err = d.Apply(edits...); err != nil {
			problems = append(problems, owner(subjects, err).editProblem(err))
		}
		d.Forget()
	}
	return stream, problems
}

func uninjectObject(d *manifest.Document, node *manifest.Node, namespace string) (*subject, []manifest.Edit, *Problem) {
	o := newSubject(d, node, namespace)
	template := podTemplate(node)
	if template != nil {
		o.meta = template.Get("metadata")
	} else {
		o.meta = node.Get("metadata")
	}
	annotations := o.meta.Get("annotations")
	_, status := annotations.Entry(annotationStatus)
	_, text := annotations.Entry(annotationRecord)
	if text == nil {
		if strings.EqualFold(status.Text(), statusInjected) {
			return o.leave("it carries no "+annotationRecord+", so what was added to it is not known", true), nil, nil
		}
		return nil, nil, nil
	}
	r, err := readRecord(text.Text())
	if err != nil {
		p := o.problem(text, "%v", err)
		return nil, nil, &p
	}
	u := undo{object: o, record: r}
	if template != nil {
		u.pod(template.Get("spec"))
	} else {
		u.service()
	}
	u.annotations(annotations)
	o.Change = "taken off the mesh"
	return o, u.edits, nil
}

// undo collects the edits that take back what a record says.
type undo struct {
	object *subject
	record *record
	edits  []manifest.Edit
}

func (u *undo) pod(spec *manifest.Node) {
	named := func(names []string) func(*manifest.Node) bool {
		return func(n *manifest.Node) bool { return slices.Contains(names, n.Get("name").Text()) }
	}
	u.remove(spec, "hostAliases", "hostAliases", min(1, len(u.record.HostAliases)), u.isAlias)
	for _, c := range spec.Get("containers").Items() {
		if name := c.Get("name").Text(); slices.Contains(u.record.Mounts, name) {
			u.remove(c.Resolve(), "volumeMounts", "volumeMounts/"+name, 1, named([]string{bundleVolume}))
		}
	}
	u.remove(spec, "containers", "containers", len(u.record.Containers), named(u.record.Containers))
	u.remove(spec, "initContainers", "initContainers", len(u.record.InitContainers), named(u.record.InitContainers))
	u.remove(spec, "volumes", "volumes", len(u.record.Volumes), named(u.record.Volumes))
}

func (u *undo) isAlias(n *manifest.Node) bool {
	var hosts []string
	for _, h := range n.Get("hostnames").Items() {
		hosts = append(hosts, h.Text())
	}
	return n.Get("ip").Text() == loopback && slices.Equal(hosts, u.record.HostAliases)
}

// remove takes the items that injection added out of a list: so many, the last ones of those that look so. If none is left, the list
// becomes what it was: an empty one, or nothing.
func (u *undo) remove(parent *manifest.Node, key, recorded string, count int, added func(*manifest.Node) bool) {
	name, list := parent.Entry(key)
	var gone []manifest.Edit
	for _, item := range slices.Backward(list.Items()) {
		if len(gone) < count && added(item) {
			gone = append(gone, manifest.Remove{Node: item})
		}
	}
	text, wasEmpty := u.record.Empty[recorded]
	switch {
	case len(gone) == 0:
	case len(gone) < len(list.Items()):
		u.edits = append(u.edits, gone...)
	case wasEmpty:
		u.edits = append(u.edits, manifest.Empty{Node: list, Text: text})
	default:
		u.edits = append(u.edits, manifest.Remove{Node: name})
	}
}

func (u *undo) service() {
	for _, p := range u.object.node.Get("spec", "ports").Items() {
		if isSidecarPort(p) && u.record.Port != "" {
			u.edits = append(u.edits, manifest.Restore{Node: p, Text: u.record.Port})
			return
		}
	}
}

func (u *undo) annotations(annotations *manifest.Node) {
	key, inject := u.record.Key, u.record.Inject
	if key == "" {
		key = annotationInject
	}
	if inject == "" {
		inject = usualInject
	}
	record, text := annotations.Entry(annotationRecord)
	status, value := annotations.Entry(annotationStatus)
	for _, name := range u.record.Annotations {
		if k, _ := annotations.Entry(name); k != nil {
			u.edits = append(u.edits, manifest.Remove{Node: k})
		}
	}
	if was := u.record.Status; was != nil {
		u.edits = append(u.edits, manifest.Restore{Node: record, Text: key}, manifest.Restore{Node: text, Text: inject})
		if value != nil {
			u.edits = append(u.edits, manifest.Restore{Node: value, Text: *was})
		}
		return
	}
	u.edits = append(u.edits, manifest.Remove{Node: record})
	if status != nil {
		u.edits = append(u.edits, manifest.Restore{Node: status, Text: key}, manifest.Restore{Node: value, Text: inject})
	}
}
