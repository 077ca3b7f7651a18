package main

import (
	"cmp"
	"fmt"
	"iter"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"sigs.k8s.io/yaml"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/inject"
)

const readmeFile = root + "/README.md"

func readReadme(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(readmeFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// README's tables are what the program knows of itself, all of it and nothing else. -update writes
// them.
func TestReadmeTables(t *testing.T) {
	text := readReadme(t)
	for _, table := range []struct {
		name, head string
		rows       [][]string
	}{
		{"keys", "| key | default | |", keyRows()},
		{"flags", "| flag | commands | |", flagRows()},
		{"annotations", "| annotation | |", annotationRows()},
		{"exit statuses", "| status | |", exitRows()},
		{"codes", "| code | |", codeRows()},
	} {
		t.Run(table.name, func(t *testing.T) {
			head := table.head + "\n" + strings.Repeat("| --- ", strings.Count(table.head, "|")-1) + "|\n"
			before, rest, begun := strings.Cut(text, head)

			got, after, ended := strings.Cut(rest, "\n\n")
			if !begun || !ended {
				t.Fatalf("README.md has no table %s", table.head)
			}

			var want strings.Builder
			for _, row := range table.rows {
				want.WriteString(strings.ReplaceAll("| "+strings.Join(row, " | ")+" |\n", "|  |", "| |"))
			}

			if *update {
				text = before + head + want.String() + "\n" + after
				return
			}

			if diff := gocmp.Diff(want.String(), got+"\n"); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}

	if *update {
		if err := os.WriteFile(readmeFile, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func keyRows() (rows [][]string) {
	for _, k := range config.Keys() {
		byDefault, text := k.Default, k.Text
		if k.Preset {
			byDefault = code(byDefault)
		}

		if k.Secret {
			text += " *(secret)*"
		}

		rows = append(rows, []string{code(k.Name), byDefault, text})
	}

	return rows
}

// flagRows has a row for each flag, with the commands that take it; where they differ in what it
// does, one for each.
func flagRows() (rows [][]string) {
	taken := map[[2]string][]string{}
	for cmd := range commands(newRootCmd(process{name: "tykmesh"})) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			names, usage := flagNames(f)
			if f.Name == "help" || f.Hidden {
				return
			}
			if !slices.Contains(trivialDefaults, f.DefValue) && !strings.Contains(usage, "(default") {
				usage += " (default " + f.DefValue + ")"
			}

			key := [2]string{names, usage}
			taken[key] = append(taken[key], strings.TrimPrefix(cmd.CommandPath(), "tykmesh "))
		})
	}

	for key, takers := range taken {
		rows = append(rows, []string{code(key[0]), strings.Join(takers, ", "), strings.ReplaceAll(key[1], "|", `\|`)})
	}

	slices.SortFunc(rows, func(a, b []string) int {
		return cmp.Or(strings.Compare(longName(a[0]), longName(b[0])), strings.Compare(a[1], b[1]))
	})

	return rows
}

// commands yields the commands below parent that have no commands below them, in the order of
// names.
func commands(parent *cobra.Command) iter.Seq[*cobra.Command] {
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

// trivialDefaults are defaults of flags that help does not show.
var trivialDefaults = []string{"", "false", "0", "[]"}

// flagNames returns how a flag is typed, and its help.
func flagNames(f *pflag.Flag) (names, usage string) {
	value, usage := pflag.UnquoteUsage(f)
	names = "--" + f.Name
	if f.Shorthand != "" {
		names = "-" + f.Shorthand + ", " + names
	}

	return strings.TrimRight(names+" "+value, " "), usage
}

// longName is what a row of flags is sorted by.
func longName(names string) string {
	_, long, _ := strings.Cut(names, "--")
	return long
}

func annotationRows() (rows [][]string) {
	for _, a := range inject.Annotations {
		text := a.Text
		if a.Written {
			text = "*written by tykmesh:* " + text
		}
		rows = append(rows, []string{code(a.Key), text})
	}

	return rows
}

func exitRows() (rows [][]string) {
	for _, e := range exitStatuses {
		rows = append(rows, []string{fmt.Sprint(e.status), e.text})
	}
	return rows
}

func codeRows() (rows [][]string) {
	for _, r := range inject.Rules {
		rows = append(rows, []string{code(string(r.Rule)), r.Text})
	}
	return rows
}

func code(text string) string { return "`" + text + "`" }

// typed matches what README has readers type: tykmesh and its words, in blocks and in code spans,
// to the end of the command.
var typed = regexp.MustCompile(`(?m)(?:^|[\s\x60(])tykmesh ([a-z][^\n\x60|&;<>#)]*)`)

// Whatever README has people type is a command, and takes the flags that it is given.
func TestReadmeCommands(t *testing.T) {
	spans := regexp.MustCompile("(?s)```.*?```|`[^`\n]+`").FindAllString(readReadme(t), -1)
	seen := map[string]bool{}
	for _, span := range spans {
		for _, match := range typed.FindAllStringSubmatch(span, -1) {
			checkCommand(t, match[1], seen)
		}
	}

	for cmd := range commands(newRootCmd(process{name: "tykmesh"})) {
		if path := strings.TrimPrefix(cmd.CommandPath(), "tykmesh "); !seen[path] && !strings.HasPrefix(path, "completion ") {
			t.Errorf("README.md never says what %s is for", cmd.CommandPath())
		}
	}
}

// README says what each target of the Makefile is for.
func TestReadmeTargets(t *testing.T) {
	makefile, err := os.ReadFile(root + "/Makefile")
	if err != nil {
		t.Fatal(err)
	}

	targets := regexp.MustCompile(`(?m)^([a-z][a-z-]*):`).FindAllStringSubmatch(string(makefile), -1)
	if len(targets) == 0 {
		t.Fatal("the Makefile has no targets")
	}

	readme := readReadme(t)
	for _, target := range targets {
		named := regexp.MustCompile("`(make )?" + target[1] + "[ `]")
		if target[1] != "ferretdb" && !named.MatchString(readme) { // which is a part of unit
			t.Errorf("README.md does not say what make %s is for", target[1])
		}
	}
}

// What README shows as YAML is YAML.
func TestReadmeYAML(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(readReadme(t), -1)
	if len(blocks) == 0 {
		t.Fatal("README.md shows no YAML")
	}

	for _, block := range blocks {
		if err := yaml.UnmarshalStrict([]byte(block[1]), new(map[string]any)); err != nil {
			t.Errorf("%v:\n%s", err, block[1])
		}
	}
}

// checkCommand holds words against the commands that there are, and notes which it is.
func checkCommand(t *testing.T, line string, seen map[string]bool) {
	t.Helper()
	words := strings.Fields(line)
	if words[0] == "help" { // of something that there is
		words = words[1:]
		if codeLike.MatchString(words[0]) || words[0] == "CODE" {
			return
		}
	}

	root := newRootCmd(process{name: "tykmesh"})
	root.InitDefaultCompletionCmd(words...)
	cmd, rest, err := root.Find(words)
	cmd.InitDefaultHelpFlag()
	if err != nil || !cmd.HasParent() || cmd.HasSubCommands() && len(rest) > 0 {
		t.Errorf("tykmesh %s: no such command: %v", line, err)
		return
	}

	seen[strings.TrimPrefix(cmd.CommandPath(), "tykmesh ")] = true
	for _, word := range rest {
		name, _, _ := strings.Cut(strings.TrimRight(word, ",.:"), "=")
		if long, isLong := strings.CutPrefix(name, "--"); isLong && cmd.Flags().Lookup(long) == nil {
			t.Errorf("tykmesh %s: no such flag: %s", line, name)
		}
		if short := strings.TrimPrefix(name, "-"); len(name) == 2 && name[0] == '-' && short != "-" && cmd.Flags().ShorthandLookup(short) == nil {
			t.Errorf("tykmesh %s: no such flag: %s", line, name)
		}
	}
}

// Help says of each command what it does, and shows it.
func TestEveryCommandIsExplained(t *testing.T) {
	var check func(cmd *cobra.Command)
	check = func(cmd *cobra.Command) {
		for _, below := range cmd.Commands() {
			if below.IsAvailableCommand() && below.Name() != "help" && below.Name() != "completion" {
				check(below)
			}
		}

		if cmd.Short == "" || cmd.Long == "" || cmd.Example == "" {
			t.Errorf("%s: help lacks a part: %q, %q, %q", cmd.CommandPath(), cmd.Short, cmd.Long, cmd.Example)
		}
	}

	check(newRootCmd(process{name: "tykmesh"}))
}
