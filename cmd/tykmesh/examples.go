package main

import (
	"strings"
	"unicode/utf8"

	"github.com/tykmesh/tykmesh/cmd/internal/prose"
)

// examples adds lines to type. If one of them is too long, comments stand above their commands, and
// a long command takes several lines.
func (p *helpPage) examples(text string) {
	lines := strings.Split(text, "\n")
	for _, line := range lines {
		if utf8.RuneCountInString(line) > p.columns {
			lines = p.broken(lines)
			break
		}
	}

	p.WriteString(strings.Join(lines, "\n") + "\n")
}

// broken returns lines to type, as lines that fit on the page.
func (p *helpPage) broken(lines []string) (fitting []string) {
	for _, line := range lines {
		command, comment, _ := strings.Cut(line, "  # ")
		for part := range prose.Lines(comment, p.columns-len("  # ")) {
			fitting = append(fitting, "  # "+part)
		}
		if command != "" {
			fitting = append(fitting, breakCommand(strings.TrimRight(command, " "), p.columns)...)
		}
	}

	return fitting
}

// breakCommand returns a command on lines of at most columns characters, as far as it has places at
// which a shell lets it continue: behind | and &&, and before a flag.
func breakCommand(command string, columns int) (lines []string) {
	for utf8.RuneCountInString(command) > columns {
		at, end := breakOf(command, columns)
		if at == 0 {
			break
		}
		lines = append(lines, command[:at]+end)
		command = "    " + strings.TrimLeft(command[at:], " ")
	}

	return append(lines, command)
}

// breakOf returns the last place at which a command can continue on another line, and the end of
// the first line; 0 without such a place. A place between commands comes before one in a command.
func breakOf(command string, columns int) (at int, end string) {
	indent := len(command) - len(strings.TrimLeft(command, " "))
	between := false
	for i := indent + 1; i < min(len(command), columns); i++ {
		before, after := command[:i], command[i:]
		switch {
		case strings.Count(before, "'")%2 != 0 || !strings.HasPrefix(after, " "): // in quotes, or in a word
		case strings.HasSuffix(before, " |"), strings.HasSuffix(before, " &&"):
			at, end, between = i, "", true
		case !between && strings.HasPrefix(after, " -") && !strings.HasPrefix(after, " - ") && i+len(` \`) <= columns:
			at, end = i, ` \`
		}
	}

	return at, end
}
