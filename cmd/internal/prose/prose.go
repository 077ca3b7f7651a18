// Package prose prints texts that are written once, with Markdown as README.md shows it, in other
// places: on terminals, in comments, and as words of a shell.
//
//	`text` as README has it ──Plain──> text ──Lines──> lines of a terminal, of a comment
package prose

import (
	"iter"
	"path/filepath"
	"regexp"
	"strings"
)

// Plain returns a text without the marks of Markdown.
func Plain(text string) string {
	return strings.NewReplacer("`", "", "*(", "(", ")*", ")").Replace(text)
}

// Lines yields the words of a text on lines of at most columns bytes. A longer word gets its own
// line.
func Lines(text string, columns int) iter.Seq[string] {
	return func(yield func(string) bool) {
		line := ""
		for word := range strings.FieldsSeq(text) {
			if line != "" && len(line)+1+len(word) > columns {
				if !yield(line) {
					return
				}
				line = ""
			}
			line = strings.TrimLeft(line+" "+word, " ")
		}

		if line != "" {
			yield(line)
		}
	}
}

// plainWord matches the texts that every shell takes as one word.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-]+$`)

// ShellWord returns a path as one word of a shell. On Windows it has slashes too, because each
// shell there has its own rules for backslashes and quotes.
func ShellWord(path string) string {
	text := filepath.ToSlash(path)
	if plainWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
