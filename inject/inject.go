// Package inject says what it means to put a workload or a Service on the mesh, and to take it off
// again: which annotations count, what a pod gets, which port of a Service changes, and what is
// refused. It does what the admission webhook of tyk-k8s did, without its faults.
//
//	documents ──Inject──> Stream ──Workloads──> (registered elsewhere) ──Write(ids)──> text
//	documents ──Uninject──> Stream ──Write──> text             Reinject is both in one step
//	documents ──Members──> services, to be taken off the mesh
//
// It is pure: no network, no file, no clock, no log. It never touches what it does not inject.
//
// Where things are:
//
//	inject.go, uninject.go, members.go   the ways in, reinject.go; stream.go and edit.go, record.go  what comes out of them, and how it is taken back
//	subject.go, template.go, stray.go    what is examined: objects, where their pod templates are, and what stands elsewhere
//	annotation.go, override.go           what people say of it; annotationdoc.go  what they are told; rule.go  why it is refused
//	pod.go                               what a pod gets: configured.go of the configuration, builtin.go (container.go, ownsidecar.go) of ours
//	service.go, ports.go, portchoice.go  which services there are, and which port of a Service changes; appport.go  where an app listens
//	upgrade.go, emit.go                  former API versions, and the ConfigMap that is added
//	facts.go -> checks.go -> check*.go   what injection breaks that stands beside; podindex.go finds pods, accept.go what people accept
//	namespaces.go, podsecurity.go        what a namespace must have, and allow
package inject

import (
	"bytes"
	"errors"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Settings is what injection needs of the configuration.
type Settings struct {
	Namespace  string // of objects that name none; "" means default
	Routes     bool   // the services' APIs are registered, and their ids written into the pods (Injector.createRoutes)
	TLS        bool   // sidecars speak TLS (Injector.enableMeshTLS)
	Namespaced bool   // tags carry the namespace (Injector.slugs: namespaced)

	// ServiceLabels are labels of pod templates: the first that a template has names its service
	// (Injector.serviceLabels). None means app.
	ServiceLabels []string

	// Trust tells one set of CAs that pods trust from another; "" where nobody says which they are.
	// It counts with TLS (CA.bundlePath).
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

	// Authority is what pods trust, in PEM: the ConfigMap with it is added for namespaces that have
	// none in the stream; "" adds none (Injector.emitCA).
	Authority string

	// Strict makes errors of what the checks across the stream find and the mesh cannot work with;
	// else these are warnings.
	Strict bool
	// Accept are rules whose findings are nobody's business (Injector.accept).
	Accept []Rule

	// Preserve keeps the number and the name of the Service port that reaches the app, which then
	// leads to the sidecar, and adds the sidecar's own (Injector.servicePorts: preserve); without
	// it that port becomes the sidecar's.
	Preserve bool

	// MeshHosts are the names of the mesh; a pod resolves them to itself (Injector.meshHosts).
	MeshHosts []string
}

// OnSkip says what becomes of a run in which an object is skipped.
type OnSkip int

// A skipped object ends the run, or passes untouched, with a warning or without one.
const (
	SkipFail OnSkip = iota
	SkipWarn
	SkipIgnore
)

// Outcome says what becomes of an object that carries an annotation of ours.
type Outcome int

// The outcomes. An object without our annotations has none, and is in no list.
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

// Object is an object of the stream that carries an annotation of ours; where one has several pod
// templates, one of those.
type Object struct {
	APIVersion, Kind string // "" where the document cannot be read
	Namespace, Name  string // the namespace is that of Settings where the object names none
	Document         int    // the number in its file, from 1
	Pos              manifest.Position
	Outcome          Outcome
	Rule             Rule     // by which it is left alone or skipped; "" where there is nothing odd in it
	Reason           string   // why it is left alone or skipped, as a clause: "its status is injected already"
	Warning          bool     // whether that may surprise
	Change           string   // what injection does to it: "sidecar tyk-mesh", "port 80 becomes 8080"
	Before, After    Security // which level of Pod Security its pods meet without and with what they get; "" for a Service

	done     bool                // an earlier run injected it
	unclear  *Problem            // that its app's port is not clear, until a Service of the stream tells
	loosened map[Security]string // why the pods do not meet levels any more that they met before
	title    string              // "document 12 (Deployment shop/web)"
	workload *Workload           // nil for a Service
}

// String is how errors and reports name the object.
func (o *Object) String() string { return o.title }

// Workload is what registration needs to know of the object; nil for a Service.
func (o *Object) Workload() *Workload { return o.workload }

// marker is a text that every document of ours holds: the prefix of the injector's annotations.
const marker = "injector.tyk.io"

// services is the text that the other annotations hold.
const services = "service.tyk.io"

// isAddressed reports whether a text may hold annotations of ours. Only such documents are read for
// their own sake.
//
// It looks for their common end first: a text has few dots, and many letters with which they begin.
func isAddressed(text []byte) bool {
	return bytes.Contains(text, []byte(".tyk.io")) && (bytes.Contains(text, []byte(marker)) || bytes.Contains(text, []byte(services)))
}

// Inject parses the documents that hold our annotations, says for each object in them what becomes
// of it, and edits those that are to be injected. Each result has been parsed again and compared
// with what was planned, so that nothing can be refused any more once something was registered;
// only the ids of APIs are open, which Stream.Write gets.
//
// Problems are in the order of the input; with any of them the stream is refused as a whole.
func Inject(docs []*manifest.Document, s Settings) (*Stream, []Problem) {
	in := injection{Stream: newStream(docs), settings: s, pods: newPodIndex(), guard: newGuard()}
	in.applying.SetLimit(runtime.GOMAXPROCS(0))
	in.routes = s.Routes

	waiting := make(map[int][]*subject) // which port of a Service reaches the app may depend on any pod of the stream
	for i, d := range docs {
		subjects := in.find(d)
		if hasService(subjects) {
			waiting[i] = subjects
			continue
		}
		in.edit(i, subjects)
	}

	in.settle()
	in.clearPorts()
	for i := range docs {
		if subjects := waiting[i]; subjects != nil {
			in.edit(i, subjects)
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
	drafts   []*draft
}

// draft is what is to change in a document.
type draft struct {
	*page
	subjects []*subject
	edits    []manifest.Edit
	owners   []*subject          // of each edit
	failed   manifest.EditErrors // the edits that cannot be made
}

// find says what becomes of the objects in a document.
func (in *injection) find(d *manifest.Document) (subjects []*subject) {
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
		subjects = append(subjects, found...)
		in.facts.note(d, obj, in.settings, found)
		in.pods.add(in.facts.pods[known:])
	}

	return subjects
}

func hasService(subjects []*subject) bool {
	for _, o := range subjects {
		if o.Outcome == Injected && o.workload == nil {
			return true
		}
	}
	return false
}

// edit begins with the edits of a document, which settle ends.
func (in *injection) edit(i int, subjects []*subject) {
	if len(subjects) == 0 { // nothing changes, as in nearly all documents of a stream
		in.pages[i].Forget()
		return
	}

	in.pages[i].change = new(change)

	d := &draft{page: &in.pages[i], subjects: subjects}
	if in.settings.Routes {
		d.mark = markOf(d.Text)
	}

	d.edits, d.owners = in.collect(d.page, subjects)
	in.drafts = append(in.drafts, d)
	in.applying.Go(func() error {
		d.judge(in.guard)
		d.apply()
		return nil
	})
}

// judge says what the edits mean for the security of the pods.
func (d *draft) judge(g *guard) {
	for _, o := range d.subjects {
		if o.Outcome == Injected && o.workload != nil {
			v := g.verdict(o)
			o.Before, o.After, o.loosened = v.before, v.after, v.loosened
		}
	}
}

// apply makes the edits and forgets the document's tree, unless some of them cannot be made.
func (d *draft) apply() {
	patch, err := d.Apply(d.edits...)
	if d.failed = nil; errors.As(err, &d.failed) {
		return
	}
	d.patch = patch
	d.edits, d.owners, d.subjects = nil, nil, nil
	d.Forget()
}

// settle waits for the edits that have begun. Where some cannot be made, the other objects of the
// document get theirs.
func (in *injection) settle() {
	_ = in.applying.Wait()
	for _, d := range in.drafts {
		for d.failed != nil {
			for _, e := range d.failed {
				in.skipEdit(d.owners, e)
			}
			d.edits, d.owners = in.collect(d.page, d.subjects)
			d.apply()
		}
	}

	in.drafts = nil
}

// collect is what changes in a document, and for each edit the subject that it belongs to.
func (in *injection) collect(p *page, subjects []*subject) (edits []manifest.Edit, owners []*subject) {
	p.services = nil
	for _, o := range subjects {
		if o.Outcome != Injected {
			continue
		}

		es, err := in.edits(p, o)
		if err != nil {
			in.refuse(o, err)
			continue
		}

		for _, e := range es {
			edits, owners = append(edits, e), append(owners, o)
		}

		if o.workload != nil && in.settings.Routes {
			p.services = append(p.services, o.workload.Service)
		}
	}

	return edits, owners
}

// edits is what injection changes in an object.
func (in *injection) edits(p *page, o *subject) ([]manifest.Edit, error) {
	if o.workload != nil {
		return o.podEdits(append(in.newIDs(p, o.workload), in.settings.trust()...))
	}
	return o.serviceEdits(in.pods, in.settings)
}

// newIDs returns the id annotations that the pod template does not carry yet.
func (in *injection) newIDs(p *page, w *Workload) manifest.Map {
	var out manifest.Map
	if in.settings.Routes && w.InboundID == "" {
		out = append(out, manifest.Entry{Key: annotationInbound, Value: p.inboundOf(w.Service)})
	}

	if in.settings.Routes && w.MeshID == "" {
		out = append(out, manifest.Entry{Key: annotationMesh, Value: p.meshOf(w.Service)})
	}

	return out
}

// trust returns the annotation that says which CAs pods trust.
func (s Settings) trust() manifest.Map {
	if s.Trust == "" || !s.TLS {
		return nil
	}
	return manifest.Map{{Key: annotationTrust, Value: s.Trust}}
}

// refuse notes why an object cannot be injected. Where only the way in which it is written stands
// in the way, it is skipped.
func (in *injection) refuse(o *subject, err error) {
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

// skipEdit skips the object that an edit belongs to; where it is none alone that cannot be made,
// all of the document.
func (in *injection) skipEdit(owners []*subject, e *manifest.EditError) {
	for i, o := range owners {
		if (e.Edit == manifest.AllEdits || e.Edit == i) && o.Outcome == Injected {
			in.skip(o.Object, o.editProblem(e))
		}
	}
}

// skip notes that an object asks for what cannot be done to it.
func (in *injection) skip(o *Object, p Problem) {
	if in.settings.OnSkip == SkipFail {
		o.Outcome = Refused
		in.problems = append(in.problems, p)
		return
	}
	o.Outcome, o.Rule, o.Reason, o.Warning = Skipped, p.Rule, p.Msg, in.settings.OnSkip == SkipWarn
	o.Pos = p.Pos
}
