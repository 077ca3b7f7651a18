package kube

import (
	"strings"
	"testing"
)

// TestMentions says which documents are read around others: as few as can be told by a look at
// their words.
func TestMentions(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       Around // for whose sake it is read
	}{
		{"Service", "apiVersion: v1\nkind: Service\n", Services | Workloads},
		{"typed list", "kind: ServiceList\n", Services | Workloads},
		{"in a list", "kind: List\nitems:\n- kind: Ingress\n", Services},
		{"JSON", `{"kind": "NetworkPolicy"}`, Workloads},
		{"packed JSON", `{"apiVersion":"v1","kind":"Ingress"}`, Services},
		{"flow, quoted", "{'kind': 'HTTPRoute'}", Services},
		{"on the next line", "kind:\n  HorizontalPodAutoscaler\n", Workloads},
		{"a quota", "kind: ResourceQuota\n---\nkind: LimitRange\n", Workloads},
		{"at the end", "kind: GRPCRoute", Services},
		{"a workload", "kind: Deployment\nspec: {template: {spec: {containers: []}}}\n", Services},
		{"other kinds", "kind: ServiceAccount\n---\nkind: PodMonitor\n---\nkind: IngressClass\n", 0},
		{"a monitor", "kind: ServiceMonitor", Services},
		{"a webhook", "kind: ValidatingWebhookConfigurationList", Services},
		{"a kind of the configuration", "kind: Shelf\n", Services},
		{"ConfigMap", "kind: ConfigMap\ndata: {Service: Ingress}\n", 0},
		{"no kind", "a: b\n", 0},
		{"the end of the word", "kind", 0},
		{"a definition", "kind: CustomResourceDefinition\nspec:\n  names: {kind: Prometheus}\n  properties: {containers: {}, kind: {}}\n", 0},
		{"a definition of a kind that counts", "kind: CustomResourceDefinition\nspec:\n  names: {kind: IngressRoute, listKind: IngressRouteList}\n", 0},
		{"a definition with a Service", "kind: CustomResourceDefinition\nspec: {conversion: {webhook: {clientConfig: {}}}}\n", Services},
		{"an old definition with a Service", "kind: CustomResourceDefinition\nspec: {conversion: {webhookClientConfig: {}}}\n", Services},
		{"a definition without a webhook", "kind: CustomResourceDefinition\nspec: {conversion: {strategy: None}}\n", 0},
		{"a list of definitions", "kind: List\nitems:\n- kind: CustomResourceDefinition\n  spec: {conversion: {webhook: {clientConfig: {}}}}\n", Services},
		{"a list of a definition and others", "items:\n- kind: CustomResourceDefinition\n- kind: Ingress\nkind: List\n", Services},
		{"a definition in a list", "kind: List\nitems:\n- kind: CustomResourceDefinition\n- kind: Pod\n  spec: {containers: []}\n", Services},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, n := range []Around{Services, Workloads, Services | Workloads} {
				if got, want := (Reader{PortReferences: []PortReference{{Kind: "Shelf"}}}).Mentions([]byte(c.text), n), c.want&n != 0; got != want {
					t.Errorf("for %b: %v, want %v", n, got, want)
				}
			}
		})
	}

	if text := strings.Repeat("kind ", 100_000); (Reader{}).Mentions([]byte(text), Services) {
		t.Error("a word alone is no object")
	}
}
