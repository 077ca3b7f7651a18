// Package prose prints texts that are written once, with Markdown as README.md shows it, in other
// places: on terminals, in comments, and as words of a shell.
//
//	`text` as README has it ──Plain──> text ──Lines──> lines of a terminal, of a comment
//	paragraphs and items    ──Wrap───> a page of help
package prose

import (
	"iter"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Plain returns a text without the marks of Markdown.
func Plain(text string) string {
	return strings.NewReplacer("`", "", "*(", "(", ")*", ")").Replace(text)
}

// Lines yields the words of a text on lines of at most columns characters. A longer word gets its
// own line.
func Lines(text string, columns int) iter.Seq[string] {
	return func(yield func(string) bool) {
		line := ""
		for word := range strings.FieldsSeq(text) {
			if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > columns {
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

// Wrap returns paragraphs on lines of at most columns characters. It joins the lines of a
// paragraph. An indented line stays one: it is an item, a name and behind two spaces its text, or
// a line to type.
func Wrap(text string, columns int) string {
	var b strings.Builder
	for i, paragraph := range strings.Split(text, "\n\n") {
		if i > 0 {
			b.WriteByte('\n')
		}

		var joined []string // lines that are not indented
		end := func() {
			for line := range Lines(strings.Join(joined, " "), columns) {
				b.WriteString(line + "\n")
			}
			joined = nil
		}

		for line := range strings.SplitSeq(paragraph, "\n") {
			if !strings.HasPrefix(line, " ") {
				joined = append(joined, line)
				continue
			}
			end()
			b.WriteString(wrapIndented(line, columns))
		}
		end()
	}

	return b.String()
}

// wrapIndented returns an item with its text in a column, or a line to type as it is.
func wrapIndented(line string, columns int) string {
	words := strings.TrimLeft(line, " ")
	name, text, isItem := strings.Cut(words, "  ")
	if !isItem {
		return line + "\n"
	}

	text = strings.TrimLeft(text, " ")

	return Item(strings.TrimRight(line[:len(line)-len(words)]+name, " "), len(line)-len(text), text, columns)
}

// Item returns a name, and from a column on its text, on lines of at most columns characters. A
// name that reaches this column gets its own line.
func Item(name string, column int, text string, columns int) string {
	var b strings.Builder
	if utf8.RuneCountInString(name)+1 > column {
		b.WriteString(name + "\n")
		name = ""
	}

	for line := range Lines(text, columns-column) {
		b.WriteString(name + strings.Repeat(" ", column-utf8.RuneCountInString(name)) + line + "\n")
		name = ""
	}

	if name != "" { // it has no text
		b.WriteString(name + "\n")
	}

	return b.String()
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
