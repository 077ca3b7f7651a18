package inject

import (
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// podIndex finds pods by any of their labels. Of pods it knows those whose containers have named ports.
type podIndex map[label][]*pods

// label is a label of pods in a namespace.
type label struct{ namespace, key, value string }

// pods are what a pod template makes, as far as a Service sees them.
type pods struct {
	labels map[string]string
	ports  map[string]string // container ports by name; in decimal
}

func (x podIndex) add(namespace string, template *manifest.Node) {
	p := &pods{labels: make(map[string]string), ports: make(map[string]string)}
	for _, c := range template.Get("spec", "containers").Items() {
		for _, port := range c.Get("ports").Items() {
			name := port.Get("name").Text()
			if _, known := p.ports[name]; !known && name != "" {
				p.ports[strings.Clone(name)] = strings.Clone(number(port.Get("containerPort")))
			}
		}
	}
	if len(p.ports) == 0 {
		return
	}
	for k, v := range template.Get("metadata", "labels").Entries() {
		key, value := strings.Clone(k.Text()), strings.Clone(v.Text())
		p.labels[key] = value
		x[label{namespace, key, value}] = append(x[label{namespace, key, value}], p)
	}
}

// port is the named port of the first pods that have it and everything that the selector asks for; "" where there are none. An empty
// selector selects nothing.
func (x podIndex) port(namespace string, selector *manifest.Node, name string) string {
	var few []*pods // those with the rarest of the labels
	first := true
	for k, v := range selector.Entries() {
		if found := x[label{namespace, k.Text(), v.Text()}]; first || len(found) < len(few) {
			few, first = found, false
		}
	}
	for _, p := range few {
		if n := p.ports[name]; n != "" && p.selectedBy(selector) {
			return n
		}
	}
	return ""
}

func (p *pods) selectedBy(selector *manifest.Node) bool {
	for k, v := range selector.Entries() {
		if p.labels[k.Text()] != v.Text() {
			return false
		}
	}
	return true
}
