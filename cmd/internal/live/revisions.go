package live

import (
	"strings"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// use notes the ConfigMaps and Secrets of a pod template. Those of an earlier revision without pods
// are noted apart: kubectl rollout undo may return to them.
func (c *cluster) use(o kube.Object, m *kube.Meta, spec *manifest.Node) {
	owner := ownerOf(o.Node.Get("metadata"))
	past := owner != nil && isPast(o)
	if !past {
		c.rollouts[kube.Ref{Kind: m.Kind, Namespace: m.Namespace, Name: m.Name}] = isRolling(o.Node)
	}

	for _, v := range spec.Get("volumes").Items() {
		for _, ref := range []kube.Ref{
			{Kind: "ConfigMap", Namespace: m.Namespace, Name: kube.Text(v.Get("configMap", "name"))},
			{Kind: "Secret", Namespace: m.Namespace, Name: kube.Text(v.Get("secret", "secretName"))},
		} {
			if past {
				workload := kube.Ref{Kind: kube.Text(owner.Get("kind")), Namespace: m.Namespace, Name: kube.Text(owner.Get("name"))}
				c.earlier[ref] = append(c.earlier[ref], workload)
			} else {
				c.used[ref] = true
			}
		}
	}
}

// isUsed reports whether pods of the input need an object: a pod template names it, or an earlier
// revision does, and its service is on the mesh. An earlier revision counts, too, while the input
// lacks its workload, or pods of it may run.
func (r *reading) isUsed(kind string, o object) bool {
	ref := kube.Ref{Kind: kind, Namespace: o.namespace, Name: o.name}
	if r.used[ref] {
		return true
	}

	for _, workload := range r.earlier[ref] {
		if rolls, known := r.rollouts[workload]; !known || rolls || r.stands(o) {
			return true
		}
	}

	return false
}

// stands reports whether workloads of the service that an object belongs to are on the mesh.
func (r *reading) stands(o object) bool {
	_, stands := r.rolls[standalone.Service{Namespace: o.namespace, App: ownerApp(o.name)}]
	return stands
}

// isPast reports whether an object that a workload owns is an earlier revision without pods
// (Kubernetes documentation, Deployments, Rolling Back, and API reference, ControllerRevision). The
// present revision of a workload may be one, too: the workload itself names its objects.
func isPast(o kube.Object) bool {
	switch o.Kind {
	case "ControllerRevision":
		return true
	case "ReplicaSet":
		wanted, known := o.Node.Get("spec", "replicas").Int()
		there, _ := o.Node.Get("status", "replicas").Int()
		return known && wanted == 0 && there == 0
	}

	return false
}

// isOwned reports whether a controller keeps the object, from a pod template of its own.
func isOwned(meta *manifest.Node) bool { return ownerOf(meta) != nil }

// ownerOf returns the controller that keeps an object (Kubernetes documentation, Owners and
// Dependents); nil without one.
func ownerOf(meta *manifest.Node) *manifest.Node {
	for _, owner := range meta.Get("ownerReferences").Items() {
		if owner.Get("controller").IsTrue() {
			return owner
		}
	}
	return nil
}

// isRolling reports whether pods of an earlier pod template still run (Kubernetes documentation,
// Deployments, status, and API reference, DaemonSetStatus).
func isRolling(workload *manifest.Node) bool {
	status := workload.Get("status")
	generation, _ := workload.Get("metadata", "generation").Int()
	observed, known := status.Get("observedGeneration").Int()
	if known && observed < generation {
		return true
	}

	all, known := status.Get("replicas").Int()
	updated, _ := status.Get("updatedReplicas").Int()
	if !known {
		all, known = status.Get("desiredNumberScheduled").Int()
		updated, _ = status.Get("updatedNumberScheduled").Int()
	}

	return known && updated < all
}

// ownerApp returns the app in the name of an object of its service.
func ownerApp(name string) string {
	switch {
	case standalone.IsConfigMapName(name):
		return appOf(name)
	case isTokenName(name):
		return strings.TrimSuffix(name, standalone.TokenSecretName(standalone.Service{}))
	}
	return strings.TrimSuffix(name, standalone.SecretName(standalone.Service{}))
}
