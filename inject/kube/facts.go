package kube

import (
	"iter"
	"slices"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Facts are the statements of a stream's objects that concern other objects.
type Facts struct {
	Reader

	Pods      []*Pods
	Services  []*Service
	Referrers []*Referrer
	Rollouts  []*Rollout
	Policies  []*Policy
	Scalers   []*Scaler
	Quotas    []*Quota
	Texts     []CallText

	namespaces map[string]*Namespace
	services   map[Ref]*Service
	defaults   map[Amount]bool
	provided   map[Ref]bool

	inNamespace map[string][]*Pods
	labelled    map[namespacedLabel][]*Pods
	templates   map[manifest.Place]*Pods
}

// Reader says how Facts reads objects.
type Reader struct {
	Namespace      string          // of objects that name none; "" means default
	PodTemplates   []PodTemplate   // of custom resources
	PortReferences []PortReference // of further kinds
	Wanted         []Ref           // ConfigMaps and Secrets whose presence is a fact, in any namespace
	WantedPart     string          // of the names of further objects that are wanted, of the kinds of partKinds; "" means none
}

// namespacedLabel is a label of pods in a namespace.
type namespacedLabel struct {
	namespace string
	Label
}

// NewFacts returns no facts yet.
func NewFacts(r Reader) *Facts {
	return &Facts{
		Reader: r, namespaces: make(map[string]*Namespace), services: make(map[Ref]*Service), defaults: make(map[Amount]bool),
		provided: make(map[Ref]bool), inNamespace: make(map[string][]*Pods), labelled: make(map[namespacedLabel][]*Pods),
		templates: make(map[manifest.Place]*Pods),
	}
}

// AddAll adds all facts of an object.
func (f *Facts) AddAll(o Object) {
	if o.IsService() {
		f.AddService(o)
		return
	}

	for _, t := range o.Templates(f.PodTemplates) {
		f.AddPods(o, t)
	}
	f.Add(o)
}

// AddPods adds the pods of a pod template.
func (f *Facts) AddPods(o Object, t Template) *Pods {
	p := newPods(o, t, f.meta(o))
	f.Pods = append(f.Pods, p)
	f.templates[o.Document.PlaceOf(t.Node)] = p

	f.inNamespace[p.Namespace] = append(f.inNamespace[p.Namespace], p)
	for _, l := range p.Labels {
		key := namespacedLabel{p.Namespace, l}
		f.labelled[key] = append(f.labelled[key], p)
	}

	return p
}

// AddService adds a Service. Of several with the same name, the first counts.
func (f *Facts) AddService(o Object) *Service {
	s := newService(o, f.meta(o))
	f.Services = append(f.Services, s)
	if f.services[s.Ref] == nil {
		f.services[s.Ref] = s
	}
	return s
}

// Add adds the facts of an object that is neither a Service nor has pods. It returns the identity
// of the object, or nil if Facts keeps nothing of it.
func (f *Facts) Add(o Object) (m *Meta) {
	if k := kinds[o.Kind]; k.add != nil && slices.Contains(k.groups, o.Group()) {
		m = k.add(f, o)
	}

	refers := slices.ContainsFunc(f.PortReferences, func(p PortReference) bool { return p.names(o) })
	if refers && portKindOf(o) == nil { // others have been read with their row
		if m == nil {
			m = f.meta(o)
		}
		f.addReferences(o, m)
	}

	return m
}

func (f *Facts) meta(o Object) *Meta { return o.Meta(f.Namespace) }

// Service returns the Service of that name, or nil.
func (f *Facts) Service(namespace, name string) *Service {
	return f.services[Ref{"Service", namespace, name}]
}

// NamespaceOf returns the Namespace of an object, or nil if the stream does not contain it.
func (f *Facts) NamespaceOf(m *Meta) *Namespace { return f.namespaces[m.Namespace] }

// Provides reports whether the stream contains an object that Reader wants, in a namespace, or one
// of which a controller makes it there.
func (f *Facts) Provides(namespace string, wanted Ref) bool {
	inAll := f.provided[wanted]
	wanted.Namespace = namespace
	return inAll || f.provided[wanted]
}

// IsDefault reports whether a LimitRange sets an amount for containers that do not.
func (f *Facts) IsDefault(a Amount) bool { return f.defaults[a] }

// Selected returns the pods that have every label that is asked for: all of the namespace where
// none is.
func (f *Facts) Selected(namespace string, labels []Label) iter.Seq[*Pods] {
	few := f.inNamespace[namespace] // those with the rarest of the labels
	for _, l := range labels {
		if found := f.labelled[namespacedLabel{namespace, l}]; len(found) < len(few) {
			few = found
		}
	}

	return func(yield func(*Pods) bool) {
		for _, p := range few {
			if p.Has(labels) && !yield(p) {
				return
			}
		}
	}
}

// Behind returns the pods that a Service selects. An empty selector selects nothing.
func (f *Facts) Behind(s *Service) iter.Seq[*Pods] {
	if len(s.Selector) == 0 {
		return func(func(*Pods) bool) {}
	}
	return f.Selected(s.Namespace, s.Selector)
}
