package checks

import (
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// Quota checks ResourceQuotas: the API server rejects pods because an added container does not set
// an amount that a quota counts. Without this check the user would find the reason only in the
// events of a ReplicaSet.
var Quota = Check{
	Code:     "TM0034",
	Sentence: "A container must set the resources that a ResourceQuota of its namespace counts.",
	Hint: "set Sidecar.cpu, cpuLimit, memory and memoryLimit for the sidecar, and Injector.rulesCPU and the keys beside it for its init containers; " +
		"or give the namespace a LimitRange with defaults",
	run: checkQuotas,
}

// Unset is an amount that an added container does not set.
type Unset struct{ Container, Amount string }

// UnsetAmounts returns the amounts that neither an added container nor the pod as a whole sets, by
// its resources.
func UnsetAmounts(added []manifest.Map, pod *manifest.Node) (all []Unset) {
	for _, c := range added {
		name := c.String("name")
		sets := func(kind, resource string) bool { return states(c, kind, resource) || pod.Get(kind, resource) != nil }
		for _, resource := range []string{"cpu", "memory"} {
			limited := sets("limits", resource)
			if !limited {
				all = append(all, Unset{name, "limits." + resource})
			}
			if !limited && !sets("requests", resource) {
				all = append(all, Unset{name, "requests." + resource})
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

// checkQuotas looks for quotas that count what pods that join the mesh do not set.
func checkQuotas(r *run) {
	for _, q := range r.Quotas {
		for _, c := range q.Counts {
			refused, containers := r.lacking(q.Namespace, c.Amount)
			if len(refused) > 0 && !r.IsDefault(kube.Amount{Namespace: q.Namespace, Name: c.Amount}) {
				r.warn(q.Meta, c.At, "the API server will reject %s: the quota counts %s, which these containers do not set: %s; %s",
					listed(refused), c.Amount, strings.Join(containers, ", "), r.remedy(containers, c.Amount))
			}
		}
	}
}

// lacking returns the pods of a namespace that get containers without an amount, and the names of
// these containers.
func (r *run) lacking(namespace, amount string) (refused []*kube.Pods, containers []string) {
	for p := range r.Selected(namespace, nil) {
		before, m := len(containers), r.member(p.Meta)
		for _, u := range m.Unset {
			if m.Joins && u.Amount == amount {
				containers = append(containers, u.Container)
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
func (r *run) remedy(containers []string, amount string) string {
	keys := map[string][2]string{
		"requests.cpu": {"Sidecar.cpu", "Injector.rulesCPU"}, "limits.cpu": {"Sidecar.cpuLimit", "Injector.rulesCPULimit"},
		"requests.memory": {"Sidecar.memory", "Injector.rulesMemory"}, "limits.memory": {"Sidecar.memoryLimit", "Injector.rulesMemoryLimit"},
	}
	switch {
	case !r.BuiltIn:
		return "set it in Injector.containers or Injector.initContainers"
	case slices.Contains(containers, sidecar.Name):
		return "set " + keys[amount][0]
	default:
		return "set " + keys[amount][1]
	}
}
