package kube

import (
	"cmp"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Service is a Service of Kubernetes.
type Service struct {
	*Meta
	External bool // an ExternalName
	Headless bool
	Selector []Label
	At       manifest.Place // of the selector
	Ports    []ServicePort
}

// ServicePort is a port of a Service.
type ServicePort struct {
	Name, Number string
	Target       string // the number or the name of a container port
	Named        bool   // it is a name
	TCP          bool
	Transport    string // as it is written: UDP; "" where it is TCP by default
	AppProtocol  string
	At           manifest.Place // of the targetPort, else of the port
}

func newService(o Object, m *Meta) *Service {
	spec := o.Node.Get("spec")
	s := &Service{
		Meta: m, External: spec.Get("type").Text() == "ExternalName", Headless: spec.Get("clusterIP").Text() == "None",
		Selector: labelsOf(spec.Get("selector")), At: o.Document.PlaceOf(cmp.Or(spec.Get("selector"), o.Node)),
	}
	for _, p := range spec.Get("ports").Items() {
		target := p.Get("targetPort")
		if target.IsNull() {
			target = p.Get("port")
		}

		s.Ports = append(s.Ports, ServicePort{
			Name: Text(p.Get("name")), Number: keptNumber(p.Get("port")), Target: keptNumber(target), Named: isName(target),
			TCP: IsTCP(p), Transport: Text(p.Get("protocol")), AppProtocol: Text(p.Get("appProtocol")), At: o.Document.PlaceOf(cmp.Or(target, p)),
		})
	}

	return s
}

// isName reports whether a port is given by its name, in which a letter must be (IANA service
// names, RFC 6335).
func isName(port *manifest.Node) bool {
	return port.IsString() && strings.ContainsFunc(port.Text(), func(r rune) bool { return r >= 'a' && r <= 'z' })
}
