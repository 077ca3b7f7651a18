package checks

import (
	"fmt"

	"github.com/tykmesh/tykmesh/inject/kube"
)

// Outside checks what callers outside of the mesh call, with mutual TLS between sidecars: they have
// no certificate of the mesh.
var Outside = Check{
	Code:     "TM0047",
	Sentence: "Callers outside of the mesh need a port that does not lead to sidecars with mutual TLS.",
	Hint:     "set Injector.servicePorts: add, and let callers outside of the mesh use the ports of the app; or set Injector.mutualTLS: false",
	Kept:     "name a port of the app, which stays as it is; or set Injector.mutualTLS: false",
	run:      checkOutside,
}

// checkOutside looks for ports of Services that demand a certificate from now on, and for objects
// that name such a port:
//
//	                     a Service                       an object that names a port
//	replace              may have callers outside        the port goes: TM0022
//	preserve             may have callers outside        has no certificate as far as the stream shows
//	add                  keeps its ports                 the same, of the added port
//
// A public Service breaks, and where its port goes, checkPublic says that. Callers of a headless
// Service reach the pods' own ports.
func checkOutside(r *run) {
	if !r.isMutual() {
		return
	}

	for s := range r.joiningServices() {
		m := r.member(s.Meta)
		switch p := m.Port; {
		case p == nil || m.Sidecar == "" || s.Headless:
		case s.Public == "":
			r.warn(s.Meta, p.At, "spec.ports: port %s leads to sidecars, which %s, so Ingresses, monitoring and pods without a sidecar cannot call it; set Injector.servicePorts: add",
				m.Becomes, demandCertificate)
		case !m.losesPublic():
			r.breaks(s.Meta, s.PublicAt, "%s: port %s leads to sidecars, which %s, so callers outside of the cluster would fail; set Injector.servicePorts: add",
				s.Public, p.Number, demandCertificate)
		}
	}

	r.reportReferences(r.strangerFault)
}

// strangerFault returns the fault of a reference that leads to sidecars with mutual TLS. Callers of
// most kinds can be given a certificate.
func (r *run) strangerFault(ref kube.Reference, s *kube.Service) (out fault) {
	if m := r.member(s.Meta); m.fateOf(r, ref, s) == leads {
		out = fault{about: s, at: ref.At, breaks: ref.Caller == kube.APIServer}
		out.text = fmt.Sprintf("%s leads to sidecars, which %s; %s", described(ref, s), demandCertificate, m.otherPort())
	}
	return out
}
