package live

import (
	"errors"
	"strings"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// cluster holds the objects of the input that have a part in the mesh.
type cluster struct {
	facts     *kube.Facts // pods and Services
	workloads []*workload // of the mesh, in the order of the input
	byPods    map[*kube.Pods]*workload
	dashboard int // workloads of a mesh with a Dashboard

	configs map[object]*configMap // of the mesh
	secrets map[object]*secret    // of the mesh
	used    map[kube.Ref]bool     // the ConfigMaps and Secrets of pod templates, but for those of earlier revisions
	rolls   map[standalone.Service]bool

	earlier  map[kube.Ref][]kube.Ref // those of earlier revisions without pods, with the workloads of these
	rollouts map[kube.Ref]bool       // workloads; true while pods of an earlier revision may run

	injected map[*kube.Service]bool // Services that inject has put on the mesh
	emitted  map[*kube.Service]bool // Services that inject has added
	policies []object               // NetworkPolicies that inject has added

	hosts     map[string]bool      // that sidecars answer for their own pods
	documents []*manifest.Document // of the workloads

	seen map[string]bool // kinds
	read map[kube.Ref]bool
}

// object names a ConfigMap or Secret.
type object struct{ namespace, name string }

// workload is a pod template of the mesh that makes pods: none of an earlier revision.
type workload struct {
	service standalone.Service
	title   string // "Deployment web"
	port    int    // of the sidecar
	pods    *kube.Pods
	mounts  mounts
}

// mounts are the objects that a sidecar mounts, by their names.
type mounts struct {
	config      string
	certificate string
	key         string // of the certificate in its Secret
	token       string
}

// configMap is a ConfigMap with the definitions of a sidecar.
type configMap struct{ files map[string]string }

// secret is a Secret of the mesh. Its values are in base64, as they stand in the object.
type secret struct {
	data    map[string]string
	managed bool   // tykmesh made it
	issues  string // the Certificate of cert-manager that makes it
}

// collect reads the documents, and returns those that cannot be parsed.
func collect(docs []*manifest.Document) (*cluster, []Unparsed) {
	var unreadable []Unparsed
	c := &cluster{
		facts: kube.NewFacts(kube.Reader{}), byPods: make(map[*kube.Pods]*workload), configs: make(map[object]*configMap), secrets: make(map[object]*secret),
		used: make(map[kube.Ref]bool), rolls: make(map[standalone.Service]bool),
		earlier: make(map[kube.Ref][]kube.Ref), rollouts: make(map[kube.Ref]bool),
		injected: make(map[*kube.Service]bool), emitted: make(map[*kube.Service]bool), hosts: make(map[string]bool), seen: make(map[string]bool), read: make(map[kube.Ref]bool),
	}
	for _, d := range docs {
		if c.addItems(d) {
			continue
		}

		objects, err := kube.Objects(d)
		if e := (*manifest.SyntaxError)(nil); errors.As(err, &e) {
			unreadable = append(unreadable, Unparsed{d.Number, e})
		}
		for _, o := range objects {
			c.add(o)
		}
		d.Forget()
	}

	return c, unreadable
}

// lacks returns the kinds of which the input holds no object.
func (c *cluster) lacks() (kinds []string) {
	for _, kind := range []string{"Service", "ConfigMap", "Secret"} {
		if !c.seen[kind] {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// add takes an object in. Of an object that comes twice the first counts.
func (c *cluster) add(o kube.Object) {
	m := o.Meta("")
	core := o.Group() == ""
	ref := kube.Ref{Kind: o.Group() + "/" + m.Kind, Namespace: m.Namespace, Name: m.Name}
	if c.read[ref] || m.Name == "" {
		return
	}

	c.read[ref], c.seen[m.Kind] = true, true

	switch {
	case core && m.Kind == "ConfigMap":
		c.addConfigMap(o, m)
	case core && m.Kind == "Secret":
		c.addSecret(o, m)
	case o.IsService():
		s := c.facts.AddService(o)
		c.injected[s] = o.Node.Get("metadata", "annotations", statusAnnotation).Text() == "injected"
		c.emitted[s] = isEmitted(o)
	case m.Kind == "NetworkPolicy":
		if standalone.IsSecretName(m.Name) && isEmitted(o) {
			c.policies = append(c.policies, object{m.Namespace, m.Name})
		}
	default:
		for _, t := range o.Templates(revisions) {
			c.addTemplate(o, m, t)
		}
	}
}

// The annotations of inject: of an injected Service, and of an object that it has added.
const (
	statusAnnotation  = "injector.tyk.io/status"
	emittedAnnotation = "injector.tyk.io/emitted"
)

// isEmitted reports whether inject has added an object.
func isEmitted(o kube.Object) bool {
	meta := o.Node.Get("metadata")
	return meta.Get("annotations", emittedAnnotation) != nil && meta.Get("labels", standalone.ManagedBy).Text() == standalone.Manager
}

// revisions are where the kinds of earlier revisions keep a pod template (Kubernetes API reference,
// ControllerRevision).
var revisions = []kube.PodTemplate{{Group: "apps", Kind: "ControllerRevision", Path: []string{"data", "spec", "template"}}}

func (c *cluster) addConfigMap(o kube.Object, m *kube.Meta) {
	if standalone.IsConfigMapName(m.Name) {
		c.configs[object{m.Namespace, m.Name}] = &configMap{textsOf(o.Node.Get("data"))}
	}
}

func (c *cluster) addSecret(o kube.Object, m *kube.Meta) {
	if !isSecretName(m.Name) {
		return // and nothing of it is kept
	}

	meta := o.Node.Get("metadata")
	c.secrets[object{m.Namespace, m.Name}] = &secret{
		data:    textsOf(o.Node.Get("data")),
		managed: meta.Get("labels", standalone.ManagedBy).Text() == standalone.Manager,
		issues:  kube.Text(meta.Get("annotations", "cert-manager.io/certificate-name")),
	}
}

// isSecretName reports whether a Secret of a service may have a name: that of its certificate, or
// that of its token.
func isSecretName(name string) bool {
	return standalone.IsSecretName(name) || isTokenName(name)
}

// isTokenName reports whether the Secret of a service's token may have a name.
func isTokenName(name string) bool {
	app, ok := strings.CutSuffix(name, standalone.TokenSecretName(standalone.Service{}))
	return ok && app != ""
}

// textsOf returns the texts of a mapping; nil where there is no mapping.
func textsOf(n *manifest.Node) map[string]string {
	if n.IsNull() {
		return nil
	}

	texts := make(map[string]string)
	for k, v := range n.Entries() {
		texts[kube.Text(k)] = kube.Text(v)
	}

	return texts
}

// addTemplate takes a pod template in.
func (c *cluster) addTemplate(o kube.Object, m *kube.Meta, t kube.Template) {
	spec := t.Get("spec")
	c.use(o, m, spec)
	if isOwned(o.Node.Get("metadata")) {
		return // by the workload that counts: a ReplicaSet or a Pod of a Deployment, a Job of a CronJob
	}

	pods := c.facts.AddPods(o, t)
	gateway := sidecarOf(spec)
	if gateway == nil {
		return
	}

	w := &workload{title: m.Kind + " " + m.Name, pods: pods, mounts: mountsOf(spec, gateway), port: portOf(gateway)}
	if w.mounts.config == "" {
		c.dashboard++
		return
	}

	w.service = standalone.Service{Namespace: m.Namespace, App: appOf(w.mounts.config)}
	c.workloads = append(c.workloads, w)
	c.byPods[pods] = w
	c.noteCaller(o, spec)
	c.rolls[w.service] = c.rolls[w.service] || isRolling(o.Node)
}

// noteCaller keeps the document of a workload, and the hosts of the mesh, which its pods know by an
// alias.
func (c *cluster) noteCaller(o kube.Object, spec *manifest.Node) {
	if n := len(c.documents); n == 0 || c.documents[n-1] != o.Document {
		c.documents = append(c.documents, o.Document)
	}

	for _, alias := range spec.Get("hostAliases").Items() {
		for _, name := range alias.Get("hostnames").Items() {
			c.hosts[kube.Text(name)] = true
		}
	}
}

// sidecarOf returns the sidecar's container; nil where the pod has none.
func sidecarOf(spec *manifest.Node) *manifest.Node {
	for c := range kube.Containers(spec) {
		if c.Get("name").Text() == sidecar.Name {
			return c
		}
	}
	return nil
}

// mountsOf returns the objects that a sidecar mounts. Paths identify them: names of volumes are
// anything.
func mountsOf(spec, gateway *manifest.Node) (m mounts) {
	volumes := make(map[string]*manifest.Node)
	for _, v := range spec.Get("volumes").Items() {
		volumes[v.Get("name").Text()] = v
	}

	for _, mount := range gateway.Get("volumeMounts").Items() {
		v := volumes[mount.Get("name").Text()]
		switch mount.Get("mountPath").Text() {
		case standalone.ConfigPath:
			m.config = kube.Text(v.Get("configMap", "name"))
		case standalone.CertificatePath:
			m.certificate, m.key = kube.Text(v.Get("secret", "secretName")), standalone.CertificateFile
			for _, item := range v.Get("secret", "items").Items() {
				if item.Get("path").Text() == standalone.CertificateFile {
					m.key = kube.Text(item.Get("key"))
				}
			}
		case standalone.TokenPath:
			m.token = kube.Text(v.Get("secret", "secretName"))
		}
	}

	return m
}

// portOf returns the port on which a sidecar listens; 0 if its container does not say.
func portOf(gateway *manifest.Node) int {
	for _, p := range gateway.Get("ports").Items() {
		if p.Get("name").Text() == sidecar.PortName {
			n, _ := p.Get("containerPort").Int()
			return int(n)
		}
	}
	return 0
}

// appOf returns the app in the name of a ConfigMap; the name itself where it has another form.
func appOf(name string) string {
	if !standalone.IsConfigMapName(name) {
		return name
	}
	name = name[:len(name)-standalone.HashLength-len("-")]

	return strings.TrimSuffix(name, standalone.SecretName(standalone.Service{}))
}
