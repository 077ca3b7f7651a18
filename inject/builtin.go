package inject

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// Sidecar is the built-in sidecar as configured, before the annotations of a pod apply.
type Sidecar struct {
	sidecar.Gateway // without Tags, Grace, TLS, Native, GRPC, H2C and Sleep, which depend on the pod

	Rules sidecar.Rules // without UID, which is the gateway's
	// Methods are those that sidecars carry besides the usual ones, without a Dashboard
	// (Sidecar.methods).
	Methods []string

	RulesImage string
	RulesTool  sidecar.Tool
	// RulesResources are those of the init containers (Injector.rulesCPU, ...).
	RulesResources sidecar.Resources

	// PreviousPort is another port of Services that leads to the sidecars: the one that callers use
	// until they know Port (Sidecar.previousPort); 0 without one.
	PreviousPort int

	Native     bool // sidecars are init containers that go on running (Injector.nativeSidecar)
	Sleeps     bool // the cluster knows preStop hooks that sleep (Injector.kubeVersion)
	SleepAsApp bool // sidecars take over the preStop sleep of their app (Sidecar.sleepAsApp)
}

// defaultGrace is Kubernetes' default for terminationGracePeriodSeconds.
const defaultGrace = 30

// mostGrace is the longest grace period, in seconds, that a gateway is told of. Periods of some
// centuries would overflow its durations.
const mostGrace = 365 * 24 * 60 * 60

// builtIn computes the addition to a pod in the built-in profile.
func (o *target) builtIn(s Settings) {
	spec := o.template.Get("spec")
	p := pod{Sidecar: *s.Sidecar, target: o}
	p.TLS = s.TLS
	p.Env, p.Rules.ExemptCIDRs, p.Rules.ExemptPorts = slices.Clone(p.Env), slices.Clone(p.Rules.ExemptCIDRs), slices.Clone(p.Rules.ExemptPorts)
	p.mesh, p.files = s.Standalone, o.ownFiles(s)
	p.readOverrides()
	p.Gateway.Port, p.Rules.Port = o.ports.listen, o.ports.listen
	p.Tags = o.workload.tags(s.Namespaced)
	p.Grace = defaultGrace
	if n, ok := spec.Get("terminationGracePeriodSeconds").Int(); ok {
		p.Grace = min(max(1, n), mostGrace)
	}

	p.Rules.UID = p.UID
	o.member.Captured = p.Rules.CapturedLocally()
	p.Gateway.Native = p.Sidecar.Native
	p.settleSleep(spec)

	report := o.refuse
	if p.appPort == nil {
		report = o.noteUnclear
	}
	port, known := findAppPort(spec, p.appPort, report, p.taken())
	o.workload.Port = port
	if o.unclear != nil {
		o.likely = o.likelyAppPort(s)
	}
	p.Gateway.GRPC = p.Traffic.HTTP2 && p.says(port, known, func(q kube.Protocol) bool { return q == kube.GRPC })
	p.Gateway.H2C = p.Traffic.HTTP2 && p.says(port, known, kube.Protocol.NeedsHTTP2)
	p.check(spec)
	p.loadFiles()

	o.addition = p.addition(s)
	p.checkAliases(spec, o.addition.hostAlias.List("hostnames"))
	o.warnUntrusting(spec)
}

// warnUntrusting warns of containers that set one of the trust variables themselves, so that they
// do not trust the mesh CA.
func (o *target) warnUntrusting(spec *manifest.Node) {
	a := o.addition
	lists := [][]*manifest.Node{spec.Get("containers").Items()}
	if a.initAsWell {
		lists = append(lists, spec.Get("initContainers").Items())
	}

	for _, c := range slices.Concat(lists...) {
		for _, v := range c.Get("env").Items() {
			i := slices.IndexFunc(a.variables, func(w sidecar.Variable) bool { return w.Name == v.Get("name").Text() })
			if i < 0 || strings.Contains(v.Get("value").Text(), strings.TrimPrefix(a.variables[i].Value, sidecar.UsualFolder+":")) {
				continue
			}
			o.warn(RuleTrust, v, "container %s sets %s, so it does not trust the mesh CA; set it to %s", c.Get("name").Text(), a.variables[i].Name, a.variables[i].Value)
		}
	}
}

// pod is the built-in sidecar of one pod.
type pod struct {
	Sidecar
	*target
	appPort *manifest.Node // the annotation's value; nil without it
	caFile  []string       // variables that get the path of the file of all CAs

	mesh  *standalone.Mesh // nil with a Dashboard
	files *ownFiles        // nil with a Dashboard

	appSleep int64 // seconds that its own containers are to sleep before they end
}

// addition returns the containers, volumes and other items to add to the pod. The rules must not
// run before the sidecar if other init containers follow: the calls of those would go to a sidecar
// that is not there yet.
//
//	native      sidecar, rules, CAs | the pod's init containers | the pod's containers
//	native (*)  rules, CAs, sidecar | the pod's init containers | the pod's containers
//	else        the pod's init containers | rules, CAs | the pod's containers, sidecar
//
// (*) In a mesh without a Dashboard, where rules close ports of the sidecar before it opens them.
func (p *pod) addition(s Settings) addition {
	a := addition{builtIn: true, sleep: p.appSleep, hostAlias: sidecar.HostAlias(sidecar.MeshAddress, s.MeshHosts), volumes: p.Volumes()}
	container, once := p.Gateway.Container(), p.RulesResources.Beside(p.Resources)
	var inits []manifest.Map
	if p.Rules.Intercept != sidecar.None {
		inits = append(inits, p.Rules.Container(p.RulesImage, p.RulesTool, once))
	}

	if p.TLS {
		a.mounts, a.variables, a.initAsWell = []manifest.Map{sidecar.AuthorityMount()}, sidecar.Trusting(), p.Gateway.Native
		if len(p.caFile) > 0 {
			combined := sidecar.Combined{Image: p.RulesImage, Variables: p.caFile, UID: p.UID, Resources: once}
			inits = append(inits, combined.Container())
			a.volumes, a.mounts = append(a.volumes, combined.Volume()), append(a.mounts, combined.Mount())
			a.variables = append(a.variables, combined.Naming()...)
		}
	}

	switch {
	case p.Native && p.mesh != nil:
		a.initFirst = slices.Concat(inits, []manifest.Map{container})
	case p.Native:
		a.initFirst = append([]manifest.Map{container}, inits...)
	default:
		a.containers, a.initLast = []manifest.Map{container}, inits
	}

	return a
}

// check refuses pods in which the built-in sidecar could not work, or which would never finish
// because of it.
func (p *pod) check(spec *manifest.Node) {
	if n, path := onWindows(spec); n != nil {
		p.refuse(RulePod, n, "%s: the sidecar runs on Linux only; delete the inject annotation", path)
	}

	if !p.Native && p.ends(spec) {
		p.refuse(RuleJob, p.object.Node, "this %s would never finish, because its sidecar keeps running; set Injector.nativeSidecar: true, or Injector.kubeVersion to 1.29 or later", p.Kind)
	}

	if _, asked := p.meta.Get("annotations").Entry(annotationIntercept); asked != nil && p.Rules.Intercept == sidecar.All &&
		p.RulesTool == sidecar.NFT && len(p.Rules.ExemptCIDRs) == 0 {
		p.refuse(RuleAnnotation, asked, "annotation %s: the nft rules do not know the address of the Kubernetes API and would send calls to it to the sidecar; name the address in %s",
			annotationIntercept, annotationExemptCIDRs)
	}

	if p.Rules.Intercept == sidecar.All {
		p.checkUsers(spec)
	}

	p.checkBody()
	p.checkRelay()
	p.checkAllow()
}

// onWindows returns the field that restricts a pod to Windows nodes, and its path; nil if the pod
// can run on Linux.
func onWindows(spec *manifest.Node) (field *manifest.Node, path string) {
	const windows = "windows"
	if n := spec.Get("os", "name"); n.Text() == windows {
		return n, "spec.os.name"
	}

	for k, v := range spec.Get("nodeSelector").Entries() {
		if isSystemLabel(k.Text()) && v.Text() == windows {
			return k, "spec.nodeSelector"
		}
	}

	terms := spec.Get("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms").Items()
	for _, term := range terms { // a node need meet only one of them
		i := slices.IndexFunc(term.Get("matchExpressions").Items(), excludesLinux)
		if i < 0 {
			return nil, ""
		}
		field = term.Get("matchExpressions").Items()[i]
	}

	return field, "spec.affinity.nodeAffinity"
}

// excludesLinux reports whether no Linux node meets a requirement of a node affinity.
func excludesLinux(e *manifest.Node) bool {
	values := e.Get("values").Items()
	has := func(name string) bool {
		return slices.ContainsFunc(values, func(v *manifest.Node) bool { return v.Text() == name })
	}
	switch operator := e.Get("operator").Text(); {
	case !isSystemLabel(e.Get("key").Text()):
		return false
	case operator == "In":
		return len(values) == 1 && has("windows")
	default:
		return operator == "NotIn" && has("linux")
	}
}

// isSystemLabel reports whether a node label names the operating system.
func isSystemLabel(key string) bool {
	return key == "kubernetes.io/os" || key == "beta.kubernetes.io/os"
}

// ends reports whether the pods finish by themselves: those of jobs, and pods that are not
// restarted.
func (o *target) ends(spec *manifest.Node) bool {
	policy := spec.Get("restartPolicy").Text()
	return policy == "Never" || policy == "OnFailure" || o.object.Group() == "batch" && (o.Kind == "Job" || o.Kind == "CronJob")
}

// checkUsers refuses containers that run as the sidecar's user. The rules let the calls of that
// user pass, so that the sidecar does not call itself.
func (p *pod) checkUsers(spec *manifest.Node) {
	users := []*manifest.Node{spec.Get("securityContext", "runAsUser")}
	for c := range kube.Containers(spec) {
		users = append(users, c.Get("securityContext", "runAsUser"))
	}

	uid := strconv.FormatInt(p.Rules.UID, 10)
	for _, n := range users {
		if kube.Number(n) == uid {
			p.refuse(RuleClash, n, "runAsUser %s is the sidecar's user, and calls of that user bypass the sidecar; use another user", uid)
		}
	}
}

// checkAliases refuses host aliases of the pod that use the names or the address of the mesh: these
// must lead to the sidecar.
func (p *pod) checkAliases(spec *manifest.Node, mesh manifest.List) {
	for _, alias := range spec.Get("hostAliases").Items() {
		if ip := alias.Get("ip"); ip.Text() == sidecar.MeshAddress && len(mesh) > 0 {
			p.refuse(RuleClash, ip, "spec.hostAliases: the address %s belongs to the mesh; use another address", ip.Text())
		}

		for _, host := range alias.Get("hostnames").Items() {
			if slices.Contains(mesh, any(host.Text())) {
				p.refuse(RuleClash, host, "spec.hostAliases: the name %s belongs to the mesh and must resolve to the sidecar only; delete it here", host.Text())
			}
		}
	}
}
