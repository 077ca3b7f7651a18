package inject

import (
	"encoding/json"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	podsecurity "k8s.io/pod-security-admission/api"
	standards "k8s.io/pod-security-admission/policy"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Security is the strictest level of the Pod Security Standards that pods meet (Kubernetes
// documentation): restricted, baseline or privileged; "" where that cannot be said, because
// Kubernetes would not read the pod.
type Security string

// guard says which level pods meet, as a cluster of today does: by the admission plugin's own
// rules.
type guard struct{ standards.Evaluator }

func newGuard() guard {
	evaluator, err := standards.NewEvaluator(standards.DefaultChecks(), nil)
	if err != nil {
		panic("inject: the rules of Pod Security contradict each other: " + err.Error()) // they are the library's own
	}
	return guard{evaluator}
}

// level returns the level that a pod meets, and why it does not meet each of the stricter ones.
func (g guard) level(meta *metav1.ObjectMeta, spec *corev1.PodSpec) (level Security, why map[Security]string) {
	for _, l := range []podsecurity.Level{podsecurity.LevelRestricted, podsecurity.LevelBaseline} {
		at := podsecurity.LevelVersion{Level: l, Version: podsecurity.LatestVersion()}
		result := standards.AggregateCheckResults(g.EvaluatePod(at, meta, spec))
		if result.Allowed {
			return Security(l), why
		}
		if why == nil {
			why = make(map[Security]string)
		}

		why[Security(l)] = result.ForbiddenDetail()
	}

	return Security(podsecurity.LevelPrivileged), why
}

// verdict says which levels a pod met before it was injected, and meets after. why is what stands
// in the way of those that it no longer meets.
func (g guard) verdict(o *subject) (before, after Security, why map[Security]string) {
	var (
		meta metav1.ObjectMeta
		spec corev1.PodSpec
	)
	if decode(valueOf(o.meta, nil), &meta) != nil || decode(valueOf(o.template.Get("spec"), harmless), &spec) != nil {
		return "", "", nil
	}

	before, _ = g.level(&meta, &spec)
	if o.addition.addTo(&spec) != nil {
		return before, "", nil
	}

	after, why = g.level(&meta, &spec)
	maps.DeleteFunc(why, func(level Security, _ string) bool { return before.looser(level) })

	return before, after, why
}

// harmless are fields of pods and containers that no rule of Pod Security looks at; reading them
// would take most of the time.
var harmless = []string{"env", "envFrom", "image", "command", "args", "resources", "volumeMounts", "affinity", "tolerations", "nodeSelector", "hostAliases"}

// addTo puts what the pod gets into a pod as Kubernetes reads it.
func (a addition) addTo(spec *corev1.PodSpec) error {
	for _, list := range []struct {
		to   *[]corev1.Container
		maps []manifest.Map
	}{{&spec.Containers, a.containers}, {&spec.InitContainers, slices.Concat(a.initFirst, a.initLast)}} {
		for _, m := range list.maps {
			var c corev1.Container
			if err := decode(trim(m), &c); err != nil {
				return err
			}
			*list.to = append(*list.to, c)
		}
	}

	for _, m := range a.volumes {
		var v corev1.Volume
		if err := decode(m, &v); err != nil {
			return err
		}
		spec.Volumes = append(spec.Volumes, v)
	}

	return nil
}

// trim leaves harmless fields out.
func trim(container manifest.Map) manifest.Map {
	for _, key := range harmless {
		container = container.Without(key)
	}
	return container
}

func decode(v any, into any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// valueOf returns a node as encoding/json writes it, without some fields.
func valueOf(n *manifest.Node, without []string) any {
	n = n.Resolve()
	switch {
	case n.IsNull():
		return nil
	case n.Kind == manifest.Mapping:
		out := make(map[string]any)
		for k, v := range n.Entries() {
			if !slices.Contains(without, k.Text()) {
				out[k.Text()] = valueOf(v, without)
			}
		}
		return out

	case n.Kind == manifest.Sequence:
		out := make([]any, len(n.Content))
		for i, item := range n.Content {
			out[i] = valueOf(item, without)
		}
		return out
	}

	if i, ok := n.Int(); ok {
		return i
	}
	if n.Tag == "!!bool" {
		return n.IsTrue()
	}

	return n.Text()
}
