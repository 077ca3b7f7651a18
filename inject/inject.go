// Package inject defines injection: which annotations count, what a pod gets, which port of a
// Service changes, and the reasons for a refusal. It puts workloads and Services on the mesh, and
// takes them off again. It does the work of the admission webhook of tyk-k8s, without its faults.
//
//	documents ──Inject──> Stream ──Workloads──> (registered elsewhere) ──Write(ids)──> text
//	documents ──Uninject──> Stream ──Write──> text          Reinject is both in one step
//	documents ──Members──> services, to be taken off the mesh
//
// A document (manifest.Document) holds objects (kube.Object); a target is an object, or a pod
// template of it, that injection edits. Package checks examines the objects around the targets.
//
// It is pure: no network, no file, no clock, no log. It never touches an object without
// annotations.
package inject

import (
	"bytes"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/standalone"
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
	// Standalone is the mesh without a Dashboard, whose sidecars load APIs from files
	// (Injector.mode); nil is a mesh with one. It needs Sidecar, and excludes Routes.
	Standalone *standalone.Mesh
	// PodTemplates are where custom resources have pod templates besides spec.template
	// (Injector.podTemplates).
	PodTemplates []kube.PodTemplate
	// PortReferences are where further kinds name ports of Services (Injector.portReferences).
	PortReferences []kube.PortReference
	// UpgradeAPI rewrites workloads of API versions that Kubernetes no longer serves
	// (--upgrade-api).
	UpgradeAPI bool
	// OnSkip says what to do about objects that are to be injected and cannot be.
	OnSkip OnSkip

	// Authority is the CA that pods trust, in PEM. Its ConfigMap is added for namespaces that have
	// none in the stream; "" adds none (Injector.emitCA).
	Authority string

	// List adds objects to the items of the list that is the one document of the stream, and not
	// behind it: a KRM function answers with one list.
	List bool

	// Placeholders says that the sidecars have placeholders in the place of their servers, because
	// there is no configuration.
	Placeholders bool

	// Strict turns warnings of the checks into errors if the mesh cannot work otherwise.
	Strict bool
	// Accept are the rules whose warnings are suppressed (Injector.accept).
	Accept []Rule

	// Calls says that texts are searched for calls between services, for Stream.Calls.
	Calls bool

	// ServicePorts says what becomes of the ports of Services (Injector.servicePorts); "" is
	// ReplacePort.
	ServicePorts ServicePorts

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
	*kube.Meta    // without a kind where the document cannot be read
	Pos           manifest.Position
	Outcome       Outcome
	Rule          Rule          // by which it is left alone or skipped; "" if that is no surprise
	Reason        string        // why it is left alone or skipped, as a clause: "it is injected already"
	Warning       bool          // whether that may surprise
	Change        string        // what injection does to it: "sidecar tyk-mesh", "port 80 becomes 8080"
	Service       Service       // of pods on the mesh, with Settings.Calls; else zero
	Before, After kube.Security // the level of Pod Security that its pods meet before and after injection; "" for a Service

	done     bool         // an earlier run injected it
	unclear  *Problem     // that its app's port is unclear, until a Service of the stream decides it
	likely   int          // the app's port, as far as the pods say, where no Service decides it; else 0
	ports    sidecarPorts // of the sidecars of pods
	workload *Workload    // nil for a Service
	files    *ownFiles    // of pods in a mesh without a Dashboard; else nil
	at       int          // the index of its document in the stream
}

// String returns the name of the object in errors and reports.
func (o *Object) String() string { return o.Title() }

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
	in := newInjection(docs, s)
	waiting := make(map[int][]*target) // which port of a Service reaches the app may depend on any pod of the stream
	for i, d := range docs {
		targets := in.find(d)
		for _, o := range targets {
			o.at = i
		}
		if hasService(targets) {
			waiting[i] = targets
			continue
		}
		in.edit(i, targets)
	}

	in.settle()
	in.clearPorts()
	in.hear()
	for i := range docs {
		if targets := waiting[i]; targets != nil {
			in.edit(i, targets)
		}
	}

	in.settle()
	in.lookAround(docs)
	in.noteCalls(docs)
	in.addFiles()
	in.emit()
	in.forgive()
	in.Nothing = in.nothing()
	SortProblems(docs, in.problems)
	SortProblems(docs, in.Warnings)

	return in.Stream, in.problems
}
