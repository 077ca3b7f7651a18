package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/display"
)

// absent is the reason for a step that makes something for the first time. It goes without saying.
const absent = "not there yet"

// Texts returns a text for each step of one service as it was done, and the number of replaced
// certificates that were deleted. APIs of which only the certificate changes count for the mesh.
func (p *Plan) Texts(own Steps) (texts []string) {
	for _, s := range own {
		if !s.Shared && !s.Replaced {
			texts = append(texts, p.text(s))
		}
	}
	return append(texts, p.replacedText(own)...)
}

// text returns a text about a step as it was done, with its reasons if it changed something.
func (p *Plan) text(s Event) string {
	s = p.cameTo(s)
	text := fmt.Sprintf("%s %s %s", s.Kind, s.Name, p.action(s.Action))
	if len(s.Reasons) > 0 && s.Reasons[0] != absent {
		text += " (" + strings.Join(p.reasons(s.Reasons), "; ") + ")"
	}
	return text
}

// action returns the participle of an action, in a dry run the infinitive.
func (p *Plan) action(action string) string {
	if p.run.config.Dry {
		return "to " + action
	}
	return past[action]
}

// reasons returns as many reasons as fit on a line. If there are more, it prefers those about
// values that are lost.
func (p *Plan) reasons(all []string) []string {
	const most = 6
	if len(all) <= most || p.run.config.Verbose {
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

// replacedText returns a text with the number of replaced certificates among some steps that were
// deleted, or in a dry run would be; nil without one.
func (p *Plan) replacedText(of Steps) []string {
	n := len(of.where(func(s Event) bool { return s.Replaced && (p.run.config.Dry || p.isDone(s)) }))
	if n == 0 {
		return nil
	}
	return []string{Plural(n, "replaced certificate") + " " + p.action("delete")}
}

// TellMesh reports the steps of the mesh's certificate, and the number of updated APIs of other
// services, which others names.
func (p *Plan) TellMesh(others string) {
	texts := p.Texts(p.Steps.Of(""))
	if shared := p.Steps.where(func(s Event) bool { return s.Shared }); len(shared) > 0 {
		texts = append(texts, Plural(len(shared), others)+" "+p.action("update"))
	}

	if len(texts) > 0 {
		p.run.Lastly("mesh: %s", strings.Join(texts, ", "))
	}
}

// Counts returns texts with the number of steps of each kind and action, as they were done.
func (p *Plan) Counts() (texts []string) {
	type group struct{ kind, action string }
	counts := map[group]int{}
	for _, s := range p.Steps {
		if !s.Replaced {
			counts[group{s.Kind, p.cameTo(s).Action}]++
		}
	}

	for _, g := range []group{
		{"API", "create"}, {"API", "update"}, {"API", "delete"}, {"certificate", "issue"}, {"token", "issue"}, {"record", "confirm"},
	} {
		if n := counts[g]; n > 0 {
			texts = append(texts, Plural(n, g.kind)+" "+p.action(g.action))
		}
	}

	return append(texts, p.replacedText(p.Steps)...)
}

// WriteShort writes the steps to standard output, without long reasons.
func (p *Plan) WriteShort() error {
	steps := slices.Clone(p.Steps)
	for i := range steps {
		steps[i].Reasons = p.reasons(steps[i].Reasons)
	}
	return steps.write(p.run.out, p.run.config.Colours.Stdout)
}

// Output returns the output of a dry run that prints the steps.
func (p *Plan) Output() Output {
	p.run.InLog()
	return func() error { return p.Steps.write(p.run.out, p.run.config.Colours.Stdout) }
}

// Confirm shows the steps and asks whether to take them. Anything but a yes is a no.
func (p *Plan) Confirm(stdin io.Reader) (yes bool) {
	p.run.Progress("") // the question takes its place
	stderr := p.run.config.Stderr
	if err := p.Steps.write(stderr, p.run.config.Colours.Stderr); err != nil {
		return false
	}

	fmt.Fprintf(stderr, "%s: go on? [y/N] ", p.Steps)

	line, _ := bufio.NewReader(stdin).ReadString('\n') // at its end the answer is no
	answer := strings.ToLower(strings.TrimSpace(line))

	return answer == "y" || answer == "yes"
}

// write writes a line for each step: "update API echo-mesh (listen path /a -> /b)".
func (s Steps) write(w io.Writer, colours bool) error {
	for _, e := range s {
		line := fmt.Sprintf("%s %s", e.Kind, e.Name)
		if e.Record != "" {
			line += ", record " + e.Record
		}
		if len(e.Reasons) > 0 {
			line += " (" + strings.Join(e.Reasons, "; ") + ")"
		}

		action := e.Action
		if colours {
			action = actionStyles[action].Paint(action)
		}
		if _, err := fmt.Fprintf(w, "%s %s\n", action, display.Line(line)); err != nil {
			return err
		}
	}

	return nil
}
