package inject

import (
	"cmp"
	"slices"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// podEdits returns the edits of a workload. It also writes the further annotations.
func (o *target) podEdits(further manifest.Map) ([]manifest.Edit, error) {
	spec, a := o.template.Get("spec"), o.addition
	p := podEditor{object: o, spec: spec}
	if hosts := a.hostAlias.List("hostnames"); len(hosts) > 0 {
		p.add("hostAliases", manifest.List{a.hostAlias})
		p.record.HostAliases = strs(hosts)
	}

	p.merge(spec.Get("containers").Items(), a.sleep)
	if a.initAsWell {
		p.merge(spec.Get("initContainers").Items(), 0) // they have ended by then, or end after the others
	}

	p.add("containers", list(a.containers))
	p.record.Containers = names(a.containers)
	p.addInit(a.initFirst, a.initLast)
	p.record.InitContainers = append(names(a.initFirst), names(a.initLast)...)
	p.add("volumes", list(a.volumes))
	p.record.Volumes = names(a.volumes)
	if len(p.entries) > 0 {
		p.edits = append(p.edits, manifest.Put{Into: spec, Entries: p.entries})
	}

	upgrade, err := o.upgradeEdits(&p.record)
	if err := cmp.Or(p.err, err); err != nil {
		return nil, err
	}

	annotations, err := o.annotationEdits(&p.record, further)

	return slices.Concat(p.edits, upgrade, annotations), err
}

// podEditor collects the edits of a pod's spec, and the record that takes them back.
type podEditor struct {
	object  *target
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
		p.edits = append(p.edits, p.fill(key, "spec."+key, list, manifest.Insert{Into: list, Items: items})...)
		return
	}

	p.entries = append(p.entries, manifest.Entry{Key: key, Value: items})
}

// addInit adds init containers in front of the pod's own, and behind them.
func (p *podEditor) addInit(first, last []manifest.Map) {
	const key = "initContainers"
	_, own := p.spec.Entry(key)
	if len(first) == 0 || len(own.Items()) == 0 {
		p.add(key, list(slices.Concat(first, last)))
		return
	}

	p.edits = append(p.edits, p.fill(key, "spec."+key, own, manifest.Insert{Into: own, Items: list(first), First: true})...)
	if len(last) > 0 {
		p.add(key, list(last))
	}
}

// fill returns an edit of an existing list. If that is empty, the record keeps its text.
func (p *podEditor) fill(key, place string, list *manifest.Node, e manifest.Edit) []manifest.Edit {
	if len(list.Items()) > 0 {
		return []manifest.Edit{e}
	}

	if !list.IsNull() && list.Resolve().Kind != manifest.Sequence {
		p.err = cmp.Or[error](p.err, p.object.problem(RulePod, list, "%s: must be a list, not %s", place, list.Describe()))
		return nil
	}

	text, ok := p.object.object.Document.Behind(list)
	if !ok {
		p.err = cmp.Or[error](p.err, &manifest.EditError{Pos: p.object.object.Document.PositionOf(list), Msg: place + ": cannot be edited as it is written; delete the empty list"})
		return nil
	}

	note(&p.record.Empty, key, text)

	return []manifest.Edit{e}
}

// annotationEdits turns the inject annotation into the status, and writes further annotations and
// the record after it. If there is a status already, that one changes, and the record replaces the
// inject annotation.
func (o *target) annotationEdits(r *record, more manifest.Map) ([]manifest.Edit, error) {
	annotations := o.meta.Get("annotations")
	key, value := annotations.Entry(annotationInject)
	_, status := annotations.Entry(annotationStatus)
	if err := r.keepInject(o.object.Document, key, value, status); err != nil {
		return nil, err
	}

	for _, e := range more {
		r.Annotations = append(r.Annotations, e.Key)
	}

	if status != nil {
		edits := []manifest.Edit{
			manifest.Replace{Node: status, Value: statusInjected},
			manifest.Replace{Node: key, Value: annotationRecord}, manifest.Replace{Node: value, Value: r.String()},
		}
		if len(more) > 0 {
			edits = append(edits, manifest.Put{Into: annotations, After: annotationInject, Entries: more})
		}

		return edits, nil
	}

	more = append(more, manifest.Entry{Key: annotationRecord, Value: r.String()})

	return []manifest.Edit{
		manifest.Replace{Node: key, Value: annotationStatus}, manifest.Replace{Node: value, Value: statusInjected},
		manifest.Put{Into: annotations, After: annotationInject, Entries: more},
	}, nil
}

func list(maps []manifest.Map) (out manifest.List) {
	for _, m := range maps {
		out = append(out, m)
	}
	return out
}

func strs(l manifest.List) []string {
	var out []string
	for _, v := range l {
		s, _ := v.(string)
		out = append(out, s)
	}
	return out
}
