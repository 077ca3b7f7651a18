package manifest

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// FuzzJSON shows that every JSON text is read as encoding/json reads it.
func FuzzJSON(f *testing.F) {
	for _, text := range []string{`{"a":"\/\ud83d\ude00\t"}`, "{\"a\":\t[1,\t-2.5e+3, null,true ,false,\"\"]}", `[]`, "{\"\u2028\":\"\u0085\x7f\"}", `{"a":{"b":[{"c":[]}]}} `, `["\ud800"]`, "[0\r]"} {
		f.Add([]byte(text))
	}

	f.Fuzz(func(t *testing.T, text []byte) {
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.UseNumber()
		var want any
		if len(text) > 1024 || jsonStart(text) < 0 || !utf8.Valid(text) || !json.Valid(text) || dec.Decode(&want) != nil {
			return
		}

		d := Split("f.json", text)[0]

		root, err := d.Root()
		if err != nil {
			if strings.Contains(err.Error(), "duplicate key") {
				return
			}
			t.Fatalf("%q: %v", text, err)
		}

		if diff := cmp.Diff(want, valueOf(root)); diff != "" {
			t.Fatalf("%q: -want +got\n%s", text, diff)
		}

		checkEdits(t, d)
	})
}

// valueOf returns the value that encoding/json reads for a tree.
func valueOf(n *Node) any {
	switch {
	case n.Kind == Mapping:
		out := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			out[n.Content[i].Value] = valueOf(n.Content[i+1])
		}
		return out

	case n.Kind == Sequence:
		out := []any{}
		for _, c := range n.Content {
			out = append(out, valueOf(c))
		}
		return out

	case n.Tag == "!!null":
		return nil
	case n.Tag == "!!bool":
		return n.Value == "true"
	case n.Tag == "!!str":
		return n.Value
	}

	return json.Number(n.Value)
}
