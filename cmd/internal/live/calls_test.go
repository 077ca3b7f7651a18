package live_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/tykmesh/tykmesh/cmd/internal/live"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// The calls in the environments and commands of pods count if they lead to a service of the mesh.
func TestCalls(t *testing.T) {
	c := newCluster(t)
	api := standalone.Service{Namespace: "pay", App: "api"}
	c.add(t, standalone.Pod{Service: api})
	pod := &get[appsv1.Deployment](t, c, "Deployment pay/api").Spec.Template.Spec
	pod.HostAliases = []corev1.HostAlias{{IP: "127.0.0.2", Hostnames: []string{"mesh"}}}
	pod.Containers[0].Args = []string{"--web=http://mesh/web.shop/a?b"}
	pod.Containers[0].Env = []corev1.EnvVar{
		{Name: "SELF", Value: "http://mesh/api/x"}, {Name: "GONE", Value: "http://mesh/gone.shop/"}, {Name: "OTHER", Value: "http://elsewhere/web.shop/"}, {Name: "BARE", Value: "http://mesh"},
	}
	get[appsv1.Deployment](t, c, "Deployment shop/cart").Spec.Template.Spec.Containers[0].Command = []string{"cart", "--api", "api.pay.svc.cluster.local:3000"}

	want := []live.Call{{From: api, To: cart}, {From: api, To: web}, {From: cart, To: api}, {From: web, To: cart}}
	if diff := cmp.Diff(want, c.read(t).Calls()); diff != "" {
		t.Error(diff)
	}

	m, _ := live.Read(manifest.Split("live.json", c.print(t, true)), now)
	if diff := cmp.Diff(want, m.Calls()); diff != "" {
		t.Errorf("as JSON: %s", diff)
	}
	if diff := cmp.Diff(want, m.Calls()); diff != "" {
		t.Errorf("asked again: %s", diff)
	}
}
