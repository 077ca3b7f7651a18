package pki_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/pki"
)

// objects are the manifests of a CA, decoded without mercy for fields that Kubernetes does not
// know.
type objects struct {
	secrets    map[string]corev1.Secret    // by namespace/name
	configMaps map[string]corev1.ConfigMap //
	deployment appsv1.Deployment
	service    corev1.Service
	policy     networkingv1.NetworkPolicy
}

func decode(t *testing.T, s pki.Setup) objects {
	t.Helper()
	o := objects{secrets: map[string]corev1.Secret{}, configMaps: map[string]corev1.ConfigMap{}}
	for _, f := range s.Files {
		if !strings.HasPrefix(f.Name, pki.Manifests+"/") {
			continue
		}

		for text := range strings.SplitSeq(string(f.Text), "\n---\n") {
			if err := o.add([]byte(text)); err != nil {
				t.Fatalf("%s: %v\n", f.Name, err)
			}
		}
	}

	return o
}

func (o *objects) add(text []byte) error {
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal(text, &kind); err != nil {
		return err
	}

	switch kind.APIVersion + " " + kind.Kind {
	case "v1 Secret":
		var s corev1.Secret
		err := yaml.UnmarshalStrict(text, &s)
		o.secrets[s.Namespace+"/"+s.Name] = s
		return err
	case "v1 ConfigMap":
		var c corev1.ConfigMap
		err := yaml.UnmarshalStrict(text, &c)
		o.configMaps[c.Namespace+"/"+c.Name] = c
		return err
	case "apps/v1 Deployment":
		return yaml.UnmarshalStrict(text, &o.deployment)
	case "v1 Service":
		return yaml.UnmarshalStrict(text, &o.service)
	case "networking.k8s.io/v1 NetworkPolicy":
		return yaml.UnmarshalStrict(text, &o.policy)
	}

	return fmt.Errorf("a %s %s", kind.APIVersion, kind.Kind)
}

// checkManifests makes sure that what refers to something finds it.
func checkManifests(t *testing.T, s pki.Setup, serving pki.Serving) {
	t.Helper()
	o := decode(t, s)

	in := serving.Namespace + "/"
	for what, pair := range map[string][2][]byte{
		"ca-key-pem":     {o.secrets[in+"ca-key-pem"].Data["ca-key.pem"], file(t, s, pki.KeyFile)},
		"config-ca-json": {o.secrets[in+"config-ca-json"].Data["config_ca.json"], file(t, s, pki.ConfigFile)},
		"cfssl-key":      {append(o.secrets[in+"cfssl-key"].Data["key"], '\n'), file(t, s, pki.AuthKeyFile)},
		"cfssl-ca-pem":   {[]byte(o.configMaps[in+"cfssl-ca-pem"].Data["ca.pem"]), file(t, s, pki.CertFile)},
		"ca-pem":         {[]byte(o.configMaps[in+"ca-pem"].Data["ca.pem"]), file(t, s, pki.BundleFile)},
	} {
		if string(pair[0]) != string(pair[1]) {
			t.Errorf("%s is not what the file holds", what)
		}
	}

	for name, secret := range o.secrets { // these three, with one key each: the root's key is in none of them
		if len(o.secrets) != 3 || len(secret.Data) != 1 {
			t.Errorf("%d Secrets, %d keys in %s", len(o.secrets), len(secret.Data), name)
		}
	}

	checkDeployment(t, o, serving)
	checkNetwork(t, o)
}

func checkDeployment(t *testing.T, o objects, serving pki.Serving) {
	t.Helper()
	d := o.deployment
	pod := d.Spec.Template.Spec

	c := pod.Containers[0]
	if d.Namespace != serving.Namespace || c.Image != serving.Image || len(d.Spec.Template.Annotations["tykmesh/ca-hash"]) != 64 {
		t.Errorf("namespace %s, image %s, annotations %v", d.Namespace, c.Image, d.Spec.Template.Annotations)
	}

	paths := mounted(t, o)
	for _, flag := range []string{"-ca=", "-ca-key=", "-config="} {
		i := slices.IndexFunc(c.Args, func(arg string) bool { return strings.HasPrefix(arg, flag) })
		if i < 0 || paths[strings.TrimPrefix(c.Args[i], flag)] == "" {
			t.Errorf("%s names nothing that is mounted: %q, %v", flag, c.Args, paths)
		}
	}

	for _, probe := range []*corev1.Probe{c.StartupProbe, c.ReadinessProbe, c.LivenessProbe} {
		if probe == nil || probe.HTTPGet.Port.StrVal != c.Ports[0].Name || probe.HTTPGet.Path != "/api/v1/cfssl/health" {
			t.Errorf("probe %v", probe)
		}
	}

	if c.Ports[0].ContainerPort != pki.Port || !slices.Contains(c.Args, fmt.Sprintf("-port=%d", pki.Port)) {
		t.Errorf("port %d, arguments %q", c.Ports[0].ContainerPort, c.Args)
	}

	for _, endpoint := range []string{"sign", "newcert", "newkey", "init_ca"} { // make test-cfssl asks CFSSL itself, for all
		if !slices.Contains(c.Args, "-disable="+ca.Disabled) || !slices.Contains(strings.Split(ca.Disabled, ","), endpoint) {
			t.Errorf("%s is open to anybody: %q", endpoint, c.Args)
		}
	}

	// Pod Security Standards, level "restricted".
	sc, psc := c.SecurityContext, pod.SecurityContext
	if *psc.RunAsNonRoot != true || *psc.RunAsUser == 0 || psc.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault ||
		*sc.AllowPrivilegeEscalation || !*sc.ReadOnlyRootFilesystem || !slices.Equal(sc.Capabilities.Drop, []corev1.Capability{"ALL"}) ||
		*pod.AutomountServiceAccountToken || psc.FSGroup == nil {
		t.Errorf("security: %v, %v", psc, sc)
	}

	for _, list := range []corev1.ResourceList{c.Resources.Requests, c.Resources.Limits} {
		if list.Cpu().IsZero() || list.Memory().IsZero() {
			t.Errorf("resources: %v", list)
		}
	}
}

// mounted returns the files that the container sees, by path.
func mounted(t *testing.T, o objects) map[string]string {
	t.Helper()
	pod, in := o.deployment.Spec.Template.Spec, o.deployment.Namespace+"/"

	found := map[string]string{}
	for _, m := range pod.Containers[0].VolumeMounts {
		i := slices.IndexFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name })
		if i < 0 || !m.ReadOnly {
			t.Fatalf("mount %v", m)
		}

		volume := pod.Volumes[i].Projected
		if *volume.DefaultMode != 0o440 {
			t.Errorf("mode %o", *volume.DefaultMode)
		}

		for _, source := range volume.Sources {
			switch {
			case source.Secret != nil:
				for name, text := range o.secrets[in+source.Secret.Name].Data {
					found[m.MountPath+"/"+name] = string(text)
				}
			case source.ConfigMap != nil:
				for name, text := range o.configMaps[in+source.ConfigMap.Name].Data {
					found[m.MountPath+"/"+name] = text
				}
			}
		}
	}

	return found
}

func checkNetwork(t *testing.T, o objects) {
	t.Helper()
	labels := o.deployment.Spec.Template.Labels
	for what, selector := range map[string]map[string]string{
		"Deployment": o.deployment.Spec.Selector.MatchLabels, "Service": o.service.Spec.Selector, "NetworkPolicy": o.policy.Spec.PodSelector.MatchLabels,
	} {
		for key, value := range selector {
			if labels[key] != value {
				t.Errorf("the selector of the %s does not match", what)
			}
		}

		if len(selector) == 0 {
			t.Errorf("the selector of the %s is empty", what)
		}
	}

	port := o.service.Spec.Ports[0]
	if o.service.Name != pki.Service || o.service.Namespace != o.deployment.Namespace || port.Port != pki.Port ||
		port.TargetPort.StrVal != o.deployment.Spec.Template.Spec.Containers[0].Ports[0].Name {
		t.Errorf("Service %s/%s: %v", o.service.Namespace, o.service.Name, port)
	}

	rules := o.policy.Spec
	if !slices.Equal(rules.PolicyTypes, []networkingv1.PolicyType{"Ingress", "Egress"}) || len(rules.Egress) != 0 || len(rules.Ingress) != 1 ||
		rules.Ingress[0].Ports[0].Port.IntValue() != pki.Port || o.policy.Namespace != o.deployment.Namespace {
		t.Errorf("NetworkPolicy: %v", rules)
	}
}

// CFSSL is in its namespace, each namespace of the mesh gets what its pods are to trust, and the
// namespaces that were named may ask CFSSL.
func TestNamespaces(t *testing.T) {
	for _, test := range []struct {
		mesh, allow     []string
		trust, entrance string
	}{
		{trust: "pki", entrance: "own"},
		{mesh: []string{"shop", "web", "shop"}, allow: []string{"web", "ci"}, trust: "shop web", entrance: "ci web"},
		{mesh: []string{"pki", "shop"}, allow: []string{"pki", "ci"}, trust: "pki shop", entrance: "ci own"},
	} {
		o := decode(t, setUp(t, intermediate, func(o *pki.Options) {
			o.Serving.Namespace, o.Serving.MeshNamespaces, o.Serving.AllowNamespaces = "pki", test.mesh, test.allow
		}))
		var trust, entrance []string
		for _, c := range o.configMaps {
			if c.Name == "ca-pem" {
				trust = append(trust, c.Namespace)
			}
		}

		slices.Sort(trust)
		for _, from := range o.policy.Spec.Ingress[0].From {
			switch {
			case from.NamespaceSelector == nil && from.PodSelector != nil && len(from.PodSelector.MatchLabels) == 0:
				entrance = append(entrance, "own")
			case from.PodSelector == nil:
				entrance = append(entrance, from.NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"])
			}
		}

		if got := strings.Join(trust, " "); got != test.trust {
			t.Errorf("%v: ca-pem is in %s, want %s", test.mesh, got, test.trust)
		}

		if got := strings.Join(entrance, " "); got != test.entrance {
			t.Errorf("%v: %s may enter, want %s", test.allow, got, test.entrance)
		}

		for key := range o.secrets {
			if !strings.HasPrefix(key, "pki/") {
				t.Errorf("a secret is in %s", key)
			}
		}
	}
}

// A pod is replaced when its CA is, and when its configuration is: here for the same CA, brought
// twice, with another key.
func TestHash(t *testing.T) {
	hash := func(s pki.Setup) string { return decode(t, s).deployment.Spec.Template.Annotations["tykmesh/ca-hash"] }
	made := setUp(t)
	seen := map[string]bool{hash(made): true, hash(setUp(t)): true}

	dir := folder(t, map[string][]byte{"ca.pem": file(t, made, pki.CertFile), "ca-key.pem": file(t, made, pki.KeyFile)})
	for range 2 {
		s, err := pki.Bring(dir, options())
		if err != nil {
			t.Fatal(err)
		}
		seen[hash(s)] = true
	}

	if len(seen) != 4 {
		t.Errorf("%d of 4 hashes differ", len(seen))
	}
}
