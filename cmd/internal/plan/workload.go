package plan

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// checkWorkload judges what one workload asks for by itself.
func checkWorkload(w inject.Workload, s mesh.Settings) (warnings, problems []inject.Problem) {
	at := func(rule inject.Rule, pos manifest.Position, format string, args ...any) inject.Problem {
		return inject.Problem{Rule: rule, Pos: pos, Object: w.Object, Msg: fmt.Sprintf(format, args...)}
	}
	if w.Service.App == mesh.Tag {
		problems = append(problems, at(inject.RuleApp, w.Pos, "an app cannot be named %q: every sidecar of the mesh carries that tag and would serve its inbound API", mesh.Tag))
	}

	if why := refusedHost(mesh.Host(w.Service), s); why != "" {
		problems = append(problems, at(inject.RuleApp, w.Pos, "%s", why))
	}

	if name := mesh.TemplateName(w, mesh.Inbound); w.HasTemplate && !s.Templates.Has(name) {
		problems = append(problems, at(inject.RuleDefinition, w.TemplatePos, "annotation template.service.tyk.io: no template %q: Tyk.templates names no directory that defines it", name))
	}

	for _, f := range w.Fields {
		warning, err := dashboard.CheckField(f.Path, f.Value)
		if warning != "" {
			warnings = append(warnings, at(inject.RuleDefinition, f.Pos, "annotation %s: %s", f.Key, warning))
		}
		if err != nil {
			problems = append(problems, at(inject.RuleDefinition, f.Pos, "annotation %s: %v", f.Key, err))
		}
	}

	for i, f := range w.Fields {
		for _, earlier := range w.Fields[:i] {
			if overlap(f.Path, earlier.Path) {
				problems = append(problems, at(inject.RuleDefinition, f.Pos, "annotation %s overlaps with annotation %s at %s: both set %s",
					f.Key, earlier.Key, earlier.Pos, shorter(f.Path, earlier.Path)))
			}
		}
	}

	return warnings, problems
}

// refusedHost returns why a service cannot go by a host; "" if it can. Issue would refuse it only
// after other services were written.
func refusedHost(host string, s mesh.Settings) string {
	if slices.ContainsFunc(s.MeshCertificateHosts(), func(h string) bool { return strings.EqualFold(h, host) }) {
		return fmt.Sprintf("the host of the service, %s, is also a mesh host, and its certificate would be valid for both; remove it from Injector.meshHosts", host)
	}
	if err := ca.CheckHosts([]string{host}); s.TLS && err != nil {
		return fmt.Sprintf("the service gets no certificate: %v", err)
	}
	return ""
}

// overlap reports whether one path is the other, or leads to it: which of two such annotations won
// was left to chance (webhook fault B9).
func overlap(a, b string) bool {
	return strings.HasPrefix(a+".", b+".") || strings.HasPrefix(b+".", a+".")
}

func shorter(a, b string) string {
	if len(a) < len(b) {
		return a
	}
	return b
}

// disagreements refuses workloads of one service that want different APIs.
func disagreements(group []inject.Workload) (problems []inject.Problem) {
	first := group[0]
	for _, w := range group[1:] {
		if w.Route != first.Route {
			problems = append(problems, disagree(w, w.RoutePos, "route %q differs from %q at %s", w.Route, first.Route, first.RoutePos))
		}

		if w.Port != first.Port {
			problems = append(problems, disagree(w, w.Pos, "the app listens on port %d, and on port %d at %s", w.Port, first.Port, first.Pos))
		}

		if (w.Protocol == "") != (first.Protocol == "") {
			problems = append(problems, disagree(w, w.Pos, "the app speaks %s, and %s at %s", w.Speaks(), first.Speaks(), first.Pos))
		}

		if w.SidecarPort != first.SidecarPort {
			problems = append(problems, disagree(w, w.Pos, "callers go to its sidecars on port %d, and to those of port %d at %s", w.SidecarPort, first.SidecarPort, first.Pos))
		}

		if w.HasTemplate != first.HasTemplate || w.Template != first.Template {
			problems = append(problems, disagree(w, templatePos(w), "template %s differs from %s at %s", templateText(w), templateText(first), templatePos(first)))
		}

		problems = append(problems, fieldDisagreements(first, w)...)
	}

	return problems
}

func fieldDisagreements(first, w inject.Workload) (problems []inject.Problem) {
	has := make(map[string]inject.Field, len(first.Fields))
	for _, f := range first.Fields {
		has[f.Key] = f
	}

	for _, f := range w.Fields {
		other, ok := has[f.Key]
		delete(has, f.Key)
		switch {
		case !ok:
			problems = append(problems, disagree(w, f.Pos, "annotation %s is missing at %s", f.Key, first.Pos))
		case !reflect.DeepEqual(f.Value, other.Value):
			problems = append(problems, disagree(w, f.Pos, "annotation %s differs from the one at %s", f.Key, other.Pos))
		}
	}

	for _, f := range first.Fields {
		if _, left := has[f.Key]; left {
			problems = append(problems, disagree(w, w.Pos, "annotation %s at %s is missing here", f.Key, f.Pos))
		}
	}

	return problems
}

func disagree(w inject.Workload, pos manifest.Position, format string, args ...any) inject.Problem {
	return inject.Problem{Rule: inject.RuleSame, Pos: pos, Object: w.Object, Msg: fmt.Sprintf(format, args...) +
		fmt.Sprintf("; workloads of one service (%s) share its APIs; to separate them, list a label by which they differ in Injector.serviceLabels", w.Service)}
}

func templateText(w inject.Workload) string {
	if !w.HasTemplate {
		return "(none)"
	}
	return fmt.Sprintf("%q", w.Template)
}

func templatePos(w inject.Workload) manifest.Position {
	if !w.HasTemplate {
		return w.Pos
	}
	return w.TemplatePos
}
