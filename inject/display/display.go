// Package display makes texts safe to show: on terminals, in logs and in reports. Texts of
// manifests, file names and servers are data there, and never give an order to a terminal or to a
// CI system. The package looks at characters alone, and never asks where a text comes from.
package display

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Line returns a text as it may be shown: on one line, with an escape in the place of each
// character that is not seen. It breaks the commands of CI systems: in GitHub Actions a line that
// begins, after blanks, with two colons, and ##[ anywhere; in Azure Pipelines ##vso[.
func Line(text string) string {
	if isPlain(text) {
		return text
	}

	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case !unicode.IsPrint(r):
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		case r == ':' && beginsCommand(text, i):
			b.WriteString(`\x3a`)
		case r == '#' && hasCommand(text, i):
			b.WriteString(`\x23`)
		default:
			b.WriteRune(r)
		}

		i += size
	}

	return b.String()
}

// isPlain reports whether a text can be shown as it is, as nearly all can.
func isPlain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= 0x7f || c == ':' && beginsCommand(text, i) || c == '#' && hasCommand(text, i) {
			return false
		}
	}
	return true
}

// beginsCommand reports whether the colon at i is the first of two with which a line begins.
func beginsCommand(text string, i int) bool {
	return strings.HasPrefix(text[i:], "::") && strings.Trim(text[:i], " ") == ""
}

// hasCommand reports whether the # at i is the second of two before a word, or none, and a bracket.
func hasCommand(text string, i int) bool {
	if i == 0 || text[i-1] != '#' {
		return false
	}
	word := strings.TrimLeftFunc(text[i+1:], func(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' })
	return strings.HasPrefix(word, "[")
}

// Lines returns a writer to which each Write is one line, with or without the line break at its
// end. A line break inside is escaped.
func Lines(w io.Writer) io.Writer {
	return writer{w, func(text []byte) []byte {
		return []byte(Line(string(bytes.TrimSuffix(text, []byte{'\n'}))) + "\n")
	}}
}

// JSON returns a writer that escapes, in JSON, all that Line does not show. The values stay the
// same. Each Write must hold whole characters.
func JSON(w io.Writer) io.Writer { return writer{w, EscapeJSON} }

// writer writes texts as they may be shown.
type writer struct {
	to    io.Writer
	shown func([]byte) []byte
}

func (w writer) Write(text []byte) (int, error) {
	if _, err := w.to.Write(w.shown(text)); err != nil {
		return 0, err
	}
	return len(text), nil
}

// EscapeJSON returns JSON with the same values, and escapes for all that Line does not show. Line
// breaks between values stay.
func EscapeJSON(text []byte) []byte {
	return escape(text, func(b *bytes.Buffer, r rune) {
		high, low := utf16.EncodeRune(r)
		fmt.Fprintf(b, `\u%04x\u%04x`, high, low)
	})
}

// EscapeYAML does the same for a YAML scalar in double quotes.
func EscapeYAML(text []byte) []byte {
	return escape(text, func(b *bytes.Buffer, r rune) { fmt.Fprintf(b, `\U%08x`, r) })
}

// escape escapes all that Line does not show. Characters beyond four digits are for high.
func escape(text []byte, high func(*bytes.Buffer, rune)) []byte {
	var b bytes.Buffer
	s := string(text)
	for i, r := range s {
		switch {
		case r == '#' && hasCommand(s, i):
			b.WriteString(`\u0023`)
		case r == '\n' || r == '\t' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			high(&b, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}

	return b.Bytes()
}
