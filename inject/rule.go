package inject

// Rule says why something is refused, skipped or warned of. It is a code that stays the same from
// version to version, for those who filter reports.
type Rule string

// The rules.
const (
	RuleSyntax      Rule = "TM0001"
	RuleEdit        Rule = "TM0002"
	RuleKind        Rule = "TM0003"
	RulePlace       Rule = "TM0004"
	RuleAnnotation  Rule = "TM0005"
	RuleApp         Rule = "TM0006"
	RuleNamespace   Rule = "TM0007"
	RulePod         Rule = "TM0008"
	RuleClash       Rule = "TM0009"
	RuleHostNetwork Rule = "TM0010"
	RuleService     Rule = "TM0011"
	RuleNoPorts     Rule = "TM0012"
	RuleSystem      Rule = "TM0013"
	RuleRecord      Rule = "TM0014"
	RuleDefinition  Rule = "TM0015"
	RuleSame        Rule = "TM0016"
	RuleConflict    Rule = "TM0017"
	RuleCertificate Rule = "TM0018"
	RuleSelector    Rule = "TM0019"
	RuleTarget      Rule = "TM0020"
	RuleRoute       Rule = "TM0021"
	RuleIngress     Rule = "TM0022"
	RulePolicy      Rule = "TM0023"
	RuleScaler      Rule = "TM0024"
	RuleJob         Rule = "TM0025"
	RulePort        Rule = "TM0026"
	RuleAPI         Rule = "TM0027"
	RuleTrust       Rule = "TM0028"
	RuleSecurity    Rule = "TM0029"
	RuleSecret      Rule = "TM0030"
	RuleNothing     Rule = "TM0031"
	RulePatch       Rule = "TM0032"
	RuleMesh        Rule = "TM0033"
	RuleQuota       Rule = "TM0034"
	RuleDomain      Rule = "TM0035"
)

// Skips reports whether what a rule refuses is skipped: it passes untouched where Settings.OnSkip
// accepts that.
func (r Rule) Skips() bool {
	return r == RuleSyntax || r == RuleEdit || r == RuleKind || r == RulePatch
}

// Rules are all rules with a sentence each, by code.
var Rules = []struct {
	Rule Rule
	Text string
}{
	{RuleSyntax, "A document that carries an annotation of ours must be readable."},
	{RuleEdit, "What changes must be written so that nothing else changes with it."},
	{RuleKind, "Only objects with a pod template, Pods and Services can be put on the mesh."},
	{RulePlace, "The inject annotation belongs into the metadata of the pod template."},
	{RuleAnnotation, "An annotation of tykmesh must be a known one, with a value that means something."},
	{RuleApp, "A label of the pod template names the service on the mesh: app, or one of Injector.serviceLabels."},
	{RuleNamespace, "A namespace must be one that Kubernetes takes."},
	{RulePod, "A pod must be one that Kubernetes takes."},
	{RuleClash, "A pod must not have what the sidecar brings: its names, its ports, its mounts."},
	{RuleHostNetwork, "A pod on the network of its node cannot have a sidecar."},
	{RuleService, "It must be clear which port of a Service reaches the app, and the sidecar's must be free."},
	{RuleNoPorts, "A Service without ports or without pods has nothing that a sidecar could serve."},
	{RuleSystem, "Nothing in kube-system and kube-public is put on the mesh."},
	{RuleRecord, "What injection added is taken away as its record says."},
	{RuleDefinition, "The API definitions of a service must be ones that the Dashboard takes."},
	{RuleSame, "Services must differ in their routes and names, and the workloads of one service must agree."},
	{RuleConflict, "What other people registered in the Dashboard is not touched."},
	{RuleCertificate, "The certificate of the mesh must be one for its hosts."},
	{RuleSelector, "A Service on the mesh leads to pods on the mesh, and to no others."},
	{RuleTarget, "A port of a Service on the mesh leads to a port of its pods."},
	{RuleRoute, "The route of a service needs a Service of its name that leads to its sidecars."},
	{RuleIngress, "An Ingress or a route of a Gateway needs a port of a Service that is there, and a host that its sidecars answer."},
	{RulePolicy, "A NetworkPolicy must let callers reach the sidecars, and these each other."},
	{RuleScaler, "A HorizontalPodAutoscaler that counts requests for resources needs one of every container."},
	{RuleJob, "A pod that is to end needs a sidecar that ends with it."},
	{RulePort, "It must be clear on which port the app listens, and the sidecar must reach it there."},
	{RuleAPI, "A workload must be of an API version that Kubernetes still serves."},
	{RuleTrust, "Sidecars and apps must trust the CA of the mesh."},
	{RuleSecurity, "A namespace must allow the level of Pod Security that its pods meet with a sidecar."},
	{RuleSecret, "A namespace must have the Secret that its sidecars take their secrets from."},
	{RuleNothing, "A run should put something on the mesh."},
	{RulePatch, "A Kustomize patch cannot be injected alone: the output of kustomize build can."},
	{RuleMesh, "A pod cannot be on two meshes that both lead its calls to themselves."},
	{RuleQuota, "A container must say what a ResourceQuota of its namespace counts."},
	{RuleDomain, "A namespace must not have the name of a top-level domain."},
}
