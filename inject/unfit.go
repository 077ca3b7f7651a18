package inject

import (
	"cmp"
	"fmt"
	"regexp"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// workloadVersions are the API versions of Kubernetes' own kinds that can be put on the mesh.
var workloadVersions = map[string]string{
	"Deployment": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "ReplicaSet": "apps/v1", "Job": "batch/v1", "CronJob": "batch/v1",
	"Pod": "v1", "PodTemplate": "v1", "ReplicationController": "v1", "Service": "v1",
}

// skipUnfit skips an object that cannot be injected as it is, and reports whether it is one.
func (in *injection) skipUnfit(o *target) bool {
	needed := o.object.Node.Get("spec")
	if o.template.Node != nil {
		needed = o.template.Get("spec", "containers")
	}

	switch {
	case o.object.Group() == "serving.knative.dev":
		key, _ := o.meta.Get("annotations").Entry(annotationInject)
		in.skip(o.Object, o.problem(RuleKind, key, "Knative rejects pods with a sidecar: only one container may have ports, and initContainers and hostAliases are forbidden "+
			"unless feature flags allow them; delete the annotation"))
	case needed.IsNull():
		in.skip(o.Object, o.patch(cmp.Or(o.template.Get("spec"), o.object.Node)))
	default:
		return false
	}

	return true
}

// patch refuses an object that holds no more than a change to another one.
func (o *target) patch(n *manifest.Node) Problem {
	what := "containers"
	if o.object.IsService() {
		what = "spec"
	}
	return o.problem(RulePatch, n, "this %s has no %s: it looks like a Kustomize patch; inject the output of kustomize build", o.Kind, what)
}

// isPatch reports whether an object without pods is part of one with pods: one of a kind that has
// some, or with a pod template at path.
func (o *target) isPatch(path string) bool {
	return kube.IsTemplatePath(path) || workloadVersions[o.Kind] != ""
}

// missingVersion refuses an object without an API version, as kubectl does: here, before something
// is registered for it.
func (o *target) missingVersion() {
	if o.APIVersion != "" {
		return
	}

	example := ""
	if v := workloadVersions[o.Kind]; v != "" {
		example = fmt.Sprintf("; write apiVersion: %s", v)
	}

	o.refuse(RuleAPI, o.object.Node, "the object has no apiVersion, so kubectl would reject it%s", example)
}

// variables are texts that other tools replace: of templates, and of shells, envsubst, Flux and
// Tekton.
var variables = regexp.MustCompile(`\{\{|\$\{|\$\(|\$[A-Z_]`)

// asVariable returns the end of an error about a text in which a variable is left.
func asVariable(text string) string {
	switch variables.FindString(text) {
	case "":
		return ""
	case "{{":
		return "; {{ }} looks like a template; render it first, for example with helm template"
	}
	return "; this looks like a variable; substitute it first, for example with envsubst"
}
