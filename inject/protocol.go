package inject

import (
	"slices"
	"strconv"

	"github.com/tykmesh/tykmesh/inject/kube"
)

// carriesHTTP2 reports whether sidecars carry HTTP/2, and so gRPC. Configured ones may.
func (s Settings) carriesHTTP2() bool { return s.Sidecar == nil || s.Sidecar.Traffic.HTTP2 }

// hear finds the protocols of all apps: Services on the mesh that lead to them count before the
// pods, those that an earlier run injected too.
func (in *injection) hear() {
	if in.settings.Sidecar == nil {
		return // the containers of the configuration say where the app listens
	}

	heard := make(map[*Object]kube.Speech)
	for _, s := range in.facts.Services {
		if !in.meshed(s.Meta) {
			continue
		}

		for p := range in.facts.Behind(s) {
			o := in.objects[p.Meta]
			heard[o] = heard[o].Before(p.Heard(o.listens(), s.Ports))
		}
	}

	for _, p := range in.facts.Pods {
		if o := in.objects[p.Meta]; o.listens() != "" {
			in.note(o, p, heard[o].Before(p.Speech(o.listens())))
		}
	}
}

// note notes the protocol of an app, for registration and for the checks.
func (in *injection) note(o *Object, p *kube.Pods, speech kube.Speech) {
	in.members[p.Meta].Speaks = speech
	if speech.Protocol.NeedsHTTP2() && in.settings.carriesHTTP2() {
		o.workload.Protocol = speech.Protocol
	}
}

// listens returns the port of the app of pods that join the mesh; "" for others, and where it is
// unknown.
func (o *Object) listens() string {
	if o == nil || o.workload == nil || o.workload.Port == 0 || o.unclear != nil || !o.joins() {
		return ""
	}
	return strconv.Itoa(o.workload.Port)
}

// says reports whether the pods themselves say that their app speaks such a protocol. What Services
// say does not count for a sidecar's environment: it depends on the pod template alone (L9).
func (p *pod) says(port int, known bool, such func(kube.Protocol) bool) bool {
	if known {
		return such(p.pods.Speech(strconv.Itoa(port)).Protocol)
	}
	return slices.ContainsFunc(p.pods.Ports, func(declared kube.Port) bool { return such(p.pods.Speech(declared.Number).Protocol) })
}
