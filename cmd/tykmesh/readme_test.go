package main

import (
	"cmp"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
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
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// The documents: an introduction for users, their reference, the guide to the CA, and the rules for
// developers.
const (
	readmeFile     = root + "/README.md"
	referenceFile  = root + "/cmd/tykmesh/README.md"
	guideFile      = root + "/ca/README.md"
	developersFile = root + "/.github/DEVELOPERS.md"
)

// userFiles are the documents for users. The tests check every command and block in them.
var userFiles = []string{readmeFile, referenceFile, guideFile}

func readDocument(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The tables of the reference list all that the program knows of itself, and nothing else. -update
// writes them.
func TestReadmeTables(t *testing.T) {
	text := readDocument(t, referenceFile)
	for _, table := range []struct {
		name, head string
		rows       [][]string
	}{
		{"keys", "| key | default | |", keyRows()},
		{"flags", "| flag | commands | |", flagRows()},
		{"annotations", "| annotation | |", annotationRows()},
		{"variables", "| variable of the sidecar | |", variableRows()},
		{"exit statuses", "| status | |", exitRows()},
		{"codes", "| code | |", codeRows()},
	} {
		t.Run(table.name, func(t *testing.T) {
			head := table.head + "\n" + strings.Repeat("| --- ", strings.Count(table.head, "|")-1) + "|\n"
			before, rest, begun := strings.Cut(text, head)

			got, after, ended := strings.Cut(rest, "\n\n")
			if !begun || !ended {
				t.Fatalf("%s has no table %s", referenceFile, table.head)
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
		saveDocument(t, referenceFile, text)
	}
}

func saveDocument(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
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
	root := newRootCmd(process{name: "tykmesh"})
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) {
		taken[[2]string{strings.TrimLeft(flagName(f), " "), flagUsage(f)}] = []string{"all"}
	})
	for cmd := range commands(root) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name == "help" || f.Hidden {
				return
			}
			key := [2]string{strings.TrimLeft(flagName(f), " "), flagUsage(f)}
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

func variableRows() (rows [][]string) {
	for _, v := range sidecar.Environment() {
		rows = append(rows, []string{code(v.Name), v.Reason})
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

// typed matches what documents have readers type: tykmesh and its words, in blocks and in code
// spans, to the end of the command.
var typed = regexp.MustCompile(`(?m)(?:^|[\s\x60(])tykmesh ([a-z][^\n\x60|&;<>#)]*)`)

// Each line that a document has readers type is a command that takes these flags, and each command
// is in one of the documents.
func TestReadmeCommands(t *testing.T) {
	seen := map[string]bool{}
	for _, file := range userFiles {
		for _, span := range regexp.MustCompile("(?s)```.*?```|`[^`\n]+`").FindAllString(readDocument(t, file), -1) {
			for _, match := range typed.FindAllStringSubmatch(span, -1) {
				checkCommand(t, match[1], seen)
			}
		}
	}

	for cmd := range commands(newRootCmd(process{name: "tykmesh"})) {
		if path := strings.TrimPrefix(cmd.CommandPath(), "tykmesh "); !seen[path] {
			t.Errorf("no document says what %s is for", cmd.CommandPath())
		}
	}
}

// The first session of README works as pasted, except that it is not built first, and README shows
// its report. -update writes that.
func TestReadmeSession(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}

	text := readDocument(t, readmeFile)
	session := regexp.MustCompile("(?s)\n## First session\n.*?```sh\nmake build\nexport PATH=[^\n]*\n(.*?)```.*?```text\n(.*?)```").FindStringSubmatchIndex(text)
	if session == nil {
		t.Fatal("README.md has no first session")
	}

	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tools := t.TempDir()
	if err := os.Symlink(self, filepath.Join(tools, program)); err != nil {
		t.Fatal(err)
	}

	// Here tykmesh is the program under test.
	cmd := exec.Command(bash, "-euc", `tykmesh() { "$TOOLS/`+program+`" "$@"; }`+"\n"+text[session[2]:session[3]])
	cmd.Dir = root
	cmd.Env = []string{noSleep, "PATH=" + os.Getenv("PATH"), "TOOLS=" + tools, "TMPDIR=" + t.TempDir(), "HOME=" + t.TempDir()}

	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s%s", err, stdout.String(), stderr.String())
	}

	if !strings.Contains(stdout.String(), "/echo-svc") {
		t.Errorf("status does not list the route:\n%s", stdout.String())
	}

	if *update {
		saveDocument(t, readmeFile, text[:session[4]]+stderr.String()+text[session[5]:])
		return
	}
	if diff := gocmp.Diff(text[session[4]:session[5]], stderr.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// DEVELOPERS.md says what each target of the Makefile is for, and names paths that are there.
func TestDevelopers(t *testing.T) {
	makefile := readDocument(t, root+"/Makefile")
	targets := regexp.MustCompile(`(?m)^([a-z][a-z-]*):`).FindAllStringSubmatch(makefile, -1)
	if len(targets) == 0 {
		t.Fatal("the Makefile has no targets")
	}

	text := readDocument(t, developersFile)
	for _, target := range targets {
		named := regexp.MustCompile("`(make )?" + target[1] + "[ `]")
		if target[1] != "ferretdb" && !named.MatchString(text) { // which is a part of unit
			t.Errorf("DEVELOPERS.md does not say what make %s is for", target[1])
		}
	}

	paths := regexp.MustCompile("`((?:cmd|inject|dashboard|ca|testdata|\\.ci)/[a-zA-Z0-9_./*-]*)`").FindAllStringSubmatch(text, -1)
	if len(paths) == 0 {
		t.Fatal("DEVELOPERS.md names no paths")
	}
	for _, path := range paths {
		if there, err := filepath.Glob(filepath.Join(root, path[1])); err != nil || len(there) == 0 {
			t.Errorf("DEVELOPERS.md names %s, which is not there", path[1])
		}
	}
}

// Blocks of YAML are YAML.
func TestReadmeYAML(t *testing.T) {
	for _, file := range userFiles {
		blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(readDocument(t, file), -1)
		if file == readmeFile && len(blocks) == 0 {
			t.Fatal("README.md shows no YAML")
		}

		for _, block := range blocks {
			if err := yaml.UnmarshalStrict([]byte(block[1]), new(map[string]any)); err != nil {
				t.Errorf("%s: %v:\n%s", file, err, block[1])
			}
		}
	}
}

// Links of the documents lead to files and headings that are there.
func TestReadmeLinks(t *testing.T) {
	for _, file := range append(slices.Clone(userFiles), developersFile) {
		for _, link := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(readDocument(t, file), -1) {
			path, heading, _ := strings.Cut(link[1], "#")
			if strings.Contains(path, "://") {
				continue
			}

			target := file
			if path != "" {
				target = filepath.Join(filepath.Dir(file), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", file, link[1], err)
				continue
			}
			if heading != "" && !slices.Contains(anchors(readDocument(t, target)), heading) {
				t.Errorf("%s links to %s: there is no such heading", file, link[1])
			}
		}
	}
}

// anchors returns the anchors that GitHub gives the headings of a document.
func anchors(text string) (anchors []string) {
	dropped := regexp.MustCompile(`[^a-z0-9 -]`)
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		anchors = append(anchors, strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(heading[1]), ""), " ", "-"))
	}
	return anchors
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
			if below.IsAvailableCommand() {
				check(below)
			}
		}

		if cmd.Short == "" || cmd.Long == "" || cmd.Example == "" {
			t.Errorf("%s: help lacks a part: %q, %q, %q", cmd.CommandPath(), cmd.Short, cmd.Long, cmd.Example)
		}
	}

	check(newRootCmd(process{name: "tykmesh"}))
}
