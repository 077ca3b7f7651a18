package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Help prints each default once, a place for the value once, and every sentence without brackets
// of Go.
func TestHelpOfFlags(t *testing.T) {
	root := newRootCmd(process{name: "tykmesh"})
	twice := regexp.MustCompile(`\(default.*\(default`)
	doubled := regexp.MustCompile(`^ +(?:-\w, )?--[a-z-]+ ([A-Z]+) +([A-Z]+)\b`)
	eachCommand(root, func(cmd *cobra.Command) {
		p := &helpPage{columns: 300}
		p.command(cmd)
		for line := range strings.Lines(p.String()) {
			switch {
			case strings.Contains(line, "(default )"), strings.Contains(line, "(default ["), twice.MatchString(line):
				t.Errorf("%s: the default in %q", cmd.CommandPath(), line)
			}
			if m := doubled.FindStringSubmatch(line); m != nil && m[1] == m[2] {
				t.Errorf("%s: the word %s twice in %q", cmd.CommandPath(), m[1], line)
			}
		}
	})
}

// eachCommand visits a command and all below it.
func eachCommand(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, below := range cmd.Commands() {
		eachCommand(below, visit)
	}
}
