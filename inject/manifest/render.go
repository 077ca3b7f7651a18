package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// layout is the style of the text around an edit, in which insertions are written.
type layout struct {
	newline string
	mapping int  // by how much a mapping within a mapping is indented
	list    int  // by how much the dashes under a key are
	gap     int  // spaces between a dash and what follows
	json    bool // every string and key in double quotes
	oneLine bool // no literal blocks
	step    int  // in brackets: indentation of nested lines; 0 keeps a value on one line
}

// block writes a value in block style, after a key or a dash. Further lines are indented by the
// column of the key or dash.
type block struct {
	layout
	bytes.Buffer
}

// Block returns a mapping as a document of its own in block style.
func Block(m Map) string {
	b := block{layout: layout{newline: "\n", mapping: 2, gap: 1}}
	b.Grow(sizeOf(m))
	b.entries(m, 0)
	b.WriteByte('\n')

	return b.String()
}

// Plain returns a scalar as it is written behind a key in block style.
func Plain(v any) string { return layout{}.scalar(v, false) }

// sizeOf returns about how many bytes a value takes, so that a long text is not copied while it
// grows.
func sizeOf(v any) (size int) {
	const around = 16 // indentation, colon and line break; a long text has more lines
	switch v := v.(type) {
	case string:
		return len(v) + len(v)/16 + around
	case Map:
		for _, e := range v {
			size += len(e.Key) + sizeOf(e.Value)
		}
	case List:
		for _, item := range v {
			size += sizeOf(item)
		}
	}

	return size + around
}

// entries writes a mapping's entries: the first at the end of the buffer, the others on lines of
// their own.
func (b *block) entries(m Map, column int) {
	for i, e := range m {
		if i > 0 {
			b.line(column)
		}
		b.WriteString(b.key(e.Key))
		b.WriteByte(':')
		b.value(e.Value, column+b.mapping, column+b.list)
	}
}

// items writes a list's items, each after a dash.
func (b *block) items(l List, column int) {
	for i, v := range l {
		if i > 0 {
			b.line(column)
		}
		b.item(v, column)
	}
}

func (b *block) item(v any, column int) {
	b.WriteByte('-')
	inner := column + 1 + b.gap
	if childCount(v) > 0 {
		b.spaces(b.gap)
		b.children(v, inner)
		return
	}

	b.spaces(b.gap - 1)
	b.value(v, inner, inner)
}

// value writes the value after a colon or a dash. Its lines are indented by one of two columns.
func (b *block) value(v any, mapping, list int) {
	text, isString := v.(string)
	if _, isList := v.(List); isList {
		mapping = list
	}

	switch {
	case childCount(v) > 0:
		b.line(mapping)
		b.children(v, mapping)
	case isString && isText(text) && !b.oneLine:
		b.literal(text, mapping)
	default:
		b.WriteByte(' ')
		b.WriteString(b.scalar(v, false))
	}
}

// children writes the entries of a Map, or the items of a List.
func (b *block) children(v any, column int) {
	switch v := v.(type) {
	case Map:
		b.entries(v, column)
	case List:
		b.items(v, column)
	}
}

// childCount returns the number of children of a value.
func childCount(v any) int {
	switch v := v.(type) {
	case Map:
		return len(v)
	case List:
		return len(v)
	}
	return 0
}

// literal writes a text of several lines as a literal block scalar.
func (b *block) literal(s string, column int) {
	if strings.HasSuffix(s, "\n") {
		b.WriteString(" |")
		s = s[:len(s)-1]
	} else {
		b.WriteString(" |-")
	}

	for line := range strings.SplitSeq(s, "\n") {
		if line == "" {
			b.WriteString(b.newline)
			continue
		}
		b.line(column)
		b.WriteString(line)
	}
}

func (b *block) line(column int) {
	b.WriteString(b.newline)
	b.spaces(column)
}

func (b *block) spaces(n int) {
	for range n {
		b.WriteByte(' ')
	}
}

// flow writes a value, or an entry, in brackets. If step is not 0, each child is on a line of its
// own, indented by step more than column. A scalar outside of brackets needs fewer quotes.
func (b *block) flow(v any, column int, within bool) {
	switch v := v.(type) {
	case Map:
		b.bracket('{', '}', column, v.items())
	case List:
		b.bracket('[', ']', column, v)
	case Entry:
		b.WriteString(b.key(v.Key) + ":")
		if !b.json || b.step > 0 {
			b.WriteByte(' ')
		}

		b.flow(v.Value, column, true)
	default:
		b.WriteString(b.scalar(v, within))
	}
}

func (b *block) bracket(opening, closing byte, column int, children List) {
	b.WriteByte(opening)
	for i, c := range children {
		if i > 0 {
			b.WriteByte(',')
		}

		switch {
		case b.step > 0:
			b.line(column + b.step)
		case i > 0 && !b.json:
			b.WriteByte(' ')
		}

		b.flow(c, column+b.step, true)
	}

	if b.step > 0 && len(children) > 0 {
		b.line(column)
	}

	b.WriteByte(closing)
}

func (l layout) key(s string) string {
	if l.json || !isPlain(s) {
		return Quote(s)
	}
	return s
}

// scalar writes a scalar, or an empty collection.
func (l layout) scalar(v any, flow bool) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case string:
		if !l.json && (isPlain(v) || !flow && isPlainBlock(v)) {
			return v
		}
		if !l.json && readsBetterSingle(v) {
			return "'" + strings.ReplaceAll(v, "'", "''") + "'"
		}
		return Quote(v)

	case Map:
		return "{}"
	case List:
		return "[]"
	}

	panic("manifest: a value of a type that Map does not document")
}

// plainBlock matches texts that need no quotes in block style: words with punctuation that is
// harmless there, such as images, URLs and flags.
var plainBlock = regexp.MustCompile(`^(-{0,2}[A-Za-z]|[_/])[A-Za-z0-9_./@=+,$(){}-]*(:[A-Za-z0-9_./@=+,$(){}-]+)*$`)

// isPlain reports whether a text without quotes is a string to every reader in any style. kubectl
// reads YAML 1.1.
func isPlain(s string) bool {
	const letters, more = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_/", "0123456789.-"
	return s != "" && strings.IndexByte(letters, s[0]) >= 0 && strings.Trim(s, letters+more) == "" && !isWord11(s)
}

func isPlainBlock(s string) bool {
	return plainBlock.MatchString(s) && !isWord11(s)
}

// isWord11 reports whether YAML 1.1 may read a word as a bool, a null or a number. It ignores case,
// because needless quotes do no harm.
func isWord11(s string) bool {
	switch strings.ToLower(s) {
	case "y", "yes", "n", "no", "true", "false", "on", "off", "null", "nan", "inf":
		return true
	}
	return strings.Trim(s, "_") == ""
}

// isText reports whether a string reads best as a literal block scalar, and can be one: several
// printable lines without white space at their ends or at the beginning, and at most one final line
// break.
func isText(s string) bool {
	body := strings.TrimSuffix(s, "\n")
	if !utf8.ValidString(s) || !strings.Contains(body, "\n") || strings.HasSuffix(body, "\n") || body[0] == '\n' || body[0] == ' ' || body[0] == '\t' {
		return false
	}

	for line := range strings.SplitSeq(body, "\n") {
		if strings.TrimRight(line, " \t") != line {
			return false
		}
	}

	for _, r := range body {
		if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
			return false
		}
	}

	return true
}

// readsBetterSingle reports whether a string needs escapes in double quotes, but not in single
// quotes, YAML 1.2 section 7.3.2.
func readsBetterSingle(s string) bool {
	return strings.ContainsAny(s, `"\`) && utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// Quote returns a string in double quotes, as JSON has them, but without escaped slashes. Every
// YAML reader understands that, once the characters that are not printable in YAML 1.2 section 5.1
// are escaped too.
func Quote(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) //nolint:errchkjson // every string can be encoded

	text := strings.TrimSuffix(b.String(), "\n")
	if strings.IndexFunc(text, notPrintable) < 0 {
		return text
	}

	b.Reset()
	for _, r := range text {
		if notPrintable(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}

	return b.String()
}

func notPrintable(r rune) bool {
	return r >= 0x7f && r < 0xa0 || r == 0xfeff || r == 0xfffe || r == 0xffff
}
