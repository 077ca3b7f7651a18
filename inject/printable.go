package inject

import (
	"strconv"
	"strings"
	"unicode"
)

// printable is a text of a manifest as it may be shown: on one line, and without what leads a terminal by the hand. To GitHub Actions, for one, a
// line that begins with two colons is a command, whoever has written it.
func printable(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}
