package inject

import (
	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// ownFiles are the files of pods in a mesh without a Dashboard, until all of the stream is known.
type ownFiles struct {
	// mark stands for the hash of the files in the name of their ConfigMap. It is as long as one,
	// and that of no other pod template.
	mark  string
	label kube.Label           // that names the service
	allow []standalone.Service // that may call; nil means all

	route   string            // the Service name that the route annotation wants; "" without one
	routeAt manifest.Position // of that annotation
	relays  manifest.Position // where the pods say that no rules close the ports for their own calls; Line 0 if rules do
}

// sidecarTLS reports whether sidecars answer callers with TLS. In a mesh without a Dashboard they
// may not, and have certificates for their own pods all the same.
func (s Settings) sidecarTLS() bool {
	if s.Standalone != nil {
		return s.Standalone.TLS
	}
	return s.TLS
}

// ownFiles returns the files of a pod; nil with a Dashboard.
func (o *target) ownFiles(s Settings) *ownFiles {
	if s.Standalone == nil {
		return nil
	}

	at := o.object.Document.PositionOf(o.template.Node).String()
	o.files = &ownFiles{mark: markOf([]byte(at))[:standalone.HashLength]}
	key, label := o.serviceLabel(s)
	o.files.label = kube.Label{Key: key, Value: kube.Text(label)}
	o.readRouteName()

	return o.files
}

// taken returns the ports of the sidecar.
func (o *target) taken() takenPorts {
	taken := takenPorts{[]int{o.ports.listen, sidecar.ControlPort}, o.ports.listen, o.files != nil}
	if taken.alone {
		taken.numbers = append(taken.numbers, standalone.HTTPPort, standalone.HTTPSPort)
	}
	return taken
}

// loadFiles lets the sidecar load its APIs from files.
func (p *pod) loadFiles() {
	if p.mesh == nil {
		return
	}

	own := standalone.Service(p.workload.Service)
	p.Gateway.Files = &sidecar.Files{
		ConfigMap: standalone.ConfigMapName(own, p.files.mark),
		Paths:     p.mesh.Paths(len(p.files.allow) > 0), Policies: len(p.files.allow) > 0,
	}
	if p.mesh.Certificates {
		p.Gateway.Files.Secret, p.Gateway.Files.Key = standalone.SecretName(own), p.mesh.SecretKey()
	}
	if p.mesh.TokenKey != "" {
		p.Gateway.Files.TokenSecret = standalone.TokenSecretName(own)
	}

	p.Rules.HTTP, p.Rules.HTTPS, p.Rules.Closed = standalone.HTTPPort, standalone.HTTPSPort, []int{sidecar.ControlPort}
}

// onePortForAll is why pods and Services cannot set the port of sidecars in a mesh without a
// Dashboard: callers know no other.
const onePortForAll = "with Injector.mode: standalone, all sidecars of a mesh listen on one port, Sidecar.port"

// foreign returns why an annotation has no meaning in this kind of mesh; "" if it has one.
func (p *pod) foreign(annotation string) string {
	switch {
	case p.mesh == nil && annotation == annotationAllow:
		return "sidecars can tell callers apart only with Injector.mode: standalone"
	case p.mesh == nil:
		return ""
	case annotation == annotationSidecarPort || annotation == annotationPreviousPort:
		return onePortForAll
	case annotation == annotationCalls:
		return "with Injector.mode: standalone, sidecars load no routes that it could leave out"
	}
	return ""
}

// refuseFields refuses annotations that change the inbound API, which is always the same in a mesh
// without a Dashboard.
func (o *target) refuseFields(s Settings) {
	if s.Standalone == nil {
		return
	}

	keys := []string{annotationTemplate}
	for _, f := range o.workload.Fields {
		keys = append(keys, f.Key)
	}

	for _, key := range keys {
		if k, _ := o.meta.Get("annotations").Entry(key); k != nil {
			o.refuse(RuleAnnotation, k, "annotation %s: with Injector.mode: standalone, all inbound APIs are alike; delete it", key)
		}
	}
}

// checkRelay notes pods whose ports for their own calls stay open: any pod could call through their
// sidecar, with its identity.
func (p *pod) checkRelay() {
	if p.mesh == nil || !p.mesh.Mutual || p.Rules.Intercept != sidecar.None {
		return
	}

	at := p.meta
	if _, asked := p.meta.Get("annotations").Entry(annotationIntercept); asked != nil {
		at = asked
	}
	p.files.relays = p.object.Document.PositionOf(at)
}
