package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/checks"
	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// tell reports a run of inject, diff or register. trusted is the file with the CAs that pods must
// trust.
func (f *injectCmd) tell(r *report.Run, i injected, trusted string) {
	if i.stream.Defaulted {
		what := "they are registered in default"
		if i.standalone {
			what = "their sidecars call the Services of default"
		}
		r.Warn("some objects have no namespace: %s, but kubectl apply would use the namespace of its context; set it with -n NAMESPACE", what)
	}

	registered := registrations(r, i.plan)

	count := tally{standalone: i.standalone}
	for _, o := range i.stream.Objects {
		count.add(o)
		if o.Outcome != inject.Injected {
			r.Lastly("%s", objectEvent(o))
		} else if text := f.done(r, o, registered); text != "" {
			r.Lastly("%s: %s: %s", o.Pos, o, text)
		}
	}

	if i.plan != nil {
		r.Plan.TellMesh("other API")
	}

	if i.stream.Emitted > 0 && !f.onlyRegisters {
		tellAdded(r, i.stream)
	}

	if slices.ContainsFunc(i.stream.Workloads(), func(w inject.Workload) bool { return w.NextPort != 0 }) {
		r.Lastly("the sidecar's port changes in two steps, and this is the first: when all pods have restarted, delete Sidecar.previousPort or its annotation, inject and apply again")
	}

	if f.registered && i.plan != nil {
		tellAssumed(r, i.stream)
	} else {
		tellNeeds(r, i.stream, trusted)
	}

	if i.stream.Nothing != "" { // a summary would be overlooked easily
		r.DiagnoseLast(report.Diagnostic{Code: string(inject.RuleNothing), Severity: report.Warning, Message: "nothing " + r.Finished() + ": " + i.stream.Nothing})
		return
	}

	summary := count.summary(r, i.plan, f.onlyRegisters)
	if f.diff != nil {
		summary += f.diff.compared(i)
	}

	r.Lastly("%s", summary)
}

// done returns a text about an injected object; "" for a Service if the run only registers.
func (f *injectCmd) done(r *report.Run, o *inject.Object, registered map[inject.Service]string) string {
	var texts []string
	if !f.onlyRegisters {
		texts = append(texts, r.Finished()+": "+o.Change)
	}
	if w := o.Workload(); w != nil && registered[w.Service] != "" {
		texts = append(texts, registered[w.Service])
	}
	return strings.Join(texts, "; ")
}

// tellAdded reports the objects that are added to the manifests.
func tellAdded(r *report.Run, stream *inject.Stream) {
	n := stream.Authorities
	if n > 0 {
		r.Lastly("ConfigMap %s %s for %s", sidecar.Authority, r.Verb("added"), report.Plural(n, "namespace"))
	}
	if n = stream.Emitted - n; n > 0 {
		r.Lastly("%s %s behind the workloads, for their sidecars", report.Plural(n, "object"), r.Verb("added"))
	}
}

// tellServiceSecrets reports the Secrets of services that namespaces need in a mesh without a
// Dashboard.
func tellServiceSecrets(r *report.Run, stream *inject.Stream) {
	for _, n := range stream.Needs {
		if len(n.Secrets) > 0 {
			noun, pronoun := "Secret", "it"
			if len(n.Secrets) > 1 {
				noun, pronoun = "Secrets", "them"
			}
			tellNeed(r, inject.RuleSecret, []string{n.Namespace}, "the %s %s: tykmesh certs secrets prints %s, or make your own", noun, listed(n.Secrets), pronoun)
		}
	}
}

// listed returns the first of some names, and the number of the others.
func listed(names []string) string {
	const most = 5
	text := strings.Join(names[:min(len(names), most)], ", ")
	if n := len(names) - most; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// tellNeeds reports the objects and labels that namespaces need for their pods, each with a
// command.
func tellNeeds(r *report.Run, stream *inject.Stream, trusted string) {
	var secret, authority []string

	levels := make(map[kube.Security][]string)
	for _, n := range stream.Needs {
		if n.Secret {
			secret = append(secret, n.Namespace)
		}

		if n.Authority {
			authority = append(authority, n.Namespace)
		}

		if n.Security != "" {
			levels[n.Security] = append(levels[n.Security], n.Namespace)
		}
	}

	if len(secret) > 0 {
		tellNeed(r, inject.RuleSecret, secret, "the Secret %s: tykmesh config secret -n %s prints how to make it", sidecar.Secret, strings.Join(secret, " -n "))
	}

	tellServiceSecrets(r, stream)
	if len(authority) > 0 {
		tellNeed(r, inject.RuleTrust, authority, "the ConfigMap %s: kubectl create configmap %s -n %s --from-file=%s=%s, or Injector.emitCA: true",
			sidecar.Authority, sidecar.Authority, authority[0], sidecar.AuthorityKey, trusted)
	}

	for _, level := range slices.Sorted(maps.Keys(levels)) {
		tellNeed(r, inject.Rule(checks.Security.Code), levels[level], "to allow Pod Security level %s, where one is enforced: kubectl label --overwrite namespace %s "+
			"pod-security.kubernetes.io/enforce=%[1]s", level, strings.Join(levels[level], " "))
	}
}

// tellAssumed reports the needs of namespaces for a run with --registered. The run that registered
// the services has reported them with commands. Neither run asks the cluster.
func tellAssumed(r *report.Run, stream *inject.Stream) {
	for _, n := range stream.Needs {
		var things []string
		if n.Secret {
			things = append(things, "the Secret "+sidecar.Secret)
		}

		if n.Authority {
			things = append(things, "the ConfigMap "+sidecar.Authority)
		}

		if n.Security != "" {
			things = append(things, fmt.Sprintf("Pod Security level %s", n.Security))
		}

		if len(things) > 0 {
			r.Lastly("namespace %s: assumed to have %s, because its services are registered; tykmesh register reports how to make them", n.Namespace, strings.Join(things, ", "))
		}
	}
}

// tellNeed reports one need of namespaces.
func tellNeed(r *report.Run, rule inject.Rule, namespaces []string, format string, args ...any) {
	words, verb := "namespace", "needs"
	if len(namespaces) > 1 {
		words, verb = "namespaces", "need"
	}

	text := fmt.Sprintf("%s %s %s %s", words, strings.Join(namespaces, ", "), verb, fmt.Sprintf(format, args...))
	r.DiagnoseLast(report.Diagnostic{Code: string(rule), Severity: report.Warning, Message: text})
}

// registrations returns a text about the APIs and certificates of each service.
func registrations(r *report.Run, todo *plan.Plan) map[inject.Service]string {
	out := map[inject.Service]string{}
	if todo == nil {
		return out
	}

	for _, svc := range todo.Services {
		out[svc] = "registered already"
		if done := r.Plan.Texts(r.Plan.Steps.Of(svc.String()).CertificateLast()); len(done) > 0 {
			out[svc] = strings.Join(done, ", ")
		}
	}

	return out
}

// tally counts the objects of a run.
type tally struct {
	workloads, services, leftAlone, skipped int
	standalone                              bool // there is no Dashboard
}

func (t *tally) add(o *inject.Object) {
	switch {
	case o.Outcome == inject.LeftAlone:
		t.leftAlone++
	case o.Outcome == inject.Skipped:
		t.skipped++
	case o.Workload() == nil:
		t.services++
	default:
		t.workloads++
	}
}

// summary returns the last line: the injected objects, and the steps of registration.
func (t *tally) summary(r *report.Run, todo *plan.Plan, onlyRegisters bool) string {
	text := fmt.Sprintf("%s and %s %s", report.Plural(t.workloads, "workload"), report.Plural(t.services, "Service"), r.Finished())
	if onlyRegisters {
		text = report.Plural(t.workloads, "workload") + " on the mesh"
	}

	if t.leftAlone > 0 {
		text += fmt.Sprintf(", %d left alone", t.leftAlone)
	}

	if t.skipped > 0 {
		text += fmt.Sprintf(", %d skipped", t.skipped)
	}

	if t.standalone {
		return text
	}
	if todo == nil {
		return text + "; nothing to register"
	}

	done := r.Plan.Counts()
	if len(done) == 0 {
		return text + "; everything was registered already"
	}

	return text + "; " + strings.Join(done, ", ")
}
