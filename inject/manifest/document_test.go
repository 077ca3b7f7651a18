package manifest

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string // the documents, each with its line
	}{
		{"nothing", "", []string{"1:"}},
		{"only a comment", "# a\n", []string{"1:# a\n"}},
		{"one", "a: b\n", []string{"1:a: b\n"}},
		{"two", "a: b\n---\nc: d\n", []string{"1:a: b\n", "2:---\nc: d\n"}},
		{"a comment before the separator belongs to the document behind it", "# a\n---\nb: c\n", []string{"1:# a\n---\nb: c\n"}},
		{"a comment behind the document belongs to it", "a: b\n# c\n---\nd: e\n", []string{"1:a: b\n# c\n", "3:---\nd: e\n"}},
		{"no document between two separators", "---\n---\na: b\n", []string{"1:---\n", "2:---\na: b\n"}},
		{"content on the separator's line", "--- a\n--- b\n", []string{"1:--- a\n", "2:--- b\n"}},
		{"an end marker", "a: b\n...\n# c\n---\nd: e\n", []string{"1:a: b\n...\n", "3:# c\n---\nd: e\n"}},
		{"no separator behind an end marker", "a: b\n...\nd: e\n", []string{"1:a: b\n...\n", "3:d: e\n"}},
		{"a directive", "%YAML 1.2\n---\na: b\n", []string{"1:%YAML 1.2\n---\na: b\n"}},
		{"no markers", "a: b\n ---\n----\n---x\n....\n", []string{"1:a: b\n ---\n----\n---x\n....\n"}},
		{"a block scalar ends at a separator", "a: |\n  b\n---\nc\n", []string{"1:a: |\n  b\n", "3:---\nc\n"}},
		{"carriage returns", "a: b\r\n---\r\nc: d\r\n", []string{"1:a: b\r\n", "2:---\r\nc: d\r\n"}},
		{"a byte order mark", "\ufeff---\na: b\n---\n", []string{"1:\ufeff---\na: b\n", "3:---\n"}},
		{"no final line break", "a\n---\nb", []string{"1:a\n", "2:---\nb"}},
		{"a final separator", "a\n---", []string{"1:a\n", "2:---"}},
		{"JSON values one behind the other", "{\"a\": 1}\n\n[2]\n{} \n", []string{"1:{\"a\": 1}\n\n", "3:[2]\n", "4:{} \n"}},
		{"JSON values on one line", "{\"a\":\"}{\"}{} []\n{}", []string{"1:{\"a\":\"}{\"}", "1:{} ", "1:[]\n", "2:{}"}},
		{"JSON values behind a marker", "# c\n--- {}\n{}\n---\n{}", []string{"1:# c\n--- {}\n", "3:{}\n", "4:---\n{}"}},
		{"JSON of which the second value is broken", "{}\n{\"a\" 1}\n", []string{"1:{}\n", "2:{\"a\" 1}\n"}},
		{"JSON in front of something else", "{}\na: b\n", []string{"1:{}\na: b\n"}},
		{"no JSON", "{a: '}{'}\n", []string{"1:{a: '}{'}\n"}},
		{"blank lines at the end", "a\n...\n\n\n", []string{"1:a\n...\n\n\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for i, d := range Split("f.yaml", []byte(c.text)) {
				if d.Number != i+1 {
					t.Errorf("document %d has the number %d", i+1, d.Number)
				}
				got = append(got, string(rune('0'+d.Line))+":"+string(d.Text))
			}

			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestPositions(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
	}{
		{"characters, not bytes", "a: {größe: 🚀, x: HERE}\n", "f.yaml:1:18"},
		{"behind a byte order mark", "\ufeffHERE: a\n", "f.yaml:1:1"},
		{"in a document behind a byte order mark", "\ufeff--- {a: HERE}\n", "f.yaml:1:9"},
		{"with carriage returns", "a: b\r\nc: HERE\r\n", "f.yaml:2:4"},
		{"in a later document", "a: b\n---\n\nc:\n  - HERE\n", "f.yaml:5:5"},
		{"with an anchor and a tag", "a: &x !!str HERE\n", "f.yaml:1:4"},
		{"behind lines of other breaks", "a: b\rc: HERE\n", "f.yaml:2:4"},
		{"in JSON, behind another line break", "{\"a\": \"\u2028\", \"b\": \"HERE\"}", "f.yaml:1:17"},
		{"in JSON behind other JSON", "{\"ü\":1} {\"b\": \"HERE\"}", "f.yaml:1:15"},
		{"in JSON on a line of its own", "{}\n{} {\n\"b\": \"HERE\"}", "f.yaml:3:6"},
		{"behind a byte that is no UTF-8", "# \xe9\xa9\xe9\na: {b: HERE} # \xe9", "f.yaml:2:8"},
		{"behind an alias", "a: &x b\nü: [*x, HERE]\n", "f.yaml:2:9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := ""
			for _, d := range Split("f.yaml", []byte(c.text)) {
				root, err := d.Root()
				if err != nil {
					t.Fatal(err)
				}

				visit(root, func(n *Node) {
					if n.Kind == Scalar && n.Value == "HERE" {
						found = d.PositionOf(n).String()
					}
				})
			}

			if found != c.want {
				t.Errorf("got %s, want %s", found, c.want)
			}
		})
	}
}

// TestColumnsInAnyOrder shows that a column does not depend on earlier calls.
func TestColumnsInAnyOrder(t *testing.T) {
	text := "a: é\nb: {ü: 🚀, x: y}\n"
	fresh := func() *Document { return Split("f.yaml", []byte(text))[0] }

	shared := fresh()
	for _, at := range []int{len(text) - 2, 0, 12, 8, 20, 5, 19, 19, 3} {
		if got, want := shared.Position(at), fresh().Position(at); got != want {
			t.Errorf("offset %d: got %s, want %s", at, got, want)
		}
	}
}

func TestSyntaxErrors(t *testing.T) {
	for text, want := range map[string]string{
		"a: b\n---\na: [\n":                   "f.yaml:3:4: this [ is not closed; close it with ]",
		"a: b\n---\na: 'x\n":                  "f.yaml:3:4: this quote is not closed; close it",
		"a: b\n---\nx: y\na: b: c\n":          "f.yaml:4:4: this value contains a colon and a space; quote it",
		"a: b\n---\na:\n\t- b\n":              "f.yaml:4:1: a tab indents this text; replace it by spaces",
		"a: *b\n":                             "f.yaml:1:4: no anchor of this name stands before the alias; quote the value if it begins with *",
		"a: &b [*b]\n":                        "f.yaml:1:8: anchor b contains itself; write the value out",
		"ü: 1\nx: {ü: 1, ü: 2}\n":             `f.yaml:2:11: duplicate key "ü", first on line 2; delete one of the two`,
		"a: 1\nb: 2\n'a': 3\n":                `f.yaml:3:1: duplicate key "a", first on line 1; delete one of the two`,
		"<<: {a: b}\n<<: {c: d}\n":            `f.yaml:2:1: duplicate key "<<", first on line 1; delete one of the two`,
		strings.Repeat("a: 1\n", 40) + "b: 1": `f.yaml:2:1: duplicate key "a", first on line 1; delete one of the two`,
		"a: \ufffd # \xff\nb: \xff\n":         "f.yaml:1:8: byte 0xff is not UTF-8; save the file as UTF-8",
		"a: \x00\n":                           "f.yaml:1:4: this control character is not allowed in YAML; delete it",
		"{\"a\": \"\\/\", b: 1}":              "f.yaml:1:13: not JSON: invalid character 'b' looking for beginning of object key string",
		"{\"a\": \"\\x\"}":                    "f.yaml:1:8: \\x, \\u and \\U need hexadecimal digits; double the backslash, or use single quotes",
		"{\"a\":\n{\"b\": 10}} x":             "f.yaml:2:12: not JSON: invalid character 'x' after the value",
		"{\"a\": 1}\n{\"b\": [1,\n\"c\" 2]}":  "f.yaml:3:5: not JSON: invalid character '2' after array element",
		"{\"a\": 1, \"a\": 2}":                `f.yaml:1:10: duplicate key "a", first on line 1; delete one of the two`,
		"{\"a\": 1}\n... x":                   "f.yaml:2:5: not JSON: invalid character 'x' after the value",
		"{a: [}":                              "f.yaml:1:5: this [ is not closed; close it with ]",
		"a: b\u2028---\u2028c: d\n":           "f.yaml:2:1: a second document begins here without a --- line; add the line",
	} {
		var last error
		for _, d := range Split("f.yaml", []byte(text)) {
			_, last = d.Root()
		}
		if e := (*SyntaxError)(nil); !errors.As(last, &e) || e.Error() != want {
			t.Errorf("%q: got %v, want %s", text, last, want)
		}
	}
}

// TestSameKeyOfOtherTypes shows that keys of different types are not duplicates.
func TestSameKeyOfOtherTypes(t *testing.T) {
	for _, text := range []string{"1: a\n\"1\": b\n", "true: a\n'true': b\n", "{[a]: 1, [a]: 2}\n"} {
		if _, err := Split("f.yaml", []byte(text))[0].Root(); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestEncoding shows which first bytes mean which encoding, YAML 1.2 section 5.2.
func TestEncoding(t *testing.T) {
	for text, want := range map[string]string{
		"":                 "",
		"\x00":             "",
		"a":                "",
		"a\nb\x00c\x00":    "",
		"\xff":             "",
		"\ufeffa":          "",
		"\xff\xfe":         "UTF-16LE",
		"\xff\xfea\x00":    "UTF-16LE",
		"a\x00":            "UTF-16LE",
		"a\x00\n\x00":      "UTF-16LE",
		"\xfe\xff\x00a":    "UTF-16BE",
		"\x00a\x00\n":      "UTF-16BE",
		"\xff\xfe\x00\x00": "UTF-32LE",
		"a\x00\x00\x00":    "UTF-32LE",
		"\x00\x00\xfe\xff": "UTF-32BE",
		"\x00\x00\x00a":    "UTF-32BE",
	} {
		if got := encodingOf([]byte(text)); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
		behind := Split("f.yaml", []byte("# a\n---\n"+text))
		if refused := behind[0].Encoded() != nil; refused != (want != "") {
			t.Errorf("behind a separator, %q is refused: %v", text, refused)
		}
	}
}

// TestShortDocuments shows that documents too short for an object take no memory beyond their text.
func TestShortDocuments(t *testing.T) {
	const many = 100000
	for _, short := range []string{"---\n", "--- a\n", "{}", "{}\n"} {
		text := []byte("---\na: b\n" + strings.Repeat(short, many))
		if short[0] == '{' {
			text = []byte(strings.Repeat(short, many+1))
		}

		object := "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n"
		if short[0] == '{' {
			object = `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}` + "\n"
		}

		docs := Split("f.yaml", append(text, object...))
		var whole []byte
		for _, d := range docs {
			whole = append(whole, d.Text...)
		}

		if !bytes.Equal(whole, append(text, object...)) {
			t.Errorf("%q: the documents are not the file", short)
		}

		last := docs[len(docs)-1]

		root, err := last.Root()
		if len(docs) > 2*most || last.Number != many+2 || err != nil || root.Get("kind").Text() != "Namespace" {
			t.Errorf("%q: %d documents, the last of which is number %d (%v)", short, len(docs), last.Number, err)
		}

		if want := 1 + bytes.Count(text, []byte("\n")); last.Line != want {
			t.Errorf("%q: the last document begins at line %d, want %d", short, last.Line, want)
		}
	}
}
