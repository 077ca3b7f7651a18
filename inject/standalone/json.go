package standalone

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// A definition is JSON that an engineer can read in the cluster, and that is small: block and lines
// have each entry on a line of its own, and all other values stand on one line.
type (
	block manifest.Map
	lines []manifest.Map
)

// text returns a file of JSON. The same value makes the same text.
func text(v any) string {
	var b strings.Builder
	writeJSON(&b, v, "\n")
	b.WriteByte('\n')
	return b.String()
}

// writeJSON writes a value. The newline of the place contains its indentation.
func writeJSON(b *strings.Builder, v any, newline string) {
	switch v := v.(type) {
	case block:
		b.WriteByte('{')
		for i, e := range v {
			separate(b, i, newline+" ")
			writeText(b, e.Key)
			b.WriteString(": ")
			writeJSON(b, e.Value, newline+" ")
		}
		b.WriteString(newline + "}")
	case lines:
		b.WriteByte('[')
		for i, e := range v {
			separate(b, i, newline+" ")
			writeJSON(b, e, "")
		}
		b.WriteString(newline + "]")
	case manifest.Map:
		b.WriteByte('{')
		for i, e := range v {
			separate(b, i, "")
			writeText(b, e.Key)
			b.WriteByte(':')
			writeJSON(b, e.Value, "")
		}
		b.WriteByte('}')
	case manifest.List:
		b.WriteByte('[')
		for i, e := range v {
			separate(b, i, "")
			writeJSON(b, e, "")
		}
		b.WriteByte(']')
	case string:
		writeText(b, v)
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case bool:
		b.WriteString(strconv.FormatBool(v))
	default:
		panic(fmt.Sprintf("standalone: a value of the type %T in a definition", v))
	}
}

func separate(b *strings.Builder, i int, newline string) {
	if i > 0 {
		b.WriteByte(',')
	}
	b.WriteString(newline)
}

// writeText writes a text in quotes. Most need no escapes.
func writeText(b *strings.Builder, s string) {
	isPlain := func(r rune) bool { return r >= ' ' && r <= '~' && r != '"' && r != '\\' }
	if strings.IndexFunc(s, func(r rune) bool { return !isPlain(r) }) >= 0 {
		b.WriteString(manifest.Quote(s))
		return
	}

	b.WriteByte('"')
	b.WriteString(s)
	b.WriteByte('"')
}
