package manifest

import (
	"errors"
	"strings"
	"testing"
)

// mistakes are texts that are not YAML, with the errors.
var mistakes = map[string]string{
	"a:\n  b: 1\n\tc: 2\n":                                 `f.yaml:3:1: a tab indents this text; replace it by spaces`,
	"a:\n\tb: 1\n":                                         `f.yaml:2:1: a tab indents this text; replace it by spaces`,
	"a: 1\nb:\n  - x\n  y: 2\nc: 3\n":                      `f.yaml:4:3: a key among list items; indent it like the keys of the item above`,
	"a: 1\nb: 2\n c: 3\nd: 4\n":                            `f.yaml:3:2: a key below a value; indent it like the keys above it`,
	"a:\n  b: 1\n c: 3\nd: 4\n":                            `f.yaml:3:2: indented by 1, but the lines above by 0 or 2; use one of the two`,
	"a:\n    b: 1\n  c: 3\nd: 4\n":                         `f.yaml:3:3: indented by 2, but the lines above by 0 or 4; use one of the two`,
	"a: [1, 2\nb: 3\nc: 4\n":                               `f.yaml:1:4: this [ is not closed; close it with ]`,
	"a: {x: 1\nb: 3\nc: 4\n":                               `f.yaml:1:4: this { is not closed; close it with }`,
	"x: 1\na: \"foo\nb: 3\nc: 4\n":                         `f.yaml:2:4: this quote is not closed; close it`,
	"a: 'foo\nb: 3\nc: 4\n":                                `f.yaml:1:4: this quote is not closed; close it`,
	"a: 'it's'\nb: 3\n":                                    `f.yaml:1:4: these quotes end too early; write a quote in '' twice, and in "" behind a backslash`,
	"a: b: c\nd: 1\n":                                      `f.yaml:1:4: this value contains a colon and a space; quote it`,
	"a: 1\nb: %x\nc: 1\n":                                  `f.yaml:2:4: no value begins with %; quote it`,
	"a: 1\nb: @x\nc: 1\n":                                  `f.yaml:2:4: no value begins with @; quote it`,
	"a: 1\nb: [`x`]\nc: 1\n":                               "f.yaml:2:5: no value begins with `; quote it",
	"a: 1\n{{- if .x }}\nb: 1\n{{- end }}\nc: 1\n":         `f.yaml:2:1: a template begins here; render it first, for example with helm template`,
	"a: 1\nb: {{ .Values.x }}-y\nc: 1\n":                   `f.yaml:2:4: a template begins here; render it first, for example with helm template`,
	"a: 1\nfoo\nb: 2\n":                                    `f.yaml:2:1: this key has no colon; add a colon and a space`,
	"a: 1\nb: *x\n":                                        `f.yaml:2:4: no anchor of this name stands before the alias; quote the value if it begins with *`,
	"a: |\n  x\n y\nb: 1\n":                                `f.yaml:3:2: indented by 1, but the lines above by 0 or 2; use one of the two`,
	"a: \"\\q\"\n":                                         `f.yaml:1:5: YAML has no such escape; double the backslash, or use single quotes`,
	"a: 1\n- b\n":                                          `f.yaml:2:1: a list item among keys; put the list below a key of its own`,
	"- a\nb: 1\n":                                          `f.yaml:2:1: a key among list items; indent it like the keys of the item above`,
	"a: 1\n: 2\n":                                          `f.yaml:2:1: no key stands before this colon; add the key, or quote the text`,
	"a: - b\n":                                             `f.yaml:1:4: a list item on the line of its key; begin it on a new line`,
	"a:\n- b\n c: 1\nd: 2\n":                               `f.yaml:3:2: a key below a value; indent it like the keys above it`,
	"a: x # c\n  b: \"1\"\n":                               `f.yaml:2:3: this line belongs to no entry above; indent it like the keys above it`,
	"a: \"x\": y\"\nb: 1\n":                                `f.yaml:1:4: this value contains a colon and a space; quote it`,
	"<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> x\n":       `f.yaml:1:1: a merge conflict is left here; resolve it`,
	"a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> x\n": `f.yaml:2:1: a merge conflict is left here; resolve it`,
	"a: \"x\" y\nb: 2\n":                                   `f.yaml:1:4: these quotes end too early; write a quote in '' twice, and in "" behind a backslash`,
	"a: 1\nb: *\n":                                         `f.yaml:2:4: * and & begin the name of an anchor; quote the value`,
	"a: ]\n":                                               `f.yaml:1:4: no value begins with ]; quote it`,
	"a: 1\n}\n":                                            `f.yaml:2:1: nothing opens this }; delete it`,
	"a: x\n  b: 1\n":                                       `f.yaml:2:3: a key below a value; indent it like the keys above it`,
	"a: x # c\n  b: 1\n":                                   `f.yaml:2:3: this line belongs to no entry above; indent it like the keys above it`,
	"a: {\n  x: 1,\n  y: [1, 2}\n}\nb: 1\n":                `f.yaml:3:6: this [ is not closed; close it with ]`,
	"a:\n  - b: 1\n    c: 2\n   d: 3\n":                    `f.yaml:4:4: indented by 3, but the lines above by 2 or 4; use one of the two`,
	"a:\n  - b: 1\n     c: 2\n":                            `f.yaml:3:6: a key below a value; indent it like the keys above it`,
	"  a: 1\nb: 2\n":                                       `f.yaml:2:1: indented by 0, less than the lines above; indent it by 2`,
	"a:\r\n  b: 1\r\n c: 2\r\n":                            `f.yaml:3:2: indented by 1, but the lines above by 0 or 2; use one of the two`,
	"# c\n---\na:\n  b: 1\n c: 2\n":                        `f.yaml:5:2: indented by 1, but the lines above by 0 or 2; use one of the two`,
	"a: \"x\nb: \"y\"\nc: 1\n":                             `f.yaml:1:4: these quotes end too early; write a quote in '' twice, and in "" behind a backslash`,
	"a: 1\nb: {{ .Values.x }}\n":                           `f.yaml:2:5: a mapping cannot be a key; if {{ }} is a template, render it first, for example with helm template`,
	"a: 1\nb: 2\nx: [x,\n y]\nb: [\n z\n]\nc: \"x\nd: 1\ne: 2\nf: 3\ng: 4\nh: 5\ni: 6\n": `f.yaml:8:4: this quote is not closed; close it`,
	"apiVersion: v1\nkind: Service\nmetadata:\n  name:web\n  namespace: shop\n":          `f.yaml:4:8: "name:web" has no space after the colon`,
	"name:web\nkind: x\n": `f.yaml:1:6: "name:web" has no space after the colon`,
	"kind: x\nname:web":   `f.yaml:2:6: "name:web" has no space after the colon`,
	"a:\n- name: x\n  env:\n  - name:a\n    value: b\n": `f.yaml:4:10: "name:a" has no space after the colon`,
	"l:\n- key:value\n  b: 1\n":                         `f.yaml:2:7: "key:value" has no space after the colon`,
	"l:\n  - a: 1\n    b:2\n    c: 3\n":                 `f.yaml:3:7: "b:2" has no space after the colon`,
	"l:\n- a: 1\n  \"b\":2\n":                           `f.yaml:3:7: "\"b\":2" has no space after the colon`,
	"l:\n- https://x\n  b: 1\n":                         `f.yaml:3:3: a key below a value; indent it like the keys above it`,
	"a: {b: 1 c: 2}\n":                                  `f.yaml:1:11: a comma is missing before this; add it`,
	"a: [\"x\" \"y\"]\n":                                `f.yaml:1:9: a comma is missing before this; add it`,
	"a: [\n  \"x\"\n  \"y\"\n]\n":                       `f.yaml:3:3: a comma is missing before this; add it`,
	"a: [":                                              `f.yaml:1:4: this [ is not closed; close it with ]`,
	"a: {b: ":                                           `f.yaml:1:4: this { is not closed; close it with }`,
	"a: [b, [c]\n":                                      `f.yaml:1:4: this [ is not closed; close it with ]`,
	"command: [\"a\", \"b\"\nargs: [\"c\"]\n":           `f.yaml:1:10: this [ is not closed; close it with ]`,
	"a: [}\n":                                           `f.yaml:1:4: this [ is not closed; close it with ]`,
	"a: {b: ]}\n":                                       `f.yaml:1:4: this { is not closed; close it with }`,
	"a:\n  - {b: c\n  - d\n":                            `f.yaml:2:5: this { is not closed; close it with }`,
	"a: http://x: y\n":                                  `f.yaml:1:4: this value contains a colon and a space; quote it`,
	"l:\n- a: b: c\n":                                   `f.yaml:2:6: this value contains a colon and a space; quote it`,
	"image: nginx:\n  x: y\n":                           `f.yaml:1:8: this value contains a colon and a space; quote it`,
	"l:\n- name: x\n   value: y\n":                      `f.yaml:3:4: a key below a value; indent it like the keys above it`,
	"l:\n- name: x\n value: y\n":                        `f.yaml:3:2: a key among list items; indent it like the keys of the item above`,
	"a: b\n  c\n  d: e\n":                               `f.yaml:3:3: a key below a value; indent it like the keys above it`,
	"spec\n  a: 1\n":                                    `f.yaml:1:1: this key has no colon; add a colon and a space`,
	"a:\n  - b\n  c\n":                                  `f.yaml:3:3: this key has no colon; add a colon and a space`,
	"%x: 1\n":                                           `f.yaml:1:1: % begins a directive here; quote the text`,
	"@a: 1\n":                                           `f.yaml:1:1: no value begins with @; quote it`,
	"`a`: 1\n":                                          "f.yaml:1:1: no value begins with `; quote it",
	"l:\n- @x\n":                                        `f.yaml:2:3: no value begins with @; quote it`,
	"a: >\n\tx\n":                                       `f.yaml:2:1: a tab indents this text; replace it by spaces`,
	"l:\n  -\tx: 1\n\t y: 2\n":                          `f.yaml:2:4: a tab indents this text; replace it by spaces`,
	"\ta: 1\n":                                          `f.yaml:1:1: a tab indents this text; replace it by spaces`,
	"a: \"\\u12\"\n":                                    `f.yaml:1:5: \x, \u and \U need hexadecimal digits; double the backslash, or use single quotes`,
	"a: \"\\/\"\n":                                      `f.yaml:1:5: YAML has no such escape; double the backslash, or use single quotes`,
	"a: \"b\" # c\nd: \"e\" f # g\n":                    `f.yaml:2:4: these quotes end too early; write a quote in '' twice, and in "" behind a backslash`,
	"a: [b] c\n":                                        `f.yaml:1:8: this text follows a complete value; quote the whole value`,
	"a: \x01\n":                                         `f.yaml:1:4: this control character is not allowed in YAML; delete it`,
	"a: &b 1\nc: *d\n":                                  `f.yaml:2:4: no anchor of this name stands before the alias; quote the value if it begins with *`,
	"x: |bad\n  a\n":                                    `f.yaml:1:5: text follows the | or > of a block scalar; begin it on the next line`,
}

// TestMistakes shows that errors have the line and column that the user must change, the cause, and
// the remedy.
func TestMistakes(t *testing.T) {
	for text, want := range mistakes {
		var last error
		for _, d := range Split("f.yaml", []byte(text)) {
			_, last = d.Root()
		}
		if e := (*SyntaxError)(nil); !errors.As(last, &e) || e.Error() != want {
			t.Errorf("%q:\ngot  %v\nwant %s", text, last, want)
		}
	}
}

// FuzzMistake shows that every text is read, or has an error with a message and a place in the
// text.
func FuzzMistake(f *testing.F) {
	for text := range mistakes {
		f.Add([]byte(text))
	}

	f.Fuzz(func(t *testing.T, text []byte) {
		d := &Document{File: "f.yaml", Line: 1, Text: text}
		_, err := d.Root()
		if err == nil {
			return
		}

		e := (*SyntaxError)(nil)
		if !errors.As(err, &e) || e.Pos.Line > len(d.lineStarts()) || e.Pos.Column < 1 || e.Msg == "" || strings.Contains(e.Msg, "runtime error") {
			t.Fatalf("%q: %v", text, err)
		}
	})
}
