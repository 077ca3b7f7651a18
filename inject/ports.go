package inject

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

const (
	appPortName     = "http"
	unknownPortName = "main"

	httpPort      = "80"
	httpsPort     = "443"
	httpsPortName = "https"
)

// examineService checks a Service that is to be injected. Which port changes is chosen when all
// workloads are known.
func (o *target) examineService() {
	spec := o.object.Node.Get("spec")
	ports := spec.Get("ports")
	switch {
	case spec.Get("type").Text() == "ExternalName":
		o.leave(RuleNoPorts, "an ExternalName Service has no pods behind it", true)
		return
	case !ports.IsNull() && ports.Kind != manifest.Sequence:
		o.refuse(RuleService, ports, "spec.ports: must be a list, not %s", ports.Describe())
	case len(ports.Items()) == 0:
		o.leave(RuleNoPorts, "it has no ports", true)
	}

	for _, p := range ports.Items() {
		if p.Resolve().Kind != manifest.Mapping || p.Get("port") == nil {
			o.refuse(RuleService, p, "spec.ports: a port must be a mapping with a port, not %s", p.Resolve().Describe())
		}
	}
}

// ServicePorts says what becomes of the ports of a Service that joins the mesh
// (Injector.servicePorts).
type ServicePorts string

const (
	// ReplacePort turns the port that reaches the app into the sidecar's, as the webhook did. It is
	// the default.
	ReplacePort ServicePorts = "replace"
	// PreservePort keeps the number and the name of that port, leads it to the sidecar, and adds
	// the sidecar's own port.
	PreservePort ServicePorts = "preserve"
	// AddPort keeps all ports as they are, and adds the sidecar's own.
	AddPort ServicePorts = "add"
)

// adds reports whether Services keep all ports, and lead to sidecars by the name of their port.
func (s Settings) adds() bool { return s.ServicePorts == AddPort && s.Sidecar != nil }

// serviceEdits returns the edits of a Service: a port of it becomes the sidecar's, or leads to it,
// or the sidecar's is added.
func (in *injection) serviceEdits(o *target) ([]manifest.Edit, error) {
	ports, err := in.sidecarPortsOf(o)
	if err != nil {
		return nil, err
	}

	o.member.Sidecar = strconv.Itoa(ports.listen)
	if ports.previous != 0 {
		o.member.Previous = strconv.Itoa(ports.previous)
	}
	e := serviceEditor{target: o, list: o.object.Node.Get("spec", "ports"), ports: ports, leadsTo: in.settings.targetPort(ports), advice: in.settings.portAdvice()}
	switch in.settings.ServicePorts {
	case AddPort:
		err = e.keepAll(in)
	case PreservePort:
		err = e.preserve(in)
	default:
		err = e.replace(in)
	}

	if err != nil {
		return nil, err
	}

	e.addPorts()
	annotations, err := o.annotationEdits(&e.record, nil)

	return append(annotations, e.edits...), err
}

// portAdvice returns what to do about a port that the sidecar needs.
func (s Settings) portAdvice() string {
	switch {
	case s.Sidecar == nil:
		return "use another port"
	case s.Standalone != nil:
		return "use another port, or set Sidecar.port of the whole mesh to a free port"
	}
	return fmt.Sprintf("set Sidecar.port, or annotation %s of the pod template, to a free port", annotationSidecarPort)
}

// serviceEditor collects the edits of a Service, and the record that takes them back.
type serviceEditor struct {
	*target
	list    *manifest.Node // of its ports
	ports   sidecarPorts
	leadsTo any    // the targetPort that leads to sidecars
	advice  string // about a port that is taken
	added   manifest.List
	edits   []manifest.Edit
	record  record
}

// choose finds the port that reaches the app, and prepares its change.
func (e *serviceEditor) choose(in *injection) (*manifest.Node, error) {
	port, err := in.choosePort(e.target)
	if err != nil {
		return nil, err
	}
	if err := e.keepText(port); err != nil {
		return nil, err
	}

	e.member.Port = &e.service.Ports[slices.Index(e.list.Items(), port)]

	return port, nil
}

// keepText notes the text of a port that changes.
func (e *serviceEditor) keepText(port *manifest.Node) error {
	text, ok := e.object.Document.Source(port)
	if !ok {
		return &manifest.EditError{Pos: e.object.Document.PositionOf(port), Msg: "spec.ports: cannot be edited as it is written; use spaces to indent it, and UTF-8"}
	}

	e.record.Port = text
	e.record.keepPlain("port", port)

	return nil
}

// checkFree refuses ports, other than the one that changes, that have a name or a number of the
// sidecar's.
func (e *serviceEditor) checkFree(changes *manifest.Node) error {
	for _, p := range e.list.Items() {
		if p == changes {
			continue
		}

		name, number := p.Get("name"), p.Get("port")
		switch n := kube.Number(number); {
		case name.Text() == sidecar.PortName || e.ports.previous != 0 && name.Text() == previousPortName:
			return e.problem(RuleService, name, "spec.ports: the name %s belongs to the sidecar's port; use another name", name.Text())
		case n == strconv.Itoa(e.ports.listen) || n == strconv.Itoa(e.ports.previous):
			return e.problem(RuleService, number, "spec.ports: port %s is the sidecar's; %s", n, e.advice)
		}
	}

	return nil
}

// replace turns the port that reaches the app into the sidecar's.
func (e *serviceEditor) replace(in *injection) error {
	port, err := e.choose(in)
	if err != nil {
		return err
	}
	if err := e.checkFree(port); err != nil {
		return err
	}

	m := e.member
	m.Becomes = strconv.Itoa(e.ports.listen)
	e.Change = fmt.Sprintf("port %s becomes %s", m.Port.Number, m.Becomes)
	e.edits = portEdits(port.Resolve(), e.sidecarPort())

	return nil
}

// sidecarPort returns the port of a Service that leads to the sidecars. While the pods of a Service
// change from one port to another, each is reached where it listens, by the port's name.
func (e *serviceEditor) sidecarPort() manifest.Map {
	return servicePort(sidecar.PortName, e.ports.listen, e.leadsTo)
}

// addPorts writes the added ports behind the others, with the one that callers still use.
func (e *serviceEditor) addPorts() {
	if e.ports.previous != 0 {
		e.add(servicePort(previousPortName, e.ports.previous, sidecar.PortName))
		e.record.Ports = append(e.record.Ports, previousPortName)
	}
	if len(e.added) > 0 {
		e.tellAdded()
		e.edits = append(e.edits, manifest.Insert{Into: e.list, Items: e.added})
	}
}

func (e *serviceEditor) add(port manifest.Map) { e.added = append(e.added, port) }

// tellAdded adds the added ports to the report.
func (e *serviceEditor) tellAdded() {
	numbers := make([]string, len(e.added))
	for i, port := range e.added {
		n, _ := port.(manifest.Map).Lookup("port")
		numbers[i] = fmt.Sprint(n)
	}

	change := "port " + numbers[0] + " is added"
	if len(numbers) > 1 {
		change = "ports " + strings.Join(numbers, " and ") + " are added"
	}
	if e.Change != "" {
		change = e.Change + ", " + change
	}

	e.Change = change
}

// portEdits turns a port into the sidecar's, with name, port and targetPort only. It overwrites
// existing entries, so that comments stay in place. The first and the last entry keep their places,
// because the record covers only the text between them.
func portEdits(port *manifest.Node, missing manifest.Map) (edits []manifest.Edit) {
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
		edits = append(edits, manifest.Replace{Node: slots[i].key, Value: m.Key}, manifest.Replace{Node: slots[i].value, Value: m.Value})
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

// portSlots returns the entries of a port. No more stay than are wanted, among them the first, the
// last and that of the port itself.
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

// isSidecarPort reports whether injection put a port into a Service.
func isSidecarPort(p *manifest.Node) bool {
	return strings.EqualFold(p.Get("name").Text(), sidecar.PortName)
}
