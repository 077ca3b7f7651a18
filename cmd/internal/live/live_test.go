package live_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/tykmesh/tykmesh/cmd/internal/live"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

var (
	cart = standalone.Service{Namespace: "shop", App: "cart"}
	web  = standalone.Service{Namespace: "shop", App: "web"}
)

// A faultless mesh is listed, without diagnostics.
func TestRead(t *testing.T) {
	c := newCluster(t)
	want := &live.Mesh{}
	for _, svc := range []standalone.Service{cart, web} {
		allow := []string{"*"}
		if svc == cart {
			allow = []string{"api.pay", "web.shop"}
		}
		want.Services = append(want.Services, &live.Service{
			Namespace: "shop", App: svc.App, Workloads: []string{"Deployment " + svc.App}, Routes: []string{svc.App}, Port: 8080,
			Configs: []live.Config{{Name: c.config(t, svc).Name, State: live.Present}}, TLS: live.TLSMutual, Allow: allow,
			Certificate: live.Certificate{
				Secret: svc.App + "-tykmesh", Key: "tls.pem", State: live.Present, NotBefore: now.Add(-10 * day), NotAfter: now.Add(80 * day),
				Hosts: standalone.Hosts([]string{svc.App}, "shop", c.mesh.Hosts), Issuer: "mesh CA",
			},
			Token: live.Token{Secret: svc.App + "-tykmesh-token", State: live.Present, Subject: svc.App + ".shop", Issued: now.Add(-day), Expires: now.Add(80 * day)},
		})
	}

	want.Authorities = []live.Authority{{Name: "mesh CA", NotBefore: now.Add(-100 * day), NotAfter: now.Add(1000 * day)}}

	ignore := cmp.Options{cmpopts.IgnoreUnexported(live.Service{}, live.Mesh{}), cmpopts.IgnoreFields(live.Certificate{}, "Fingerprint")}
	if diff := cmp.Diff(want, c.read(t), ignore); diff != "" {
		t.Error(diff)
	}

	m, _ := live.Read(manifest.Split("live.json", c.print(t, true)), now)
	if diff := cmp.Diff(want, m, ignore); diff != "" {
		t.Errorf("as JSON: %s", diff)
	}
}

// Each fault has one diagnostic, and each leftover is one orphan.
func TestDiagnostics(t *testing.T) {
	reissue := func(t *testing.T, c *cluster, change func(*x509.Certificate)) {
		c.putSecret("shop", "web-tykmesh", "tls.pem", c.ca.issue(t, []string{"mesh", "mesh.local", "web.shop.svc"}, change))
	}
	const none = ""

	for name, f := range map[string]struct {
		change func(*testing.T, *cluster)
		want   string // the diagnostic, then the orphans
	}{
		"nothing": {func(*testing.T, *cluster) {}, none},
		"ConfigMap missing": {func(t *testing.T, c *cluster) { delete(c.objects, keyOf(c.config(t, web))) },
			"error shop/web: ConfigMap HASH: it is missing: new pods of Deployment web cannot start; apply the output of tykmesh inject"},
		"ConfigMap edited": {func(t *testing.T, c *cluster) { c.config(t, web).Data["apis-inbound.json"] = "{" },
			"error shop/web: ConfigMap HASH: apis-inbound.json is not an API definition: unexpected end of JSON input; inject again, and apply the output"},
		"ConfigMap emptied": {func(t *testing.T, c *cluster) { c.config(t, web).Data = nil },
			"error shop/web: ConfigMap HASH: it has no apis-inbound.json; inject again, and apply the output"},

		"Secret missing": {func(_ *testing.T, c *cluster) { delete(c.objects, "Secret shop/web-tykmesh") },
			"error shop/web: Secret web-tykmesh: it is missing: handshakes with its sidecars fail; kubectl get deploy,sts,ds,svc,secret -A -o yaml | tykmesh certs secrets | kubectl apply -f -"},
		"Secret of cert-manager missing": {func(t *testing.T, c *cluster) {
			delete(c.objects, "Secret shop/web-tykmesh")
			get[appsv1.Deployment](t, c, "Deployment shop/web").Spec.Template.Spec.Volumes[1].Secret.Items[0].Key = "tls-combined.pem"
		}, "error shop/web: Secret web-tykmesh: it is missing: handshakes with its sidecars fail; kubectl describe certificate -n shop web-tykmesh"},
		"another key": {func(_ *testing.T, c *cluster) { c.putSecret("shop", "web-tykmesh", "tls.crt", "x") },
			"error shop/web: Secret web-tykmesh: it has no key tls.pem; kubectl get deploy,sts,ds,svc,secret -A -o yaml | tykmesh certs secrets | kubectl apply -f -"},
		"no PEM": {func(_ *testing.T, c *cluster) { c.putSecret("shop", "web-tykmesh", "tls.pem", "x") },
			"error shop/web: Secret web-tykmesh: tls.pem has no certificate in PEM form; kubectl get deploy,sts,ds,svc,secret -A -o yaml | tykmesh certs secrets | kubectl apply -f -"},
		"no private key": {func(t *testing.T, c *cluster) {
			s := get[corev1.Secret](t, c, "Secret shop/web-tykmesh")
			_, certificate, _ := strings.Cut(string(s.Data["tls.pem"]), "-----END PRIVATE KEY-----\n")
			s.Data["tls.pem"] = []byte(certificate)
		}, "error shop/web: Secret web-tykmesh: tls.pem has no private key beside the certificate; kubectl get deploy,sts,ds,svc,secret -A -o yaml | tykmesh certs secrets | kubectl apply -f -"},
		"without its data": {func(t *testing.T, c *cluster) { get[corev1.Secret](t, c, "Secret shop/web-tykmesh").Data = nil },
			"warning shop/web: Secret web-tykmesh: the input has none of its data, and its content is unknown; give the whole Secret to status"},

		"expired": {func(t *testing.T, c *cluster) {
			reissue(t, c, func(c *x509.Certificate) { c.NotAfter = now.Add(-day) })
		}, "error shop/web: Secret web-tykmesh: its certificate expired on 2026-03-03; kubectl get deploy,sts,ds,svc,secret -A -o yaml | tykmesh certs secrets | kubectl apply -f -"},
		"expires": {func(t *testing.T, c *cluster) {
			reissue(t, c, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = now.Add(-80*day), now.Add(10*day+time.Hour) })
		}, "warning shop/web: Secret web-tykmesh: its certificate expires in 10 days; tykmesh certs secrets -f FILE | kubectl apply -f -"},
		"not valid yet": {func(t *testing.T, c *cluster) {
			reissue(t, c, func(c *x509.Certificate) { c.NotBefore = now.Add(time.Hour) })
		}, "error shop/web: Secret web-tykmesh: its certificate is not valid before 2026-03-04T06:06:07Z; tykmesh certs secrets --all -f FILE | kubectl apply -f -"},
		"other hosts": {func(t *testing.T, c *cluster) {
			reissue(t, c, func(c *x509.Certificate) { c.DNSNames = []string{"mesh", "web.shop.svc.cluster.local"} })
		}, "error shop/web: Secret web-tykmesh: its certificate does not name mesh.local, web.shop.svc: calls by that name fail; kubectl get deploy,sts,ds,svc,secret -A -o yaml | tykmesh certs secrets | kubectl apply -f -"},
		"not for clients": {func(t *testing.T, c *cluster) {
			reissue(t, c, func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[:1] })
		}, "error shop/web: Secret web-tykmesh: its certificate is not for clients: it lacks the usage client auth, and the calls of its pods fail; tykmesh certs secrets --all -f FILE | kubectl apply -f -"},
		"not for servers": {func(t *testing.T, c *cluster) {
			reissue(t, c, func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[1:] })
		}, "error shop/web: Secret web-tykmesh: its certificate is not for servers: it lacks the usage server auth; tykmesh certs secrets --all -f FILE | kubectl apply -f -"},
		"for any use": {func(t *testing.T, c *cluster) {
			reissue(t, c, func(c *x509.Certificate) { c.ExtKeyUsage = nil })
		}, none},
		"of another CA": {func(t *testing.T, c *cluster) {
			c.ca = newAuthority(t, "another CA")
			reissue(t, c, nil)
		}, `error shop/web: Secret web-tykmesh: its certificate is by "another CA", which is not among the CAs of ConfigMap HASH; kubectl get deploy,sts,ds,svc,secret -A -o yaml | tykmesh certs secrets | kubectl apply -f -`},

		"one's own certificate": {func(t *testing.T, c *cluster) {
			reissue(t, c, func(c *x509.Certificate) { c.NotAfter = now.Add(-day) })
			get[corev1.Secret](t, c, "Secret shop/web-tykmesh").Labels = nil
		}, "error shop/web: Secret web-tykmesh: its certificate expired on 2026-03-03; make it again, key tls.pem: private key, certificate and intermediate CAs in PEM, for mesh, mesh.local, web.shop.svc"},
		"one's own token": {func(_ *testing.T, c *cluster) {
			c.putSecret("shop", "web-tykmesh-token", "token", "x").Labels = nil
		}, "error shop/web: Secret web-tykmesh-token: the value of token is not a token; make it again, key token: a JWT (ES256) with sub web.shop, iat and exp"},

		"token missing": {func(_ *testing.T, c *cluster) { delete(c.objects, "Secret shop/web-tykmesh-token") },
			"error shop/web: Secret web-tykmesh-token: it is missing: services that name their callers refuse its calls; kubectl get deploy,sts,ds,svc,secret -A -o yaml | tykmesh certs secrets | kubectl apply -f -"},
		"token of another": {func(t *testing.T, c *cluster) {
			c.putSecret("shop", "web-tykmesh-token", "token", c.token(t, claims("cart.shop", now, now.Add(90*day))))
		}, `error shop/web: Secret web-tykmesh-token: its token is that of "cart.shop", and not of web.shop; kubectl get deploy,sts,ds,svc,secret -A -o yaml | tykmesh certs secrets | kubectl apply -f -`},
		"token expired": {func(t *testing.T, c *cluster) {
			c.putSecret("shop", "web-tykmesh-token", "token", c.token(t, claims("web.shop", now.Add(-90*day), now.Add(-day))))
		}, "error shop/web: Secret web-tykmesh-token: its token expired on 2026-03-03; kubectl get deploy,sts,ds,svc,secret -A -o yaml | tykmesh certs secrets | kubectl apply -f -"},
		"token expires": {func(t *testing.T, c *cluster) {
			c.putSecret("shop", "web-tykmesh-token", "token", c.token(t, claims("web.shop", now.Add(-90*day), now.Add(day)))+"\n")
		}, "warning shop/web: Secret web-tykmesh-token: its token expires in 24 h; tykmesh certs secrets -f FILE | kubectl apply -f -"},
		"token without an end": {func(t *testing.T, c *cluster) {
			c.putSecret("shop", "web-tykmesh-token", "token", c.token(t, `{"sub":"web.shop"}`))
		}, "warning shop/web: Secret web-tykmesh-token: its token never expires; kubectl get deploy,sts,ds,svc,secret -A -o yaml | tykmesh certs secrets | kubectl apply -f -"},
		"token of another key": {func(t *testing.T, c *cluster) {
			c.tokenKey = newKey(t)
			c.putSecret("shop", "web-tykmesh-token", "token", c.token(t, claims("web.shop", now, now.Add(90*day))))
		}, "error shop/web: Secret web-tykmesh-token: its token is signed with another key: services that name their callers refuse its calls; kubectl get deploy,sts,ds,svc,secret -A -o yaml | tykmesh certs secrets | kubectl apply -f -"},
		"token with claims of another": {func(t *testing.T, c *cluster) {
			s := get[corev1.Secret](t, c, "Secret shop/web-tykmesh-token")
			parts := strings.Split(string(s.Data["token"]), ".")
			parts[1] = base64.RawURLEncoding.EncodeToString([]byte(claims("web.shop", now, now.Add(900*day))))
			s.Data["token"] = []byte(strings.Join(parts, "."))
		}, "error shop/web: Secret web-tykmesh-token: its token is signed with another key: services that name their callers refuse its calls; kubectl get deploy,sts,ds,svc,secret -A -o yaml | tykmesh certs secrets | kubectl apply -f -"},
		"no token": {func(_ *testing.T, c *cluster) { c.putSecret("shop", "web-tykmesh-token", "token", "a.b") },
			"error shop/web: Secret web-tykmesh-token: the value of token is not a token; kubectl get deploy,sts,ds,svc,secret -A -o yaml | tykmesh certs secrets | kubectl apply -f -"},
		"no claims": {func(t *testing.T, c *cluster) { c.putSecret("shop", "web-tykmesh-token", "token", c.token(t, `[]`)) },
			"error shop/web: Secret web-tykmesh-token: the value of token is not a token; kubectl get deploy,sts,ds,svc,secret -A -o yaml | tykmesh certs secrets | kubectl apply -f -"},

		"Service without the port": {func(t *testing.T, c *cluster) {
			s := get[corev1.Service](t, c, "Service shop/web")
			s.Spec.Ports = s.Spec.Ports[:1]
		}, "error shop/web: Service web: it has no port 8080: calls of mesh/web fail; apply the output of tykmesh inject"},
		"Service with another target": {func(t *testing.T, c *cluster) {
			get[corev1.Service](t, c, "Service shop/web").Spec.Ports[1].TargetPort = intstr.FromInt32(3000)
		}, "error shop/web: Service web: port 8080 leads to port 3000 of the pods, and not to the sidecar: calls of mesh/web fail; apply the output of tykmesh inject"},
		"Service with the name of the port": {func(t *testing.T, c *cluster) {
			get[corev1.Service](t, c, "Service shop/web").Spec.Ports[1].TargetPort = intstr.FromString("tyk-sidecar")
		}, none},
		"headless Service": {func(t *testing.T, c *cluster) {
			s := get[corev1.Service](t, c, "Service shop/web")
			s.Spec.ClusterIP, s.Spec.Ports[1].TargetPort = "None", intstr.FromInt32(1)
		}, none},
		"callers use another port": {func(t *testing.T, c *cluster) {
			m := c.config(t, cart)
			m.Data["apis-mesh-http.json"] = strings.ReplaceAll(m.Data["apis-mesh-http.json"], ":8080", ":9090")
			s := get[corev1.Service](t, c, "Service shop/cart")
			s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{Port: 9090, TargetPort: intstr.FromString("tyk-sidecar")})
			s = get[corev1.Service](t, c, "Service shop/web")
			s.Spec.ClusterIP, s.Spec.Ports = "None", append(s.Spec.Ports, corev1.ServicePort{Port: 9090})
		}, "error shop/web: Service web: its name stands for the pods, whose sidecars do not listen on port 9090, but on 8080: calls of mesh/web fail; apply the output of tykmesh inject"},
		"Service not injected": {func(t *testing.T, c *cluster) {
			s := get[corev1.Service](t, c, "Service shop/web")
			s.Spec.Ports, s.Annotations = s.Spec.Ports[:1], nil
		}, "warning shop/web: Service web: it has no port of the sidecar: calls of mesh/web fail; annotate it with injector.tyk.io/inject, inject and apply"},
		"another Service not injected": {func(_ *testing.T, c *cluster) {
			s := service("shop", "web-metrics", "web")
			s.Spec.Ports, s.Annotations = s.Spec.Ports[:1], nil
			c.put(s)
		}, none},
		"no Service": {func(_ *testing.T, c *cluster) { delete(c.objects, "Service shop/web") }, none},
		"ExternalName": {func(_ *testing.T, c *cluster) {
			s := service("shop", "elsewhere", "web")
			s.Spec.Type = "ExternalName"
			c.put(s)
		}, none},
		"Service of two apps": {func(_ *testing.T, c *cluster) {
			s := service("shop", "web", "")
			s.Spec.Selector = map[string]string{"part": "shop"}
			c.put(s)
			for _, name := range []string{"cart", "web"} {
				c.objects["Deployment shop/"+name].(*appsv1.Deployment).Spec.Template.Labels["part"] = "shop"
			}
		}, "error shop/cart: Service web: it leads to pods of the service web too: calls reach either; select the pods of one app only\n" +
			"error shop/cart: Secret cart-tykmesh: its certificate does not name web.shop.svc: calls by that name fail; kubectl get deploy,sts,ds,svc,secret -A -o yaml | tykmesh certs secrets | kubectl apply -f -\n" +
			"error shop/web: Service web: it leads to pods of the service cart too: calls reach either; select the pods of one app only"},
		"Service of bare pods": {func(_ *testing.T, c *cluster) {
			d := c.deployment(web, "")
			d.Name, d.Spec.Template.Spec.Containers = "bare", d.Spec.Template.Spec.Containers[:1]
			c.put(d)
		}, "warning shop/web: Service web: it leads to pods without a sidecar too, of Deployment bare: calls that reach them fail; put them on the mesh, or select other labels"},

		"ConfigMap of an earlier revision": {func(_ *testing.T, c *cluster) {
			c.putConfigMap(web, standalone.Config{Hash: "0123456789", Files: c.mesh.Config(standalone.Pod{Service: web}).Files})
		}, "orphan ConfigMap shop/web-tykmesh-0123456789: no workload uses it, but kubectl rollout undo may return to it; kubectl delete configmap -n shop web-tykmesh-0123456789"},
		"ConfigMap during a rollout": {func(t *testing.T, c *cluster) {
			c.putConfigMap(web, standalone.Config{Hash: "0123456789", Files: c.mesh.Config(standalone.Pod{Service: web}).Files})
			get[appsv1.Deployment](t, c, "Deployment shop/web").Status.UpdatedReplicas = 1
		}, "orphan ConfigMap shop/web-tykmesh-0123456789: no workload uses it, but a rollout of its service is under way; "},
		"ConfigMap of a ReplicaSet": {func(_ *testing.T, c *cluster) {
			c.putConfigMap(web, standalone.Config{Hash: "0123456789", Files: c.mesh.Config(standalone.Pod{Service: web}).Files})
			c.putConfigMap(web, standalone.Config{Hash: "9876543210", Files: c.mesh.Config(standalone.Pod{Service: web}).Files})
			c.putReplicaSet(web, "0123456789")
		}, "orphan ConfigMap shop/web-tykmesh-9876543210: no workload uses it; kubectl delete configmap -n shop web-tykmesh-9876543210"},
		"ConfigMap of another kind": {func(_ *testing.T, c *cluster) {
			c.putConfigMap(web, standalone.Config{Hash: "0123456789", Files: []standalone.File{{Path: "x", Text: "y"}}})
		}, none},
		"service gone": {func(_ *testing.T, c *cluster) {
			delete(c.objects, "Deployment shop/web")
			c.objects["Secret shop/web-tykmesh"].(*corev1.Secret).Annotations["cert-manager.io/certificate-name"] = "web-tykmesh"
		}, "orphan ConfigMap shop/HASH: no workload uses it; kubectl delete configmap -n shop HASH\n" +
			"orphan Secret shop/web-tykmesh: no workload uses it; cert-manager renews it; kubectl delete certificate -n shop web-tykmesh && kubectl delete secret -n shop web-tykmesh\n" +
			"orphan Secret shop/web-tykmesh-token: no workload uses it; kubectl delete secret -n shop web-tykmesh-token"},
		"service off the mesh": {func(t *testing.T, c *cluster) { c.leave(t, web) },
			"orphan ConfigMap shop/HASH: no workload uses it, but kubectl rollout undo may return to it; kubectl delete configmap -n shop HASH\n" +
				"orphan NetworkPolicy shop/web-tykmesh: no workload uses it; kubectl delete networkpolicy -n shop web-tykmesh\n" +
				"orphan Secret shop/web-tykmesh: no workload uses it, but kubectl rollout undo may return to it; kubectl delete secret -n shop web-tykmesh\n" +
				"orphan Secret shop/web-tykmesh-token: no workload uses it, but kubectl rollout undo may return to it; kubectl delete secret -n shop web-tykmesh-token\n" +
				"orphan Service shop/front: it leads to no pods of the mesh; kubectl delete service -n shop front"},
		"service that leaves the mesh": {func(t *testing.T, c *cluster) {
			c.leave(t, web)
			delete(c.objects, "NetworkPolicy shop/web-tykmesh")
			get[appsv1.Deployment](t, c, "Deployment shop/web").Status.UpdatedReplicas = 1
		}, "orphan Service shop/front: no workload uses it, but a rollout of its service is under way; "},
		"ReplicaSet with pods": {func(t *testing.T, c *cluster) {
			c.leave(t, web)
			delete(c.objects, "NetworkPolicy shop/web-tykmesh")
			delete(c.objects, "Service shop/front")
			get[appsv1.ReplicaSet](t, c, "ReplicaSet shop/web-1").Status.Replicas = 1
		}, none},
		"Service and policy of a service on the mesh": {func(t *testing.T, c *cluster) {
			d, s := *get[appsv1.Deployment](t, c, "Deployment shop/web").DeepCopy(), service("shop", "web", "web")
			c.leave(t, web)
			delete(c.objects, "Service shop/front")
			c.put(&d)
			c.put(s)
		}, none},
		"earlier revisions without their workloads": {func(t *testing.T, c *cluster) {
			c.leave(t, web)
			c.leave(t, cart)
			c.without("Deployment")
		}, none},

		"one's own Secret": {func(_ *testing.T, c *cluster) {
			c.putSecret("shop", "gone-tykmesh", "tls.pem", "x").Labels = nil
			c.putSecret("shop", "x-tykmesh", "password", "x")
		}, "orphan Secret shop/gone-tykmesh: no workload uses it; tykmesh did not make it; "},
		"a name for a shell": {func(_ *testing.T, c *cluster) { c.putSecret("shop", "$(x)-tykmesh", "tls.pem", "x") },
			"orphan Secret shop/$(x)-tykmesh: no workload uses it; "},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			hash := c.config(t, web).Name
			f.change(t, c)
			m := c.read(t)
			var lines []string
			for _, d := range m.Diagnostics {
				lines = append(lines, fmt.Sprintf("%s %s/%s: %s: %s; %s", d.Severity, d.Namespace, d.App, d.Object, d.Message, d.Next))
			}
			for _, o := range m.Orphans {
				lines = append(lines, fmt.Sprintf("orphan %s %s/%s: %s; %s", o.Kind, o.Namespace, o.Name, o.Reason, o.Command))
			}

			got := strings.ReplaceAll(strings.Join(lines, "\n"), hash, "HASH")
			if got != f.want {
				t.Errorf("got\n%s\nwant\n%s", got, f.want)
			}
		})
	}
}

// Of kinds that the input lacks, nothing is known, and nothing is missing.
func TestLacks(t *testing.T) {
	for _, kind := range []string{"Service", "ConfigMap", "Secret"} {
		c := newCluster(t)
		c.without(kind)
		m := c.read(t)
		if len(m.Diagnostics) > 0 || len(m.Orphans) > 0 || !cmp.Equal(m.Lacks, []string{kind}) || len(m.Services) != 2 {
			t.Errorf("without a %s: %+v", kind, m)
		}

		web := m.Services[1]
		states := fmt.Sprintf("%s %s %s %d %s", web.Configs[0].State, web.Certificate.State, web.Token.State, web.Port, web.TLS)
		want := map[string]string{
			"Service": "present present present 8080 mutual", "ConfigMap": "unknown present present 8080 ", "Secret": "present unknown unknown 8080 mutual",
		}[kind]
		if states != want {
			t.Errorf("without a %s: %s, want %s", kind, states, want)
		}
	}
}

// No private key and no token is anywhere in the result, not even in parts, whatever is wrong with
// its Secret.
func TestSecretsStayInside(t *testing.T) {
	c := newCluster(t)
	secrets := []string{"Secret shop/web-tykmesh", "Secret shop/cart-tykmesh-token", "Secret shop/web-tykmesh-token"}
	get[corev1.Secret](t, c, secrets[2]).Data["token"] = []byte("thisIsNoTokenButSecretAllTheSame")
	text, err := json.Marshal(c.read(t))
	if err != nil {
		t.Fatal(err)
	}

	said := fmt.Sprintf("%s %+v", text, c.read(t).Diagnostics)
	for _, name := range secrets {
		for _, value := range get[corev1.Secret](t, c, name).Data {
			for _, form := range []string{string(value), base64.StdEncoding.EncodeToString(value)} {
				for from := 40; from+24 < len(form) && from < 200; from += 12 {
					if part := form[from : from+12]; strings.Contains(said, part) {
						t.Errorf("%s: the result shows %q", name, part)
					}
				}
			}
		}
	}
	if strings.Contains(said, "thisIsNoToken") {
		t.Error("the result shows a value that is not a token")
	}
}

// Workloads with a sidecar of a mesh with a Dashboard are counted, and no services.
func TestDashboard(t *testing.T) {
	c := newCluster(t)
	for i := range get[appsv1.Deployment](t, c, "Deployment shop/web").Spec.Template.Spec.Containers {
		get[appsv1.Deployment](t, c, "Deployment shop/web").Spec.Template.Spec.Containers[i].VolumeMounts = nil
	}
	if m := c.read(t); m.Dashboard != 1 || len(m.Services) != 1 {
		t.Errorf("%+v", m)
	}
}

// A document that cannot be parsed is named with its place.
func TestUnreadable(t *testing.T) {
	_, unreadable := live.Read(manifest.Split("live.yaml", []byte("a: [\n---\nkind: List\nitems: []\n---\nb: }\n")), now)
	if len(unreadable) != 2 || unreadable[0].Document != 1 || unreadable[1].Document != 3 || unreadable[1].Err.Pos.Line != 6 {
		t.Errorf("%+v", unreadable)
	}
}
