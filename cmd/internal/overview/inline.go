package overview

import (
	"strings"
	"unicode"

	"github.com/tykmesh/tykmesh/inject/display"
)

// Texts of manifests and servers become Markdown here. Most words stay as they are. A word that
// might mean something to a renderer becomes code, in which nothing has a meaning:
//
//	word                                          becomes
//	register, run, (again)                        the same
//	shop/web, @team, #12, <b>, *a*, www.x.org     `shop/web`, `@team`, ...
//	kubectl get pods -A; then again               `kubectl get pods -A`; then again
//
// Renderers of GitHub and GitLab look for mentions, issues, labels, milestones, commits and
// addresses outside of code.

// longest is the number of characters of a text that are shown.
const longest = 2000

// words returns the words of a text that is safe to show, as far as there is room for them.
func words(text string) []string {
	runes := []rune(display.Line(text[:min(len(text), longest*4)]))
	if len(runes) > longest {
		runes = append(runes[:longest], []rune(" (more is left out)")...)
	}
	return strings.Fields(string(runes))
}

// inline returns a text as Markdown on one line, without markup but code.
func inline(text string) string { return inlineWith(text, snippet) }

// inlineWith returns the same with another search for words that belong together as code.
func inlineWith(text string, snippet func([]string) int) string {
	var line, span []string
	head, tail := "", ""
	flush := func() {
		if len(span) > 0 {
			line = append(line, head+codeSpan(strings.Join(span, " "))+tail)
			span, head, tail = nil, "", ""
		}
	}

	all := words(text)
	for i := 0; i < len(all); i++ {
		if n := snippet(all[i:]); n > 0 {
			flush()
			before, core, after := split(strings.Join(all[i:i+n], " "))
			line = append(line, before+codeSpan(core)+after)
			i += n - 1
			continue
		}

		if isProse(all[i]) {
			flush()
			line = append(line, all[i])
			continue
		}

		before, core, after := split(all[i])
		if tail != "" || before != "" {
			flush()
			head = before
		}
		span, tail = append(span, core), after
	}

	flush()

	return strings.Join(line, " ")
}

// split returns the punctuation around a word, which is no part of it.
func split(word string) (head, core, tail string) {
	core = strings.TrimRight(word, ".,;:")
	if inner := strings.Trim(core, "()"); !strings.ContainsAny(inner, "()") {
		core = inner
	}
	if core == "" {
		return "", word, ""
	}

	at := strings.Index(word, core)

	return word[:at], core, word[at+len(core):]
}

// code returns a text as code on one line; "" for an empty one.
func code(text string) string {
	if all := words(text); len(all) > 0 {
		return codeSpan(strings.Join(all, " "))
	}
	return ""
}

// codeSpan returns text between as many backquotes as it takes (CommonMark, "Code spans").
func codeSpan(text string) string {
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}

	return fence + text + fence
}

// cell returns Markdown as a cell of a table. A vertical bar ends a cell, in code too, unless a
// backslash stands before it. Renderers do not agree on a bar behind a backslash of the text.
func cell(markdown string) string {
	return strings.ReplaceAll(strings.ReplaceAll(markdown, `\|`, `\\x7c`), "|", `\|`)
}

// isProse reports whether a word has no meaning to a renderer, wherever it stands.
//
//	again   (again);   can't   "true"   re-use   50      prose
//	-f   1.   a.b   GH-12   0a1b2c3   TM0029:a   ...     not
func isProse(word string) bool {
	core := strings.TrimRight(strings.TrimLeft(word, `("'`), `.,;:)"'?`)
	letters, digits, joints, plain := counted(core)
	if !plain {
		return false
	}

	switch {
	case letters == 0:
		isItem := core+"." == word || core+")" == word // of a list
		return digits > 0 && !isItem && joints == 0 && digits < shortestHash
	case digits > 0:
		return joints == 0 && len(core) < shortestHash
	}

	return len(core) < shortestHash || strings.Trim(core, "abcdefABCDEF") != ""
}

// counted returns the number of letters, digits, and marks between them. plain is false if there
// are other characters.
func counted(word string) (letters, digits, joints int, plain bool) {
	for i, r := range word {
		switch {
		case unicode.IsLetter(r):
			letters++
		case '0' <= r && r <= '9':
			digits++
		case (r == '-' || r == '\'') && i > 0 && i < len(word)-1:
			joints++
		default:
			return 0, 0, 0, false
		}
	}

	return letters, digits, joints, true
}

// shortestHash is the length of the shortest name of a commit that renderers make a link of.
const shortestHash = 7
