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
	appPortName = "http"

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

// serviceEdits returns the edits of a Service: the port that reaches the app becomes the sidecar's,
// or leads to it.
func (in *injection) serviceEdits(o *target) ([]manifest.Edit, error) {
	port, err := in.choosePort(o)
	if err != nil {
		return nil, err
	}

	text, ok := o.object.Document.Source(port)
	if !ok {
		return nil, &manifest.EditError{Pos: o.object.Document.PositionOf(port), Msg: "spec.ports: cannot be edited as it is written; use spaces to indent it, and UTF-8"}
	}

	r := &record{Port: text}
	r.keepPlain("port", port)
	m := o.member
	m.Sidecar = strconv.Itoa(sidecar.Port)
	m.Port = &o.service.Ports[slices.Index(o.object.Node.Get("spec", "ports").Items(), port)]
	m.KeepsName = in.settings.Preserve
	var edits []manifest.Edit
	if m.KeepsName {
		m.Becomes = o.keptNumber(port, in.settings.TLS)
		if err := o.checkKeptName(port, m.Becomes); err != nil {
			return nil, err
		}
		edits = o.preservingEdits(port.Resolve(), m.Becomes, r)
	} else {
		m.Becomes = strconv.Itoa(sidecar.Port)
		o.Change = fmt.Sprintf("port %s becomes %s", m.Port.Number, m.Becomes)
		edits = portEdits(port.Resolve())
	}

	annotations, err := o.annotationEdits(r, nil)

	return append(annotations, edits...), err
}

// keptNumber returns the number of a port that now leads to the sidecar. With TLS, port 80 becomes
// 443, because the sidecar answers HTTPS only.
//
//	port           without TLS      with TLS
//	80 -> app      80 -> sidecar    443 -> sidecar
//	3000 -> app    3000 -> sidecar  3000 -> sidecar
func (o *target) keptNumber(port *manifest.Node, tls bool) string {
	was := kube.Number(port.Get("port"))
	if tls && was == strconv.Itoa(usualPort) && !hasPort(o.object.Node.Get("spec", "ports"), httpsPort) {
		return httpsPort
	}
	return was
}

// keptName returns the name of a port that leads to the sidecar and stays. It gets one where the
// sidecar's is added, because several ports must have names.
func keptName(port *manifest.Node, becomes string) string {
	name := portNameOf(port)
	switch {
	case name != "" || becomes == strconv.Itoa(sidecar.Port):
		return name
	case becomes == httpsPort:
		return httpsPortName
	}

	return appPortName
}

// checkKeptName refuses a name that another port has too: Kubernetes does, and the record tells the
// port by it.
func (o *target) checkKeptName(port *manifest.Node, becomes string) error {
	name := keptName(port, becomes)
	for _, p := range o.object.Node.Get("spec", "ports").Items() {
		switch {
		case p == port || portNameOf(p) != name:
		case name == "":
			return o.problem(RuleService, p, "spec.ports: a port among several must have a name")
		default:
			return o.problem(RuleService, p.Get("name"), "spec.ports: port %s gets the name %s, which this port has already; rename this port", kube.Number(port.Get("port")), name)
		}
	}

	return nil
}

// preservingEdits lead a port to the sidecar and leave it its name, and add the port under which
// other sidecars call, if it is not that.
func (o *target) preservingEdits(port *manifest.Node, becomes string, r *record) (edits []manifest.Edit) {
	ports := o.object.Node.Get("spec", "ports")
	was := kube.Number(port.Get("port"))

	added := was != strconv.Itoa(sidecar.Port)
	if becomes != was {
		edits = append(edits, manifest.Replace{Node: port.Get("port"), Value: int64(443)})
	}

	var missing manifest.Map
	name := strings.Clone(keptName(port, becomes))
	r.Kept = &name
	if name != portNameOf(port) {
		if _, null := port.Entry("name"); null != nil {
			edits = append(edits, manifest.Replace{Node: null, Value: name})
		} else {
			missing = append(missing, manifest.Entry{Key: "name", Value: name})
		}
	}

	if _, target := port.Entry("targetPort"); target != nil {
		edits = append(edits, manifest.Replace{Node: target, Value: int64(sidecar.Port)})
	} else {
		missing = append(missing, manifest.Entry{Key: "targetPort", Value: int64(sidecar.Port)})
	}

	if len(missing) > 0 {
		edits = append(edits, putBesidePort(port, missing))
	}

	o.Change = fmt.Sprintf("port %s leads to the sidecar", was)
	if becomes != was {
		o.Change = fmt.Sprintf("port %s becomes %s, and leads to the sidecar", was, becomes)
	}

	if added {
		o.Change += fmt.Sprintf(", port %d is added", sidecar.Port)
		edits = append(edits, manifest.Insert{Into: ports, Items: manifest.List{
			manifest.Map{{Key: "name", Value: sidecar.PortName}, {Key: "port", Value: int64(sidecar.Port)}, {Key: "targetPort", Value: int64(sidecar.Port)}},
		}})
	}

	return edits
}

// putBesidePort puts entries behind the number of a port, but not at the end of lines of their own:
// the last entry stays the last, because what stands behind that on its line is not in the record.
func putBesidePort(port *manifest.Node, entries manifest.Map) manifest.Put {
	if last := port.Content[len(port.Content)-2]; !port.Flow && last.Text() == "port" {
		return manifest.Put{Into: port, Before: last, Entries: entries}
	}
	return manifest.Put{Into: port, After: "port", Entries: entries}
}

// portNameOf returns the name of a port; "" where it has none.
func portNameOf(port *manifest.Node) string {
	if name := port.Get("name"); !name.IsNull() {
		return name.Text()
	}
	return ""
}

// hasPort reports whether a Service has a port of that number.
func hasPort(ports *manifest.Node, n string) bool {
	return slices.ContainsFunc(ports.Items(), func(p *manifest.Node) bool { return kube.Number(p.Get("port")) == n })
}

// portEdits turns a port into the sidecar's, with name, port and targetPort only. It overwrites
// existing entries, so that comments stay in place. The first and the last entry keep their places,
// because the record covers only the text between them.
func portEdits(port *manifest.Node) (edits []manifest.Edit) {
	missing := manifest.Map{{Key: "name", Value: sidecar.PortName}, {Key: "port", Value: int64(sidecar.Port)}, {Key: "targetPort", Value: int64(sidecar.Port)}}
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
