package inject

import (
	"cmp"
	"fmt"
	"strconv"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// previousPortName is the name of the Service port that callers use until they know the new one.
const previousPortName = sidecar.PortName + "-previous"

// sidecarPorts are the ports of a Service that lead to the sidecars behind it.
type sidecarPorts struct {
	listen   int // where sidecars listen, and the Service with them
	previous int // the other port of the Service while callers still use it; else 0
}

// called returns the port of the Service to which the sidecars of callers go.
func (p sidecarPorts) called() int { return cmp.Or(p.previous, p.listen) }

// leading returns the ports of a Service that leads to the sidecars and to nothing else.
func (p sidecarPorts) leading() manifest.List {
	ports := manifest.List{servicePort(sidecar.PortName, p.listen, sidecar.PortName)}
	if p.previous != 0 {
		ports = append(ports, servicePort(previousPortName, p.previous, sidecar.PortName))
	}
	return ports
}

// servicePort returns a port of a Service.
func servicePort(name string, number int, target any) manifest.Map {
	return manifest.Map{{Key: "name", Value: name}, {Key: "port", Value: int64(number)}, {Key: "targetPort", Value: target}}
}

// targetPort returns the targetPort of these ports: the number where sidecars listen, as the
// webhook wrote it, or the name. The name is right for all pods while they change from one number
// to another, and beside pods without a sidecar, which have no port of that name.
func (s Settings) targetPort(p sidecarPorts) any {
	if s.adds() || s.Sidecar != nil && p.previous != 0 {
		return sidecar.PortName
	}
	return int64(p.listen)
}

// notePorts notes the ports of a pod's sidecar and of its app, and where annotations set them.
func (o *target) notePorts(s Settings) {
	w, p := o.workload, o.ports
	w.SidecarPort, o.member.Sidecar = p.called(), strconv.Itoa(p.listen)
	_, w.ByName = s.targetPort(p).(string)
	if p.previous != 0 {
		w.NextPort, o.member.Previous = p.listen, strconv.Itoa(p.previous)
	}

	if s.Sidecar != nil {
		w.PortPos, w.SidecarPortPos = o.place(annotationPort), o.place(annotationSidecarPort)
	}
}

// sidecarPorts returns the ports as the configuration sets them.
func (s Settings) sidecarPorts() sidecarPorts {
	if s.Sidecar == nil {
		return sidecarPorts{listen: sidecar.DefaultPort}
	}
	return sidecarPorts{s.Sidecar.ListenPort(), s.Sidecar.PreviousPort}
}

// readSidecarPort applies the annotation that sets the sidecar's port. The configuration's previous
// port belongs to the configuration's port, and does not count beside it.
func (p *sidecarPorts) readSidecarPort(text string) error {
	port, err := parseSidecarPort(text)
	if err == nil {
		*p = sidecarPorts{listen: port}
	}
	return err
}

// readPreviousPort applies the annotation that keeps another port of the Service.
func (p *sidecarPorts) readPreviousPort(text string) error {
	port, err := parseSidecarPort(text)
	if err == nil && port == p.listen {
		err = fmt.Errorf("the sidecar listens on port %d already; delete this annotation", port)
	}
	if err == nil {
		p.previous = port
	}

	return err
}

func parseSidecarPort(text string) (int, error) {
	port, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("not a port: %q; write a number from 1024 to 65535", text)
	}
	return port, sidecar.CheckPort(port)
}

// sidecarPortsOf returns the ports of a Service that joins the mesh: those of the pods behind it in
// the stream, else those that its own annotations or the configuration set.
func (in *injection) sidecarPortsOf(o *target) (ports sidecarPorts, err error) {
	ports, own, err := o.ownPorts(in.settings)
	if err != nil {
		return ports, err
	}

	var first *kube.Pods
	for p := range in.facts.Behind(o.service) {
		found, ok := in.portsOfPods(p)
		switch {
		case !ok:
		case first == nil:
			if own != "" && found != ports {
				_, value := o.meta.Get("annotations").Entry(own)
				return ports, o.problem(RuleAnnotation, value, "annotation %s: the sidecars of %s listen on port %d, and callers use port %d; delete this annotation", own, p, found.listen, found.called())
			}
			first, ports = p, found
		case found != ports:
			return ports, o.problem(RuleService, o.object.Node.Get("spec", "selector"), "spec.selector: the sidecars of %s listen on port %d, and those of %s on port %d; %s",
				first, ports.listen, p, found.listen, in.settings.onePort())
		}
	}

	return ports, nil
}

// onePort returns how the sidecars behind a Service get the same port.
func (s Settings) onePort() string {
	if s.Standalone != nil {
		return "update all of them with --reinject"
	}
	return "set one port with annotation " + annotationSidecarPort
}

// portsOfPods returns the ports of the sidecars of annotated pods; not ok for others.
func (in *injection) portsOfPods(p *kube.Pods) (ports sidecarPorts, ok bool) {
	o := in.objects[p.Meta]
	switch {
	case o == nil || in.settings.Sidecar == nil:
		return ports, false
	case o.done:
		ports.listen, ok = parsePort(p.Target(kube.ServicePort{Target: sidecar.PortName, Named: true}))
		if previous := in.settings.sidecarPorts().previous; previous != ports.listen {
			ports.previous = previous
		}
		return ports, ok
	case o.workload == nil:
		return ports, false
	}

	return o.ports, true
}

// countsOnServices reports whether an annotation of pods also counts on a Service.
func (s Settings) countsOnServices(annotation string) bool {
	return s.Sidecar != nil && (annotation == annotationSidecarPort || annotation == annotationPreviousPort)
}

// ownPorts returns the ports that the configuration sets for a Service, or its own annotations, of
// which it returns the last; "" where it has none.
func (o *target) ownPorts(s Settings) (ports sidecarPorts, own string, err error) {
	ports = s.sidecarPorts()
	for _, a := range []struct {
		key  string
		read func(string) error
	}{{annotationSidecarPort, ports.readSidecarPort}, {annotationPreviousPort, ports.readPreviousPort}} {
		_, value := o.meta.Get("annotations").Entry(a.key)
		if s.Sidecar == nil || value == nil {
			continue
		}

		own = a.key
		if s.Standalone != nil {
			return ports, own, o.problem(RuleAnnotation, value, "annotation %s: %s; delete it", a.key, onePortForAll)
		}
		if !value.IsString() {
			return ports, own, o.problem(RuleAnnotation, value, "annotation %s: must be a string, not %s; put it in quotes", a.key, value.Describe())
		}
		if err := a.read(value.Text()); err != nil {
			return ports, own, o.problem(RuleAnnotation, value, "annotation %s: %v", a.key, err)
		}
	}

	return ports, own, nil
}
