package inject

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tykmesh/tykmesh/inject/checks"
)

// Rule says why something is refused, skipped or warned of. It is a code that stays the same from
// version to version, for those who filter reports.
type Rule string

// The rules of injection and of the plan. Those of the checks across the stream are in checks.All.
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
	RuleJob         Rule = "TM0025"
	RulePort        Rule = "TM0026"
	RuleAPI         Rule = "TM0027"
	RuleTrust       Rule = "TM0028"
	RuleSecret      Rule = "TM0030"
	RuleNothing     Rule = "TM0031"
	RulePatch       Rule = "TM0032"
	RuleCallers     Rule = checks.CallersCode
	RuleOutage      Rule = checks.OutageCode
	RuleSize        Rule = "TM0041"
	RuleCalls       Rule = "TM0042"
	RuleRoute       Rule = "TM0043"
	RuleRelay       Rule = "TM0044"
	RuleIdentity    Rule = "TM0045"
	RuleAllow       Rule = "TM0046"
	RulePlaceholder Rule = "TM0048"
)

// Skips reports whether what a rule refuses is skipped: it passes untouched where Settings.OnSkip
// accepts that.
func (r Rule) Skips() bool {
	return r == RuleSyntax || r == RuleEdit || r == RuleKind || r == RulePatch
}

// number returns the digits of the rule's code.
func (r Rule) number() int {
	n, err := strconv.Atoi(strings.TrimPrefix(string(r), "TM"))
	if err != nil {
		panic("inject: no code: " + string(r)) // the codes are this file's
	}
	return n
}

// RuleText is a rule with its sentence.
type RuleText struct {
	Rule Rule
	Text string
}

// Rules are all rules, by code.
var Rules = withChecks([]RuleText{
	{RuleSyntax, "A document with an annotation of tykmesh must be readable."},
	{RuleEdit, "A change must not touch anything else in the document."},
	{RuleKind, "Only objects with a pod template, Pods and Services can be put on the mesh."},
	{RulePlace, "The inject annotation belongs in the metadata of the pod template."},
	{RuleAnnotation, "An annotation of tykmesh must have a known name and a valid value."},
	{RuleApp, "A label of the pod template names the service on the mesh: app, or one of Injector.serviceLabels."},
	{RuleNamespace, "A namespace must be valid in Kubernetes."},
	{RulePod, "A pod must be valid in Kubernetes."},
	{RuleClash, "A pod must not use the names, ports and mounts of the sidecar."},
	{RuleHostNetwork, "A pod that shares the network of its node cannot have a sidecar."},
	{RuleService, "It must be clear which port of a Service reaches the app, and the sidecar's port must be free."},
	{RuleNoPorts, "A Service without ports or without pods has nothing for a sidecar to serve."},
	{RuleSystem, "Objects in kube-system and kube-public stay off the mesh."},
	{RuleRecord, "uninject removes the additions that the record lists."},
	{RuleDefinition, "The API definitions of a service must be valid for the Dashboard."},
	{RuleSame, "Services must differ in their routes and names, and the workloads of one service must agree."},
	{RuleConflict, "tykmesh does not change APIs that others registered in the Dashboard."},
	{RuleCertificate, "The certificate of the mesh must be valid for its hosts."},
	{RuleJob, "A pod that must finish needs a sidecar that finishes with it."},
	{RulePort, "It must be clear on which port the app listens, and the sidecar must reach it there."},
	{RuleAPI, "A workload must have an API version that Kubernetes still serves."},
	{RuleTrust, "Sidecars and apps must trust the mesh CA."},
	{RuleSecret, "A namespace must have the Secret that its sidecars read."},
	{RuleNothing, "A run should put something on the mesh."},
	{RulePatch, "A Kustomize patch cannot be injected; the output of kustomize build can."},
	{RuleSize, "The memory limit of a sidecar must leave room for the routes of the mesh."},
	{RuleRoute, "In a mesh without a Dashboard, a route is the name of a Service."},
	{RuleRelay, "No other pod may reach the ports on which a sidecar answers its own pod."},
	{RuleIdentity, "A Service of a mesh without a Dashboard must lead to one app."},
	{RuleAllow, "Sidecars can tell callers apart only by tokens, within mutual TLS."},
	{RulePlaceholder, "Sidecars need the addresses of real servers, from a configuration."},
	{RuleCalls, "A service that a pod lists among its calls must be on the mesh."},
})

// withChecks adds the rules of the checks across the stream.
func withChecks(rules []RuleText) []RuleText {
	for _, c := range checks.All {
		rules = append(rules, RuleText{Rule(c.Code), c.Sentence})
	}
	slices.SortFunc(rules, func(a, b RuleText) int { return strings.Compare(string(a.Rule), string(b.Rule)) })
	return rules
}
