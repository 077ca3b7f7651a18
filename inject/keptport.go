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

// keepAll keeps all ports, and adds the sidecar's. An only port without a name gets one, because
// several ports must have names.
func (e *serviceEditor) keepAll(in *injection) error {
	if err := e.checkFree(nil); err != nil {
		return err
	}

	if only := e.list.Items()[0]; len(e.list.Items()) == 1 && portNameOf(only) == "" {
		if err := e.keepText(only); err != nil {
			return err
		}
		e.putBeside(only.Resolve(), e.name(only.Resolve(), in.addedName(e.service)))
	}

	e.add(e.sidecarPort())
	e.record.Ports = append(e.record.Ports, sidecar.PortName)

	return nil
}

// addedName returns a name for the only port of a Service, which has none: that of its protocol,
// because others read names so. A number proves nothing: a port that only has the usual number of
// another protocol gets a name that says nothing.
func (in *injection) addedName(s *kube.Service) string {
	port := s.Ports[0]
	switch protocol := port.Speech(in.facts.Behind(s)).Protocol; {
	case protocol != "":
		return protocol.PortName()
	case !kube.Usual(in.facts.Reached(s, port)).IsHTTP():
		return unknownPortName
	}

	return appPortName
}

// preserve leads the port that reaches the app to the sidecar. It keeps its name and, but for port
// 80 with TLS, its number. It adds the port under which other sidecars call, if it is not that.
func (e *serviceEditor) preserve(in *injection) error {
	node, err := e.choose(in)
	if err != nil {
		return err
	}

	m, port, was := e.member, node.Resolve(), e.member.Port.Number
	m.Becomes, m.KeepsName = e.keptNumber(node, in.settings.sidecarTLS()), true
	isOwn := was == strconv.Itoa(e.ports.listen)

	if isOwn {
		err = e.checkFree(node)
	} else {
		err = e.checkFree(nil)
	}
	if err != nil {
		return err
	}

	name := e.keptName(node, m.Becomes)
	if err := e.checkKeptName(node, name); err != nil {
		return err
	}

	e.Change = fmt.Sprintf("port %s leads to the sidecar", was)
	if m.Becomes != was {
		e.Change = fmt.Sprintf("port %s becomes %s, and leads to the sidecar", was, m.Becomes)
		e.edits = append(e.edits, manifest.Replace{Node: port.Get("port"), Value: int64(443)})
	}

	missing := e.name(port, name)
	if _, target := port.Entry("targetPort"); target != nil {
		e.edits = append(e.edits, manifest.Replace{Node: target, Value: e.leadsTo})
	} else {
		missing = append(missing, manifest.Entry{Key: "targetPort", Value: e.leadsTo})
	}

	e.putBeside(port, missing)
	if !isOwn {
		e.add(e.sidecarPort())
	}

	return nil
}

// keptNumber returns the number of a port that now leads to the sidecar. With TLS, port 80 becomes
// 443, because the sidecar answers HTTPS only.
//
//	port           without TLS      with TLS
//	80 -> app      80 -> sidecar    443 -> sidecar
//	3000 -> app    3000 -> sidecar  3000 -> sidecar
func (e *serviceEditor) keptNumber(port *manifest.Node, tls bool) string {
	was := kube.Number(port.Get("port"))
	if tls && was == strconv.Itoa(usualPort) && !hasPort(e.list, httpsPort) {
		return httpsPort
	}
	return was
}

// keptName returns the name of a port that leads to the sidecar and stays. It gets one where
// another port is added, because several ports must have names.
func (e *serviceEditor) keptName(port *manifest.Node, becomes string) string {
	name := portNameOf(port)
	switch {
	case name != "" || becomes == strconv.Itoa(e.ports.listen) && e.ports.previous == 0:
		return name
	case becomes == httpsPort:
		return httpsPortName
	}

	return appPortName
}

// checkKeptName refuses a name that another port has too: Kubernetes does, and the record tells the
// port by it.
func (e *serviceEditor) checkKeptName(port *manifest.Node, name string) error {
	for _, p := range e.list.Items() {
		switch {
		case p == port || portNameOf(p) != name:
		case name == "":
			return e.problem(RuleService, p, "spec.ports: a port among several must have a name")
		default:
			return e.problem(RuleService, p.Get("name"), "spec.ports: port %s gets the name %s, which this port has already; rename this port", kube.Number(port.Get("port")), name)
		}
	}

	return nil
}

// name notes the name that a port keeps or gets, and returns the entry that it lacks, if any.
func (e *serviceEditor) name(port *manifest.Node, name string) (missing manifest.Map) {
	name = strings.Clone(name)
	e.record.Kept = &name
	if name == portNameOf(port) {
		return nil
	}

	if _, null := port.Entry("name"); null != nil {
		e.edits = append(e.edits, manifest.Replace{Node: null, Value: name})
		return nil
	}

	return manifest.Map{{Key: "name", Value: name}}
}

// putBeside puts entries behind the number of a port, but not at the end of lines of their own: the
// last entry stays the last, because what stands behind that on its line is not in the record.
func (e *serviceEditor) putBeside(port *manifest.Node, entries manifest.Map) {
	put := manifest.Put{Into: port, After: "port", Entries: entries}
	if last := port.Content[len(port.Content)-2]; !port.Flow && last.Text() == "port" {
		put = manifest.Put{Into: port, Before: last, Entries: entries}
	}
	if len(entries) > 0 {
		e.edits = append(e.edits, put)
	}
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
