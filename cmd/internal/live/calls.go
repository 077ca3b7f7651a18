package live

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// Call says that a service calls another one.
type Call struct{ From, To standalone.Service }

// Calls returns the calls between services, by caller, each once: those that services allow by
// name, and those that commands and environments of pods name. These are texts, which may never be
// used, and pods may make calls that no text names. It parses the workloads once more.
func (m *Mesh) Calls() []Call {
	if m.calls == nil {
		return nil
	}

	all := m.calls()
	slices.SortFunc(all, func(a, b Call) int { return cmp.Or(compare(a.From, b.From), compare(a.To, b.To)) })

	return slices.DeleteFunc(slices.Compact(all), func(c Call) bool { return c.From == c.To })
}

// allowed returns the calls of callers that services name.
func (m *Mesh) allowed() (all []Call) {
	for _, svc := range m.Services {
		for _, subject := range svc.Allow {
			if dot := strings.LastIndexByte(subject, '.'); dot > 0 {
				from := standalone.Service{Namespace: subject[dot+1:], App: subject[:dot]}
				all = append(all, Call{from, standalone.Service{Namespace: svc.Namespace, App: svc.App}})
			}
		}
	}
	return all
}

// callsOf returns the calls of the mesh, in any order.
func (r *reading) callsOf(m *Mesh) []Call {
	all := m.allowed()
	names := kube.Names{Hosts: r.hosts, Services: make(map[string]bool)}
	for _, services := range r.leads {
		for _, s := range services {
			names.Services[s.Name] = true
		}
	}

	for _, d := range r.documents {
		if names.In(d.Text) {
			r.addCalls(d, names)
		}
	}

	for _, text := range r.facts.Texts {
		from := r.byPods[text.Pods]
		if from == nil {
			continue
		}
		for _, call := range text.Calls {
			for _, to := range r.called(from.service.Namespace, call) {
				all = append(all, Call{from.service, to})
			}
		}
	}
	r.facts.Texts = nil

	return all
}

// addCalls takes in the calls that the texts of a document name.
func (c *cluster) addCalls(d *manifest.Document, names kube.Names) {
	defer d.Forget()
	objects, err := kube.Objects(d)
	if root, _ := d.Root(); err == nil && root != nil && len(root.Items()) == 1 { // an item of a list
		n := root.Items()[0]
		objects = []kube.Object{{Document: d, Node: n, Kind: kube.Text(n.Get("kind")), APIVersion: kube.Text(n.Get("apiVersion"))}}
	}

	reader := &kube.CallReader{Names: names}
	for _, o := range objects {
		c.facts.AddCalls(o, reader)
	}
}

// called returns the services that a call reaches: by a path on the mesh, /NAME or
// /NAME.NAMESPACE, or by the name of a Service.
func (r *reading) called(namespace string, call kube.Call) []standalone.Service {
	name := call.Host
	if r.hosts[call.Host] {
		name, _, _ = strings.Cut(strings.TrimPrefix(call.Path, "/"), "/")
	}
	return r.behind(namespace, name)
}

// behind returns the services behind NAME or NAME.NAMESPACE.
func (r *reading) behind(namespace, host string) (all []standalone.Service) {
	name, other, _ := strings.Cut(host, ".")
	other, _, _ = strings.Cut(other, ".") // svc.cluster.local
	s := r.facts.Service(cmp.Or(other, namespace), name)
	if s == nil {
		return nil
	}

	for p := range r.facts.Behind(s) {
		if w := r.byPods[p]; w != nil {
			all = append(all, w.service)
		}
	}

	return all
}

func compare(a, b standalone.Service) int {
	return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.App, b.App))
}
