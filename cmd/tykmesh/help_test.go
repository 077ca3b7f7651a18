package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tykmesh/tykmesh/cmd/internal/exit"
)

// printed returns all that a run prints, and its exit status.
func printed(t *testing.T, args ...string) (text string, status int) {
	t.Helper()
	var out bytes.Buffer
	status = run(t.Context(), process{name: "tykmesh", args: args, stdin: strings.NewReader(""), stdout: &out, stderr: &out})
	return out.String(), status
}

// tooWide returns the lines of a text that are wider than help may be.
func tooWide(text string) (lines []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\n"); utf8.RuneCountInString(line) > mostColumns {
			lines = append(lines, line)
		}
	}
	return lines
}

// Each page of help fits on a terminal of 80 columns: of commands, topics and codes.
func TestHelpFits(t *testing.T) {
	pages := codes()
	eachCommand(newRootCmd(process{name: "tykmesh"}), func(cmd *cobra.Command) {
		pages = append(pages, strings.TrimPrefix(cmd.CommandPath(), "tykmesh"))
	})

	for _, words := range pages {
		text, status := printed(t, append([]string{"help"}, strings.Fields(words)...)...)
		if wide := tooWide(text); len(wide) > 0 || status != exit.Done || text == "" {
			t.Errorf("help %s exits with %d; wider than %d columns are\n%s", words, status, mostColumns, strings.Join(wide, "\n"))
		}
	}
}

// The help of the program is one page, and leads to the documentation.
func TestHelpOfProgram(t *testing.T) {
	const most = 45
	text, _ := printed(t, "help")
	if n := strings.Count(text, "\n"); n > most || !strings.HasSuffix(text, project+"\n") {
		t.Errorf("%d lines, at most %d, and the last ones are to name %s:\n%s", n, most, project, text)
	}
}

// Help lists each command once, and each group of flags has flags of commands.
func TestHelpIsComplete(t *testing.T) {
	root := newRootCmd(process{name: "tykmesh"})
	listed := slices.Clone(commandsBelow)
	for _, group := range commandGroups {
		listed = append(listed, group.names...)
	}

	flags := map[string]bool{}
	eachCommand(root, func(cmd *cobra.Command) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) { flags[f.Name] = true })
		if n := countOf(listed, cmd.Name()); cmd.HasParent() && !cmd.IsAdditionalHelpTopicCommand() && n != 1 {
			t.Errorf("help lists %s %d times", cmd.CommandPath(), n)
		}
	})

	for _, group := range flagGroups {
		for _, name := range group.names {
			if !flags[name] {
				t.Errorf("no command has --%s of the group %s", name, group.title)
			}
		}
	}
}

func countOf(list []string, word string) (n int) {
	for _, w := range list {
		if w == word {
			n++
		}
	}
	return n
}

// A wrong command line is answered with at most three lines, which fit on a terminal.
func TestWrongUsageFits(t *testing.T) {
	for _, line := range []string{
		"injekt", "-f app.yaml", "certs lst", "inject --dryrun", "inject -f", "inject --on-skip never", "inject --parallel 0", "status --timeout 0s",
		"inject --local=", "inject -o meshed.yaml", "inject -o toml", "inject -i -w meshed.yaml", "diff --report tex", "check -q -v",
		"status --all-namespaces", "status -A", "inject -l app=web", "inject --context prod", "status --kubeconfig admin.conf", "status --kube-context prod",
		"certs renew --print-cronjob", "certs prune now", "completion tcsh", "completion", "help TM0099", "help nothing",
	} {
		text, status := printed(t, strings.Fields(line)...)
		if wide := tooWide(text); len(wide) > 0 || status != exit.Usage || strings.Count(text, "\n") > 3 {
			t.Errorf("%s exits with %d and says\n%s", fmt.Sprint("tykmesh ", line), status, text)
		}
	}
}
