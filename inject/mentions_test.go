package inject

import (
	"strings"
	"testing"
)

// TestMentions says which documents without our annotations are parsed for the checks: as few as
// can be told by a look at their words.
func TestMentions(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       need // for whose sake it is read
	}{
		{"Service", "apiVersion: v1\nkind: Service\n", forServices | forWorkloads},
		{"typed list", "kind: ServiceList\n", forServices | forWorkloads},
		{"in a list", "kind: List\nitems:\n- kind: Ingress\n", forServices},
		{"JSON", `{"kind": "NetworkPolicy"}`, forWorkloads},
		{"packed JSON", `{"apiVersion":"v1","kind":"Ingress"}`, forServices},
		{"flow, quoted", "{'kind': 'HTTPRoute'}", forServices},
		{"on the next line", "kind:\n  HorizontalPodAutoscaler\n", forWorkloads},
		{"a quota", "kind: ResourceQuota\n---\nkind: LimitRange\n", forWorkloads},
		{"at the end", "kind: GRPCRoute", forServices},
		{"a workload", "kind: Deployment\nspec: {template: {spec: {containers: []}}}\n", forServices},
		{"other kinds", "kind: ServiceAccount\n---\nkind: ServiceMonitor\n---\nkind: IngressClass\n", 0},
		{"ConfigMap", "kind: ConfigMap\ndata: {Service: Ingress}\n", 0},
		{"no kind", "a: b\n", 0},
		{"the end of the word", "kind", 0},
		{"a definition", "kind: CustomResourceDefinition\nspec:\n  names: {kind: Prometheus}\n  properties: {containers: {}, kind: {}}\n", 0},
		{"a definition in a list", "kind: List\nitems:\n- kind: CustomResourceDefinition\n- kind: Pod\n  spec: {containers: []}\n", forServices},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, n := range []need{forServices, forWorkloads, forServices | forWorkloads} {
				if got, want := n.mentions([]byte(c.text)), c.want&n != 0; got != want {
					t.Errorf("for %b: %v, want %v", n, got, want)
				}
			}
		})
	}

	if text := strings.Repeat("kind ", 100_000); forServices.mentions([]byte(text)) {
		t.Error("a word alone is no object")
	}
}
