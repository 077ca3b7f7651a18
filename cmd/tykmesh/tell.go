package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject"
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

	if count.workloads > 0 {
		tellPlaceholders(r, i.placeholders)
	}
	if f.registered && i.plan != nil {
		tellAssumed(r, i.stream)
	} else {
		tellNeeds(r, i, trusted)
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
