package inject

import (
	"cmp"
	"slices"

	"github.com/tykmesh/tykmesh/inject/checks"
	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// noteCalls keeps the calls between services: those that annotations list or allow by name, and for
// other pods those that their texts name. Texts may name any Service on the mesh, and not only
// those that change.
func (in *injection) noteCalls(docs []*manifest.Document) {
	if !in.settings.Calls {
		return
	}

	in.settleMembers()
	in.nameServices()
	scoped := make(map[Service]bool)
	for _, o := range in.Objects {
		w := o.workload
		if w == nil || !in.meshed(o.Meta) {
			continue
		}

		if o.files != nil {
			for _, caller := range o.files.allow {
				in.Calls = append(in.Calls, Call{Service(caller), w.Service})
			}
		}
		if !w.Scoped {
			continue
		}

		scoped[w.Service] = true
		for _, callee := range w.Calls {
			in.Calls = append(in.Calls, Call{w.Service, callee})
		}
	}

	view := in.view()
	view.Facts = in.callFacts(docs)
	for _, c := range checks.ServiceCalls(view) {
		if from := Service(c.From); !scoped[from] {
			in.Calls = append(in.Calls, Call{from, Service(c.To)})
		}
	}

	slices.SortFunc(in.Calls, func(a, b Call) int { return cmp.Or(compareServices(a.From, b.From), compareServices(a.To, b.To)) })
	in.Calls = slices.Compact(in.Calls)
}

// nameServices notes the services of pods, of those too that an earlier run put on the mesh.
func (in *injection) nameServices() {
	for _, p := range in.facts.Pods {
		if svc, ok := in.serviceOf(p); ok {
			in.objects[p.Meta].Service, in.members[p.Meta].App = svc, svc.App
		}
	}
}

// callFacts returns the facts with the calls of all Services on the mesh. The checks judge only the
// calls of those that change.
func (in *injection) callFacts(docs []*manifest.Document) *kube.Facts {
	names := in.meshNames()
	for _, s := range in.facts.Services {
		if in.meshed(s.Meta) {
			names.Services[s.Name] = true
		}
	}

	facts := *in.facts
	facts.Texts = nil
	for _, d := range docs {
		if !names.In(d.Text) {
			continue
		}

		if objects, err := kube.Objects(d); err == nil {
			reader := &kube.CallReader{Names: names}
			for _, object := range objects {
				facts.AddCalls(object, reader)
			}
		}

		d.Forget()
	}

	return &facts
}
