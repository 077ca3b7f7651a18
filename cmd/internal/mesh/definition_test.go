package mesh

import (
	"testing"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/kube"
)

func TestAPIID(t *testing.T) {
	seen := map[string]bool{}
	for _, svc := range []inject.Service{{Namespace: "a", App: "bc"}, {Namespace: "ab", App: "c"}} {
		for _, org := range []string{"o", "p"} {
			for _, role := range []Role{Inbound, Mesh} {
				id := APIID(org, svc, role)
				if len(id) != 32 || seen[id] {
					t.Errorf("id %q", id)
				}
				seen[id] = true
			}
		}
	}
}

// TestTarget holds the target of an inbound API: by default that of the configured containers, else
// the app's own port, with HTTP/2 where the app speaks that.
func TestTarget(t *testing.T) {
	s := Settings{InboundTarget: "http://localhost:6767"}
	for _, c := range []struct {
		workload inject.Workload
		want     string
	}{
		{inject.Workload{}, "http://localhost:6767"},
		{inject.Workload{Protocol: kube.GRPC}, "http://localhost:6767"},
		{inject.Workload{Port: 3000}, "http://127.0.0.1:3000"},
		{inject.Workload{Port: 3000, Protocol: kube.GRPC}, "h2c://127.0.0.1:3000"},
		{inject.Workload{Port: 3000, Protocol: kube.HTTP2}, "h2c://127.0.0.1:3000"},
	} {
		if got := TemplateVars(c.workload, WantedAPI{Role: Inbound}, s).Target; got != c.want {
			t.Errorf("%+v: %s, want %s", c.workload, got, c.want)
		}
	}
}
