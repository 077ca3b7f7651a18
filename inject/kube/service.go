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
	Labels   []Label
	Selector []Label
	At       manifest.Place // of the selector
	Ports    []ServicePort

	Public   string         // by which field callers outside of the cluster reach it: "type: NodePort"; "" where they do not
	PublicAt manifest.Place // of this field
}

// ServicePort is a port of a Service.
type ServicePort struct {
	Name, Number string
	Target       string // the number or the name of a container port
	Named        bool   // it is a name
	TCP          bool
	Transport    string // as it is written: UDP; "" where it is TCP by default
	AppProtocol  string
	NodePort     string         // "" where Kubernetes chooses it
	At           manifest.Place // of the targetPort, else of the port
}

func newService(o Object, m *Meta) *Service {
	spec := o.Node.Get("spec")
	s := &Service{
		Meta: m, External: spec.Get("type").Text() == "ExternalName", Headless: spec.Get("clusterIP").Text() == "None", Labels: labelsOf(o.Node.Get("metadata", "labels")),
		Selector: labelsOf(spec.Get("selector")), At: o.Document.PlaceOf(cmp.Or(spec.Get("selector"), o.Node)),
	}
	if by, field := publicBy(spec); field != nil {
		s.Public, s.PublicAt = by, o.Document.PlaceOf(field)
	}

	for _, p := range spec.Get("ports").Items() {
		target := p.Get("targetPort")
		if target.IsNull() {
			target = p.Get("port")
		}

		s.Ports = append(s.Ports, ServicePort{
			Name: Text(p.Get("name")), Number: keptNumber(p.Get("port")), Target: keptNumber(target), Named: isName(target),
			TCP: IsTCP(p), Transport: Text(p.Get("protocol")), AppProtocol: Text(p.Get("appProtocol")),
			NodePort: keptNumber(p.Get("nodePort")), At: o.Document.PlaceOf(cmp.Or(target, p)),
		})
	}

	return s
}

// publicBy returns the field by which callers outside of the cluster reach a Service, with its text
// (Kubernetes documentation, Service, publishing services and external IPs); nil where they do not.
func publicBy(spec *manifest.Node) (text string, field *manifest.Node) {
	kind, addresses := spec.Get("type"), spec.Get("externalIPs")
	switch {
	case kind.Text() == "LoadBalancer" || kind.Text() == "NodePort":
		return "type: " + kind.Text(), kind
	case len(addresses.Items()) > 0:
		return "externalIPs", addresses
	}
	return "", nil
}

// isName reports whether a port is given by its name, in which a letter must be (IANA service
// names, RFC 6335).
func isName(port *manifest.Node) bool {
	return port.IsString() && strings.ContainsFunc(port.Text(), func(r rune) bool { return r >= 'a' && r <= 'z' })
}
