package inject

import (
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// podIndex finds pods by any of their labels, and by their namespace.
type podIndex struct {
	labelled  map[label][]*workloadPods
	namespace map[string][]*workloadPods
}

// label is a label of pods in a namespace.
type label struct{ namespace, key, value string }

// workloadPods are the pods of a pod template, as the checks see them.
type workloadPods struct {
	known
	object   *Object // as the stream reports it; nil for pods without annotations of tykmesh
	injected bool    // by an earlier run
	implicit bool    // they are in a namespace that they do not name
	labels   []pair
	ports    []containerPort

	// Of pods that this run puts on the mesh.
	led   bool   // rules lead their calls to the sidecar
	signs []sign // of other meshes
	lacks []lack // of the containers that they get
}

// pair is a label and its value.
type pair struct{ key, value string }

// containerPort is a port that a container declares.
type containerPort struct{ name, number string }

// joins reports whether this run puts the pods on the mesh, or would if nothing were wrong with
// them.
func (p *workloadPods) joins() bool { return p.object != nil && p.object.joins() }

// meshed reports whether the pods have a sidecar when the stream is applied.
func (p *workloadPods) meshed() bool { return p.injected || p.joins() }

// joins reports whether a run changes the object, or would if nothing were wrong with it.
func (o *Object) joins() bool { return o.Outcome == Injected || o.Outcome == Refused }

func newPodIndex() podIndex {
	return podIndex{labelled: make(map[label][]*workloadPods), namespace: make(map[string][]*workloadPods)}
}

func (x podIndex) add(all []*workloadPods) {
	for _, p := range all {
		x.namespace[p.namespace] = append(x.namespace[p.namespace], p)
		for _, l := range p.labels {
			l := label{p.namespace, l.key, l.value}
			x.labelled[l] = append(x.labelled[l], p)
		}
	}
}

// selected returns the pods that have every label that is asked for: all of the namespace where
// none is.
func (x podIndex) selected(namespace string, wanted []pair) iter.Seq[*workloadPods] {
	few := x.namespace[namespace] // those with the rarest of the labels
	for _, l := range wanted {
		if found := x.labelled[label{namespace, l.key, l.value}]; len(found) < len(few) {
			few = found
		}
	}

	return func(yield func(*workloadPods) bool) {
		for _, p := range few {
			if p.has(wanted) && !yield(p) {
				return
			}
		}
	}
}

func (p *workloadPods) has(wanted []pair) bool {
	return !slices.ContainsFunc(wanted, func(l pair) bool { return !slices.Contains(p.labels, l) })
}

// label returns the value of a label.
func (p *workloadPods) label(key string) string {
	for _, l := range p.labels {
		if l.key == key {
			return l.value
		}
	}
	return ""
}

// service returns the name of the service that the pods belong to, by the first of these labels
// that they have; "" where they have none.
func (p *workloadPods) service(labels []string) string {
	for _, key := range labels {
		if slices.ContainsFunc(p.labels, func(l pair) bool { return l.key == key }) {
			return p.label(key)
		}
	}
	return ""
}

// port returns the number of the named port in the first matching pods that have it, else "". An
// empty selector selects nothing.
func (x podIndex) port(namespace string, selector []pair, name string) string {
	if len(selector) == 0 {
		return ""
	}
	for p := range x.selected(namespace, selector) {
		if n := p.port(name); n != "" {
			return n
		}
	}

	return ""
}

// appPort returns the app's port of the first pods that match the selector; usualPort if it is not
// known.
func (x podIndex) appPort(namespace string, selector []pair) string {
	for p := range x.selected(namespace, selector) {
		if p.object != nil && p.object.workload != nil && p.object.workload.Port != 0 && !p.isUnclear() && len(selector) > 0 {
			return strconv.Itoa(p.object.workload.Port)
		}
	}
	return strconv.Itoa(usualPort)
}

// port returns the number of the named port; "" where no container has it.
func (p *workloadPods) port(name string) string {
	i := slices.IndexFunc(p.ports, func(c containerPort) bool { return c.name == name })
	if i < 0 {
		return ""
	}
	return p.ports[i].number
}

// containerPorts returns the ports that the containers of a pod declare, those of native sidecars
// behind the others: so Kubernetes looks them up (k8s.io/kubernetes pkg/api/v1/pod, FindPort).
func containerPorts(template *manifest.Node) (ports []containerPort) {
	for _, list := range []string{"containers", "initContainers"} {
		for _, c := range template.Get("spec", list).Items() {
			if list == "initContainers" && !isNative(c) {
				continue
			}
			for _, p := range c.Get("ports").Items() {
				ports = append(ports, containerPort{keep(p.Get("name")), strings.Clone(number(p.Get("containerPort")))})
			}
		}
	}

	return ports
}

// pairs returns the entries of a mapping of texts.
func pairs(n *manifest.Node) (out []pair) {
	for k, v := range n.Entries() {
		out = append(out, pair{keep(k), keep(v)})
	}
	return out
}

// keep returns a text that does not hold that of its whole document.
func keep(n *manifest.Node) string { return strings.Clone(n.Text()) }
