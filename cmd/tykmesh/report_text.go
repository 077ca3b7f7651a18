package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	reports "github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// injected reports a run of inject; plan is nil if there was nothing to register.
func (r *report) injected(stream *inject.Stream, plan *mesh.Plan) {
	if stream.Defaulted {
		r.warn("some objects have no namespace: they are registered in default, but kubectl apply would use the namespace of its context; set it with -n NAMESPACE")
	}

	registered := r.registrations(plan)

	count := tally{}
	for _, o := range stream.Objects {
		count.add(o)
		if o.Outcome != inject.Injected {
			r.lastly("%s", objectEntry(o).String())
			continue
		}
		r.done(o, registered)
	}

	if plan != nil {
		r.meshCertificate(plan, "other API")
	}

	if r.command != "register" {
		r.needs(stream)
	}

	if stream.Nothing != "" {
		r.nothing(stream.Nothing)
		return
	}

	r.lastly("%s", r.summary(count, plan))
}

// nothing warns that a run does nothing. A summary would be overlooked easily.
func (r *report) nothing(why string) {
	text := fmt.Sprintf("nothing %s: %s", r.verb(finished[r.command]), why)
	r.diagnose(reports.Diagnostic{Code: inject.RuleNothing, Severity: reports.Warning, Message: text})
	r.lastly("warning %s: %s", inject.RuleNothing, text)
}

// needs reports the objects and labels that namespaces need for their pods, each with a command.
func (r *report) needs(stream *inject.Stream) {
	if stream.Emitted > 0 {
		r.lastly("ConfigMap %s %s for %s", sidecar.Authority, r.verb("added"), plural(stream.Emitted, "namespace"))
	}

	var secret, authority []string

	levels := make(map[inject.Security][]string)
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
		r.need(inject.RuleSecret, secret, "the Secret %s: tykmesh config secret -n %s prints how to make it", sidecar.Secret, strings.Join(secret, " -n "))
	}

	if len(authority) > 0 {
		r.need(inject.RuleTrust, authority, "the ConfigMap %s: kubectl create configmap %s -n %s --from-file=%s=%s, or Injector.emitCA: true",
			sidecar.Authority, sidecar.Authority, authority[0], sidecar.AuthorityKey, r.trusted)
	}

	for _, level := range slices.Sorted(maps.Keys(levels)) {
		r.need(inject.RuleSecurity, levels[level], "to allow Pod Security level %s, where one is enforced: kubectl label --overwrite namespace %s "+
			"pod-security.kubernetes.io/enforce=%[1]s", level, strings.Join(levels[level], " "))
	}
}

// need reports one need of namespaces.
func (r *report) need(rule inject.Rule, namespaces []string, format string, args ...any) {
	what, verb := "namespace", "needs"
	if len(namespaces) > 1 {
		what, verb = "namespaces", "need"
	}

	text := fmt.Sprintf("%s %s %s %s", what, strings.Join(namespaces, ", "), verb, fmt.Sprintf(format, args...))
	r.lastly("%s", r.diagnose(reports.Diagnostic{Code: rule, Severity: reports.Warning, Message: text}))
}

// done reports an injected object. register does not report Services.
func (r *report) done(o *inject.Object, registered map[inject.Service]string) {
	w := o.Workload()
	switch {
	case r.command != "register" && w != nil && registered[w.Service] != "":
		r.lastly("%s: %s: %s: %s; %s", o.Pos, o, r.verb("injected"), o.Change, registered[w.Service])
	case r.command != "register":
		r.lastly("%s: %s: %s: %s", o.Pos, o, r.verb("injected"), o.Change)
	case w != nil:
		r.lastly("%s: %s: %s", o.Pos, o, registered[w.Service])
	}
}

// uninjected reports a run of uninject.
func (r *report) uninjected(stream *inject.Stream) {
	n := 0
	for _, o := range stream.Objects {
		if o.Outcome != inject.Injected {
			r.lastly("%s", objectEntry(o).String())
			continue
		}
		n++
		r.lastly("%s: %s: %s", o.Pos, o, r.verb(o.Change))
	}

	if stream.Emitted > 0 {
		r.lastly("%s that inject had added %s", plural(stream.Emitted, "ConfigMap"), r.verb("removed"))
	}

	stay := "; the APIs and certificates stay: tykmesh delete deletes them"
	if n == 0 {
		stay = ""
	}

	r.lastly("%s %s%s", plural(n, "object"), r.verb("taken off the mesh"), stay)
}

// verb returns a participle, in a dry run with "would be".
func (r *report) verb(done string) string {
	if r.dry {
		return "would be " + done
	}
	return done
}

// meshCertificate reports the steps of the mesh's certificate, and the number of updated APIs of
// other services, which others names.
func (r *report) meshCertificate(plan *mesh.Plan, others string) {
	steps := plan.Steps()
	done := r.did(byService(steps)[inject.Service{}])
	n := 0
	for _, s := range steps {
		if s.Shared {
			n++
		}
	}

	if n > 0 {
		done = append(done, fmt.Sprintf("%s %s", plural(n, others), r.action(mesh.Update)))
	}

	if len(done) > 0 {
		r.lastly("mesh: %s", strings.Join(done, ", "))
	}
}

// did returns a text for each step of one service, and the number of replaced certificates that
// were deleted.
func (r *report) did(steps []mesh.Step) (done []string) {
	n := 0
	for _, s := range steps {
		switch {
		case s.Shared: // counted for the mesh
		case !s.Replaces():
			done = append(done, r.step(r.steps.cameTo(s)))
		case r.isDeleted(s):
			n++
		}
	}

	if n > 0 {
		done = append(done, fmt.Sprintf("%s %s", plural(n, "replaced certificate"), r.action(mesh.Delete)))
	}

	return done
}

// registrations returns a text about the APIs and certificates of each service.
func (r *report) registrations(plan *mesh.Plan) map[inject.Service]string {
	out := map[inject.Service]string{}
	if plan == nil {
		return out
	}

	isCertificate := func(s mesh.Step) bool { return s.Kind != mesh.APIKind && !s.Replaces() }
	of := byService(plan.Steps())
	for _, svc := range plan.Services {
		steps := of[svc]
		if len(steps) > 0 && isCertificate(steps[0]) { // behind the APIs, which users look for
			steps = slices.Concat(steps[1:], steps[:1])
		}

		done := r.did(steps)
		out[svc] = strings.Join(done, ", ")
		if len(done) == 0 {
			out[svc] = "registered already"
		}
	}

	return out
}

// past is the participle of each action.
var past = map[mesh.Action]string{
	mesh.Create: "created", mesh.Update: "updated", mesh.Issue: "issued", mesh.Confirm: "confirmed", mesh.Delete: "deleted",
}

// action returns the participle of an action, in a dry run the infinitive.
func (r *report) action(a mesh.Action) string {
	if r.dry {
		return "to " + string(a)
	}
	return past[a]
}

// step returns a text about a step, with its reasons if it changed something.
func (r *report) step(s mesh.Step) string {
	text := fmt.Sprintf("%s %s %s", s.Kind, s.Name, r.action(s.Action))
	if len(s.Reasons) > 0 && s.Reasons[0] != mesh.Absent {
		text += " (" + strings.Join(r.reasons(s.Reasons), "; ") + ")"
	}
	return text
}

// reasons returns as many reasons as fit on a line. If there are more, it prefers those about
// values that are lost.
func (r *report) reasons(all []string) []string {
	const most = 6
	if len(all) <= most || r.verbose != nil {
		return all
	}
	var shown []string
	for _, reason := range all {
		if strings.Contains(reason, " -> ") && len(shown) < most {
			shown = append(shown, reason)
		}
	}

	return append(shown, fmt.Sprintf("%d more, which -v shows", len(all)-len(shown)))
}

// tally counts the objects of a run.
type tally struct{ workloads, services, leftAlone, skipped int }

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
func (r *report) summary(t tally, plan *mesh.Plan) string {
	text := fmt.Sprintf("%s and %s %s", plural(t.workloads, "workload"), plural(t.services, "Service"), r.verb("injected"))
	if r.command == "register" {
		text = plural(t.workloads, "workload") + " on the mesh"
	}

	if t.leftAlone > 0 {
		text += fmt.Sprintf(", %d left alone", t.leftAlone)
	}

	if t.skipped > 0 {
		text += fmt.Sprintf(", %d skipped", t.skipped)
	}

	if plan == nil {
		return text + "; nothing to register"
	}

	done := r.counts(plan)
	if len(done) == 0 {
		return text + "; everything was registered already"
	}

	return text + "; " + strings.Join(done, ", ")
}

// counts returns the number of things of each kind and action.
func (r *report) counts(plan *mesh.Plan) (done []string) {
	type what struct {
		kind   mesh.Kind
		action mesh.Action
	}
	counts := map[what]int{}
	for _, s := range plan.Registration() {
		counts[what{s.Kind, r.steps.cameTo(s).Action}]++
	}

	for _, w := range []what{
		{mesh.APIKind, mesh.Create}, {mesh.APIKind, mesh.Update}, {mesh.APIKind, mesh.Delete}, {mesh.CertificateKind, mesh.Issue}, {mesh.RecordKind, mesh.Confirm},
	} {
		if n := counts[w]; n > 0 {
			done = append(done, fmt.Sprintf("%s %s", plural(n, string(w.kind)), r.action(w.action)))
		}
	}

	if n := len(r.deleted(plan)); n > 0 {
		done = append(done, fmt.Sprintf("%s %s", plural(n, "replaced certificate"), r.action(mesh.Delete)))
	}

	return done
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
