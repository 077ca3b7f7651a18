package manifest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestStyles shows that insertions follow the style around them.
func TestStyles(t *testing.T) {
	item := List{Map{{"name", "x"}, {"list", List{"a"}}, {"map", Map{{"k", int64(1)}}}}}
	for _, c := range []struct {
		name, text string
		edit       func(root *Node) Edit
		want       string
	}{
		{"a compact list", "l:\n- a\nm:\n  n: o\n", appendTo(item), "l:\n- a\n- name: x\n  list:\n  - a\n  map:\n    k: 1\nm:\n  n: o\n"},
		{"an indented list", "l:\n    - a\n", appendTo(item), "l:\n    - a\n    - name: x\n      list:\n          - a\n      map:\n        k: 1\n"},
		{"a wide dash", "l:\n-   a\n", appendTo(item), "l:\n-   a\n-   name: x\n    list:\n    -   a\n    map:\n      k: 1\n"},
		{"deep mappings", "m:\n    l:\n    - a\n", func(r *Node) Edit { return Insert{Into: r.Get("m", "l"), Items: item} }, "m:\n    l:\n    - a\n    - name: x\n      list:\n      - a\n      map:\n          k: 1\n"},
		{"brackets on one line", "l: [a]\n", appendTo(item), "l: [a, {name: x, list: [a], map: {k: 1}}]\n"},
		{"brackets on more lines", "l: [\n  a\n]\n", appendTo(List{Map{{"k", List{}}}}), "l: [\n  a,\n  {\n    k: []\n  }\n]\n"},
		{"a comma at the end", "l: [a,]\n", appendTo(List{"b"}), "l: [a, b,]\n"},
		{"JSON", `{"l":["a"]}`, appendTo(item), `{"l":["a",{"name":"x","list":["a"],"map":{"k":1}}]}`},
		{"an empty list takes the style of others", "l: []\nk:\n  - a\n", appendTo(List{"b"}), "l:\n  - b\nk:\n  - a\n"},
		{"carriage returns", "l:\r\n- a\r\n", appendTo(List{"b\nc\n"}), "l:\r\n- a\r\n- |\r\n  b\r\n  c\r\n"},
		{"no final line break", "l:\n- a", appendTo(List{"b\nc\n", "d"}), "l:\n- a\n- \"b\\nc\\n\"\n- d"},
		{"a comment of the last item stays with it", "l:\n- a # a\n  # a too\n# not a\n", appendTo(List{"b"}), "l:\n- a # a\n  # a too\n- b\n# not a\n"},
		{"in front of a list", "l: # l\n\n# a\n- a\n", prependTo(item), "l: # l\n- name: x\n  list:\n  - a\n  map:\n    k: 1\n\n# a\n- a\n"},
		{"in front, an indented list without a final line break", "m:\n  l:\n    - a", func(r *Node) Edit { return Insert{r.Get("m", "l"), List{"b", "c"}, true} }, "m:\n  l:\n    - b\n    - c\n    - a"},
		{"in front of an empty list", "l: []\n", prependTo(List{"b"}), "l:\n- b\n"},
		{"in front, in brackets on one line", "l: [a]\n", prependTo(List{"b", "c"}), "l: [b, c, a]\n"},
		{"in front, in brackets on more lines", "l: [\n  a # a\n]\n", prependTo(List{"b", "c"}), "l: [\n  b,\n  c,\n  a # a\n]\n"},
		{"in front, in JSON", `{"l":["a"]}`, prependTo(List{"b"}), `{"l":["b","a"]}`},
		{"behind an entry, before its comments", "a: 1 # a\n# b\nb: 2\n", func(r *Node) Edit { return Put{Into: r, After: "a", Entries: Map{{"x", "z"}}} }, "a: 1 # a\nx: z\n# b\nb: 2\n"},
		{"in front of the first entry", "l:\n- a: 1 # a\n  b: 2\n", func(r *Node) Edit {
			return Put{Into: r.Get("l").Content[0], Before: r.Get("l").Content[0].Content[0], Entries: Map{{"x", "z"}, {"w", int64(1)}}}
		}, "l:\n- x: z\n  w: 1\n  a: 1 # a\n  b: 2\n"},
		{"in front, in brackets", "l: { a: 1 }\n", func(r *Node) Edit {
			return Put{Into: r.Get("l"), Before: r.Get("l").Content[0], Entries: Map{{"x", "z"}}}
		}, "l: { x: z, a: 1 }\n"},
		{"a value where none stood", "a:\nb: c\n", func(r *Node) Edit { return Replace{r.Content[1], int64(1)} }, "a: 1\nb: c\n"},
		{"a renamed key keeps what is around it", "'a' : b # c\n", func(r *Node) Edit { return Replace{r.Content[0], "d"} }, "d : b # c\n"},
		{"a renamed key in JSON is quoted", `{"a" : "b"}`, func(r *Node) Edit { return Replace{r.Content[0], "d"} }, `{"d" : "b"}`},
		{"a replaced value keeps its comment", "a: 'b' # c\n", func(r *Node) Edit { return Replace{r.Content[1], "true"} }, "a: \"true\" # c\n"},
		{"an item goes with its comments on the line", "l:\n- a\n- b # b\n- c\n", func(r *Node) Edit { return Remove{r.Get("l").Content[1]} }, "l:\n- a\n- c\n"},
		{"the first item in brackets", "l: [a, b]\n", func(r *Node) Edit { return Remove{r.Get("l").Content[0]} }, "l: [b]\n"},
		{"the only item in brackets", "l: [a]\n", func(r *Node) Edit { return Remove{r.Get("l").Content[0]} }, "l: []\n"},
		{"the only item in brackets, with a comma behind", "l: [a # , c\n ,]\n", func(r *Node) Edit { return Remove{r.Get("l").Content[0]} }, "l: []\n"},
		{"the last item in brackets", "l: [a, b]\n", func(r *Node) Edit { return Remove{r.Get("l").Content[1]} }, "l: [a]\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Split("f.yaml", []byte(c.text))[0]
			root, err := d.Root()
			if err != nil {
				t.Fatal(err)
			}

			got, err := edit(d, c.edit(root))
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// TestRemoveFirst shows the deletion of a child whose line begins with the dash of an item that
// stays.
func TestRemoveFirst(t *testing.T) {
	for _, c := range []struct {
		name, text string
		remove     []string // keys or items
		want       string
	}{
		{"the first entry of an item", "l:\n- env:\n  - a\n  image: b # b\n", []string{"env"}, "l:\n- image: b # b\n"},
		{"the first entry of an item, with its comment", "l:\n- env: [] # a\n\n  image: b\n", []string{"env"}, "l:\n- image: b\n"},
		{"the first entry of an item, before a comment of the next", "l:\n-   env: []\n    # b\n    image: b\n", []string{"env"}, "l:\n-       # b\n    image: b\n"},
		{"the first entries of an item", "l:\n- env: []\n  image: b\n  name: c\n", []string{"env", "image"}, "l:\n- name: c\n"},
		{"the first entries of an item, with comments between", "l:\n- env: []\n  # b\n  image: b # b\n  # c\n  name: c\n", []string{"env", "image"}, "l:\n-   # b\n    # c\n  name: c\n"},
		{"the first and the last entry of an item", "l:\n- env: []\n  image: b\n  name: c\n", []string{"env", "name"}, "l:\n- image: b\n"},
		{"the first entry behind two dashes", "- - env: []\n    image: b\n", []string{"env"}, "- - image: b\n"},
		{"the first item behind a dash", "- - a # a\n  - b\n", []string{"a"}, "- - b\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Split("f.yaml", []byte(c.text))[0]
			root, err := d.Root()
			if err != nil {
				t.Fatal(err)
			}

			var edits []Edit
			visit(root, func(n *Node) {
				if slices.Contains(c.remove, n.Value) {
					edits = append(edits, Remove{n})
				}
			})

			got, err := edit(d, edits...)
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// TestShared shows which edits of a node in several places are made, and the errors for the others.
func TestShared(t *testing.T) {
	const text = "a: {l: &l [x]}\nb: {l: *l}\nc: &c\n  l: *l\nd: *c\n"
	appendTo := func(value any, keys ...string) (edits []func(root *Node) Edit) {
		for _, k := range keys {
			edits = append(edits, func(root *Node) Edit {
				_, l := root.Get(k).Entry("l")
				return Insert{Into: l, Items: List{value}}
			})
		}
		return edits
	}

	for _, c := range []struct {
		name  string
		edits []func(root *Node) Edit
		want  string
	}{
		{"all ask for the same", appendTo("v", "a", "b", "c", "d"), strings.Replace(text, "[x]", "[x, v]", 1)},
		{"one does not ask", appendTo("v", "a", "b", "c"), "other places"},
		{"none but the anchor asks", appendTo("v", "a"), "line 2 (b.l), line 4 (c.l)"},
		{"one asks for something else", append(appendTo("v", "a", "c", "d"), appendTo("w", "b")...), "line 2 (b.l)"},
		{"all ask for two things", slices.Concat(appendTo("v", "a", "b", "c", "d"), appendTo("w", "d", "c", "b", "a")), strings.Replace(text, "[x]", "[x, v, w]", 1)},
		{"a part of what is shared", []func(*Node) Edit{
			func(r *Node) Edit { return Put{Into: r.Get("c"), Entries: Map{{"o", "p"}}} },
			func(r *Node) Edit { return Put{Into: r.Get("d"), Entries: Map{{"o", "p"}}} },
		}, strings.Replace(text, "  l: *l\n", "  l: *l\n  o: p\n", 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Split("f.yaml", []byte(text))[0]
			root, err := d.Root()
			if err != nil {
				t.Fatal(err)
			}

			var edits []Edit
			for _, e := range c.edits {
				edits = append(edits, e(root))
			}

			got, err := edit(d, edits...)
			if err != nil && strings.Contains(c.want, "\n") || err == nil && string(got) != c.want {
				t.Fatalf("got %q (%v), want %q", got, err, c.want)
			}

			if err != nil && !strings.Contains(err.Error(), "the anchor &l stands in "+c.want+" too,") {
				t.Errorf("got %v, want that it stands in %s too", err, c.want)
			}
		})
	}
}

// TestSharedMerge shows the same for mappings that are merged into others.
func TestSharedMerge(t *testing.T) {
	const text = "- &c\n  k: a\n- <<: *c\n  k: b\n- k: c\n"
	for _, c := range []struct {
		name    string
		entries []string // what each of the three mappings asks for
		want    string
	}{
		{"all ask for the same", []string{"v", "v", "v"}, "- &c\n  k: a\n  v: w\n- <<: *c\n  k: b\n- k: c\n  v: w\n"},
		{"one asks for something else", []string{"v", "u", "v"}, ""},
		{"none but the anchor asks", []string{"v", "", ""}, ""},
		{"none but the other asks", []string{"", "v", ""}, "- &c\n  k: a\n- <<: *c\n  k: b\n  v: w\n- k: c\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Split("f.yaml", []byte(text))[0]
			root, err := d.Root()
			if err != nil {
				t.Fatal(err)
			}

			var edits []Edit
			for i, key := range c.entries {
				if key != "" {
					edits = append(edits, Put{Into: root.Content[i], Entries: Map{{key, "w"}}})
				}
			}

			got, err := edit(d, edits...)
			if err != nil && c.want != "" || err == nil && string(got) != c.want {
				t.Errorf("got %q (%v), want %q", got, err, c.want)
			}
		})
	}
}

// TestSharedBomb shows that the places of a node are counted, not visited: there are exponentially
// many.
func TestSharedBomb(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x]\n")
	for i := range 100 {
		fmt.Fprintf(&b, "a%d: &a%d [*a%d, *a%d]\n", i+1, i+1, i, i)
	}

	d := Split("f.yaml", []byte(b.String()))[0]

	root, err := d.Root()
	if err != nil {
		t.Fatal(err)
	}

	if _, err := edit(d, Insert{Into: root.Get("a0"), Items: List{"y"}}); err == nil {
		t.Error("an edit was made that shows in 2^100 places")
	}
}

// TestRestoreElsewhere shows the result of Restore in a document of another style.
func TestRestoreElsewhere(t *testing.T) {
	for _, c := range []struct{ name, text, recorded, want string }{
		{"block style into JSON", `{"l": ["a"], "m": []}`, "name: http\nport: 0x50\nt: [yes, ~, 1.5]", `{"l": [{"name":"http","port":80,"t":["yes",null,1.5]}], "m": []}`},
		{"into JSON on lines of its own", "{\n  \"l\": [\n    \"a\"\n  ]\n}\n", "name: http", "{\n  \"l\": [\n    {\n      \"name\": \"http\"\n    }\n  ]\n}\n"},
		{"a plain scalar into JSON", `{"l": ["a"]}`, "yes # no", `{"l": ["yes"]}`},
		{"JSON into JSON", `{"l": ["a"]}`, `{"n":"\/"}`, `{"l": [{"n":"\/"}]}`},
		{"JSON into block style", "l:\n- a\n", `{"o":"\/", "k": [1]}`, "l:\n- {o: /, k: [1]}\n"},
		{"YAML in brackets into block style", "l:\n- a\n", `{n: b}`, "l:\n- {n: b}\n"},
		{"block style into brackets", "l: [a]\n", "o: b\nm:\n- c", "l: [{o: b, m: [c]}]\n"},
		{"a scalar with a comma into brackets", "l: [a]\n", "b, c", "l: [\"b, c\"]\n"},
		{"an alias into another document", "l: [a]\n", "n: *b", "f.yaml:1:5: cannot be edited: its record cannot be read back"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Split("f.yaml", []byte(c.text))[0]
			root, err := d.Root()
			if err != nil {
				t.Fatal(err)
			}

			out, err := edit(d, Restore{root.Get("l").Content[0], c.recorded})

			got := string(out)
			if err != nil {
				got = err.Error()
			}

			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// TestEmptyElsewhere shows the same for an empty collection.
func TestEmptyElsewhere(t *testing.T) {
	for _, c := range []struct{ name, text, recorded, want string }{
		{"as it was", "m:\n  l:\n  - a\n", " # b\n    []", "m:\n  l: # b\n    []\n"},
		{"deeper than it was", "m:\n  l:\n  - a\n", " # b\n  []", "m:\n  l: []\n"},
		{"null, where it was deeper", "m:\n  l:\n  - a\n", " # b", "m:\n  l: # b\n"},
		{"YAML into JSON", `{"m": {"l": ["a"]}}`, " # b\n    []", `{"m": {"l": []}}`},
		{"null into JSON", `{"m": {"l": ["a"]}}`, "", `{"m": {"l": null}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Split("f.yaml", []byte(c.text))[0]
			root, err := d.Root()
			if err != nil {
				t.Fatal(err)
			}

			got, err := edit(d, Empty{root.Get("m", "l"), c.recorded})
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func appendTo(values List) func(*Node) Edit {
	return func(root *Node) Edit { return Insert{Into: root.Get("l"), Items: values} }
}

func prependTo(values List) func(*Node) Edit {
	return func(root *Node) Edit { return Insert{root.Get("l"), values, true} }
}

// TestRefusals shows edits that cannot be made, and their errors.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name, text string
		edit       func(root *Node) Edit
		want       string
	}{
		{"an anchor", "l: &l [a]\nm: *l\n", appendTo(List{"b"}), "f.yaml:1:4: cannot be edited: the anchor &l stands in line 2 (m) too, and this change is not for every place; write the value out there instead of *l"},
		{"an alias", "k: &l [a]\nl: *l\n", func(r *Node) Edit { return Insert{Into: r.Content[3], Items: List{"b"}} }, "f.yaml:2:4: cannot be edited: it is the alias *l; write the value out here"},
		{"an anchor in what goes", "l: [a, [&b b]]\nm: *b\n", func(r *Node) Edit { return Remove{r.Content[1].Content[1]} }, "f.yaml:1:9: cannot be edited: the anchor &b stands in other places too; write it out there"},
		{"another type", "l: {a: b}\n", appendTo(List{"b"}), "f.yaml:1:4: a mapping where a list is expected"},
		{"in front of another type", "l: {a: b}\n", prependTo(List{"b"}), "f.yaml:1:4: a mapping where a list is expected"},
		{"in front of a list in a list", "- - a\n", func(r *Node) Edit { return Insert{r.Content[0], List{"b"}, true} }, "f.yaml:1:3: cannot write in front of a list that begins on the line of something else"},
		{"a key that is there", "l: a\n", func(r *Node) Edit { return Put{Into: r, After: "l", Entries: Map{{"l", "b"}}} }, `f.yaml:1:1: cannot be edited: the result would have the key "l" twice`},
		{"in front of an explicit key", "? l\n: a\n", func(r *Node) Edit { return Put{Into: r, Before: r.Content[0], Entries: Map{{"k", "b"}}} }, "f.yaml:1:3: cannot write in front of an explicit key"},
		{"no such entry", "l: a\n", func(r *Node) Edit { return Put{Into: r, After: "x", Entries: Map{{"k", "b"}}} }, "f.yaml:1:1: no entry x to write behind"},
		{"what is nearly JSON", `{"l": 'a'}`, func(r *Node) Edit { return Replace{r.Content[1], "b"} }, "f.yaml:1:7: cannot be edited: the document is JSON except for this; write this as JSON too"},
		{"an empty mapping", "l: {}\n", func(r *Node) Edit { return Put{Into: r.Content[1], Entries: Map{{"k", "b"}}} }, "f.yaml:1:4: a mapping with entries is expected, not a mapping"},
		{"the root", "l: a\n", func(r *Node) Edit { return Remove{r} }, "f.yaml:1:1: the root cannot be removed"},
		{"a line that is shared", "- - a\n- - b\n", func(r *Node) Edit { return Remove{r.Content[0].Content[0]} }, "f.yaml:1:5: shares its line with something else"},
		{"other line breaks", "l: [a]\rm: b\n", appendTo(List{"b"}), "f.yaml:1:4: cannot be edited: the document has line breaks other than LF and CR LF"},
		{"a text that was changed by hand", "l: a\n", func(r *Node) Edit { return Restore{r.Content[1], "b: c: d"} }, "f.yaml:1:4: cannot be edited: its record cannot be read back"},
		{"a text that breaks out", "l: a\n", func(r *Node) Edit { return Restore{r.Content[1], "b\n\tm: c"} }, "f.yaml:1:4: cannot be edited: its record cannot be read back"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Split("f.yaml", []byte(c.text))[0]
			root, err := d.Root()
			if err != nil {
				t.Fatal(err)
			}

			out, err := edit(d, c.edit(root))
			if e := (*EditError)(nil); !errors.As(err, &e) || e.Error() != c.want {
				t.Errorf("got %v\nwant %s\n%s", err, c.want, out)
			}
		})
	}
}

// TestScalars shows when a string is written without quotes, in which quotes, and when as a block.
func TestScalars(t *testing.T) {
	for value, want := range map[string]string{
		"word": "word", "a.b/c_d-e": "a.b/c_d-e", "example.com/x:v1.2": "example.com/x:v1.2", "--flag=x": "--flag=x", "$(VAR)": `"$(VAR)"`,
		"": `""`, "yes": `"yes"`, "n": `"n"`, "NULL": `"NULL"`, "~": `"~"`, "1": `"1"`, "1e3": `"1e3"`, "0x1": `"0x1"`, "-1": `"-1"`, ".5": `".5"`,
		"12:30": `"12:30"`, "2024-01-01": `"2024-01-01"`, "=": `"="`, "<<": `"<<"`, "a: b": `"a: b"`, "a #b": `"a #b"`, " a": `" a"`, "- a": `"- a"`, "-": `"-"`,
		"&a": `"&a"`, "*a": `"*a"`, "!a": `"!a"`, "%a": `"%a"`, "@a": `"@a"`, "`a": "\"`a\"", "{a": `"{a"`, "a:": `"a:"`,
		`say "x"`: `'say "x"'`, `it's "x"`: `'it''s "x"'`, "a\tb": `"a\tb"`, "\x7f": `"\u007f"`, "\ufeff": `"\ufeff"`, "ü": `"ü"`,
	} {
		if got := (layout{}).scalar(value, false); got != want {
			t.Errorf("%q is written %s, want %s", value, got, want)
		}
		if got := (layout{json: true}).scalar(value, true); !strings.HasPrefix(got, `"`) {
			t.Errorf("%q is written %s in JSON", value, got)
		}
	}
}
