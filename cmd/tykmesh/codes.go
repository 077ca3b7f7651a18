package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/exit"
	"github.com/tykmesh/tykmesh/cmd/internal/explain"
	"github.com/tykmesh/tykmesh/cmd/internal/prose"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/spelling"
)

// code adds the explanation of a code.
func (p *helpPage) code(rule inject.Rule, sentence string) {
	text := explain.Code(rule)
	p.text(string(rule) + ": " + sentence)
	p.part("Meaning", text.Means)
	if strings.HasPrefix(text.Example, "apiVersion: ") {
		p.heading("Example")
		p.WriteString("  " + strings.ReplaceAll(strings.TrimSpace(text.Example), "\n", "\n  ") + "\n")
	} else { // a line of a report
		p.part("Example", text.Example)
	}

	p.part("How to fix it", text.Fix)
	p.part("How to accept it", explain.Acceptance(rule))
}

// part adds a heading, and an indented text below it.
func (p *helpPage) part(title, text string) {
	p.heading(title)
	for line := range prose.Lines(text, p.columns-len("  ")) {
		p.WriteString("  " + line + "\n")
	}
}

// codeLike matches words that mean a code. A code of that number need not exist.
var codeLike = regexp.MustCompile(`(?i)^TM(\d+)$`)

// unknownCodeError is a code that does not exist.
type unknownCodeError struct{ code string }

func (e *unknownCodeError) Error() string {
	known := codes()
	if n, err := strconv.Atoi(codeLike.FindStringSubmatch(e.code)[1]); err == nil {
		if whole := fmt.Sprintf("TM%04d", n); slices.Contains(known, whole) {
			return fmt.Sprintf("there is no code %s; did you mean %s?", e.code, whole)
		}
	}
	return fmt.Sprintf("there is no code %s", e.code) + spelling.DidYouMean("", e.code, known)
}

// ExitCode returns the status for usage and configuration.
func (*unknownCodeError) ExitCode() int { return exit.Usage }

// Hint names the list of codes.
func (*unknownCodeError) Hint() string { return "tykmesh help codes lists them" }

// explainCode explains the code that a word of help means, in any case.
//
// Errors: there is no such code.
func explainCode(w io.Writer, stdout any, word string) error {
	for _, r := range inject.Rules {
		if strings.EqualFold(string(r.Rule), word) {
			p := newHelpPage(stdout)
			p.code(r.Rule, r.Text)
			_, err := io.WriteString(w, p.String())

			return err
		}
	}
	return &unknownCodeError{word}
}

// codes returns all codes.
func codes() (list []string) {
	for _, r := range inject.Rules {
		list = append(list, string(r.Rule))
	}
	return list
}

// helpWords completes the words of help: commands and topics, and codes after their first letter.
func helpWords(help *cobra.Command, typed []string, begun string) (words []string, _ cobra.ShellCompDirective) {
	add := func(word, text string) {
		if rest := word[min(len(begun), len(word)):]; strings.EqualFold(word, begun+rest) {
			words = append(words, begun+rest+"\t"+text) // in the case that was typed, because shells compare it
		}
	}

	cmd, rest, err := help.Root().Find(typed)
	if err != nil || len(rest) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}

	for _, below := range cmd.Commands() {
		if !below.Hidden {
			add(below.Name(), below.Short)
		}
	}

	for _, r := range inject.Rules {
		if len(typed) == 0 && begun != "" {
			add(string(r.Rule), r.Text)
		}
	}

	return words, cobra.ShellCompDirectiveNoFileComp
}
