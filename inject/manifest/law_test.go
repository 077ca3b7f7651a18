package manifest

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestSplitIsWhole shows that the documents together are the file, and are those that a YAML parser
// finds.
func TestSplitIsWhole(t *testing.T) {
	for _, text := range corpus(t) {
		checkSplit(t, text)
	}
}

func FuzzSplit(f *testing.F) {
	for _, text := range corpus(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) { checkSplit(t, text) })
}

func checkSplit(t *testing.T, text []byte) {
	var whole []byte
	line := 1
	for _, d := range Split("f.yaml", text) {
		if d.Line != line {
			t.Fatalf("document %d begins at line %d, want %d, in %q", d.Number, d.Line, line, text)
		}
		line += bytes.Count(d.Text, []byte("\n"))
		whole = append(whole, d.Text...)
	}

	if !bytes.Equal(whole, text) {
		t.Fatalf("the documents of %q are %q", text, whole)
	}

	checkParser(t, text)
}

// checkParser compares the documents with those that a YAML parser finds in the whole file, if it
// can read it.
func checkParser(t *testing.T, text []byte) {
	var want []*yaml.Node
	var got []*Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var n yaml.Node
		err := dec.Decode(&n)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || len(n.Content) != 1 {
			return
		}

		want = append(want, n.Content[0])
	}

	for _, d := range Split("f.yaml", text) {
		n, err := d.Tree()
		if err != nil {
			return // line breaks to the parser alone
		}
		if n != nil {
			got = append(got, n)
		}
	}

	if len(got) != len(want) {
		t.Fatalf("%q has %d documents, %d were found", text, len(want), len(got))
	}

	for i := range want {
		if got[i].Kind != kinds[want[i].Kind] || got[i].Value != want[i].Value || len(got[i].Content) != len(want[i].Content) {
			t.Fatalf("document %d of %q is %q, not %q", i+1, text, got[i].Value, want[i].Value)
		}
	}
}

// TestEditLaws makes every edit of a set at every node of the corpus, and reverses it.
func TestEditLaws(t *testing.T) {
	n := 0
	for _, text := range corpus(t) {
		for _, d := range Split("f.yaml", text) {
			n += checkEdits(t, d)
		}
	}

	if n < 150 {
		t.Fatalf("only %d edits were made; the corpus is too small to show anything", n)
	}
}

func FuzzEdit(f *testing.F) {
	for _, text := range corpus(f) {
		f.Add(text)
	}

	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 4096 {
			return
		}
		for _, d := range Split("f.yaml", text) {
			checkEdits(t, d)
		}
	})
}

var added = Map{{"name", "tyk-mesh"}, {"args", List{"-a", "x\ny: z\n", int64(8080), Map{}, List{List{"n"}}}}, {"on", true}}

// checkEdits returns the number of edits that could be made.
func checkEdits(t *testing.T, d *Document) (made int) {
	root, err := d.Root()
	if err != nil || root == nil {
		return 0
	}

	visit(root, func(n *Node) {
		switch {
		case n.Kind == Sequence && len(n.Content) > 0:
			made += checkAppend(t, d, n)
		case n.Kind == Mapping && len(n.Content) > 0:
			made += checkPut(t, d, n)
		case n.parent != nil && n.parent.Kind == Mapping && n.index()%2 == 1:
			made += checkFill(t, d, n)
		}
	})

	return made
}

func checkAppend(t *testing.T, d *Document, n *Node) (made int) {
	for first, e := range map[int]Edit{len(n.Content): Insert{Into: n, Items: List{added, "two"}}, 0: Insert{n, List{added, "two"}, true}} {
		out, err := edit(d, e)
		if err != nil {
			continue
		}
		made++
		subsequence(t, d.Text, out)
		edited, same := twin(t, d, out, n)
		back, err := edit(edited, Remove{same.Content[first]}, Remove{same.Content[first+1]})
		undone(t, d, out, back, err)
	}

	return made
}

func checkPut(t *testing.T, d *Document, n *Node) (made int) {
	for i := -2; i < len(n.Content); i += 2 {
		after := ""
		if i >= 0 {
			after = n.Content[i].Value
		}

		if k, _ := n.Entry("zz-added"); k != nil || i >= 0 && (after == "" || n.Content[i].Tag != "!!str") {
			continue
		}

		out, err := edit(d, Put{Into: n, After: after, Entries: Map{{"zz-added", added}, {"zz-more", "x"}}})
		if err != nil {
			continue
		}

		made++
		subsequence(t, d.Text, out)
		edited, same := twin(t, d, out, n)
		one, _ := same.Entry("zz-added")
		two, _ := same.Entry("zz-more")
		back, err := edit(edited, Remove{one}, Remove{two})
		undone(t, d, out, back, err)
	}

	return made
}

func checkFill(t *testing.T, d *Document, n *Node) int {
	if !n.IsNull() && (n.Kind == Scalar || n.Kind == Alias || len(n.Content) > 0) {
		return checkReplace(t, d, n)
	}

	was, ok := d.Behind(n)
	if !ok {
		return 0
	}

	out, err := edit(d, Insert{Into: n, Items: List{added}})
	if err != nil {
		return 0
	}

	edited, same := twin(t, d, out, n)
	back, err := edit(edited, Empty{Node: same, Text: was})
	undone(t, d, out, back, err)

	return 1
}

func checkReplace(t *testing.T, d *Document, n *Node) int {
	if n.Kind != Scalar {
		return 0
	}

	was, ok := d.Source(n)
	if !ok {
		return 0
	}

	out, err := edit(d, Replace{Node: n, Value: "injected"})
	if err != nil {
		return 0
	}

	edited, same := twin(t, d, out, n)
	back, err := edit(edited, Restore{Node: same, Text: was})
	undone(t, d, out, back, err)

	return 1
}

// twin returns the node of the edited text at the path of n.
func twin(t *testing.T, d *Document, out []byte, n *Node) (*Document, *Node) {
	t.Helper()
	edited := &Document{File: d.File, Number: d.Number, Line: d.Line, Text: out}

	root, err := edited.Root()
	if err != nil {
		t.Fatalf("Apply returned what cannot be read: %v\n%s", err, out)
	}

	var path []int
	for at := n; at.parent != nil; at = at.parent {
		path = append(path, at.index())
	}

	for i := len(path) - 1; i >= 0; i-- {
		root = root.Content[path[i]]
	}

	return edited, root
}

func undone(t *testing.T, d *Document, out, back []byte, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("an edit cannot be taken back: %v\nbefore:\n%q\nedited:\n%q", err, d.Text, out)
	}
	if !bytes.Equal(back, d.Text) {
		t.Fatalf("an edit taken back left\n%q\nof\n%q\nedited:\n%q", back, d.Text, out)
	}
}

func subsequence(t *testing.T, in, out []byte) {
	t.Helper()
	rest := out
	for i, c := range in {
		at := bytes.IndexByte(rest, c)
		if at < 0 {
			t.Fatalf("byte %d of the input is lost\n%q\nin\n%q", i, in, out)
		}
		rest = rest[at+1:]
	}
}

func visit(n *Node, f func(*Node)) {
	f(n)
	for _, c := range n.Content {
		visit(c, f)
	}
}

// corpus reads testdata/documents: awkward but real documents, one stream a file.
func corpus(tb testing.TB) [][]byte {
	tb.Helper()
	files, err := filepath.Glob("../../testdata/documents/*")
	if err != nil || len(files) == 0 {
		tb.Fatalf("no corpus in testdata/documents (%v)", err)
	}

	var texts [][]byte
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			tb.Fatal(err)
		}
		texts = append(texts, text)
	}

	return texts
}

// FuzzValue shows that values are read back as they were written, by readers of YAML 1.2 and, as
// the tags show, of YAML 1.1.
func FuzzValue(f *testing.F) {
	for _, s := range []string{"", "a", "yes", "1_0", "0x1", "~", "a: b", "- x", "#", "a #b", "x\ny\n", " x\ny", "\u0085", "\x7f", "|", "é", "a\tb\n c", "=", "<<", "12:30", "2024-01-01", "null", ".5", "_1", "_0", "-_0", "--_1", "-inf"} {
		f.Add(s, false)
		f.Add(s, true)
	}

	f.Fuzz(func(t *testing.T, s string, flow bool) {
		if len(s) > 150 { // with every byte escaped, 900
			return // YAML 1.2 section 7.4.2 limits what can be a key; ours are far shorter
		}

		v := Map{{s, List{s, Map{{s, s}}}}}

		b := block{layout: layout{newline: "\n", mapping: 2, gap: 1}}
		if flow {
			b.flow(v, 0, true)
		} else {
			b.entries(v, 0)
		}

		d := &Document{File: "f", Line: 1, Text: append(b.Bytes(), '\n')}

		root, err := d.Root()
		if err != nil {
			t.Fatalf("%q cannot be read: %v\n%s", s, err, d.Text)
		}

		valid := string([]rune(s))
		want := nodeOf(Map{{valid, List{valid, Map{{valid, valid}}}}})

		tree, err := d.Tree()
		if err != nil {
			t.Fatal(err)
		}

		if path, differs := differ(want, tree); differs {
			t.Fatalf("%q is read as something else at %q\n%s", s, path, d.Text)
		}

		visit(root, func(n *Node) {
			if n.Kind == Scalar && !n.IsString() {
				t.Fatalf("%q is not a string to a reader of YAML 1.1\n%s", n.Value, d.Text)
			}
		})
		var again any
		if err := yaml.Unmarshal(d.Text, &again); err != nil {
			t.Fatal(err)
		}
	})
}
