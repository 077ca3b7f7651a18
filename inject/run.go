package inject

import (
	"bytes"
	"errors"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/tykmesh/tykmesh/inject/checks"
	"github.com/tykmesh/tykmesh/inject/display"
	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// injection is a run of Inject. It holds the trees of documents no longer than it needs them,
// because a long stream has many.
type injection struct {
	*Stream
	settings Settings
	facts    *kube.Facts
	objects  map[*kube.Meta]*Object        // the annotated ones among those of the facts
	members  map[*kube.Meta]*checks.Member // the same, for the checks
	guard    *kube.Guard
	problems []Problem

	accepted     map[*kube.Meta][]Rule     // by annotations
	unacceptable []Problem                 // codes in annotations that cannot be accepted
	fronts       map[Service]*kube.Service // the first Service on the mesh that leads to a service
	leads        map[*kube.Service]Service // the service that a Service on the mesh leads to
	emitted      map[kube.Ref]bool         // objects that inject has added to the stream, now or before
	closed       map[Service]kube.Label    // by which a NetworkPolicy selects the pods of a service
	certified    map[kube.Ref][]string     // the hosts of Certificates that inject has added before
	additions    map[int][]addedObject     // to be added behind documents, by their index

	unsettled map[kube.Ref]bool // what namespaces need for pods that do not accept the warning

	applying errgroup.Group // documents are edited on all cores, as many at once
	editing  []*editing
}

func newInjection(docs []*manifest.Document, s Settings) *injection {
	in := &injection{
		Stream: newStream(docs), settings: s, guard: kube.NewGuard(), objects: make(map[*kube.Meta]*Object), members: make(map[*kube.Meta]*checks.Member), accepted: make(map[*kube.Meta][]Rule),
		facts: kube.NewFacts(kube.Reader{Namespace: s.Namespace, PodTemplates: s.PodTemplates, PortReferences: s.PortReferences, Wanted: []kube.Ref{neededSecret, neededAuthority}, WantedPart: s.secretNames()}),
	}
	in.emitted, in.certified, in.closed = make(map[kube.Ref]bool), make(map[kube.Ref][]string), make(map[Service]kube.Label)
	in.applying.SetLimit(runtime.GOMAXPROCS(0))
	in.routes = s.Routes

	return in
}

// editing is a document while its edits are planned and made.
type editing struct {
	*document
	targets []*target
	edits   []manifest.Edit
	owners  []*target           // of each edit
	failed  manifest.EditErrors // the edits that cannot be made
}

// find returns the targets of a document, with their outcomes.
func (in *injection) find(d *manifest.Document) (targets []*target) {
	if o, p := misencoded(d); p != nil {
		in.Objects, in.problems = append(in.Objects, o), append(in.problems, *p)
		return nil
	}

	if !isAddressed(d.Text) {
		return nil
	}

	objects, err := kube.Objects(d)
	if err != nil && !bytes.Contains(d.Text, []byte(marker)) {
		return nil // nothing in it asks for a sidecar, and kubectl reports it
	}

	if err != nil {
		o, p := unreadable(d, err)
		in.skip(o, p)
		in.Objects = append(in.Objects, o)
		return nil
	}

	for _, object := range objects {
		in.noteEmitted(object)
		for _, o := range in.examine(object) {
			in.Objects = append(in.Objects, o.Object)
			in.objects[o.Meta], in.members[o.Meta] = o.Object, o.member
			targets = append(targets, o)
		}
	}

	return targets
}

func hasService(targets []*target) bool {
	return slices.ContainsFunc(targets, func(o *target) bool { return o.Outcome == Injected && o.workload == nil })
}

// edit starts the edits of a document; settle finishes them.
func (in *injection) edit(i int, targets []*target) {
	if len(targets) == 0 { // nothing changes, as in nearly all documents of a stream
		in.documents[i].Forget()
		return
	}

	in.documents[i].change = new(change)

	d := &editing{document: &in.documents[i], targets: targets}
	if in.settings.Routes {
		d.mark = markOf(d.Text)
	}

	d.edits, d.owners = in.collect(d.document, targets)
	in.editing = append(in.editing, d)
	in.applying.Go(func() error {
		d.judge(in.guard)
		d.apply()
		return nil
	})
}

// judge finds the levels of Pod Security before and after the edits.
func (d *editing) judge(g *kube.Guard) {
	for _, o := range d.targets {
		if o.Outcome == Injected && o.workload != nil {
			v := g.Verdict(o.template.Node, o.addition.toSpec())
			o.Before, o.After, o.member.Security = v.Before, v.After, v
		}
	}
}

// apply makes the edits and forgets the document's tree, unless some edits fail.
func (d *editing) apply() {
	patch, err := d.Apply(d.edits...)
	if d.failed = nil; errors.As(err, &d.failed) {
		return
	}
	d.patch = patch
	d.edits, d.owners, d.targets = nil, nil, nil
	d.Forget()
}

// settle waits for the started edits. If some fail, the other objects of the document still get
// theirs.
func (in *injection) settle() {
	_ = in.applying.Wait()
	for _, d := range in.editing {
		for d.failed != nil {
			for _, e := range d.failed {
				in.skipEdit(d.owners, e)
			}
			d.edits, d.owners = in.collect(d.document, d.targets)
			d.apply()
		}
	}

	in.editing = nil
}

// collect returns the edits of a document, and the target of each edit.
func (in *injection) collect(d *document, targets []*target) (edits []manifest.Edit, owners []*target) {
	d.services = nil
	for _, o := range targets {
		if o.Outcome != Injected {
			continue
		}

		es, err := in.edits(d, o)
		if err != nil {
			in.refuse(o, err)
			continue
		}

		for _, e := range es {
			edits, owners = append(edits, e), append(owners, o)
		}

		if o.workload != nil && in.settings.Routes {
			d.services = append(d.services, o.workload.Service)
		}
	}

	return edits, owners
}

// edits returns the edits of an object.
func (in *injection) edits(d *document, o *target) ([]manifest.Edit, error) {
	if o.workload != nil {
		return o.podEdits(in.newAnnotations(d, o.workload))
	}
	return in.serviceEdits(o)
}

// newAnnotations returns the annotations that a pod template gets besides status and record: the
// ids that it does not carry yet, and the one that identifies the trusted CAs.
func (in *injection) newAnnotations(d *document, w *Workload) (out manifest.Map) {
	s := in.settings
	if s.Routes && w.InboundID == "" {
		out = append(out, manifest.Entry{Key: annotationInbound, Value: d.inboundOf(w.Service)})
	}

	if s.Routes && w.MeshID == "" {
		out = append(out, manifest.Entry{Key: annotationMesh, Value: d.meshOf(w.Service)})
	}

	if s.TLS && s.Trust != "" {
		out = append(out, manifest.Entry{Key: annotationTrust, Value: s.Trust})
	}

	return out
}

// refuse notes why an object cannot be injected. An object that only cannot be edited as it is
// written is skipped.
func (in *injection) refuse(o *target, err error) {
	switch e := err.(type) { //nolint:errorlint // both are made for this
	case Problem:
		o.Outcome = Refused
		in.problems = append(in.problems, e)
	case *manifest.EditError:
		in.skip(o.Object, o.editProblem(e))
	default:
		in.refuse(o, Problem{Rule: RuleEdit, Pos: o.Pos, Object: o.Title(), Msg: display.Line(err.Error())})
	}
}

// skipEdit skips the object of a failed edit; all objects of the document if the edits fail
// together.
func (in *injection) skipEdit(owners []*target, e *manifest.EditError) {
	for i, o := range owners {
		if (e.Edit == manifest.AllEdits || e.Edit == i) && o.Outcome == Injected {
			in.skip(o.Object, o.editProblem(e))
		}
	}
}

// skip notes that an object asks for injection and cannot be injected.
func (in *injection) skip(o *Object, p Problem) {
	if in.settings.OnSkip == SkipFail {
		o.Outcome = Refused
		in.problems = append(in.problems, p)
		return
	}
	o.Outcome, o.Rule, o.Reason, o.Warning = Skipped, p.Rule, p.Msg, in.settings.OnSkip == SkipWarn
	o.Pos = p.Pos
}
