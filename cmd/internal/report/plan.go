package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/display"
)

// Steps are those of a plan, in order.
type Steps []Event

// Steps returns the steps of the plan.
func (r *Run) Steps() Steps { return r.steps.planned }

// CertificateLast returns the steps of a service with its certificate behind its APIs, which users
// look for.
func (s Steps) CertificateLast() Steps {
	if len(s) == 0 || s[0].Kind == "API" {
		return s
	}
	return slices.Concat(s[1:], s[:1])
}

// where returns the steps that have a property.
func (s Steps) where(has func(Event) bool) Steps {
	return slices.DeleteFunc(slices.Clone(s), func(e Event) bool { return !has(e) })
}

// Of returns the steps of a service; "" is the mesh.
func (s Steps) Of(service string) Steps {
	return s.where(func(e Event) bool { return e.Service == service })
}

// String returns "4 APIs, 1 certificate, 1 record".
func (s Steps) String() string {
	var parts []string
	for _, kind := range []string{"API", "certificate", "record"} {
		if n := len(s.where(func(e Event) bool { return e.Kind == kind })); n > 0 {
			parts = append(parts, Plural(n, kind))
		}
	}
	return strings.Join(parts, ", ")
}

// absent is the reason for a step that makes something for the first time. It goes without saying.
const absent = "not there yet"

// action returns the participle of an action, in a dry run the infinitive.
func (r *Run) action(action string) string {
	if r.config.Dry {
		return "to " + action
	}
	return past[action]
}

// StepTexts returns a text for each step of one service as it was done, and the number of replaced
// certificates that were deleted. APIs of which only the certificate changes count for the mesh.
func (r *Run) StepTexts(own Steps) (texts []string) {
	for _, s := range own {
		if !s.Shared && !s.Replaced {
			texts = append(texts, r.stepText(s))
		}
	}
	return append(texts, r.replacedText(own)...)
}

// stepText returns a text about a step as it was done, with its reasons if it changed something.
func (r *Run) stepText(s Event) string {
	s = r.steps.cameTo(s)
	text := fmt.Sprintf("%s %s %s", s.Kind, s.Name, r.action(s.Action))
	if len(s.Reasons) > 0 && s.Reasons[0] != absent {
		text += " (" + strings.Join(r.reasons(s.Reasons), "; ") + ")"
	}
	return text
}

// reasons returns as many reasons as fit on a line. If there are more, it prefers those about
// values that are lost.
func (r *Run) reasons(all []string) []string {
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

// WritePlan writes the planned steps to standard output, without long reasons.
func (r *Run) WritePlan() error {
	steps := slices.Clone(r.steps.planned)
	for i := range steps {
		steps[i].Reasons = r.reasons(steps[i].Reasons)
	}
	return steps.write(r.out)
}

// PlanOutput returns the output of a dry run that prints the planned steps.
func (r *Run) PlanOutput() Output {
	r.InLog()
	return func() error { return r.steps.planned.write(r.out) }
}

// Confirm shows the planned steps and asks whether to take them. Anything but a yes is a no.
func (r *Run) Confirm(stdin io.Reader) (yes bool) {
	r.Progress("") // the question takes its place
	if err := r.steps.planned.write(r.config.Stderr); err != nil {
		return false
	}

	fmt.Fprintf(r.config.Stderr, "%s: go on? [y/N] ", r.steps.planned)

	line, _ := bufio.NewReader(stdin).ReadString('\n') // at its end the answer is no
	answer := strings.ToLower(strings.TrimSpace(line))

	return answer == "y" || answer == "yes"
}

// write writes a line for each step: "update API echo-mesh (listen path /a -> /b)".
func (s Steps) write(w io.Writer) error {
	lines := display.Lines(w)
	for _, e := range s {
		line := fmt.Sprintf("%s %s %s", e.Action, e.Kind, e.Name)
		if e.Record != "" {
			line += ", record " + e.Record
		}
		if len(e.Reasons) > 0 {
			line += " (" + strings.Join(e.Reasons, "; ") + ")"
		}
		if _, err := fmt.Fprintln(lines, line); err != nil {
			return err
		}
	}

	return nil
}

// replacedText returns a text with the number of replaced certificates among some steps that were
// deleted, or in a dry run would be; nil without one.
func (r *Run) replacedText(of Steps) []string {
	n := len(of.where(func(s Event) bool { return s.Replaced && (r.config.Dry || r.steps.ended[keyOf(s)] == StatusDone) }))
	if n == 0 {
		return nil
	}
	return []string{Plural(n, "replaced certificate") + " " + r.action("delete")}
}

// TellMesh reports the steps of the mesh's certificate, and the number of updated APIs of other
// services, which others names.
func (r *Run) TellMesh(others string) {
	texts := r.StepTexts(r.steps.planned.Of(""))
	if shared := r.steps.planned.where(func(s Event) bool { return s.Shared }); len(shared) > 0 {
		texts = append(texts, Plural(len(shared), others)+" "+r.action("update"))
	}

	if len(texts) > 0 {
		r.Lastly("mesh: %s", strings.Join(texts, ", "))
	}
}

// CountTexts returns texts with the number of steps of each kind and action, as they were done.
func (r *Run) CountTexts() (texts []string) {
	type group struct{ kind, action string }
	counts := map[group]int{}
	for _, s := range r.steps.planned {
		if !s.Replaced {
			counts[group{s.Kind, r.steps.cameTo(s).Action}]++
		}
	}

	for _, g := range []group{
		{"API", "create"}, {"API", "update"}, {"API", "delete"}, {"certificate", "issue"}, {"record", "confirm"},
	} {
		if n := counts[g]; n > 0 {
			texts = append(texts, fmt.Sprintf("%s %s", Plural(n, g.kind), r.action(g.action)))
		}
	}

	return append(texts, r.replacedText(r.steps.planned)...)
}
