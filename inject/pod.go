package inject

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tykmesh/tykmesh/inject/checks"
	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// addition is everything that a pod gets, in either profile.
type addition struct {
	hostAlias  manifest.Map
	containers []manifest.Map // behind the pod's own
	initFirst  []manifest.Map // init containers in front of the pod's own
	initLast   []manifest.Map // and behind them
	volumes    []manifest.Map

	// Additions to the pod's own containers that run beside the sidecar.
	mounts     []manifest.Map
	variables  []sidecar.Variable
	initAsWell bool  // its init containers are among them
	sleep      int64 // seconds that they sleep before they end; not the init containers

	builtIn bool // it comes from the built-in profile, whose sidecar takes annotations
}

// added returns all containers that a pod gets.
func (a addition) added() []manifest.Map {
	return slices.Concat(a.containers, a.initFirst, a.initLast)
}

// toSpec returns the lists that the spec of a pod gets.
func (a addition) toSpec() manifest.Map {
	return manifest.Map{
		{Key: "containers", Value: list(a.containers)},
		{Key: "initContainers", Value: list(slices.Concat(a.initFirst, a.initLast))},
		{Key: "volumes", Value: list(a.volumes)},
	}
}

// examinePods checks a workload that is to be injected, and reads what registration needs.
func (o *target) examinePods(s Settings) {
	o.workload = &Workload{Object: o.Title(), Pos: o.Pos, Service: Service{Namespace: o.Namespace, App: o.appLabel(s)}}
	o.ports = s.sidecarPorts()
	o.checkNamespace()
	o.readAnnotations(o.workload, o.meta.Get("annotations"))
	o.refuseFields(s)

	if s.Sidecar == nil {
		o.unknownAnnotations(o.warn)
		o.addition = s.configured(o.workload.Service)
		o.warnConfigured()
		if len(s.InitContainers) > 0 { // those of the guide redirect both ports, on all addresses
			o.member.Captured = []string{httpPort, httpsPort}
		}
		o.Change = "sidecar " + strings.Join(names(s.Containers), ", ")
	} else {
		o.unknownAnnotations(o.refuse)
		o.builtIn(s)
		o.Change = "sidecar " + sidecar.Name
	}

	added := o.addition.added()
	o.member.Redirected = s.Sidecar == nil || slices.Contains(names(added), sidecar.RulesName)
	o.notePorts(s)
	o.member.Unset = checks.UnsetAmounts(added, o.template.Get("spec", "resources"))
	o.examineAPI(s)
	o.clashes(o.template.Get("spec"))
}

// clashes refuses pods that the API server would reject with the sidecar in them, or in which the
// sidecar could not work.
func (o *target) clashes(spec *manifest.Node) {
	if n := spec.Get("hostNetwork"); n.IsTrue() {
		o.refuse(RuleHostNetwork, n, "hostNetwork: the pod shares the network of its node, so the sidecar's rules would redirect the traffic of the whole node")
	}

	if containers := spec.Get("containers"); containers.IsNull() || containers.Kind == manifest.Sequence && len(containers.Content) == 0 {
		o.refuse(RulePod, spec, "spec.containers must list a container")
	}

	seen := make(map[string]bool)
	for _, list := range []string{"containers", "initContainers"} {
		node := spec.Get(list)
		if !node.IsNull() && node.Kind != manifest.Sequence {
			o.refuse(RulePod, node, "spec.%s: must be a list, not %s", list, node.Describe())
		}

		if !o.addition.initAsWell {
			clear(seen)
		}

		o.containerClashes(list, node.Items(), seen)
	}

	added := names(o.addition.volumes)
	for _, v := range spec.Get("volumes").Items() {
		if name := v.Get("name"); slices.Contains(added, name.Text()) {
			o.refuse(RuleClash, name, "volume %s: tykmesh adds a volume of the same name; rename yours", name.Text())
		}
	}
}

// containerClashes refuses containers that conflict with the additions. seen are the names of
// containers that must differ from these.
func (o *target) containerClashes(list string, containers []*manifest.Node, seen map[string]bool) {
	gains := len(o.addition.mounts)+len(o.addition.variables) > 0 || o.addition.sleep > 0

	taken := names(o.addition.added())
	for _, c := range containers {
		if c.Resolve().Kind != manifest.Mapping {
			o.refuse(RulePod, c, "spec.%s: a container must be a mapping, not %s", list, c.Describe())
			continue
		}

		name := c.Get("name")
		switch {
		case slices.Contains(taken, name.Text()):
			o.refuse(RuleClash, name, "container %s: tykmesh adds a container of the same name; %s", name.Text(), o.insteadOf(c))
			continue // its ports and mounts would clash too
		case gains && name.Text() == "":
			o.refuse(RulePod, c, "spec.%s: a container must have a name", list)
		case gains && seen[name.Text()]:
			o.refuse(RulePod, name, "spec.%s: two containers have the name %s", list, name.Text())
		}

		seen[name.Text()] = true
		if list == "containers" || kube.IsNative(c) {
			o.portClashes(c)
		}

		o.mountClashes(c, o.addition.mounts)
	}
}

// insteadOf returns the advice about a container that has the name of an added one.
func (o *target) insteadOf(c *manifest.Node) string {
	if c.Get("name").Text() != sidecar.Name || !o.addition.builtIn {
		return "rename yours"
	}

	var annotations []string
	for _, f := range sidecarFields {
		if c.Get(f.path...) != nil {
			annotations = append(annotations, f.annotation)
		}
	}

	if annotations == nil {
		annotations = []string{annotationImage, annotationEnv + " and others"}
	}

	return fmt.Sprintf("rename or delete yours. To configure the sidecar of this pod, use annotations (%s); to replace it, use Injector.containers", strings.Join(annotations, ", "))
}

// portClashes refuses a container that declares a port of the sidecar: both would listen in the
// same network namespace.
func (o *target) portClashes(container *manifest.Node) {
	taken := []string{strconv.Itoa(o.ports.listen)}
	if own := o.taken(); own.alone {
		for _, port := range own.numbers {
			taken = append(taken, strconv.Itoa(port))
		}
	}

	for _, c := range o.addition.added() {
		for _, p := range c.List("ports") {
			port, _ := p.(manifest.Map)
			if n, ok := port.Lookup("containerPort"); ok {
				taken = append(taken, fmt.Sprint(n))
			}
		}
	}

	for _, p := range container.Get("ports").Items() {
		if n := p.Get("containerPort"); slices.Contains(taken, kube.Number(n)) && kube.IsTCP(p) {
			o.refuse(RuleClash, n, "container %s declares port %s, where the sidecar listens%s", container.Get("name").Text(), n.Text(), o.otherPort(n))
		}
	}
}

// otherPort returns what to do about a port of a container that the sidecar needs.
func (o *target) otherPort(n *manifest.Node) string {
	if port, ok := parsePort(kube.Number(n)); ok && o.addition.builtIn {
		return o.taken().advice(port)
	}
	return "; use another port"
}

// mountClashes refuses a container that mounts another volume where the certificates are mounted.
func (o *target) mountClashes(container *manifest.Node, mounts []manifest.Map) {
	for _, m := range container.Get("volumeMounts").Items() {
		path := m.Get("mountPath")
		for _, mount := range mounts {
			if taken := mount.String("mountPath"); strings.TrimRight(path.Text(), "/") == taken && m.Get("name").Text() != mount.String("name") {
				o.refuse(RuleClash, path, "container %s mounts a volume at %s, where tykmesh mounts certificates; mount it elsewhere", container.Get("name").Text(), taken)
			}
		}
	}
}

func names(maps []manifest.Map) []string {
	var out []string
	for _, m := range maps {
		out = append(out, m.String("name"))
	}
	return out
}
