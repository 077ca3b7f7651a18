package standalone

import (
	"encoding/json"
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
			b.WriteString(manifest.Quote(e.Key))
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
	default:
		inline, err := json.Marshal(v)
		if err != nil {
			panic("standalone: a value that JSON cannot hold: " + err.Error()) // texts, numbers and switches only
		}
		b.Write(inline)
	}
}

func separate(b *strings.Builder, i int, newline string) {
	if i > 0 {
		b.WriteByte(',')
	}
	b.WriteString(newline)
}
