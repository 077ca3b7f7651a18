package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/prose"
	"github.com/tykmesh/tykmesh/inject"
)

// manual writes the manual page, man-pages(7): one page for all commands. cobra has a writer of
// such pages that takes help for Markdown; ours is none, and would lose its lines.
type manual struct{ strings.Builder }

// writeManual writes all that help says, and what can be configured, as tykmesh(1).
func writeManual(w io.Writer, root *cobra.Command) {
	var m manual
	m.line(".TH TYKMESH 1 \"\" \"tykmesh %s\" \"\"", ownVersion())
	m.section("NAME")
	m.line("tykmesh \\- %s", escaped(strings.ToLower(root.Short[:1])+root.Short[1:]))
	m.section("SYNOPSIS")
	m.lines("kubectl apply -f <(tykmesh inject -f app.yaml)\ntykmesh COMMAND [FLAG]...")
	m.section("DESCRIPTION")
	m.paragraph(root.Long)
	m.section("COMMANDS")
	for cmd := range commands(root) {
		m.command(cmd)
	}

	m.section("CONFIGURATION")
	m.paragraph("The file that --config names, else $TYKMESH_CONFIG, tykmesh.yaml, tyk-k8s.yaml, $XDG_CONFIG_HOME/tykmesh/tykmesh.yaml or " +
		"/etc/tyk-k8s/tyk-k8s.yaml. The variable behind a key sets it too, and wins. A secret may be file:PATH or env:NAME.")
	for _, k := range config.Keys() {
		m.key(k)
	}

	m.section("ANNOTATIONS")
	for _, a := range inject.Annotations {
		m.item(a.Key, a.Text)
	}

	m.section("EXIT STATUS")
	for _, e := range exitStatuses {
		m.item(strconv.Itoa(e.status), e.text)
	}

	m.paragraph(exitOrder)
	m.section("DIAGNOSTICS")
	for _, r := range inject.Rules {
		text := codeTexts()[r.Rule]
		m.item(string(r.Rule), strings.Join([]string{r.Text, text.Means, text.Fix}, " "))
	}

	_, _ = io.WriteString(w, m.String()) // who reads a manual sees that it is not there
}

// commands returns all that do something, by name, those of a group behind it.
func commands(parent *cobra.Command) func(yield func(*cobra.Command) bool) {
	return func(yield func(*cobra.Command) bool) {
		for _, cmd := range parent.Commands() {
			if !cmd.IsAvailableCommand() || cmd.Name() == "help" {
				continue
			}
			if !cmd.HasSubCommands() && !yield(cmd) {
				return
			}

			for below := range commands(cmd) {
				if !yield(below) {
					return
				}
			}
		}
	}
}

func (m *manual) line(format string, args ...any) { fmt.Fprintf(m, format+"\n", args...) }

func (m *manual) section(name string) { m.line(".SH %s", name) }

// command is what help says of a command.
func (m *manual) command(cmd *cobra.Command) {
	m.line(".SS %s", escaped(cmd.UseLine()))
	m.paragraph(cmd.Long)
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		names, usage := flagNames(f)
		if !slices.Contains(unsaid, f.DefValue) && !strings.Contains(usage, "(default") {
			usage += " (default " + f.DefValue + ")"
		}

		m.item(names, usage)
	})

	if cmd.Example != "" {
		m.line(".PP")
		m.lines(cmd.Example)
	}
}

// unsaid are values of flags that nobody has to be told: nothing, no, and none.
var unsaid = []string{"", "false", "0", "[]"}

// flagNames are how a flag is typed, and what it does.
func flagNames(f *pflag.Flag) (names, usage string) {
	value, usage := pflag.UnquoteUsage(f)
	names = "--" + f.Name
	if f.Shorthand != "" {
		names = "-" + f.Shorthand + ", " + names
	}
	return strings.TrimRight(names+" "+value, " "), usage
}

// paragraph is a text whose lines are filled, but for those that are indented.
func (m *manual) paragraph(text string) {
	m.line(".PP")
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case line == "":
			m.line(".PP")
		case strings.HasPrefix(line, " "):
			m.line(".br\n\\ \\ %s", escaped(strings.TrimLeft(line, " ")))
		default:
			m.line("%s", escaped(line))
		}
	}
}

// lines is a text that stays as it is.
func (m *manual) lines(text string) {
	m.line(".nf\n%s\n.fi", escaped(text))
}

// key is what can be configured: a key, and the variable that sets it.
func (m *manual) key(k config.Key) {
	text := k.Text
	switch {
	case k.Preset:
		text += " (default " + k.Default + ")"
	case k.Default != "":
		text += "; without it: " + k.Default
	}

	name := `\fB` + escaped(k.Name) + `\fR`
	if k.Variable != "" {
		name += ", " + escaped(k.Variable)
	}

	m.line(".TP\n%s\n%s", name, escaped(prose.Plain(text)))
}

// item is a name and what it is for.
func (m *manual) item(name, text string) {
	m.line(".TP\n.B %s\n%s", escaped(name), escaped(prose.Plain(text)))
}

// escaped returns a text that troff prints as it is: no line is a request, and what can be typed
// can be copied.
func escaped(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", "\\(ga", "^", `\(ha`, "~", `\(ti`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") {
			lines[i] = `\&` + line
		}
	}

	return strings.Join(lines, "\n")
}
