package manifest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	yaml4 "go.yaml.in/yaml/v4"
)

// mistake returns where a text is not YAML, and what to do about it. The error is the parser's. The
// text differs from Text in some letters at most.
//
// The parser's own message names a line that is often one too early, and no column. Version 4 of
// the parser knows the column too, so it reads the text again. It is not the reader of manifests,
// because kubectl's reader differs from it: only version 4 takes \/ in quotes and an entry without
// a key, and only version 4 refuses a comment directly behind a quote.
func (d *Document) mistake(text []byte, err error) *SyntaxError {
	m := mistake{Document: d, text: text}
	if strings.HasSuffix(err.Error(), "control characters are not allowed") {
		at := max(0, bytes.IndexFunc(d.Text, isControl))
		return &SyntaxError{Pos: d.Position(at), Msg: "this control character is not allowed in YAML; delete it"}
	}

	m.locate(err)
	at, msg := m.explain()

	return &SyntaxError{Pos: d.Position(at), Msg: msg}
}

// isControl reports whether a character cannot stand in a YAML document at all, YAML 1.2 section
// 5.1.
func isControl(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || notPrintable(r) && r != '\u0085' && r != '\ufeff'
}

// mistake is an error of the parser with its place.
type mistake struct {
	*Document
	text   []byte
	msg    string // the parser's, without the place
	at     int    // offset at which the parser stopped
	opened int    // offset of the construct that it was reading; at, where the parser names none
}

// The parser's messages that need more than a dictionary.
const (
	noColon      = "could not find expected ':'"
	noKey        = "did not find expected key"
	noDash       = "did not find expected '-' indicator"
	noStart      = "did not find expected <document start>"
	noDirective  = "found unexpected non-alphabetical character"
	noName       = "did not find expected alphabetic or numeric character"
	noEnd        = "found unexpected end of stream"
	noBracket    = "did not find expected ',' or ']'"
	noBrace      = "did not find expected ',' or '}'"
	noContent    = "did not find expected node content"
	noToken      = "found character that cannot start any token"
	noDigits     = "did not find expected hexadecimal number"
	noEscape     = "found unknown escape character"
	strayMapping = "mapping values are not allowed in this context"
)

// locate finds the place of an error.
func (m *mistake) locate(err error) {
	if load := loadError(m.text); load != nil {
		m.msg, m.at = load.Message, m.offset(load.Mark.Line, load.Mark.Column)
		m.opened = m.at
		if load.ContextMark.Line > 0 {
			m.opened = m.offset(load.ContextMark.Line, load.ContextMark.Column)
		}
		return
	}

	line := 1
	found := messageLine.FindStringSubmatch(err.Error())
	if found != nil {
		line, _ = strconv.Atoi(cmp.Or(found[1], "1"))
		m.msg = err.Error()[len(found[0]):]
	}

	m.at = m.offset(line, 1)
	if pattern := onlyVersion4[m.msg]; pattern != nil {
		if place := pattern.FindSubmatchIndex(m.text); place != nil {
			m.at = place[2]
		}
	}

	m.opened = m.at
}

// messageLine matches the place in the parser's message.
var messageLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// onlyVersion4 finds the mistakes that only version 4 of the parser accepts, by the message of
// version 3.
var onlyVersion4 = map[string]*regexp.Regexp{
	noKey:    regexp.MustCompile(`(?m)^[ -]*(:)(?:\s|$)`),
	noEscape: regexp.MustCompile(`(\\/)`),
}

// loadError returns the error of version 4 of the parser; nil where it reads the text.
func loadError(text []byte) (found *yaml4.LoadError) {
	defer func() { _ = recover() }() // as decodeYAML
	loader, err := yaml4.NewLoader(bytes.NewReader(text))
	for range 2 { // the parser takes the text behind the first document for a second one
		if err == nil {
			err = loader.Load(new(yaml4.Node))
		}
	}

	errors.As(err, &found)

	return found
}

// line is a line of a text.
type line struct {
	start, depth int    // the offset of its first byte, and how many spaces it begins with
	text         string // without white space at its ends
}

// line returns the line of an offset.
func (m *mistake) line(at int) line {
	i, lines := m.lineAt(at), append(m.lineStarts(), len(m.text))
	whole := string(m.text[lines[i]:lines[i+1]])
	text := strings.TrimLeft(whole, " ")

	return line{start: lines[i], depth: len(whole) - len(text), text: strings.TrimSpace(text)}
}

// above iterates over the lines above an offset, from the nearest on, without blank lines and
// comments.
func (m *mistake) above(at int) iter.Seq[line] {
	return func(yield func(line) bool) {
		for _, start := range slices.Backward(m.lineStarts()[:m.lineAt(at)]) {
			if l := m.line(start); l.text != "" && l.text[0] != '#' && !yield(l) {
				return
			}
		}
	}
}

// conflict finds the lines with which git marks a merge conflict.
var conflict = regexp.MustCompile(`(?m)^(?:<<<<<<<|=======|>>>>>>>)(?: |\r?$)`)

// explain returns the place that the user has to change, and what to do there.
func (m *mistake) explain() (at int, msg string) {
	switch m.msg {
	case noColon, noEnd, noName, noDirective: // the construct is wrong, not what follows it
		m.at = m.opened
	case noDigits:
		m.at -= len(`\x`)
	}

	l := m.line(m.at)
	content := bytes.Index(m.text[l.start:], []byte(l.text))
	tab := l.start + bytes.IndexByte(m.text[l.start:l.start+content], '\t')
	if m.byteAt(m.at) == '\t' {
		tab = m.at
	}

	switch {
	case conflict.Match(m.text):
		return conflict.FindIndex(m.text)[0], "a merge conflict is left here; resolve it"
	case tab >= l.start:
		return tab, "a tab indents this text; replace it by spaces"
	case strings.Contains(l.text, "{{"):
		return l.start + l.depth + strings.Index(l.text, "{{"), "a template begins here; render it first, for example with helm template"
	}

	switch m.msg {
	case noColon:
		return m.keyWithoutColon()
	case strayMapping:
		return m.strayKey(l)
	case noKey, noDash, noStart:
		return m.misplaced(l)
	case noBracket, noBrace, noContent:
		return m.brackets()
	case noToken:
		return m.at, fmt.Sprintf("no value begins with %c; quote it", m.byteAt(m.at))
	}

	if strings.HasPrefix(m.msg, "unknown anchor") {
		return m.at, "no anchor of this name stands before the alias; quote the value if it begins with *"
	}

	return m.at, cmp.Or(meanings[m.msg], m.msg)
}

// meanings are the parser's messages in words that say what to do.
var meanings = map[string]string{
	noEnd:       "this quote is not closed; close it",
	noDirective: "% begins a directive here; quote the text",
	noName:      "* and & begin the name of an anchor; quote the value",
	noEscape:    "YAML has no such escape; double the backslash, or use single quotes",
	noDigits:    `\x, \u and \U need hexadecimal digits; double the backslash, or use single quotes`,
	"block sequence entries are not allowed in this context": "a list item on the line of its key; begin it on a new line",
	"did not find expected comment or line break":            "text follows the | or > of a block scalar; begin it on the next line",
}

// glued matches a key whose colon touches its value. A URL is no such key.
var glued = regexp.MustCompile(`^[ -]*(([A-Za-z_][\w./-]*|"[^"]*"|'[^']*'):)[^\s/:]\S*$`)

// missingSpace finds a key on a line whose colon touches its value.
func missingSpace(l line) (at int, msg string, ok bool) {
	m := glued.FindStringSubmatchIndex(l.text)
	if m == nil {
		return 0, "", false
	}
	return l.start + l.depth + m[3], fmt.Sprintf("%q has no space after the colon", l.text[m[2]:]), true
}

// keyWithoutColon explains a line that is no entry, among entries.
func (m *mistake) keyWithoutColon() (at int, msg string) {
	if at, msg, ok := missingSpace(m.line(m.at)); ok {
		return at, msg
	}
	return m.at, keyNeedsColon
}

const keyNeedsColon = "this key has no colon; add a colon and a space"

// entry matches the key that a line begins with.
var entry = regexp.MustCompile(`^[ -]*(?:"[^"]*"|'[^']*'|[^\s"'#][^:]*?)\s*:\s+`)

// strayKey explains a key where none can be: in a value, or below one.
func (m *mistake) strayKey(l line) (at int, msg string) {
	content := l.start + l.depth
	if key := entry.FindString(l.text[:min(len(l.text), max(0, m.at-content))]); key != "" {
		return content + len(key), "this value contains a colon and a space; quote it"
	}

	for above := range m.above(l.start) {
		if at, msg, ok := missingSpace(above); ok {
			return at, msg
		}
		if above.depth < l.depth && above.text[0] != '-' && !strings.Contains(above.text, ":") {
			return above.start + above.depth, keyNeedsColon
		}

		break
	}

	return content, "a key below a value; indent it like the keys above it"
}

// brackets explains brackets that do not match, and entries without a comma between them.
func (m *mistake) brackets() (at int, msg string) {
	if m.msg == noContent { // the parser does not say which bracket it is in
		m.opened = bytes.LastIndexAny(m.text[:m.at], "[{")
		if closing := m.byteAt(m.at); m.opened < 0 || closing != ']' && closing != '}' && m.at < len(m.text) {
			return m.at, fmt.Sprintf("no value begins with %c; quote it", closing)
		}
	}

	opening := m.byteAt(m.opened)
	closing := opening + 2 // in ASCII
	first, last := m.line(m.opened), m.line(m.at)
	within := first.start == last.start || last.depth > first.depth
	switch c := m.byteAt(m.at); {
	case m.msg == noContent && c == closing:
		return m.at, fmt.Sprintf("a value is missing before %c; add it", c)
	case within && c != ']' && c != '}' && m.at < len(m.text):
		return m.at, "a comma is missing before this; add it"
	}

	return m.opened, fmt.Sprintf("this %c is not closed; close it with %c", opening, closing)
}

// misplaced explains a text that is no entry of the collection above it.
func (m *mistake) misplaced(l line) (at int, msg string) {
	if l.start+l.depth < m.at {
		return m.behindValue(l)
	}

	inner := -1 // the least indentation above that is more than the line's
	for above := range m.above(l.start) {
		switch {
		case above.depth > l.depth:
			if inner < 0 || above.depth < inner {
				inner = above.depth
			}
		case above.depth < l.depth && inner >= 0:
			return m.at, fmt.Sprintf("indented by %d, but the lines above by %d or %d; use one of the two", l.depth, above.depth, inner)
		default:
			return m.at, sibling(l.text, above.text)
		}
	}

	if inner >= 0 {
		return m.at, fmt.Sprintf("indented by %d, less than the lines above; indent it by %d", l.depth, inner)
	}

	return m.at, sibling(l.text, "")
}

// sibling explains a line that does not fit to the line above on which its collection has an entry.
func sibling(text, above string) string {
	switch {
	case text == "}" || text == "]":
		return fmt.Sprintf("nothing opens this %s; delete it", text)
	case strings.HasPrefix(text, ":"):
		return "no key stands before this colon; add the key, or quote the text"
	case strings.HasPrefix(text, "- "):
		return "a list item among keys; put the list below a key of its own"
	case strings.HasPrefix(above, "- "):
		return "a key among list items; indent it like the keys of the item above"
	}

	return "this line belongs to no entry above; indent it like the keys above it"
}

// behindValue explains a text that follows a complete value on its line. A quote that ends too
// early is wrong at its beginning, which the tree of the text before tells.
func (m *mistake) behindValue(l line) (at int, msg string) {
	before := bytes.TrimRight(m.text[:m.at], " \t")
	if last, _ := utf8.DecodeLastRune(before); last != '"' && last != '\'' {
		return m.at, "this text follows a complete value; quote the whole value"
	}

	opened := &Document{File: m.File, Line: m.Line, Text: before}
	if root, err := opened.Root(); err == nil && root != nil {
		return root.lastLeaf().start(), `these quotes end too early; write a quote in '' twice, and in "" behind a backslash`
	}

	return l.start + l.depth + strings.IndexAny(l.text, `'"`), "these quotes do not match; check where they begin and end"
}
