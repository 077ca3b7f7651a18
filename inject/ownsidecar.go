package inject

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// checkOwn refuses a sidecar of the pod's own that what is laid under it would make one that
// Kubernetes refuses, or that nothing gets through.
func (p *pod) checkOwn(spec, own *manifest.Node, inInit bool) (problems []Problem) {
	refuse := func(rule Rule, n *manifest.Node, format string, args ...any) {
		problems = append(problems, p.problem(rule, n, "container "+sidecar.Name+": "+format, args...))
	}
	problems = append(problems, p.checkOwnEnv(own)...)
	for _, key := range []string{"image", "restartPolicy", "securityContext"} {
		if _, v := own.Entry(key); v != nil && (v.IsNull() || v.Resolve().Kind == manifest.Mapping && len(v.Resolve().Content) == 0) {
			refuse(RulePod, v, "%s is empty; leave it out, and it is the sidecar's", key)
		}
	}

	if n := own.Get("restartPolicy"); inInit && !n.IsNull() && n.Text() != "Always" {
		refuse(RulePod, n, "restartPolicy %s: the pod would wait for the end of the sidecar, and never start", n.Text())
	}

	if inInit && p.Rules.Intercept != sidecar.None && spec.Get("initContainers").Items()[0].Resolve() != own {
		refuse(RuleClash, own, "it must be the first init container: calls of those before it would go to a sidecar that is not there yet")
	}

	base := p.Gateway.Container()
	problems = append(problems, p.checkOwnPorts(own, base.List("ports"))...)
	for _, m := range base.List("volumeMounts") {
		mount, _ := m.(manifest.Map)
		problems = append(problems, p.mountClashes(own, []manifest.Map{mount})...)
	}

	return append(problems, p.checkOwnUser(own.Get("securityContext"))...)
}

// checkOwnEnv refuses what a pod may not set for its sidecar, whether an annotation sets it or the
// pod's own container.
func (p *pod) checkOwnEnv(own *manifest.Node) (problems []Problem) {
	refuse := func(n *manifest.Node, format string, args ...any) {
		problems = append(problems, p.problem(RuleClash, n, "container "+sidecar.Name+": "+format, args...))
	}
	if key, v := own.Entry("envFrom"); len(v.Items()) > 0 {
		refuse(key, "envFrom may set any variable of the sidecar; write the variables into env")
	}

	for _, v := range own.Get("env").Items() {
		if err := sidecar.CheckPodVariable(v.Get("name").Text(), v.Get("value").Text()); err != nil {
			refuse(at(v.Get("name"), v), "%v", err)
		}
		if ref := v.Get("valueFrom", "secretKeyRef", "name"); ref.Text() == sidecar.Secret {
			refuse(ref, "the Secret %s is for the variables that tykmesh sets", sidecar.Secret)
		}
	}

	return problems
}

// checkOwnPorts refuses ports that have the name of a port that the sidecar gets.
func (p *pod) checkOwnPorts(own *manifest.Node, added manifest.List) (problems []Problem) {
	for _, port := range own.Get("ports").Items() {
		for _, a := range added {
			m, _ := a.(manifest.Map)
			n, _ := m.Lookup("containerPort")
			if name := port.Get("name"); name.Text() == m.String("name") && number(port.Get("containerPort")) != decimal(n) {
				problems = append(problems, p.problem(RuleClash, name, "container %s: the port name %s is that of the sidecar's port %s", sidecar.Name, name.Text(), decimal(n)))
			}
		}
	}

	return problems
}

// checkOwnUser refuses what contradicts the security context that is laid under.
func (p *pod) checkOwnUser(context *manifest.Node) (problems []Problem) {
	if n := context.Get("runAsUser"); number(n) == "0" {
		problems = append(problems, p.problem(RuleClash, n, "container %s: the sidecar must not be root: calls of the sidecar's user are not led to the sidecar", sidecar.Name))
	}

	if context.Get("allowPrivilegeEscalation") != nil {
		return problems
	}

	var more []*manifest.Node
	if n := context.Get("privileged"); n.IsTrue() {
		more = append(more, n)
	}

	for _, n := range context.Get("capabilities", "add").Items() {
		if n.Text() == "CAP_SYS_ADMIN" { // so Kubernetes has it (k8s.io/kubernetes pkg/apis/core/validation, ValidateSecurityContext)
			more = append(more, n)
		}
	}

	for _, n := range more {
		problems = append(problems, p.problem(RuleClash, n,
			"container %s: the sidecar's allowPrivilegeEscalation: false does not go with this; say allowPrivilegeEscalation yourself, or leave this out", sidecar.Name))
	}

	return problems
}

// takeResources takes over the limits of the pod's own sidecar: the gateway is told of its memory,
// and the init containers get its CPU limit.
func (p *pod) takeResources(own *manifest.Node) (problems []Problem) {
	_, r := own.Entry("resources")
	if r == nil {
		return nil
	}

	p.Resources = sidecar.Resources{}
	for _, limit := range []struct {
		resource string
		to       *string
	}{{"cpu", &p.Resources.CPULimit}, {"memory", &p.Resources.MemoryLimit}} {
		n := r.Resolve().Get("limits", limit.resource)
		if n.IsNull() {
			continue
		}
		if _, err := resource.ParseQuantity(n.Text()); err != nil {
			problems = append(problems, p.problem(RulePod, n, "container %s: resources.limits.%s: not a quantity: %q; like 500m of CPU, or 96Mi of memory",
				sidecar.Name, limit.resource, n.Text()))
			continue
		}

		*limit.to = n.Text()
	}

	return problems
}

// checkAliases refuses host aliases of the pod's own for the mesh: its names lead to the sidecar,
// and so does whatever has its address.
func (p *pod) checkAliases(spec *manifest.Node, mesh manifest.List) (problems []Problem) {
	for _, alias := range spec.Get("hostAliases").Items() {
		if ip := alias.Get("ip"); ip.Text() == sidecar.MeshAddress && len(mesh) > 0 {
			problems = append(problems, p.problem(RuleClash, ip, "spec.hostAliases: the address %s is the mesh's; take another one", ip.Text()))
		}

		for _, host := range alias.Get("hostnames").Items() {
			if slices.Contains(mesh, any(host.Text())) {
				problems = append(problems, p.problem(RuleClash, host, "spec.hostAliases: the name %s is the mesh's, and must lead to the sidecar alone", host.Text()))
			}
		}
	}

	return problems
}
