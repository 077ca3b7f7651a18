package sidecar

import (
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// volume is one of the sidecar's volumes.
type volume struct {
	name, path string // path is where the sidecar mounts it
	kind       string // configMap or secret
	object     string // the name of the ConfigMap or Secret
	items      []item // those of its keys that become files; none means all of them
}

// item is a key of a ConfigMap or Secret, and the path of its file in the volume.
type item struct{ key, path string }

// volumes returns the sidecar's volumes. That of the CA is also for the pod's own containers; only
// the sidecar mounts the others.
func (g Gateway) volumes() (all []volume) {
	if g.Files != nil {
		all = append(all, g.Files.definitions())
	}

	if g.TLS {
		authority := volume{name: Authority, path: AuthorityPath, kind: "configMap", object: Authority}
		if g.Files != nil {
			authority.object = g.Files.ConfigMap // no other objects of the namespace need to hold the CA
		}
		if len(g.Authorities) > 0 || g.Files != nil {
			authority.items = []item{{AuthorityKey, AuthorityKey}}
		}
		for _, name := range g.Authorities {
			authority.items = append(authority.items, item{AuthorityKey, name})
		}
		all = append(all, authority)
	}

	switch {
	case g.Files != nil:
		all = append(all, g.Files.secrets()...)
	case g.TLS:
		all = append(all, volume{name: certificate, path: certificatePath, kind: "secret", object: Secret, items: []item{{KeyCertificate, KeyCertificate}}})
	}

	return all
}

// definitions returns the volume of the ConfigMap, whose keys cannot have slashes (Kubernetes
// documentation, ConfigMaps).
func (f Files) definitions() volume {
	v := volume{name: definitions, path: standalone.ConfigPath, kind: "configMap", object: f.ConfigMap}
	for _, path := range f.Paths {
		v.items = append(v.items, item{strings.ReplaceAll(path, "/", "-"), path})
	}
	return v
}

// secrets returns the volumes of the certificate and of the token, as far as there are any. They
// are mounted as directories: a kubelet brings new content to the files of those, while the gateway
// runs.
func (f Files) secrets() (all []volume) {
	if f.Secret != "" {
		all = append(all, volume{name: certificate, path: standalone.CertificatePath, kind: "secret", object: f.Secret, items: []item{{f.Key, standalone.CertificateFile}}})
	}
	if f.TokenSecret != "" {
		all = append(all, volume{name: token, path: standalone.TokenPath, kind: "secret", object: f.TokenSecret, items: []item{{standalone.TokenFile, standalone.TokenFile}}})
	}
	return all
}

// mount returns the mount of the volume in the sidecar.
func (v volume) mount() manifest.Map {
	return manifest.Map{{Key: "name", Value: v.name}, {Key: "mountPath", Value: v.path}, {Key: "readOnly", Value: true}}
}

// value returns the volume of the pod.
func (v volume) value() manifest.Map {
	name := "name"
	if v.kind == "secret" {
		name = "secretName"
	}

	source := manifest.Map{{Key: name, Value: v.object}}
	if len(v.items) > 0 {
		var items manifest.List
		for _, i := range v.items {
			items = append(items, manifest.Map{{Key: "key", Value: i.key}, {Key: "path", Value: i.path}})
		}
		source = append(source, manifest.Entry{Key: "items", Value: items})
	}

	return manifest.Map{{Key: "name", Value: v.name}, {Key: v.kind, Value: source}}
}

func (g Gateway) mounts() (mounts manifest.List) {
	for _, v := range g.volumes() {
		mounts = append(mounts, v.mount())
	}
	return mounts
}

// Volumes returns the volumes that the sidecar and the pod's own containers mount. The CA is that
// of the mesh.
func (g Gateway) Volumes() (all []manifest.Map) {
	for _, v := range g.volumes() {
		all = append(all, v.value())
	}
	return all
}
