package manifest

import (
	"errors"
	"testing"
)

// TestMistakes shows that the line is that which people have to change, and that what they read
// helps them do so.
func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"a:\n  b: 1\n\tc: 2\n":                                 `f.yaml:3:2: a tab indents this line; YAML wants spaces`,
		"a:\n\tb: 1\n":                                         `f.yaml:2:2: a tab indents this line; YAML wants spaces`,
		"a: 1\nb:\n  - x\n  y: 2\nc: 3\n":                      `f.yaml:4:3: no item of the list above, and not indented as a part of one`,
		"a: 1\nb: 2\n c: 3\nd: 4\n":                            `f.yaml:3:2: a key, where the line above holds a value: it is indented too far`,
		"a:\n  b: 1\n c: 3\nd: 4\n":                            `f.yaml:3:2: indented by 1, where the lines above are indented by 0 or 2`,
		"a:\n    b: 1\n  c: 3\nd: 4\n":                         `f.yaml:3:3: indented by 2, where the lines above are indented by 0 or 4`,
		"a: [1, 2\nb: 3\nc: 4\n":                               `f.yaml:1:1: a [ opens here that nothing closes, or a comma is missing in it`,
		"a: {x: 1\nb: 3\nc: 4\n":                               `f.yaml:1:1: a { opens here that nothing closes, or a comma is missing in it`,
		"x: 1\na: \"foo\nb: 3\nc: 4\n":                         `f.yaml:2:1: quotes open here that nothing closes`,
		"a: 'foo\nb: 3\nc: 4\n":                                `f.yaml:1:1: quotes open here that nothing closes`,
		"a: 'it's'\nb: 3\n":                                    `f.yaml:1:1: quotes open here that end too early or too late: in single quotes a quote is written twice, in double quotes behind a backslash`,
		"a: b: c\nd: 1\n":                                      `f.yaml:1:1: a value that holds a colon and a space wants quotes`,
		"a: 1\nb: %x\nc: 1\n":                                  `f.yaml:2:1: no value begins with %: put it in quotes`,
		"a: 1\nb: @x\nc: 1\n":                                  `f.yaml:2:1: no value begins with @: put it in quotes`,
		"a: 1\nb: [`x`]\nc: 1\n":                               "f.yaml:2:1: no value begins with `: put it in quotes",
		"a: 1\n{{- if .x }}\nb: 1\n{{- end }}\nc: 1\n":         `f.yaml:2:1: a template begins here: render it first, as helm template does`,
		"a: 1\nb: {{ .Values.x }}-y\nc: 1\n":                   `f.yaml:2:1: a template begins here: render it first, as helm template does`,
		"a: 1\nfoo\nb: 2\n":                                    `f.yaml:2:1: a key wants a colon and a space behind it`,
		"a: 1\nb: *x\n":                                        `f.yaml:2:1: unknown anchor 'x' referenced; a value that begins with * wants quotes`,
		"a: |\n  x\n y\nb: 1\n":                                `f.yaml:3:2: indented by 1, where the lines above are indented by 0 or 2`,
		"a: \"\\q\"\n":                                         `f.yaml:1:1: a backslash in double quotes begins an escape that YAML does not have: double it, or use single quotes`,
		"a: 1\n- b\n":                                          `f.yaml:2:1: an item of a list, where a key is expected`,
		"- a\nb: 1\n":                                          `f.yaml:2:1: no item of the list above, and not indented as a part of one`,
		"a: 1\n: 2\n":                                          `f.yaml:2:1: neither a key of its own nor a part of the value above it`,
		"a: - b\n":                                             `f.yaml:1:1: an item of a list wants a line of its own`,
		"a:\n- b\n c: 1\nd: 2\n":                               `f.yaml:3:2: a key, where the line above holds a value: it is indented too far`,
		"a: x # c\n  b: \"1\"\n":                               `f.yaml:2:3: neither a key of its own nor a part of the value above it`,
		"a: \"x\": y\"\nb: 1\n":                                `f.yaml:1:1: a value that holds a colon and a space wants quotes`,
		"<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> x\n":       `f.yaml:2:1: a merge conflict is left here`,
		"a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> x\n": `f.yaml:2:1: a merge conflict is left here`,
		"a: \"x\" y\nb: 2\n":                                   `f.yaml:1:1: quotes open here that end too early or too late: in single quotes a quote is written twice, in double quotes behind a backslash`,
		"a: 1\nb: *\n":                                         `f.yaml:2:1: * and & begin the name of an anchor: put the value in quotes`,
		"a: ]\n":                                               `f.yaml:1:1: a value is missing, or brackets do not match`,
		"a: 1\n}\n":                                            `f.yaml:2:1: neither a key of its own nor a part of the value above it`,
		"a: x\n  b: 1\n":                                       `f.yaml:2:3: a key, where the line above holds a value: it is indented too far`,
		"a: x # c\n  b: 1\n":                                   `f.yaml:2:3: neither a key of its own nor a part of the value above it`,
		"a: {\n  x: 1,\n  y: [1, 2}\n}\nb: 1\n":                `f.yaml:3:3: a [ opens here that nothing closes, or a comma is missing in it`,
		"a:\n  - b: 1\n    c: 2\n   d: 3\n":                    `f.yaml:4:4: indented by 3, where the lines above are indented by 2 or 4`,
		"a:\n  - b: 1\n     c: 2\n":                            `f.yaml:3:6: a key, where the line above holds a value: it is indented too far`,
		"  a: 1\nb: 2\n":                                       `f.yaml:2:1: indented by 0, less than the lines above`,
		"a:\r\n  b: 1\r\n c: 2\r\n":                            `f.yaml:3:2: indented by 1, where the lines above are indented by 0 or 2`,
		"# c\n---\na:\n  b: 1\n c: 2\n":                        `f.yaml:5:2: indented by 1, where the lines above are indented by 0 or 2`,
		"a: \"x\nb: \"y\"\nc: 1\n":                             `f.yaml:1:1: quotes open here that end too early or too late: in single quotes a quote is written twice, in double quotes behind a backslash`,
		"a: 1\nb: {{ .Values.x }}\n":                           `f.yaml:2:5: a mapping cannot be a key; {{ }} looks like one: a template is to be rendered first, as helm template does`,
		"a: 1\nb: 2\nx: [x,\n y]\nb: [\n z\n]\nc: \"x\nd: 1\ne: 2\nf: 3\ng: 4\nh: 5\ni: 6\n": `f.yaml:8:1: quotes open here that nothing closes`,
	} {
		var last error
		for _, d := range Split("f.yaml", []byte(text)) {
			_, last = d.Root()
		}
		if e := (*SyntaxError)(nil); !errors.As(last, &e) || e.Error() != want {
			t.Errorf("%q:\ngot  %v\nwant %s", text, last, want)
		}
	}
}
