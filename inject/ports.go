package inject

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

const (
	portName    = "tyk-sidecar" // of the Service port that reaches the sidecar, as the webhook named it
	appPort     = "80"          // where the configured sidecar finds its app: the rule that the guide gives to all of them
	appPortName = "http"
)

// examineService checks a Service that is to be injected. Which port changes is chosen when all workloads are known.
func (o *subject) examineService() (problems []Problem) {
	spec := o.object.node.Get("spec")
	ports := spec.Get("ports")
	switch {
	case spec.Get("type").Text() == "ExternalName":
		o.leave(RuleNoPorts, "an ExternalName Service has no pods behind it", true)
		return nil
	case !ports.IsNull() && ports.Kind != manifest.Sequence:
		return []Problem{o.problem(RuleService, ports, "spec.ports: must be a list, not %s", ports.Describe())}
	case len(ports.Items()) == 0:
		o.leave(RuleNoPorts, "it has no ports", true)
		return nil
	}
	for _, p := range ports.Items() {
		if p.Resolve().Kind != manifest.Mapping || p.Get("port") == nil {
			problems = append(problems, o.problem(RuleService, p, "spec.ports: a port must be a mapping with a port, not %s", p.Resolve().Describe()))
		}
	}
	return problems
}

// serviceEdits is what injection changes in a Service: the port that reaches the app becomes the sidecar's.
func (o *subject) serviceEdits(pods podIndex) ([]manifest.Edit, error) {
	port, err := o.choosePort(pods)
	if err != nil {
		return nil, err
	}
	text, ok := o.doc.Source(port)
	if !ok {
		return nil, &manifest.EditError{Pos: o.doc.PositionOf(port), Msg: "spec.ports: cannot be edited as it is written; use spaces to indent it, and UTF-8"}
	}
	o.Change = fmt.Sprintf("port %s becomes %d", number(port.Get("port")), sidecarPort)
	o.service.lost = slices.Index(o.object.node.Get("spec", "ports").Items(), port)
	edits, err := o.annotationEdits(&record{Port: text}, nil)
	return append(edits, portEdits(port.Resolve())...), err
}

// portEdits makes a port the sidecar's, which has a name, a port and a targetPort and nothing else. It writes them where others stood, so
// that comments stay where they are; the first and the last entry of the port stay the first and the last, because what is between them is what
// the record knows.
func portEdits(port *manifest.Node) (edits []manifest.Edit) {
	missing := manifest.Map{{Key: "name", Value: portName}, {Key: "port", Value: int64(sidecarPort)}, {Key: "targetPort", Value: int64(sidecarPort)}}
	slots := portSlots(port, missing)
	var free []int
	for i, s := range slots {
		v, wanted := missing.Lookup(s.key.Text())
		switch {
		case !s.keep:
			edits = append(edits, manifest.Remove{Node: s.key})
		case wanted:
			edits = append(edits, manifest.Replace{Node: s.value, Value: v})
			missing = missing.Without(s.key.Text())
		default:
			free = append(free, i)
		}
	}
	for _, i := range free { // the first one gets the name, if that is missing
		m := missing[len(missing)-1]
		if i == 0 {
			m = missing[0]
		}
		missing = missing.Without(m.Key)
		edits = append(edits, manifest.Rename{Key: slots[i].key, Name: m.Key}, manifest.Replace{Node: slots[i].value, Value: m.Value})
	}
	for i, m := range missing {
		before := slots[len(slots)-1].key
		if i == 0 && m.Key == "name" {
			before = slots[0].key
		}
		edits = append(edits, manifest.Put{Into: port, Before: before, Entries: manifest.Map{m}})
	}
	return edits
}

// portSlot is an entry of a port, and whether something stays there.
type portSlot struct {
	key, value *manifest.Node
	keep       bool
}

// portSlots are the entries of a port. No more stay than are wanted, among them the first, the last and that of the port itself.
func portSlots(port *manifest.Node, wanted manifest.Map) (slots []portSlot) {
	third, last := 1, len(port.Content)/2-1
	for i := range last + 1 {
		slots = append(slots, portSlot{key: port.Content[2*i], value: port.Content[2*i+1]})
		if i > 0 && i < last && slots[i].key.Text() == "port" {
			third = i
		}
	}
	for i := range slots {
		slots[i].keep = len(slots) <= len(wanted) || i == 0 || i == third || i == last
	}
	return slots
}

// choosePort finds the port that reaches the app. An only port is it. Of several it is the first row that one matches:
//
//	targetPort resolves to the app's port
//	targetPort is named http
//	port is 80
//
// and where more than one matches, the one of them that is port 80. Everything else is a guess, and refused.
func (o *subject) choosePort(pods podIndex) (*manifest.Node, error) {
	items := o.object.node.Get("spec", "ports").Items()
	chosen := items[0]
	if len(items) > 1 {
		if chosen = o.appPort(items, pods); chosen == nil {
			return nil, o.problem(RuleService, o.object.node.Get("spec", "ports"), "spec.ports: cannot tell which of %d ports reaches the app: give it targetPort %s or the name %s", len(items), appPort, appPortName)
		}
	}
	for _, p := range items {
		name, port := p.Get("name"), p.Get("port")
		switch {
		case p == chosen:
		case name.Text() == portName:
			return nil, o.problem(RuleService, name, "spec.ports: the name %s is taken; the sidecar's port needs it", portName)
		case number(port) == strconv.Itoa(sidecarPort):
			return nil, o.problem(RuleService, port, "spec.ports: port %d is taken; the sidecar's port needs it", sidecarPort)
		}
	}
	if protocol := chosen.Get("protocol"); protocol.Text() != "" && protocol.Text() != "TCP" {
		return nil, o.problem(RuleService, protocol, "spec.ports: a %s port cannot go through the sidecar", protocol.Text())
	}
	return chosen, nil
}

func (o *subject) appPort(items []*manifest.Node, pods podIndex) *manifest.Node {
	for _, matches := range []func(p *manifest.Node) bool{
		func(p *manifest.Node) bool { return o.target(p, pods) == appPort },
		func(p *manifest.Node) bool { return p.Get("targetPort").Text() == appPortName },
		func(p *manifest.Node) bool { return number(p.Get("port")) == appPort },
	} {
		var found []*manifest.Node
		for _, p := range items {
			if matches(p) {
				found = append(found, p)
			}
		}
		if len(found) == 1 {
			return found[0]
		}
		for _, p := range found {
			if number(p.Get("port")) == appPort {
				return p
			}
		}
		if len(found) > 1 {
			return nil
		}
	}
	return nil
}

// target is the number of the container port that a Service port reaches: a named one is looked up in the pods that the Service
// selects. It stays a name where none of them is in the stream.
func (o *subject) target(port *manifest.Node, pods podIndex) string {
	target := port.Get("targetPort")
	switch {
	case target.IsNull():
		return number(port.Get("port"))
	case !target.IsString():
		return number(target)
	}
	if n := pods.port(o.Namespace, o.service.selector, target.Text()); n != "" {
		return n
	}
	return target.Text()
}

// number is how a port is written in decimal; a named one stays as it is.
func number(port *manifest.Node) string {
	if n, ok := port.Int(); ok {
		return strconv.FormatInt(n, 10)
	}
	return port.Text()
}

// isSidecarPort finds the port that injection put into a Service.
func isSidecarPort(p *manifest.Node) bool {
	return strings.EqualFold(p.Get("name").Text(), portName)
}
