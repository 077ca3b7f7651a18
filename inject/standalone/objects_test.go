package standalone_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"

	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// decode reads an object as inject prints it, strictly.
func decode[T any](t *testing.T, o standalone.Object) T {
	t.Helper()
	var into T
	if err := yaml.UnmarshalStrict([]byte(manifest.Block(o)), &into); err != nil {
		t.Fatalf("%v\n%s", err, manifest.Block(o))
	}
	return into
}

func TestConfigMap(t *testing.T) {
	for name, change := range cases() {
		m, p := usual(), echo()
		change(&m, &p)
		c := m.Config(p)
		o := decode[corev1.ConfigMap](t, m.ConfigMap(p.Service, c))

		if o.Kind != "ConfigMap" || o.APIVersion != "v1" || o.Name != standalone.ConfigMapName(p.Service, c.Hash) || o.Immutable == nil || !*o.Immutable {
			t.Errorf("%s: %+v", name, o.ObjectMeta)
		}
		if !standalone.IsConfigMapName(o.Name) || standalone.IsConfigMapName(o.Name+"0") || standalone.IsConfigMapName(standalone.SecretName(p.Service)) {
			t.Errorf("%s: the name %s is not known again", name, o.Name)
		}

		want := map[string]string{}
		var paths []string
		for _, f := range c.Files {
			want[f.Key()] = f.Text
			paths = append(paths, f.Path)
			if errs := validation.IsConfigMapKey(f.Key()); len(errs) > 0 {
				t.Errorf("%s: key %s: %v", name, f.Key(), errs)
			}
		}
		if diff := cmp.Diff(want, o.Data); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
		paths = slices.DeleteFunc(paths, func(path string) bool { return path == standalone.TrustFile }) // which other containers mount
		if diff := cmp.Diff(m.Paths(p.Allow != nil), paths); diff != "" || !slices.IsSorted(paths) {
			t.Errorf("%s: paths: -want +got:\n%s", name, diff)
		}
	}
}

// TestFilesAreThere follows the paths in the definitions: each is a file of the pod.
func TestFilesAreThere(t *testing.T) {
	for name, change := range cases() {
		m, p := usual(), echo()
		change(&m, &p)
		c := m.Config(p)
		there := []string{standalone.CertificatePath + "/" + standalone.CertificateFile}
		for _, f := range c.Files {
			there = append(there, standalone.ConfigPath+"/"+f.Path)
		}

		for path, d := range definitions(t, c) {
			var named []any
			for _, key := range []string{"certificates", "client_certificates"} {
				files, _ := d[key].([]any)
				named = append(named, files...)
			}
			for _, f := range named {
				if !slices.Contains(there, f.(string)) {
					t.Errorf("%s, %s: no file %s", name, path, f)
				}
			}
			if isSecure := d["protocol"] == "https"; isSecure != (d["certificates"] != nil) {
				t.Errorf("%s, %s: https without a certificate, or the reverse", name, path)
			}
		}
	}
}

func TestCertificate(t *testing.T) {
	m := usual()
	m.Issuer = &standalone.IssuerRef{Name: "mesh", Kind: "ClusterIssuer"}
	hosts := standalone.Hosts([]string{"web", "echo", "web"}, "shop", m.Hosts)
	if diff := cmp.Diff([]string{"echo.shop.svc", "localhost", "mesh", "mesh.local", "web.shop.svc"}, hosts); diff != "" {
		t.Errorf("hosts: -want +got:\n%s", diff)
	}

	text, err := json.Marshal(m.Certificate(standalone.Service{Namespace: "shop", App: "echo"}, hosts))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"apiVersion":"cert-manager.io/v1","kind":"Certificate",` +
		`"metadata":{"name":"echo-tykmesh","labels":{"app.kubernetes.io/managed-by":"tykmesh"}},` +
		`"spec":{"secretName":"echo-tykmesh","dnsNames":["echo.shop.svc","localhost","mesh","mesh.local","web.shop.svc"],` +
		`"usages":["server auth","client auth"],"privateKey":{"algorithm":"ECDSA","size":256,"rotationPolicy":"Always"},` +
		`"additionalOutputFormats":[{"type":"CombinedPEM"}],"duration":"2160h","renewBefore":"720h",` +
		`"issuerRef":{"name":"mesh","kind":"ClusterIssuer"}}}`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestNetworkPolicy expects that a policy closes the mesh's ports, and no other.
func TestNetworkPolicy(t *testing.T) {
	selector := manifest.Map{{Key: "matchLabels", Value: manifest.Map{{Key: "app", Value: "echo"}}}}
	o := decode[networkingv1.NetworkPolicy](t, standalone.NetworkPolicy(echo().Service, selector))
	if o.Spec.PodSelector.MatchLabels["app"] != "echo" || !slices.Equal(o.Spec.PolicyTypes, []networkingv1.PolicyType{"Ingress"}) || len(o.Spec.Ingress) != 1 || o.Spec.Ingress[0].From != nil {
		t.Fatalf("%+v", o.Spec)
	}

	open := func(protocol corev1.Protocol, port int32) bool {
		return slices.ContainsFunc(o.Spec.Ingress[0].Ports, func(p networkingv1.NetworkPolicyPort) bool {
			return *p.Protocol == protocol && (p.Port == nil || p.Port.IntVal <= port && port <= *p.EndPort)
		})
	}
	for port := int32(1); port <= 65535; port++ {
		isMesh := port == standalone.HTTPPort || port == standalone.HTTPSPort || port == sidecar.ControlPort
		if open(corev1.ProtocolTCP, port) == isMesh || !open(corev1.ProtocolUDP, port) || !open(corev1.ProtocolSCTP, port) {
			t.Errorf("port %d", port)
		}
	}
}

func TestRouteService(t *testing.T) {
	ports := manifest.List{manifest.Map{{Key: "name", Value: "x"}, {Key: "port", Value: int64(8080)}, {Key: "targetPort", Value: "tyk-sidecar"}}}
	o := decode[corev1.Service](t, standalone.RouteService("pay", manifest.Map{{Key: "app", Value: "echo"}}, ports))
	if o.Name != "pay" || o.Spec.Selector["app"] != "echo" || len(o.Spec.Ports) != 1 || o.Spec.Ports[0].Port != 8080 || o.Spec.Ports[0].TargetPort.StrVal != "tyk-sidecar" {
		t.Errorf("%+v", o)
	}
}

func TestCheckTokenKey(t *testing.T) {
	const (
		p384 = "-----BEGIN PUBLIC KEY-----\n" +
			"MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEqofKIr6LBTeOscce8yCtdG4dO2KLp5uYWfdB4IJUKjhVAvJdv1UpbDpUXjhydgq3\n" +
			"NhfeSpYmLG9dnpi/kpLcKfj0Hb0omhR86doxE7XwuMAKYLHOHX6BnXpDHXyQ6g5f\n-----END PUBLIC KEY-----\n"
		ed25519 = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n"
	)
	for text, want := range map[string]string{
		tokenKey:            "",
		"\n" + tokenKey:     "",
		"":                  "not a public key in PEM",
		"CA\n":              "not a public key in PEM",
		tokenKey + tokenKey: "more than one key",
		p384:                "is not for ECDSA with the curve P-256",
		ed25519:             "is not for ECDSA with the curve P-256",
		strings.Replace(tokenKey, "MFkw", "MFkx", 1):          "not a public key: ",
		strings.ReplaceAll(tokenKey, "PUBLIC", "RSA PRIVATE"): "not a public key in PEM",
	} {
		err := standalone.CheckTokenKey(text)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, not %q", text, err, want)
		}
	}
}
