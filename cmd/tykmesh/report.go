package main

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// report tells people on standard error what was done: a line for each object that carries an annotation of ours, then a summary.
type report struct {
	mu      sync.Mutex
	out     io.Writer
	quiet   bool
	verbose *slog.Logger // nil unless -v
}

func newReport(out io.Writer, o options) *report {
	r := &report{out: out, quiet: o.quiet}
	if o.verbose {
		r.verbose = slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return r
}

func (r *report) printf(format string, args ...any) {
	if r.quiet {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.out, format+"\n", args...)
}

func (r *report) warn(text string) { r.printf("warning: %s", text) }

func (r *report) warnings(ws []inject.Problem) {
	for _, w := range ws {
		r.warn(w.Error())
	}
}

// asked and signed are what -v shows of a request to the Dashboard, and to CFSSL.
func (r *report) asked(q dashboard.Request) {
	r.debug("dashboard", "method", q.Method, "path", q.Path, "status", q.Status, "ms", q.Duration.Milliseconds(), "attempt", q.Attempt)
}

func (r *report) signed(q ca.Call) {
	r.debug("cfssl", "server", q.Server, "op", q.Op, "status", q.Status, "ms", q.Duration.Milliseconds())
}

func (r *report) debug(msg string, args ...any) {
	if r.verbose != nil {
		r.verbose.Debug(msg, args...)
	}
}

// injected reports a run of inject; plan is nil where nothing was to be registered.
func (r *report) injected(stream *inject.Stream, plan *mesh.Plan) {
	if stream.Defaulted {
		r.warn("some objects name no namespace: they are registered in default, and kubectl apply would use that of its context; -n NAMESPACE says which")
	}
	registered := r.registrations(plan)
	count := map[string]int{}
	for _, o := range stream.Objects {
		if o.Outcome == inject.LeftAlone {
			count["left alone"]++
			r.leftAlone(o)
			continue
		}
		line := fmt.Sprintf("%s: %s: injected: %s", o.Pos, o, o.Change)
		count[o.Kind]++
		if w := o.Workload(); w != nil && registered[w.Service] != "" {
			line += "; " + registered[w.Service]
		}
		r.printf("%s", line)
	}
	if plan != nil && plan.MeshCertificate != nil && plan.MeshCertificate.Action != mesh.Keep {
		r.printf("mesh: %s", r.step(plan.MeshCertificate.Step))
	}
	r.printf("%s", summary(count, plan))
}

// uninjected reports a run of uninject.
func (r *report) uninjected(stream *inject.Stream) {
	n := 0
	for _, o := range stream.Objects {
		if o.Outcome == inject.LeftAlone {
			r.leftAlone(o)
			continue
		}
		n++
		r.printf("%s: %s: %s", o.Pos, o, o.Change)
	}
	r.printf("%s taken off the mesh; the APIs and certificates stay", plural(n, "object"))
}

func (r *report) leftAlone(o *inject.Object) {
	prefix := ""
	if o.Warning {
		prefix = "warning: "
	}
	r.printf("%s%s: %s: left alone: %s", prefix, o.Pos, o, o.Reason)
}

// registrations says for each service what became of its APIs and its certificate.
func (r *report) registrations(plan *mesh.Plan) map[inject.Service]string {
	out := map[inject.Service]string{}
	if plan == nil {
		return out
	}
	for _, s := range plan.Services {
		steps := []mesh.Step{s.Inbound.Step, s.Mesh.Step}
		if s.Certificate != nil {
			steps = append(steps, s.Certificate.Step)
		}
		var done []string
		for _, step := range steps {
			if step.Action != mesh.Keep {
				done = append(done, r.step(step))
			}
		}
		out[s.Service] = strings.Join(done, ", ")
		if len(done) == 0 {
			out[s.Service] = "registered already"
		}
	}
	return out
}

// past is how a step reads once it is done.
var past = map[mesh.Action]string{
	mesh.Create: "created", mesh.Update: "updated", mesh.Issue: "issued", mesh.Confirm: "confirmed",
}

// step says what was done, and why where something was there before.
func (r *report) step(s mesh.Step) string {
	text := fmt.Sprintf("%s %s %s", s.Kind, s.Name, past[s.Action])
	if len(s.Reasons) > 0 && s.Reasons[0] != mesh.Absent {
		text += " (" + strings.Join(r.reasons(s.Reasons), "; ") + ")"
	}
	return text
}

// reasons are as many as people read on one line. Of more than that, those count most that tell a value which is lost.
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

// summary is the last line: what was injected, and what was registered for it.
func summary(count map[string]int, plan *mesh.Plan) string {
	left, services, workloads := count["left alone"], count["Service"], 0
	for kind, n := range count {
		if kind != "left alone" && kind != "Service" {
			workloads += n
		}
	}
	text := fmt.Sprintf("%s and %s injected", plural(workloads, "workload"), plural(services, "Service"))
	if left > 0 {
		text += fmt.Sprintf(", %d left alone", left)
	}
	if plan == nil {
		return text + "; nothing to register"
	}
	var done []string
	for _, what := range []struct {
		kind   mesh.Kind
		action mesh.Action
	}{{mesh.APIKind, mesh.Create}, {mesh.APIKind, mesh.Update}, {mesh.CertificateKind, mesh.Issue}, {mesh.CertificateKind, mesh.Confirm}} {
		if n := plan.Count(what.kind, what.action); n > 0 {
			done = append(done, fmt.Sprintf("%s %s", plural(n, string(what.kind)), past[what.action]))
		}
	}
	if len(done) == 0 {
		return text + "; everything was registered already"
	}
	return text + "; " + strings.Join(done, ", ")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
