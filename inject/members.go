package inject

import (
	"bytes"
	"slices"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Member is a pod template, or a Pod, that is on the mesh or asks to be.
type Member struct {
	Service Service
	Object  string            // how errors and reports name it
	Pos     manifest.Position // of the object

	Defaulted bool // neither the object nor Settings.Namespace names a namespace
}

// Members returns the members of the mesh among the documents, in the order of the input: the
// workloads that inject would put on the mesh, and those that are on it. It checks only the
// identity of their services, so that workloads that can no longer be injected can still be taken
// off the mesh. Of the settings, Namespace, PodTemplates and ServiceLabels count.
//
// Problems: an unreadable document with annotations of tykmesh, one that is not UTF-8, a member
// whose service has no name.
func Members(docs []*manifest.Document, s Settings) (members []Member, problems []Problem) {
	for _, d := range docs {
		if _, p := misencoded(d); p != nil {
			problems = append(problems, *p)
			continue
		}

		if !bytes.Contains(d.Text, []byte(marker)) {
			continue
		}

		objects, err := kube.Objects(d)
		if err != nil {
			_, p := unreadable(d, err)
			problems = append(problems, p)
			continue
		}

		for _, object := range objects {
			for _, n := range s.memberNodes(object) {
				o := s.newTarget(object)
				o.meta = n.Get("metadata")
				o.checkNamespace()
				m := Member{Service: Service{o.Namespace, o.appLabel(s)}, Object: o.Title(), Pos: o.Pos, Defaulted: s.Namespace == "" && o.Implicit}
				problems = append(problems, o.problems...)
				if len(o.problems) == 0 {
					members = append(members, m)
				}
			}
		}

		d.Forget()
	}

	SortProblems(docs, problems)
	return members, problems
}

// memberNodes returns the pod templates of an object that ask for injection, and all injected ones,
// wherever they stand: the configuration may no longer name their place.
func (s Settings) memberNodes(object kube.Object) (nodes []*manifest.Node) {
	if object.IsService() {
		return nil
	}

	for _, t := range object.Templates(s.PodTemplates) {
		asks := wantsInjection(t.Get("metadata", "annotations", annotationInject).Text())
		if asks && !isSystem(object.Meta(s.Namespace).Namespace) {
			nodes = append(nodes, t.Node)
		}
	}

	object.Walk(func(n *manifest.Node) {
		if isInjected(n.Get("metadata")) && !slices.Contains(nodes, n) {
			nodes = append(nodes, n)
		}
	})

	return nodes
}
