package inject

import (
	"bytes"
	"cmp"
	"errors"
	"slices"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// Uninject removes the additions of injection from the documents, as the record annotation of each
// object lists them. Later changes by the user stay. It leaves objects alone, with a warning, that
// are injected without a record, as the webhook left them: their additions are unknown.
//
// Warnings: an object gets an API version back that Kubernetes no longer serves.
func Uninject(docs []*manifest.Document) (*Stream, []Problem) { return uninject(docs, false) }

// UninjectServed does as Uninject for kubectl: objects keep the API version, and the selector, that
// Settings.UpgradeAPI gave them.
func UninjectServed(docs []*manifest.Document) (*Stream, []Problem) { return uninject(docs, true) }

func uninject(docs []*manifest.Document, served bool) (*Stream, []Problem) {
	stream := newStream(docs)
	var problems []Problem
	stream.withdraw()
	for i := range docs {
		if d := &stream.documents[i]; d.patch == nil {
			problems = append(problems, stream.takeBack(d, served)...)
		}
	}

	return stream, problems
}

// takeBack makes the edits of a document that take back what injection added to it; with served,
// API versions stay.
func (s *Stream) takeBack(d *document, served bool) (problems []Problem) {
	if o, p := misencoded(d.Document); p != nil {
		s.Objects = append(s.Objects, o)
		return []Problem{*p}
	}

	if !slices.ContainsFunc([]string{annotationRecord, annotationStatus, annotationEmitted}, func(a string) bool { return bytes.Contains(d.Text, []byte(a)) }) {
		return nil
	}

	objects, err := kube.Objects(d.Document)
	if err != nil {
		o, p := unreadable(d.Document, err)
		if bytes.Contains(d.Text, []byte(annotationRecord)) {
			return []Problem{p}
		}
		o.Outcome, o.Rule, o.Warning, o.Reason = LeftAlone, p.Rule, true, "it cannot be read ("+p.Msg+"), and holds no "+annotationRecord
		s.Objects = append(s.Objects, o)
		return nil
	}

	var edits []manifest.Edit
	var owners []*target
	for _, object := range objects {
		for _, u := range carriers(object) {
			u.served = served
			if key, _ := u.meta.Get("annotations").Entry(annotationInbound); key != nil {
				s.Registered = true
			}
			if err := u.takeBack(); err != nil {
				problems = append(problems, *err)
			}

			s.Objects = append(s.Objects, u.Object)
			s.Warnings = append(s.Warnings, u.warnings...)
			for _, e := range u.edits {
				edits, owners = append(edits, e), append(owners, u.target)
			}
		}
	}

	for _, w := range withdrawnItems(d.Document) {
		edits, owners = append(edits, w.edit), append(owners, w.owner)
		s.Emitted += w.objects
	}

	patch, err := d.Apply(edits...)
	if failed := (manifest.EditErrors)(nil); errors.As(err, &failed) {
		for _, e := range failed {
			problems = append(problems, owners[max(0, e.Edit)].editProblem(e))
		}
	}

	d.change = &change{patch: patch}
	d.Forget()

	return problems
}

// carriers returns the injected parts of an object, wherever they stand: the configuration may no
// longer name their place.
func carriers(object kube.Object) (out []*undo) {
	object.Walk(func(n *manifest.Node) {
		_, record := n.Get("metadata", "annotations").Entry(annotationRecord)
		if record == nil && !isInjected(n.Get("metadata")) {
			return
		}
		o := Settings{}.newTarget(object)
		o.meta = n.Get("metadata")
		out = append(out, &undo{target: o, node: n, text: record})
	})

	return out
}

// undo collects the edits that take back what a record says.
type undo struct {
	*target
	node   *manifest.Node // the injected pod template, Pod or Service
	text   *manifest.Node // the value of the record annotation; nil without it
	record *record
	edits  []manifest.Edit
	served bool // the API version stays
}

// takeBack finds the edits that restore the original object.
func (u *undo) takeBack() *Problem {
	if u.text == nil {
		u.leave(RuleRecord, "it carries no "+annotationRecord+", so tykmesh does not know the additions", true)
		return nil
	}

	r, err := readRecord(u.text.Text())
	if err != nil {
		p := u.problem(RuleRecord, u.text, "%v", err)
		u.Outcome = Refused
		return &p
	}

	u.record = r
	if r.Port != "" || len(r.Ports) > 0 {
		u.service()
	} else {
		u.pod(u.node.Get("spec"))
		u.upgrade()
	}

	u.annotations(u.meta.Get("annotations"))
	u.Change = "taken off the mesh"

	return nil
}

// was returns what to write for a text that was recorded under a name.
func (u *undo) was(name, recorded string) string {
	plain, ok := u.record.Plain[name]
	if root, err := u.object.Document.Root(); ok && err == nil && !root.Anchored() {
		return plain
	}
	return recorded
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

	for c := range kube.Containers(spec) {
		u.unmerge(c.Resolve(), u.record.Gained[c.Get("name").Text()])
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
	return slices.Contains([]string{loopback, sidecar.MeshAddress}, n.Get("ip").Text()) && slices.Equal(hosts, u.record.HostAliases)
}

// remove deletes added items from a list: the last ones that match, up to count. If none is left,
// the list gets its original state back: an empty one, or nothing.
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
	list := u.node.Get("spec", "ports")
	ports := list.Items()

	was := isSidecarPort
	if kept := u.record.Kept; kept != nil {
		was = func(p *manifest.Node) bool { return portNameOf(p) == *kept }
	}

	restored := -1
	if u.record.Port != "" {
		restored = slices.IndexFunc(ports, was)
	}

	var gone []manifest.Edit
	for i, p := range ports {
		switch {
		case i == restored:
			u.edits = append(u.edits, manifest.Restore{Node: p, Text: u.was("port", u.record.Port)})
		case u.record.Kept != nil && isSidecarPort(p), slices.Contains(u.record.Ports, portNameOf(p)):
			gone = append(gone, manifest.Remove{Node: p})
		}
	}

	if len(gone) > 0 && len(gone) == len(ports) { // the user has deleted the original port
		gone = []manifest.Edit{manifest.Empty{Node: list, Text: " []"}}
	}

	u.edits = append(u.edits, gone...)
}

func (u *undo) annotations(annotations *manifest.Node) {
	key := cmp.Or(u.was("key", u.record.Key), annotationInject)
	inject := cmp.Or(u.was("inject", u.record.Inject), usualInject)
	record, text := annotations.Entry(annotationRecord)
	status, value := annotations.Entry(annotationStatus)
	var edits []manifest.Edit
	for _, name := range u.record.Annotations {
		if k, _ := annotations.Entry(name); k != nil {
			edits = append(edits, manifest.Remove{Node: k})
		}
	}

	switch was := u.record.Status; {
	case was != nil:
		edits = append(edits, manifest.Restore{Node: record, Text: key}, manifest.Restore{Node: text, Text: inject})
		if value != nil {
			edits = append(edits, manifest.Restore{Node: value, Text: u.was("status", *was)})
		}
	case status != nil:
		edits = append(edits, manifest.Remove{Node: record}, manifest.Restore{Node: status, Text: key}, manifest.Restore{Node: value, Text: inject})
	case len(annotations.Content) > 2*len(edits)+2:
		edits = append(edits, manifest.Remove{Node: record})
	default: // the user has deleted the status, and nothing is left
		edits = []manifest.Edit{manifest.Empty{Node: annotations, Text: " {}"}}
	}

	u.edits = append(u.edits, edits...)
}
