package inject

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// What a pod gets besides the configured containers, as the webhook named it.
const (
	sidecarName  = "tyk-mesh"                     // the container that gets the tags
	tagsVariable = "TYK_GW_DBAPPCONFOPTIONS_TAGS" // which APIs a gateway loads (Tyk Gateway configuration, db_app_conf_options.tags)
	meshTag      = "mesh"                         // the tag of all routes into the mesh
	sidecarPort  = 8080                           // where a sidecar listens
	loopback     = "127.0.0.1"

	authorityVolume = "ca-pem"    // ConfigMap of the same name: the mesh's CA
	bundleVolume    = "ssl-certs" // emptyDir that an init container fills with the trusted certificates
	bundlePath      = "/etc/ssl/certs"

	// Where the sidecar finds the CA if no init container builds a bundle. Go reads every folder of SSL_CERT_DIR (crypto/x509).
	authorityPath  = "/etc/tykmesh/ca"
	trustVariable  = "SSL_CERT_DIR"
	trustedFolders = bundlePath + ":" + authorityPath
)

// examinePods checks a workload that is to be injected, and reads what registration needs.
func (o *subject) examinePods(s Settings) []Problem {
	spec := o.template.Get("spec")
	problems := append(o.clashes(spec, s), o.namespaceProblem()...)
	app, p := o.appLabel()
	if p != nil {
		problems = append(problems, *p)
	}
	o.workload = &Workload{Object: o.title, Pos: o.Pos, Service: Service{Namespace: o.Namespace, App: app}}
	problems = append(problems, o.readAnnotations(o.workload, o.meta.Get("annotations"))...)
	o.Change = "sidecar " + strings.Join(names(s.Containers), ", ")
	return problems
}

// clashes refuses pods that the API server would refuse with the sidecar in them, or in which it could not work.
func (o *subject) clashes(spec *manifest.Node, s Settings) (problems []Problem) {
	refuse := func(rule Rule, n *manifest.Node, format string, args ...any) {
		problems = append(problems, o.problem(rule, n, format, args...))
	}
	if n := spec.Get("hostNetwork"); n.IsTrue() {
		refuse(RuleHostNetwork, n, "hostNetwork: the pod shares the network of its node, whose traffic the sidecar's rules would redirect")
	}
	if containers := spec.Get("containers"); containers.IsNull() || containers.Kind == manifest.Sequence && len(containers.Content) == 0 {
		refuse(RulePod, spec, "spec.containers must list a container")
	}
	for _, list := range []string{"containers", "initContainers"} {
		node := spec.Get(list)
		if !node.IsNull() && node.Kind != manifest.Sequence {
			refuse(RulePod, node, "spec.%s: must be a list, not %s", list, node.Describe())
		}
		problems = append(problems, o.containerClashes(list, node.Items(), s)...)
	}
	added := names(volumes(s))
	for _, v := range spec.Get("volumes").Items() {
		if name := v.Get("name"); slices.Contains(added, name.Text()) {
			refuse(RuleClash, name, "the pod has a volume %s already; the mesh needs the name", name.Text())
		}
	}
	return problems
}

// containerClashes refuses containers that cannot stand beside the configured ones.
func (o *subject) containerClashes(list string, containers []*manifest.Node, s Settings) (problems []Problem) {
	refuse := func(rule Rule, n *manifest.Node, format string, args ...any) {
		problems = append(problems, o.problem(rule, n, format, args...))
	}
	mounted := s.TLS && fillsBundle(s.InitContainers)
	taken, seen := append(names(s.Containers), names(s.InitContainers)...), make(map[string]bool)
	for _, c := range containers {
		if c.Resolve().Kind != manifest.Mapping {
			refuse(RulePod, c, "spec.%s: a container must be a mapping, not %s", list, c.Describe())
			continue
		}
		name := c.Get("name")
		switch {
		case slices.Contains(taken, name.Text()):
			refuse(RuleClash, name, "the pod has a container %s already; the sidecar's cannot have the same name", name.Text())
		case mounted && name.Text() == "":
			refuse(RulePod, c, "spec.%s: a container must have a name", list)
		case mounted && seen[name.Text()]:
			refuse(RulePod, name, "spec.%s: two containers have the name %s", list, name.Text())
		}
		seen[name.Text()] = true
		if list == "containers" || isNative(c) {
			problems = append(problems, o.portClashes(c, s)...)
		}
		if mounted {
			problems = append(problems, o.mountClashes(c)...)
		}
	}
	return problems
}

// isNative reports whether an init container is one that runs as long as the pod does (a native sidecar).
func isNative(initContainer *manifest.Node) bool {
	return initContainer.Get("restartPolicy").Text() == "Always"
}

// portClashes refuses a container that declares a port of the sidecar: both would listen in the same network namespace.
func (o *subject) portClashes(container *manifest.Node, s Settings) (problems []Problem) {
	taken := []string{strconv.Itoa(sidecarPort)}
	for _, c := range s.Containers {
		for _, p := range c.List("ports") {
			port, _ := p.(manifest.Map)
			if n, ok := port.Lookup("containerPort"); ok {
				taken = append(taken, fmt.Sprint(n))
			}
		}
	}
	for _, p := range container.Get("ports").Items() {
		n := p.Get("containerPort")
		if protocol := p.Get("protocol").Text(); slices.Contains(taken, number(n)) && (protocol == "" || protocol == "TCP") {
			problems = append(problems, o.problem(RuleClash, n, "container %s listens on port %s, as the sidecar does", container.Get("name").Text(), n.Text()))
		}
	}
	return problems
}

// mountClashes refuses a container that has something of its own where the certificates are mounted.
func (o *subject) mountClashes(container *manifest.Node) (problems []Problem) {
	for _, m := range container.Get("volumeMounts").Items() {
		if path := m.Get("mountPath"); strings.TrimRight(path.Text(), "/") == bundlePath {
			problems = append(problems, o.problem(RuleClash, path, "container %s mounts something at %s already, where the mesh's certificates go", container.Get("name").Text(), bundlePath))
		}
	}
	return problems
}

// fillsBundle reports whether a configured init container builds the folder of trusted certificates.
func fillsBundle(initContainers []manifest.Map) bool {
	return slices.ContainsFunc(initContainers, func(c manifest.Map) bool { return mounts(c, bundleVolume) })
}

func mounts(container manifest.Map, volume string) bool {
	return slices.ContainsFunc(container.List("volumeMounts"), func(m any) bool { return isMount(m, volume) })
}

func isMount(m any, volume string) bool {
	mount, _ := m.(manifest.Map)
	return mount.String("name") == volume
}

// volumes are the volumes that a pod gets.
func volumes(s Settings) []manifest.Map {
	if !s.TLS {
		return nil
	}
	authority := manifest.Map{{Key: "name", Value: authorityVolume}, {Key: "configMap", Value: manifest.Map{{Key: "name", Value: authorityVolume}}}}
	if !fillsBundle(s.InitContainers) {
		return []manifest.Map{authority}
	}
	return []manifest.Map{authority, {{Key: "name", Value: bundleVolume}, {Key: "emptyDir", Value: manifest.Map{}}}}
}

// sidecars are the configured containers as a service's pods get them.
func (s Settings) sidecars(svc Service) manifest.List {
	var out manifest.List
	tagged := false
	for _, c := range s.Containers {
		c = s.trimMounts(c)
		isSidecar := strings.EqualFold(c.String("name"), sidecarName) && !tagged
		if isSidecar {
			tagged = true
			c = withVariable(c, tagsVariable, func(string) string { return meshTag + "," + svc.Tag(s.Namespaced) })
		}
		switch {
		case s.TLS && fillsBundle(s.InitContainers):
			if !mounts(c, bundleVolume) {
				c = withMount(c, mount(bundleVolume, bundlePath))
			}
		case s.TLS && isSidecar:
			c = withMount(c, mount(authorityVolume, authorityPath).With("readOnly", true))
			c = withVariable(c, trustVariable, func(now string) string {
				if now == "" {
					return trustedFolders
				}
				return now + ":" + authorityPath
			})
		}
		out = append(out, c)
	}
	return out
}

// initContainers are the configured init containers as pods get them.
func (s Settings) initContainers() manifest.List {
	var out manifest.List
	for _, c := range s.InitContainers {
		out = append(out, s.trimMounts(c))
	}
	return out
}

// trimMounts leaves out mounts of the volumes that only exist with TLS: a pod with a mount and no volume is refused by the API server.
func (s Settings) trimMounts(c manifest.Map) manifest.Map {
	if s.TLS || !mounts(c, authorityVolume) && !mounts(c, bundleVolume) {
		return c
	}
	var kept manifest.List
	for _, m := range c.List("volumeMounts") {
		if !isMount(m, authorityVolume) && !isMount(m, bundleVolume) {
			kept = append(kept, m)
		}
	}
	if len(kept) == 0 {
		return c.Without("volumeMounts")
	}
	return c.With("volumeMounts", kept)
}

func mount(volume, path string) manifest.Map {
	return manifest.Map{{Key: "name", Value: volume}, {Key: "mountPath", Value: path}}
}

func withMount(c, mount manifest.Map) manifest.Map {
	return c.With("volumeMounts", append(slices.Clip(c.List("volumeMounts")), mount))
}

// withVariable sets an environment variable of a container: in its place where the container has it, else at the end.
func withVariable(c manifest.Map, name string, value func(now string) string) manifest.Map {
	env := slices.Clone(c.List("env"))
	for i, v := range env {
		if variable, _ := v.(manifest.Map); variable.String("name") == name {
			env[i] = manifest.Map{{Key: "name", Value: name}, {Key: "value", Value: value(variable.String("value"))}}
			return c.With("env", env)
		}
	}
	return c.With("env", append(env, manifest.Map{{Key: "name", Value: name}, {Key: "value", Value: value("")}}))
}

// hostAlias lets the pod resolve the names of the mesh to its own sidecar.
func (s Settings) hostAlias() manifest.Map {
	var hosts manifest.List
	for _, h := range s.MeshHosts {
		if h != "localhost" {
			hosts = append(hosts, h)
		}
	}
	return manifest.Map{{Key: "ip", Value: loopback}, {Key: "hostnames", Value: hosts}}
}

func names(maps []manifest.Map) []string {
	var out []string
	for _, m := range maps {
		out = append(out, m.String("name"))
	}
	return out
}
