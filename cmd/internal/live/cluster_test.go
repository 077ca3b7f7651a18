package live_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/tykmesh/tykmesh/cmd/internal/live"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

const day = 24 * time.Hour

// authority is a CA.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-100 * day), NotAfter: now.Add(1000 * day),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	return &authority{sign(t, template, template, &key.PublicKey, key), key}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t testing.TB, template, parent *x509.Certificate, public *ecdsa.PublicKey, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}

	return c
}

func (a *authority) pem() string { return pemOf("CERTIFICATE", a.cert.Raw) }

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// issue returns a private key and a certificate for it, as cert-manager combines them.
func (a *authority) issue(t testing.TB, hosts []string, change func(*x509.Certificate)) string {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: hosts, NotBefore: now.Add(-10 * day), NotAfter: now.Add(80 * day),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(template)
	}

	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}

	return pemOf("PRIVATE KEY", der) + pemOf("CERTIFICATE", sign(t, template, a.cert, &key.PublicKey, a.key).Raw)
}

// token returns a token with claims, whatever they are.
func (c *cluster) token(t testing.TB, claims string) string {
	t.Helper()
	part := base64.RawURLEncoding.EncodeToString
	text := part([]byte(`{"alg":"ES256"}`)) + "." + part([]byte(claims))
	digest := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, c.tokenKey, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])

	return text + "." + part(signature)
}

func claims(subject string, begin, end time.Time) string {
	return fmt.Sprintf(`{"sub":%q,"iat":%d,"exp":%d}`, subject, begin.Unix(), end.Unix())
}

// cluster holds objects by "Kind namespace/name".
type cluster struct {
	ca       *authority
	tokenKey *ecdsa.PrivateKey
	mesh     standalone.Mesh
	objects  map[string]any
	managed  bool // kubectl shows managed fields
}

// newCluster returns a mesh with mutual TLS and tokens, of two services that can call each other.
func newCluster(t testing.TB) *cluster {
	t.Helper()
	c := &cluster{ca: newAuthority(t, "mesh CA"), tokenKey: newKey(t), objects: make(map[string]any)}
	public, err := x509.MarshalPKIXPublicKey(&c.tokenKey.PublicKey)
	if err != nil {
		t.Fatal(err)
	}

	c.mesh = standalone.Mesh{
		Hosts: []string{"mesh", "mesh.local"}, Port: 8080, TLS: true, Certificates: true, Mutual: true,
		Authorities: []string{c.ca.pem()}, TokenKey: pemOf("PUBLIC KEY", public),
	}
	c.add(t, standalone.Pod{Service: standalone.Service{Namespace: "shop", App: "cart"}, Allow: []standalone.Service{{Namespace: "shop", App: "web"}, {Namespace: "pay", App: "api"}}})
	c.add(t, standalone.Pod{Service: standalone.Service{Namespace: "shop", App: "web"}})

	return c
}

// add adds all objects of a service: a Deployment and a Service of its name, its ConfigMap and its
// Secrets.
func (c *cluster) add(t testing.TB, p standalone.Pod) {
	t.Helper()
	svc := p.Service
	p.Listen, p.Target = c.mesh.Port, "http://127.0.0.1:3000"
	config := c.mesh.Config(p)
	c.put(c.deployment(svc, standalone.ConfigMapName(svc, config.Hash)))
	c.put(service(svc.Namespace, svc.App, svc.App))
	c.putConfigMap(svc, config)

	hosts := standalone.Hosts([]string{svc.App}, svc.Namespace, c.mesh.Hosts)
	c.putSecret(svc.Namespace, standalone.SecretName(svc), "tls.pem", c.ca.issue(t, hosts, nil))
	c.putSecret(svc.Namespace, standalone.TokenSecretName(svc), "token", c.token(t, claims(svc.Subject(), now.Add(-day), now.Add(80*day))))
}

func (c *cluster) put(o metav1.Object) {
	o.SetResourceVersion("123")
	o.SetUID("00000000-0000-0000-0000-000000000000")
	o.SetCreationTimestamp(metav1.NewTime(now))
	annotations := maps.Clone(o.GetAnnotations())
	if annotations == nil {
		annotations = make(map[string]string)
	}
	annotations[corev1.LastAppliedConfigAnnotation] = "{\"kind\":\"Service\",\"metadata\":{\"name\":\"other\"}}\n"
	o.SetAnnotations(annotations)
	c.objects[keyOf(o)] = o
}

func keyOf(o any) string {
	meta := o.(metav1.Object)
	kind := strings.TrimPrefix(fmt.Sprintf("%T", o), "*v1.")
	return kind + " " + meta.GetNamespace() + "/" + meta.GetName()
}

// get returns an object to be changed.
func get[T any](t testing.TB, c *cluster, key string) *T {
	t.Helper()
	o, ok := c.objects[key].(*T)
	if !ok {
		t.Fatalf("there is no %s among %v", key, slices.Sorted(maps.Keys(c.objects)))
	}
	return o
}

func meta(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, Generation: 2}
}

// deployment returns a Deployment as inject leaves it.
func (c *cluster) deployment(svc standalone.Service, config string) *appsv1.Deployment {
	gateway := corev1.Container{
		Name: sidecar.Name, Ports: []corev1.ContainerPort{{Name: sidecar.PortName, ContainerPort: int32(c.mesh.Port)}},
		VolumeMounts: []corev1.VolumeMount{
			{Name: "a", MountPath: standalone.ConfigPath}, {Name: "b", MountPath: standalone.CertificatePath}, {Name: "c", MountPath: standalone.TokenPath},
		},
	}
	volumes := []corev1.Volume{
		{Name: "a", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: config}}}},
		{Name: "b", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: standalone.SecretName(svc), Items: []corev1.KeyToPath{{Key: c.mesh.SecretKey(), Path: "tls.pem"}}}}},
		{Name: "c", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: standalone.TokenSecretName(svc)}}},
	}

	d := &appsv1.Deployment{TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}, ObjectMeta: meta(svc.Namespace, svc.App)}
	d.Spec.Template = corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": svc.App}, Annotations: map[string]string{"injector.tyk.io/status": "injected"}},
		Spec: corev1.PodSpec{
			Containers: []corev1.Container{{Name: "app", Ports: []corev1.ContainerPort{{ContainerPort: 3000}}}, gateway}, Volumes: volumes,
		},
	}
	d.Status = appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 3, UpdatedReplicas: 3}

	return d
}

// putReplicaSet adds the ReplicaSet of an earlier revision.
func (c *cluster) putReplicaSet(svc standalone.Service, hash string) {
	d, yes := c.deployment(svc, standalone.ConfigMapName(svc, hash)), true
	r := &appsv1.ReplicaSet{TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "ReplicaSet"}, ObjectMeta: meta(svc.Namespace, svc.App+"-1")}
	r.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: svc.App, Controller: &yes}}
	r.Spec.Template, r.Spec.Replicas = d.Spec.Template, new(int32)
	c.put(r)
}

// leave takes a service off the mesh, as kubectl apply of the output of uninject does: the objects
// that inject has added stay, and the ReplicaSet of the last revision.
func (c *cluster) leave(t testing.TB, svc standalone.Service) {
	t.Helper()
	config := c.config(t, svc)
	c.putReplicaSet(svc, strings.TrimPrefix(config.Name, standalone.SecretName(svc)+"-"))
	template := &get[appsv1.Deployment](t, c, "Deployment "+svc.Namespace+"/"+svc.App).Spec.Template.Spec
	template.Containers, template.Volumes = template.Containers[:1], nil
	s := get[corev1.Service](t, c, "Service "+svc.Namespace+"/"+svc.App)
	s.Spec.Ports, s.Annotations = s.Spec.Ports[:1], nil

	p := &networkingv1.NetworkPolicy{TypeMeta: metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"}, ObjectMeta: meta(svc.Namespace, standalone.SecretName(svc))}
	for _, o := range []metav1.Object{p, service(svc.Namespace, "front", svc.App)} {
		o.SetLabels(map[string]string{standalone.ManagedBy: standalone.Manager})
		o.SetAnnotations(map[string]string{"injector.tyk.io/emitted": "yes"})
		c.put(o)
	}
}

// service returns a Service as inject leaves it.
func service(namespace, name, app string) *corev1.Service {
	s := &corev1.Service{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}, ObjectMeta: meta(namespace, name)}
	s.Annotations = map[string]string{"injector.tyk.io/status": "injected"}
	s.Spec.Selector = map[string]string{"app": app}
	s.Spec.Ports = []corev1.ServicePort{
		{Name: "http", Port: 80, TargetPort: intstr.FromInt32(3000), Protocol: "TCP"},
		{Name: "tyk-sidecar", Port: 8080, TargetPort: intstr.FromInt32(8080), Protocol: "TCP"},
	}

	return s
}

func (c *cluster) putConfigMap(svc standalone.Service, config standalone.Config) {
	m := &corev1.ConfigMap{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: meta(svc.Namespace, standalone.ConfigMapName(svc, config.Hash)), Data: make(map[string]string)}
	for _, f := range config.Files {
		m.Data[f.Key()] = f.Text
	}
	c.put(m)
}

func (c *cluster) putSecret(namespace, name, key, value string) *corev1.Secret {
	s := &corev1.Secret{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: meta(namespace, name), Data: map[string][]byte{key: []byte(value)}, Type: "Opaque"}
	s.Labels = map[string]string{standalone.ManagedBy: standalone.Manager}
	c.put(s)
	return s
}

// config returns the only ConfigMap of a service.
func (c *cluster) config(t testing.TB, svc standalone.Service) *corev1.ConfigMap {
	t.Helper()
	for key, o := range c.objects {
		if strings.HasPrefix(key, "ConfigMap "+svc.Namespace+"/"+standalone.SecretName(svc)+"-") {
			return o.(*corev1.ConfigMap)
		}
	}
	t.Fatalf("%v has no ConfigMap", svc)

	return nil
}

// without deletes the objects of a kind.
func (c *cluster) without(kind string) {
	maps.DeleteFunc(c.objects, func(key string, _ any) bool { return strings.HasPrefix(key, kind+" ") })
}

// print prints the objects as kubectl get -o yaml does, or with -o json.
func (c *cluster) print(t testing.TB, asJSON bool) []byte {
	t.Helper()
	var items []any
	for _, key := range slices.Sorted(maps.Keys(c.objects)) {
		o := c.objects[key].(metav1.Object)
		o.SetManagedFields(nil)
		if c.managed {
			o.SetManagedFields([]metav1.ManagedFieldsEntry{{
				Manager: "kubectl-client-side-apply", Operation: "Update", APIVersion: "v1", FieldsType: "FieldsV1",
				FieldsV1: &metav1.FieldsV1{Raw: []byte(`{"f:metadata":{"f:annotations":{".":{}}}}`)},
			}})
		}
		items = append(items, o)
	}

	list := map[string]any{"apiVersion": "v1", "items": items, "kind": "List", "metadata": map[string]any{"resourceVersion": ""}}
	text, err := json.MarshalIndent(list, "", "    ")
	if err == nil && !asJSON {
		text, err = yaml.JSONToYAML(text)
	}
	if err != nil {
		t.Fatal(err)
	}

	return text
}

// read returns the state of the mesh, which is the same in each form in which kubectl prints.
func (c *cluster) read(t testing.TB) *live.Mesh {
	t.Helper()
	text := c.print(t, false)
	m, unreadable := live.Read(manifest.Split("live.yaml", text), now)
	if len(unreadable) > 0 {
		t.Fatal(unreadable[0].Err)
	}

	forms := map[string][]byte{"JSON": c.print(t, true), "parsed as a whole": slices.Concat([]byte("# a comment\n"), text), "twice": slices.Concat(text, []byte("---\n"), text)}
	c.managed = true
	forms["with managed fields"] = c.print(t, false)
	for name, form := range forms {
		other, _ := live.Read(manifest.Split("live.yaml", form), now)
		if diff := cmp.Diff(m, other, cmpopts.IgnoreUnexported(live.Service{}, live.Mesh{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}

	return m
}
