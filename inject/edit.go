package inject

import (
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// podEdits is what injection changes in a workload, which gets further annotations too.
func (o *subject) podEdits(s Settings, further manifest.Map) ([]manifest.Edit, error) {
	spec := o.template.Get("spec")
	p := podEditor{object: o, spec: spec}
	hosts := s.hostAlias()
	if len(hosts.List("hostnames")) > 0 {
		p.add("hostAliases", manifest.List{hosts})
		p.record.HostAliases = strs(hosts.List("hostnames"))
	}
	if s.TLS && fillsBundle(s.InitContainers) {
		for _, c := range spec.Get("containers").Items() {
			p.mountBundle(c)
		}
	}
	p.add("containers", s.sidecars(o.workload.Service))
	p.record.Containers = names(s.Containers)
	p.add("initContainers", s.initContainers())
	p.record.InitContainers = names(s.InitContainers)
	var vs manifest.List
	for _, v := range volumes(s) {
		vs = append(vs, v)
	}
	p.add("volumes", vs)
	p.record.Volumes = names(volumes(s))
	if len(p.entries) > 0 {
		p.edits = append(p.edits, manifest.Put{Into: spec, Entries: p.entries})
	}
	if p.err != nil {
		return nil, p.err
	}
	annotations, err := o.annotationEdits(&p.record, further)
	return append(p.edits, annotations...), err
}

// podEditor collects the edits of a pod's spec, and the record that takes them back.
type podEditor struct {
	object  *subject
	spec    *manifest.Node
	edits   []manifest.Edit
	entries manifest.Map // lists that the spec does not have yet
	record  record
	err     error
}

// add adds items to a list of the pod's spec.
func (p *podEditor) add(key string, items manifest.List) {
	if len(items) == 0 {
		return
	}
	if _, list := p.spec.Entry(key); list != nil {
		p.append(key, list, items)
		return
	}
	p.entries = append(p.entries, manifest.Entry{Key: key, Value: items})
}

// mountBundle mounts the trusted certificates into a container of the pod.
func (p *podEditor) mountBundle(container *manifest.Node) {
	items := manifest.List{mount(bundleVolume, bundlePath)}
	name := container.Get("name").Text()
	p.record.Mounts = append(p.record.Mounts, name)
	if _, list := container.Entry("volumeMounts"); list != nil {
		p.append("volumeMounts/"+name, list, items)
		return
	}
	p.edits = append(p.edits, manifest.Put{Into: container.Resolve(), Entries: manifest.Map{{Key: "volumeMounts", Value: items}}})
}

// append adds items to a list that is there; if it is empty, the record keeps how that was written.
func (p *podEditor) append(key string, list *manifest.Node, items manifest.List) {
	place := "spec." + key
	if mounts, container, ok := strings.Cut(key, "/"); ok {
		place = "container " + container + ": " + mounts
	}
	if len(list.Items()) == 0 {
		if !list.IsNull() && list.Resolve().Kind != manifest.Sequence {
			p.err = p.object.problem(RulePod, list, "%s: must be a list, not %s", place, list.Describe())
			return
		}
		text, ok := p.object.doc.Behind(list)
		if !ok {
			p.err = &manifest.EditError{Pos: p.object.doc.PositionOf(list), Msg: place + ": cannot be edited as it is written; leave the empty list out"}
			return
		}
		p.record.keepEmpty(key, text)
	}
	p.edits = append(p.edits, manifest.Append{To: list, Values: items})
}

// annotationEdits turns the inject annotation into the status, and writes further annotations and the record behind it. Where a status
// stands already, that one changes, and the inject annotation's place is taken by the record.
func (o *subject) annotationEdits(r *record, more manifest.Map) ([]manifest.Edit, error) {
	annotations := o.meta.Get("annotations")
	key, value := annotations.Entry(annotationInject)
	_, status := annotations.Entry(annotationStatus)
	if err := r.keepInject(o.doc, key, value, status); err != nil {
		return nil, err
	}
	for _, e := range more {
		r.Annotations = append(r.Annotations, e.Key)
	}
	if status != nil {
		edits := []manifest.Edit{
			manifest.Replace{Node: status, Value: statusInjected},
			manifest.Rename{Key: key, Name: annotationRecord}, manifest.Replace{Node: value, Value: r.String()},
		}
		if len(more) > 0 {
			edits = append(edits, manifest.Put{Into: annotations, After: annotationInject, Entries: more})
		}
		return edits, nil
	}
	more = append(more, manifest.Entry{Key: annotationRecord, Value: r.String()})
	return []manifest.Edit{
		manifest.Rename{Key: key, Name: annotationStatus}, manifest.Replace{Node: value, Value: statusInjected},
		manifest.Put{Into: annotations, After: annotationInject, Entries: more},
	}, nil
}

func strs(l manifest.List) []string {
	var out []string
	for _, v := range l {
		s, _ := v.(string)
		out = append(out, s)
	}
	return out
}
