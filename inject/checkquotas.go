package inject

import (
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// Where a quota of a namespace counts a resource, the API server refuses pods of which a container
// does not say how much of it it wants (k8s.io/kubernetes pkg/quota/v1/evaluator/core,
// Constraints). A LimitRange may say it for them.
//
//	the quota counts              every container needs
//	cpu, requests.cpu             requests.cpu, or limits.cpu, which is the request then
//	limits.cpu                    limits.cpu
//	memory, ...                   the same of memory

// amounts maps the resources that a quota counts to the amounts that every container must then set.
var amounts = map[string]string{
	"cpu": "requests.cpu", "requests.cpu": "requests.cpu", "limits.cpu": "limits.cpu",
	"memory": "requests.memory", "requests.memory": "requests.memory", "limits.memory": "limits.memory",
}

// quota is a ResourceQuota.
type quota struct {
	known
	counts []counted
}

// counted is an amount that a quota counts.
type counted struct {
	amount string // as amounts has it
	at     manifest.Place
}

// newQuota reads a ResourceQuota; nil where it counts only some pods, because whether it counts
// those of the mesh is not known.
func newQuota(d *manifest.Document, node *manifest.Node, k known) *quota {
	for _, s := range node.Get("spec", "scopes").Items() {
		if s.Text() != "NotBestEffort" {
			return nil
		}
	}

	if len(node.Get("spec", "scopeSelector", "matchExpressions").Items()) > 0 {
		return nil
	}

	q := &quota{known: k}
	for name := range node.Get("spec", "hard").Entries() {
		amount := amounts[name.Text()]
		if amount != "" && !slices.ContainsFunc(q.counts, func(c counted) bool { return c.amount == amount }) {
			q.counts = append(q.counts, counted{amount, d.PlaceOf(name)})
		}
	}

	return q
}

// defaulted is an amount that a LimitRange says for the containers of a namespace that do not say
// it.
type defaulted struct{ namespace, amount string }

// defaults notes what a LimitRange says for containers (Kubernetes documentation, Limit Ranges;
// pkg/apis/core/v1, SetDefaults_LimitRangeItem).
func (f *facts) defaults(obj object, s Settings) {
	for _, limit := range obj.node.Get("spec", "limits").Items() {
		if limit.Get("type").Text() != "Container" {
			continue
		}

		for key, kinds := range map[string][]string{
			"default": {"limits.", "requests."}, "max": {"limits.", "requests."}, "defaultRequest": {"requests."}, "min": {"requests."},
		} {
			for resource := range limit.Get(key).Entries() {
				for _, kind := range kinds {
					if f.defaulted == nil {
						f.defaulted = make(map[defaulted]bool)
					}
					f.defaulted[defaulted{namespaceOf(obj.node, s.Namespace), kind + keep(resource)}] = true
				}
			}
		}
	}
}

// lack is an amount that an added container does not set.
type lack struct{ container, amount string }

// lacks returns the amounts that neither an added container nor the pod as a whole sets.
func (o *target) lacks() (all []lack) {
	pod := o.template.Get("spec", "resources")
	for _, c := range o.addition.added() {
		name := c.String("name")
		says := func(kind, resource string) bool {
			return states(c, kind, resource) || pod.Get(kind, resource) != nil
		}
		for _, resource := range []string{"cpu", "memory"} {
			limited := says("limits", resource)
			if !limited {
				all = append(all, lack{name, "limits." + resource})
			}
			if !limited && !says("requests", resource) {
				all = append(all, lack{name, "requests." + resource})
			}
		}
	}

	return all
}

// states reports whether a container requests a resource, or limits it.
func states(container manifest.Map, kind, resource string) bool {
	resources, _ := container.Lookup("resources")
	m, _ := resources.(manifest.Map)
	amounts, _ := m.Lookup(kind)
	of, _ := amounts.(manifest.Map)
	_, ok := of.Lookup(resource)
	return ok
}

// checkQuotas looks for quotas because of which the API server rejects pods that join the mesh: an
// added container does not set an amount that the quota counts. Without this check the user would
// find the reason only in the events of a ReplicaSet.
func (c *checks) checkQuotas() {
	for _, q := range c.facts.quotas {
		for _, counted := range q.counts {
			refused, containers := c.lacking(q.namespace, counted.amount)
			if len(refused) > 0 && !c.facts.defaulted[defaulted{q.namespace, counted.amount}] {
				c.warn(&q.known, RuleQuota, counted.at, "the API server will reject %s: the quota counts %s, which these containers do not set: %s; %s",
					listed(refused), counted.amount, strings.Join(containers, ", "), c.settings.remedy(containers, counted.amount))
			}
		}
	}
}

// lacking returns the pods of a namespace that get containers without an amount, and the names of
// these containers.
func (c *checks) lacking(namespace, amount string) (refused []*workloadPods, containers []string) {
	for _, p := range c.pods.namespace[namespace] {
		before := len(containers)
		for _, l := range p.lacks {
			if l.amount == amount {
				containers = append(containers, l.container)
			}
		}

		if len(containers) > before {
			refused = append(refused, p)
		}
	}

	slices.Sort(containers)
	return refused, slices.Compact(containers)
}

// remedy returns the advice which setting gives containers an amount.
func (s Settings) remedy(containers []string, amount string) string {
	keys := map[string][2]string{
		"requests.cpu": {"Sidecar.cpu", "Injector.rulesCPU"}, "limits.cpu": {"Sidecar.cpuLimit", "Injector.rulesCPULimit"},
		"requests.memory": {"Sidecar.memory", "Injector.rulesMemory"}, "limits.memory": {"Sidecar.memoryLimit", "Injector.rulesMemoryLimit"},
	}
	switch {
	case s.Sidecar == nil:
		return "set it in Injector.containers or Injector.initContainers"
	case slices.Contains(containers, sidecar.Name):
		return "set " + keys[amount][0]
	default:
		return "set " + keys[amount][1]
	}
}
