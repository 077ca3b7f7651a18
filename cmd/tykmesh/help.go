package main

import (
	"cmp"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/cmd/internal/prose"
)

// project is the address of the documentation, and of the place for questions.
const project = "https://github.com/tykmesh/tykmesh"

// commandGroups are the commands as the help of the program lists them: by use, not by name.
var commandGroups = []struct {
	title string
	names []string
}{
	{"Manifests", []string{"inject", "uninject", "diff"}},
	{"The mesh", []string{"check", "status", "register", "delete", "certs"}},
	{"Set up", []string{"config", "ca", "helm"}},
	{"Other", []string{"help", "completion", "version"}},
}

// commandsBelow are the commands of a group of commands, likewise.
var commandsBelow = []string{"init", "view", "secret", "schema", "rotate", "token", "list", "renew", "secrets", "prune", "plugin"}

// ownFlags is the title of the flags that no group has.
const ownFlags = "Flags"

// flagGroups are the flags that several commands share, as help lists them. All others are a
// command's own.
var flagGroups = []struct {
	title string
	names []string
}{
	{ownFlags, nil},
	{"Input", []string{"filename", "recursive", "namespace", "on-skip", "upgrade-api"}},
	{"Output", []string{"output", "output-file", "in-place", "dry-run", "manifests"}},
	{"Registration", []string{"registered", "adopt", "reinject"}},
	{"Servers", []string{"config", "local", "parallel", "timeout"}},
	{"Messages", []string{"quiet", "verbose", "report", "help"}},
}

// The columns of a page of help: those of the terminal, within bounds. Wider lines are hard to
// read, and all others show help at the width that its tests see.
const fewestColumns, mostColumns = 40, 80

// widestFlag is the widest column of flags. A wider flag gets its own line.
const widestFlag = 30

// fewFlags is the number of flags up to which help lists them without groups.
const fewFlags = 6

// helpPage is a page of help.
type helpPage struct {
	strings.Builder
	columns int
}

// newPage returns an empty page for an output.
func newPage(stdout any) *helpPage {
	return &helpPage{columns: max(fewestColumns, min(files.Width(stdout), mostColumns))}
}

// text adds paragraphs.
func (p *helpPage) text(text string) { p.WriteString(prose.Wrap(text, p.columns)) }

// heading begins a part of the page.
func (p *helpPage) heading(title string) { p.WriteString("\n" + title + ":\n") }

// item adds a name, and from a column on its text.
func (p *helpPage) item(name string, column int, text string) {
	p.WriteString(prose.Item("  "+name, column, text, p.columns))
}

// helpFunc returns the function with which commands print their help.
func helpFunc(stdout any) func(*cobra.Command, []string) {
	return func(cmd *cobra.Command, _ []string) {
		p := newPage(stdout)
		p.command(cmd)
		_, _ = io.WriteString(cmd.OutOrStdout(), p.String()) // which remembers an error
	}
}

// command explains a command: its purpose, examples, the commands below it, its flags.
func (p *helpPage) command(cmd *cobra.Command) {
	p.text(cmp.Or(cmd.Long, cmd.Short))
	p.WriteString("\nUsage: " + useLine(cmd) + "\n")

	if cmd.Example != "" {
		p.heading("Examples")
		p.examples(cmd.Example)
	}

	switch {
	case !cmd.HasParent():
		p.program(cmd)
		return
	case cmd.HasSubCommands():
		p.heading("Commands")
		p.commands(cmd, commandsBelow)
	}

	p.flags(cmd)
}

// useLine returns how a command is typed.
func useLine(cmd *cobra.Command) string {
	if cmd.HasSubCommands() {
		return cmd.CommandPath() + " COMMAND"
	}
	return cmd.UseLine()
}

// program lists all commands and topics.
func (p *helpPage) program(root *cobra.Command) {
	for _, group := range commandGroups {
		p.heading(group.title)
		p.commands(root, group.names)
	}

	p.heading("Topics")
	for _, topic := range root.Commands() {
		if topic.IsAdditionalHelpTopicCommand() {
			p.item(topic.Name(), p.nameColumn(root), topic.Short)
		}
	}

	name := root.CommandPath()
	p.WriteByte('\n')
	p.text(name + " help NAME explains a command, a topic, or a code such as TM0005.")
	p.text("Documentation and questions: " + project)
}

// commands lists commands below another in this order.
func (p *helpPage) commands(cmd *cobra.Command, order []string) {
	for _, name := range order {
		for _, below := range cmd.Commands() {
			if below.Name() == name {
				p.item(name, p.nameColumn(cmd), below.Short)
			}
		}
	}
}

// nameColumn returns the column of texts beside the names of the commands below another.
func (p *helpPage) nameColumn(cmd *cobra.Command) (column int) {
	for _, below := range cmd.Commands() {
		column = max(column, len("  ")+len(below.Name())+len("  "))
	}
	return column
}

// flags lists the flags of a command: many in groups.
func (p *helpPage) flags(cmd *cobra.Command) {
	var all []*pflag.Flag
	column, grouped := 0, map[string][]*pflag.Flag{}
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		column = max(column, len("  ")+len(flagName(f))+len("  "))
		group := flagGroup(cmd, f)
		all, grouped[group] = append(all, f), append(grouped[group], f)
	})

	if len(all) <= fewFlags {
		grouped = map[string][]*pflag.Flag{ownFlags: all}
	}

	for _, group := range flagGroups {
		flags := grouped[group.title]
		if len(flags) == 0 {
			continue
		}

		slices.SortStableFunc(flags, func(a, b *pflag.Flag) int {
			return cmp.Compare(slices.Index(group.names, a.Name), slices.Index(group.names, b.Name))
		})

		p.heading(group.title)
		for _, f := range flags {
			p.item(flagName(f), min(column, widestFlag), flagUsage(f))
		}
	}
}

// flagGroup returns the title of the group of a flag. Where nothing is read, a namespace is no
// input.
func flagGroup(cmd *cobra.Command, f *pflag.Flag) string {
	if f.Name == "namespace" && cmd.Flags().Lookup("filename") == nil {
		return ownFlags
	}
	for _, group := range flagGroups {
		if slices.Contains(group.names, f.Name) {
			return group.title
		}
	}

	return ownFlags
}

// flagName returns a flag as a user types it.
func flagName(f *pflag.Flag) string {
	value, _ := pflag.UnquoteUsage(f)
	name := "    --" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", --" + f.Name
	}
	return strings.TrimRight(name+" "+value, " ")
}

// flagUsage returns the text about a flag, with its default.
func flagUsage(f *pflag.Flag) string {
	_, usage := pflag.UnquoteUsage(f)
	if slices.Contains([]string{"", "false", "0", "[]"}, f.DefValue) || strings.Contains(usage, "(default") {
		return usage
	}
	return usage + " (default " + strings.Trim(f.DefValue, "[]") + ")"
}

// tidyHelp gives a command, and those below it, a flag for help with a text of the house.
func tidyHelp(cmd *cobra.Command) {
	cmd.Flags().BoolP("help", "h", false, "print this help")
	for _, below := range cmd.Commands() {
		tidyHelp(below)
	}
}
