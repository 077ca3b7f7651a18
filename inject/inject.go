// Package inject defines injection: which annotations count, what a pod gets, which port of a
// Service changes, and the reasons for a refusal. It puts workloads and Services on the mesh, and
// takes them off again. It does the work of the admission webhook of tyk-k8s, without its faults.
//
//	documents ──Inject──> Stream ──Workloads──> (registered elsewhere) ──Write(ids)──> text
//	documents ──Uninject──> Stream ──Write──> text          Reinject is both in one step
//	documents ──Members──> services, to be taken off the mesh
//
// It is pure: no network, no file, no clock, no log. It never touches an object without
// annotations.
package inject

import (
	"bytes"
	"errors"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Settings is the part of the configuration that injection needs.
type Settings struct {
	Namespace  string // of objects that name none; "" means default
	Routes     bool   // the services' APIs are registered, and their ids written into the pods (Injector.createRoutes)
	TLS        bool   // sidecars speak TLS (Injector.enableMeshTLS)
	Namespaced bool   // tags carry the namespace (Injector.slugs: namespaced)

	// ServiceLabels are labels of pod templates: the first that a template has names its service
	// (Injector.serviceLabels). None means app.
	ServiceLabels []string

	// Trust identifies the set of CAs that pods trust (CA.bundlePath); "" if it is unknown. It
	// counts with TLS.
	Trust string

	// Containers and InitContainers are added to every pod, in this order (Injector.containers,
	// Injector.initContainers).
	Containers, InitContainers []manifest.Map
	// Sidecar is the built-in sidecar, which pods get where no Containers are configured; else nil.
	Sidecar *Sidecar
	// PodTemplates are where custom resources have pod templates besides spec.template
	// (Injector.podTemplates).
	PodTemplates []PodTemplate
	// UpgradeAPI rewrites workloads of API versions that Kubernetes no longer serves
	// (--upgrade-api).
	UpgradeAPI bool
	// OnSkip says what to do about objects that are to be injected and cannot be.
	OnSkip OnSkip

	// Authority is the CA that pods trust, in PEM. Its ConfigMap is added for namespaces that have
	// none in the stream; "" adds none (Injector.emitCA).
	Authority string

	// Strict turns warnings of the checks into errors if the mesh cannot work otherwise.
	Strict bool
	// Accept are the rules whose warnings are suppressed (Injector.accept).
	Accept []Rule

	// Preserve keeps the number and the name of the Service port that reaches the app, which then
	// leads to the sidecar, and adds the sidecar's own (Injector.servicePorts: preserve); without
	// it that port becomes the sidecar's.
	Preserve bool

	// MeshHosts are the names of the mesh; a pod resolves them to itself (Injector.meshHosts).
	MeshHosts []string
}

// OnSkip decides about a run in which an object is skipped.
type OnSkip int

// A skipped object ends the run, or passes untouched, with a warning or without one.
const (
	SkipFail OnSkip = iota
	SkipWarn
	SkipIgnore
)

// Outcome is the result for an object that carries an annotation of tykmesh.
type Outcome int

// The outcomes. An object without annotations of tykmesh has none, and is in no list.
const (
	// Injected objects are changed.
	Injected Outcome = iota
	// LeftAlone objects pass untouched, because a rule says so; Object.Reason says which.
	LeftAlone
	// Skipped objects pass untouched, because they cannot be edited, and Settings.OnSkip accepts
	// that.
	Skipped
	// Refused objects have a problem, and so has their stream.
	Refused
)

// Object is an object of the stream that carries an annotation of tykmesh; one pod template of it,
// if it has several.
type Object struct {
	APIVersion, Kind string // "" where the document cannot be read
	Namespace, Name  string // the namespace is that of Settings where the object names none
	Document         int    // the number in its file, from 1
	Pos              manifest.Position
	Outcome          Outcome
	Rule             Rule     // by which it is left alone or skipped; "" if that is no surprise
	Reason           string   // why it is left alone or skipped, as a clause: "it is injected already"
	Warning          bool     // whether that may surprise
	Change           string   // what injection does to it: "sidecar tyk-mesh", "port 80 becomes 8080"
	Before, After    Security // the level of Pod Security that its pods meet before and after injection; "" for a Service

	done     bool                // an earlier run injected it
	unclear  *Problem            // that its app's port is unclear, until a Service of the stream decides it
	loosened map[Security]string // why the pods do not meet levels any more that they met before
	title    string              // "document 12 (Deployment shop/web)"
	workload *Workload           // nil for a Service
}

// String returns the name of the object in errors and reports.
func (o *Object) String() string { return o.title }

// Workload returns the part of the object that registration needs; nil for a Service.
func (o *Object) Workload() *Workload { return o.workload }

// marker is the common prefix of the injector's annotations, which every annotated document
// contains.
const marker = "injector.tyk.io"

// services is the common text of the other annotations.
const services = "service.tyk.io"

// isAddressed reports whether a text may contain annotations of tykmesh. Inject parses only such
// documents for their own sake.
//
// It looks for their common end first: a text has few dots, and many letters with which they begin.
func isAddressed(text []byte) bool {
	return bytes.Contains(text, []byte(".tyk.io")) && (bytes.Contains(text, []byte(marker)) || bytes.Contains(text, []byte(services)))
}

// Inject parses the documents that contain annotations of tykmesh, decides the outcome of each
// object in them, and edits those to be injected. It parses each result again and compares it with
// the plan, so that no refusal can follow the registration. Only the ids of APIs are open;
// Stream.Write gets them.
//
// Problems are in the order of the input; with any of them the stream is refused as a whole.
func Inject(docs []*manifest.Document, s Settings) (*Stream, []Problem) {
	in := injection{Stream: newStream(docs), settings: s, pods: newPodIndex(), guard: newGuard()}
	in.applying.SetLimit(runtime.GOMAXPROCS(0))
	in.routes = s.Routes

	waiting := make(map[int][]*target) // which port of a Service reaches the app may depend on any pod of the stream
	for i, d := range docs {
		targets := in.find(d)
		if hasService(targets) {
			waiting[i] = targets
			continue
		}
		in.edit(i, targets)
	}

	in.settle()
	in.clearPorts()
	for i := range docs {
		if targets := waiting[i]; targets != nil {
			in.edit(i, targets)
		}
	}

	in.settle()
	in.check(docs)
	in.emit()
	in.Nothing = in.nothing()
	SortProblems(docs, in.problems)
	SortProblems(docs, in.Warnings)

	return in.Stream, in.problems
}

// injection is a run of Inject. It holds the trees of documents no longer than it needs them,
// because a long stream has many.
type injection struct {
	*Stream
	settings Settings
	pods     podIndex
	facts    facts
	problems []Problem
	guard    *guard

	applying errgroup.Group // documents are edited on all cores, as many at once
	editing  []*editing
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

	root, err := d.Root()
	if err != nil && !bytes.Contains(d.Text, []byte(marker)) {
		return nil // nothing in it asks for a sidecar, and kubectl reports it
	}

	if err != nil {
		o, p := unreadable(d, err)
		in.skip(o, p)
		in.Objects = append(in.Objects, o)
		return nil
	}

	for _, obj := range objects(root) {
		found, known := in.examine(d, obj), len(in.facts.pods)
		for _, o := range found {
			in.Objects = append(in.Objects, o.Object)
		}
		targets = append(targets, found...)
		in.facts.note(d, obj, in.settings, found)
		in.pods.add(in.facts.pods[known:])
	}

	return targets
}

func hasService(targets []*target) bool {
	for _, o := range targets {
		if o.Outcome == Injected && o.workload == nil {
			return true
		}
	}
	return false
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
func (d *editing) judge(g *guard) {
	for _, o := range d.targets {
		if o.Outcome == Injected && o.workload != nil {
			v := g.verdict(o)
			o.Before, o.After, o.loosened = v.before, v.after, v.loosened
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
		return o.podEdits(append(in.newIDs(d, o.workload), in.settings.trust()...))
	}
	return o.serviceEdits(in.pods, in.settings)
}

// newIDs returns the id annotations that the pod template does not carry yet.
func (in *injection) newIDs(d *document, w *Workload) manifest.Map {
	var out manifest.Map
	if in.settings.Routes && w.InboundID == "" {
		out = append(out, manifest.Entry{Key: annotationInbound, Value: d.inboundOf(w.Service)})
	}

	if in.settings.Routes && w.MeshID == "" {
		out = append(out, manifest.Entry{Key: annotationMesh, Value: d.meshOf(w.Service)})
	}

	return out
}

// trust returns the annotation that identifies the trusted CAs.
func (s Settings) trust() manifest.Map {
	if s.Trust == "" || !s.TLS {
		return nil
	}
	return manifest.Map{{Key: annotationTrust, Value: s.Trust}}
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
		in.refuse(o, Problem{Rule: RuleEdit, Pos: o.Pos, Object: o.title, Msg: printable(err.Error())})
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
