package inject

import (
	"fmt"
	"slices"

	"github.com/tykmesh/tykmesh/inject/standalone"
)

// annotationAllow is ours: the services that may call these pods, in a mesh without a Dashboard.
const annotationAllow = "injector.tyk.io/allow"

// allowAll is the value of annotationAllow for pods that all services may call, which is the
// default.
const allowAll = "*"

// readAllow reads the services that may call a pod. The sidecar tells callers by their tokens.
func (p *pod) readAllow(text string) error {
	names := commas(text)
	switch {
	case len(names) == 0:
		return fmt.Errorf("names no service; write APP or APP.NAMESPACE, or %s for all services", allowAll)
	case len(names) == 1 && names[0] == allowAll:
		return nil
	case slices.Contains(names, allowAll):
		return fmt.Errorf("%s stands for all services; delete it, or the others", allowAll)
	}

	if slices.Contains(names, callsNone) {
		return fmt.Errorf("%s is no service; name one that may call, or write the namespace of an app that has this name: %[1]s.NAMESPACE", callsNone)
	}

	for _, name := range names {
		caller, err := parseCall(name, p.workload.Service.Namespace)
		if err != nil {
			return err
		}
		p.files.allow = append(p.files.allow, standalone.Service(caller))
	}

	slices.SortFunc(p.files.allow, func(a, b standalone.Service) int { return compareServices(Service(a), Service(b)) })
	p.files.allow = slices.Compact(p.files.allow)

	return nil
}

// checkAllow refuses callers that the sidecar could not tell apart.
func (p *pod) checkAllow() {
	if p.mesh == nil || len(p.files.allow) == 0 {
		return
	}

	_, value := p.meta.Get("annotations").Entry(annotationAllow)
	switch {
	case !p.mesh.Mutual:
		p.refuse(RuleAllow, value, "annotation %s: without mutual TLS, a pod could show the token of another; set Injector.enableMeshTLS and Injector.mutualTLS to true", annotationAllow)
	case p.mesh.TokenKey == "":
		p.refuse(RuleAllow, value, "annotation %s: callers have no tokens that tell who they are; make their key with tykmesh ca token, and set CA.tokenPath", annotationAllow)
	}
}
