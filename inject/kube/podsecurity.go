package kube

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	podsecurity "k8s.io/pod-security-admission/api"
	standards "k8s.io/pod-security-admission/policy"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Security is the strictest level of the Pod Security Standards that pods meet (Kubernetes
// documentation): restricted, baseline or privileged; "" where tykmesh cannot tell, because
// Kubernetes would not read the pod.
type Security string

// Looser reports whether a level of Pod Security allows more than another.
func (s Security) Looser(than Security) bool {
	return s != "" && than != "" && podsecurity.CompareLevels(podsecurity.Level(s), podsecurity.Level(than)) < 0
}

// Guard finds the levels that pods meet, by the rules of the admission plugin in clusters of today.
// Thousands of pods have few shapes, so it applies the rules once per shape: they would take a
// fifth of the time of a long run.
type Guard struct {
	standards.Evaluator

	mu       sync.Mutex
	verdicts map[shape]Verdict
}

// shape is the JSON of the fields that the rules can look at: of a pod, and of the addition to it.
type shape struct{ meta, spec, added string }

// Verdict holds the levels of a pod before and after an addition to its spec.
type Verdict struct {
	Before, After Security
	Loosened      map[Security]string // why the pod no longer meets levels that it met before
}

// rules returns the rules, which the library sorts at length: once is enough.
var rules = sync.OnceValue(func() standards.Evaluator {
	evaluator, err := standards.NewEvaluator(standards.DefaultChecks(), nil)
	if err != nil {
		panic("kube: the rules of Pod Security contradict each other: " + err.Error()) // they are the library's own
	}
	return evaluator
})

// NewGuard returns a guard without any verdict yet.
func NewGuard() *Guard {
	return &Guard{Evaluator: rules(), verdicts: make(map[shape]Verdict)}
}

// Verdict returns the levels of a pod without and with lists added to its spec. Several callers may
// ask at once.
func (g *Guard) Verdict(pod *manifest.Node, added manifest.Map) Verdict {
	s := shapeOf(pod, added)
	g.mu.Lock()
	defer g.mu.Unlock()
	v, known := g.verdicts[s]
	if !known {
		v = g.evaluate(s)
		g.verdicts[s] = v
	}

	return v
}

// evaluate applies the rules to a pod without and with the addition to it.
func (g *Guard) evaluate(s shape) (v Verdict) {
	var (
		meta        metav1.ObjectMeta
		spec, added corev1.PodSpec
	)
	if json.Unmarshal([]byte(s.meta), &meta) != nil || json.Unmarshal([]byte(s.spec), &spec) != nil {
		return Verdict{}
	}

	v.Before, _ = g.level(&meta, &spec)
	if json.Unmarshal([]byte(s.added), &added) != nil {
		return v
	}

	spec.Containers = append(spec.Containers, added.Containers...)
	spec.InitContainers = append(spec.InitContainers, added.InitContainers...)
	spec.Volumes = append(spec.Volumes, added.Volumes...)
	v.After, v.Loosened = g.level(&meta, &spec)
	maps.DeleteFunc(v.Loosened, func(level Security, _ string) bool { return v.Before.Looser(level) })

	return v
}

// level returns the level that a pod meets, and why it does not meet each of the stricter ones.
func (g *Guard) level(meta *metav1.ObjectMeta, spec *corev1.PodSpec) (level Security, why map[Security]string) {
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

// harmless are fields of pods and containers that no rule of Pod Security looks at. Without them
// most pods have the same shape.
var harmless = setOf("affinity", "args", "command", "containerPort", "defaultMode", "env", "envFrom", "failureThreshold", "hostAliases", "image",
	"imagePullPolicy", "imagePullSecrets", "initialDelaySeconds", "items", "nodeSelector", "path", "periodSeconds", "port", "resources",
	"secretName", "serviceAccountName", "successThreshold", "timeoutSeconds", "tolerations", "topologySpreadConstraints", "volumeMounts",
	"workingDir")

// unnamed are the fields of pods in which names are harmless too. Elsewhere they are not: of
// operating systems, and of sysctls.
var unnamed = setOf("configMap", "containers", "initContainers", "ports", "volumes")

func setOf(keys ...string) map[string]bool {
	set := make(map[string]bool, len(keys))
	for _, key := range keys {
		set[key] = true
	}
	return set
}

// shapeOf returns the shape of a pod and of the addition to it.
func shapeOf(pod *manifest.Node, added manifest.Map) shape {
	return shape{
		meta:  string(appendMeta(nil, pod.Get("metadata"))),
		spec:  string(appendNode(nil, "spec", pod.Get("spec"))),
		added: string(appendValue(nil, added)),
	}
}

// appendMeta appends the metadata of a pod as JSON, without what no rule looks at. Labels and
// annotations that are no strings stay: Kubernetes would not read them.
func appendMeta(b []byte, meta *manifest.Node) []byte {
	var kept [2]manifest.Map
	for i, field := range []string{"labels", "annotations"} {
		for k, v := range meta.Get(field).Entries() {
			if !v.IsString() || strings.Contains(k.Text(), ".security.") { // container.apparmor.security.beta.kubernetes.io/NAME
				kept[i] = append(kept[i], manifest.Entry{Key: k.Text(), Value: valueOf(v)})
			}
		}
	}

	return appendValue(b, manifest.Map{{Key: "labels", Value: kept[0]}, {Key: "annotations", Value: kept[1]}})
}

// appendNode appends a node in the spec of a pod as JSON, without harmless fields; it is found
// under a field.
func appendNode(b []byte, field string, n *manifest.Node) []byte {
	n = n.Resolve()
	switch {
	case n.IsNull() || n.Kind == manifest.Scalar:
		return appendValue(b, valueOf(n))
	case n.Kind == manifest.Sequence:
		b = append(b, '[')
		for _, item := range n.Content {
			b = append(appendNode(b, field, item), ',')
		}
		return closed(b, ']')
	}

	b = append(b, '{')
	for k, v := range n.Entries() {
		if key := k.Text(); !harmless[key] && !(key == "name" && unnamed[field]) {
			b = append(appendNode(append(appendValue(b, key), ':'), key, v), ',')
		}
	}

	return closed(b, '}')
}

// appendValue appends a value as JSON, without harmless fields.
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		if isPlainJSON(v) {
			return append(append(append(b, '"'), v...), '"')
		}

	case manifest.List:
		b = append(b, '[')
		for _, item := range v {
			b = append(appendValue(b, item), ',')
		}
		return closed(b, ']')

	case manifest.Map:
		b = append(b, '{')
		for _, e := range v {
			if !harmless[e.Key] {
				b = append(appendValue(append(appendValue(b, e.Key), ':'), e.Value), ',')
			}
		}
		return closed(b, '}')
	}

	return append(b, encodeJSON(v)...)
}

// closed ends a list or an object: the bracket takes the place of the last comma.
func closed(b []byte, bracket byte) []byte {
	return append(bytes.TrimSuffix(b, []byte{','}), bracket)
}

// isPlainJSON reports whether a text between quotes is its own JSON.
func isPlainJSON(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' })
}

// JSON returns the value of a node as JSON.
func JSON(n *manifest.Node) string { return encodeJSON(valueOf(n)) }

// encodeJSON returns a value that was read from a document, or is to be written into one, as JSON.
func encodeJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic("kube: a value that JSON cannot hold: " + err.Error()) // documents hold only such values
	}
	return string(text)
}

// valueOf returns a node as encoding/json writes it.
func valueOf(n *manifest.Node) any {
	n = n.Resolve()
	switch {
	case n.IsNull():
		return nil
	case n.Kind == manifest.Mapping:
		out := make(map[string]any)
		for k, v := range n.Entries() {
			out[k.Text()] = valueOf(v)
		}
		return out

	case n.Kind == manifest.Sequence:
		out := make([]any, len(n.Content))
		for i, item := range n.Content {
			out[i] = valueOf(item)
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
