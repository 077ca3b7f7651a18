package kube

import (
	"slices"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Pods are the pods of a pod template.
type Pods struct {
	*Meta
	Labels []Label
	Ports  []Port
	Probes []Probe
	Meshes []MeshSign
	Local  []LocalCall

	ConfigMaps []string // that they read, by name
}

// Label is a label with its value.
type Label struct{ Key, Value string }

// Port is a port that a container declares.
type Port struct {
	Name, Number string
	At           manifest.Place
}

func newPods(o Object, t Template, m *Meta) *Pods {
	meta, spec := t.Get("metadata"), t.Get("spec")
	return &Pods{
		Meta: m, Labels: labelsOf(meta.Get("labels")), Ports: portsOf(o.Document, t.Node), Probes: probesOf(t.Node), Meshes: meshSigns(o.Document, meta, spec),
		Local: localCalls(o.Document, spec), ConfigMaps: configMaps(spec),
	}
}

// portsOf returns the ports that the containers of a pod declare, those of native sidecars behind
// the others: so Kubernetes looks them up (k8s.io/kubernetes pkg/api/v1/pod, FindPort).
func portsOf(d *manifest.Document, template *manifest.Node) (ports []Port) {
	for _, list := range []string{"containers", "initContainers"} {
		for _, c := range template.Get("spec", list).Items() {
			if list == "initContainers" && !IsNative(c) {
				continue
			}
			for _, p := range c.Get("ports").Items() {
				ports = append(ports, Port{Text(p.Get("name")), keptNumber(p.Get("containerPort")), d.PlaceOf(p)})
			}
		}
	}

	return ports
}

func labelsOf(n *manifest.Node) (out []Label) {
	for k, v := range n.Entries() {
		out = append(out, Label{Text(k), Text(v)})
	}
	return out
}

// Has reports whether the pods have all of these labels.
func (p *Pods) Has(labels []Label) bool {
	return !slices.ContainsFunc(labels, func(l Label) bool { return !slices.Contains(p.Labels, l) })
}

// Label returns the value of the first of these labels that the pods have; "" where they have none.
func (p *Pods) Label(keys []string) string {
	for _, key := range keys {
		if i := slices.IndexFunc(p.Labels, func(l Label) bool { return l.Key == key }); i >= 0 {
			return p.Labels[i].Value
		}
	}
	return ""
}

// Target returns the number of the container port that a port of a Service leads to; "" where the
// pods declare no such port.
func (p *Pods) Target(port ServicePort) string {
	i := slices.IndexFunc(p.Ports, port.LeadsTo)
	if i < 0 {
		return ""
	}
	return p.Ports[i].Number
}

// LeadsTo reports whether a port of a Service leads to a port of a container.
func (s ServicePort) LeadsTo(p Port) bool {
	if s.Named {
		return p.Name == s.Target
	}
	return p.Number == s.Target
}

// IsJob reports whether the pods belong to a job, which serves no calls.
func (p *Pods) IsJob() bool { return p.Kind == "Job" || p.Kind == "CronJob" }
