package inject

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// What a pod gets besides the configured containers, as the webhook named it.
const (
	meshTag      = "mesh" // the tag of all routes into the mesh
	loopback     = "127.0.0.1"
	bundleVolume = "ssl-certs" // emptyDir that an init container fills with the trusted certificates, and that stands in for sidecar.UsualFolder
)

// configured returns the addition to a service's pods with configured containers, as the webhook
// made it. It changes the containers only by the tags of the service, and by leaving out mounts of
// volumes that do not exist.
func (s Settings) configured(svc Service) addition {
	a := addition{
		hostAlias: sidecar.HostAlias(loopback, s.MeshHosts), containers: s.sidecars(svc), initLast: s.initContainers(), volumes: volumes(s),
	}
	if s.TLS && fillsBundle(s.InitContainers) {
		a.mounts = []manifest.Map{bundleMount()}
	}
	return a
}

// warnConfigured warns of pods that a configured sidecar cannot serve well. The webhook was silent
// about them.
func (o *target) warnConfigured() {
	spec, annotations := o.template.Get("spec"), o.meta.Get("annotations")
	if o.ends(spec) {
		o.warn(RuleJob, o.object.Node, "this %s will never finish, because its sidecar keeps running; use the built-in sidecar as a native sidecar", o.Kind)
	}

	if ip := o.aliased(); ip != nil {
		o.warn(RuleClash, ip, "spec.hostAliases: tykmesh adds a second alias of %s for the names of the mesh, and server-side apply rejects it; delete the first", ip.Text())
	}

	for key, value := range annotations.Entries() {
		if overrides[key.Text()] != nil {
			o.warn(RuleAnnotation, value, "annotation %s has no effect, because Injector.containers replaces the built-in sidecar; delete it", key.Text())
		}
	}

	_, asked := annotations.Entry(annotationPort)

	port, ok := findAppPort(spec, asked, func(rule Rule, n *manifest.Node, format string, args ...any) {
		o.warn(rule, n, format+"; the iptables rules of Tyk's guide send calls to port 80", args...)
	}, takenPorts{})
	if ok && port != usualPort {
		o.warn(RulePort, cmp.Or(asked, spec), "the app listens on port %d, but the iptables rules of Tyk's guide send calls to port %d; the built-in sidecar calls the app's own port", port, usualPort)
	}
}

// aliased returns the address of the mesh if the pod has an alias of it already, else nil. kubectl
// apply identifies aliases by their address (Kubernetes API, listMapKey), and deletes both if one
// of them is deleted.
func (o *target) aliased() *manifest.Node {
	mesh := o.addition.hostAlias
	for _, own := range o.template.Get("spec", "hostAliases").Items() {
		if ip := own.Get("ip"); ip.Text() == mesh.String("ip") && len(mesh.List("hostnames")) > 0 {
			return ip
		}
	}
	return nil
}

// fillsBundle reports whether one of the containers mounts the directory of trusted certificates;
// an init container that does builds it.
func fillsBundle(containers []manifest.Map) bool {
	return slices.ContainsFunc(containers, func(c manifest.Map) bool { return mounts(c, bundleVolume) })
}

func mounts(container manifest.Map, volume string) bool {
	return slices.ContainsFunc(container.List("volumeMounts"), func(m any) bool { return isMount(m, volume) })
}

func isMount(m any, volume string) bool {
	mount, _ := m.(manifest.Map)
	return mount.String("name") == volume
}

// volumes returns the volumes that a pod gets.
func volumes(s Settings) []manifest.Map {
	if !s.TLS {
		return nil
	}
	authority := manifest.Map{{Key: "name", Value: sidecar.Authority}, {Key: "configMap", Value: manifest.Map{{Key: "name", Value: sidecar.Authority}}}}
	if !fillsBundle(slices.Concat(s.Containers, s.InitContainers)) { // a pod with a mount and no volume is refused
		return []manifest.Map{authority}
	}

	return []manifest.Map{authority, {{Key: "name", Value: bundleVolume}, {Key: "emptyDir", Value: manifest.Map{}}}}
}

// sidecars returns the configured containers as a service's pods get them.
func (s Settings) sidecars(svc Service) []manifest.Map {
	var out []manifest.Map
	tagged := false
	for _, c := range s.Containers {
		c = s.trimMounts(c)
		isSidecar := strings.EqualFold(c.String("name"), sidecar.Name) && !tagged
		if isSidecar {
			tagged = true
			c = withVariable(c, sidecar.VariableTags, func(string) string { return meshTag + "," + svc.Tag(s.Namespaced) })
		}

		switch {
		case s.TLS && fillsBundle(s.InitContainers):
			if !mounts(c, bundleVolume) {
				c = withMount(c, bundleMount())
			}
		case s.TLS && isSidecar:
			c = withMount(c, sidecar.AuthorityMount())
			c = withVariable(c, sidecar.VariableTrust, func(now string) string {
				if now == "" {
					return sidecar.TrustedFolders
				}
				return now + ":" + sidecar.AuthorityPath
			})
		}

		out = append(out, c)
	}

	return out
}

// initContainers returns the configured init containers as pods get them.
func (s Settings) initContainers() []manifest.Map {
	var out []manifest.Map
	for _, c := range s.InitContainers {
		out = append(out, s.trimMounts(c))
	}
	return out
}

// trimMounts leaves out mounts of the volumes that exist only with TLS: the API server rejects a
// pod with a mount of a missing volume.
func (s Settings) trimMounts(c manifest.Map) manifest.Map {
	if s.TLS || !mounts(c, sidecar.Authority) && !mounts(c, bundleVolume) {
		return c
	}

	var kept manifest.List
	for _, m := range c.List("volumeMounts") {
		if !isMount(m, sidecar.Authority) && !isMount(m, bundleVolume) {
			kept = append(kept, m)
		}
	}

	if len(kept) == 0 {
		return c.Without("volumeMounts")
	}

	return c.With("volumeMounts", kept)
}

func bundleMount() manifest.Map {
	return manifest.Map{{Key: "name", Value: bundleVolume}, {Key: "mountPath", Value: sidecar.UsualFolder}}
}

func withMount(c, mount manifest.Map) manifest.Map {
	return c.With("volumeMounts", append(slices.Clip(c.List("volumeMounts")), mount))
}

// withVariable sets an environment variable of a container: in its place where the container has
// it, else at the end.
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
