package manifest

import (
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestFastTokens joins tokens of YAML at random. Most results are not YAML. Of the others, fast
// reads some, and gets the same trees as the parser.
func TestFastTokens(t *testing.T) {
	tokens := []string{
		"a", "b: ", "c:", "\n", "\n", "\n", " ", "  ", "    ", "- ", "-", "\"", "'", "|", "|-", "|+", "#", " #", "\t", "...", "---", "{", "}", "[", "]",
		",", ": ", ":", "x y", "1", "~", "true", "\\n", "\\", "''", "<<", "&a", "*a", "!t", "?", "? ", "%", "@", "é", "\u00a0", "0x1", "a/b.c", "-1", "(",
		">", "\"q\"", "'q'", "\"q\": ", "{a: 1}", "[a, b]", "k: |\n  t\n", "k:\n- a\n", "- k: v\n",
	}
	taken := 0
	for seed := range uint64(60_000) {
		r := rand.New(rand.NewPCG(seed, 7))
		var b strings.Builder
		for range 1 + r.IntN(16) {
			b.WriteString(tokens[r.IntN(len(tokens))])
		}

		if r.IntN(2) == 0 {
			b.WriteString("\n")
		}

		for _, d := range Split("f.yaml", []byte(b.String())) {
			if checkFast(t, d) {
				taken++
			}
		}
	}

	if taken < 1000 {
		t.Fatalf("fast read %d documents only", taken)
	}
}

// TestFast shows that fast reads most documents of the corpus, and gets the same trees as the
// parser.
func TestFast(t *testing.T) {
	taken := 0
	for _, text := range append(corpus(t), goldenInputs(t)...) {
		for _, d := range Split("f.yaml", text) {
			if checkFast(t, d) {
				taken++
			}
		}
	}

	if taken < 300 {
		t.Fatalf("fast read %d documents only", taken)
	}
}

func FuzzFast(f *testing.F) {
	for _, text := range append(corpus(f), goldenInputs(f)...) {
		if len(text) < 1500 {
			f.Add(text)
		}
	}

	for _, text := range []string{"a: |\n  b\n\n c: d\n", "a: |+\n  b\n\n\nc: d\n", "- - a\n  - b: c\n    d: [e, {f: 1.0}]\n", "a:\n- b\n-\n- c:\nd:\n", "a: b\n c\n", "a: 'it''s' # c\n\"b\": \"\\n\"\n", "a: -1\nb: - c\n", "a: b:c\nd: e#f\ng: h #i\n", " \n 0: a\nb: c\n", "a: |\n \tb\n", "a: b\n... c: d\n", "a: b\n... # c\n"} {
		f.Add([]byte(text))
	}

	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 4096 {
			return
		}
		for _, d := range Split("f.yaml", text) {
			checkFast(t, d)
		}
	})
}

// checkFast reports whether fast reads a document, and compares its tree with the parser's.
func checkFast(t *testing.T, d *Document) bool {
	t.Helper()
	fast, ok := d.readFast()
	if !ok {
		return false
	}
	want, err := d.parseAll()
	if err != nil {
		t.Fatalf("%q: %v", d.Text, err)
	}

	sameNodes(t, d, want, fast, nil)

	return true
}

func sameNodes(t *testing.T, d *Document, want, got, parent *Node) {
	t.Helper()
	if want == nil || got == nil || want.Kind != got.Kind || want.Flow != got.Flow || want.Tag != got.Tag || want.Value != got.Value ||
		want.style != got.style || want.begins != got.begins || len(want.Content) != len(got.Content) || got.parent != parent || got.link != nil {
		t.Fatalf("%q: got %+v, want %+v", d.Text, got, want)
	}

	for i := range want.Content {
		sameNodes(t, d, want.Content[i], got.Content[i], got)
	}
}

// goldenInputs returns all files of the archives in testdata/inject.
func goldenInputs(tb testing.TB) (texts [][]byte) {
	tb.Helper()
	archives, err := filepath.Glob("../../testdata/inject/*.txtar")
	if err != nil || len(archives) == 0 {
		tb.Fatalf("no archive in testdata/inject (%v)", err)
	}

	for _, path := range archives {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		for _, f := range archive.Files {
			texts = append(texts, f.Data)
		}
	}

	return texts
}

// A literal block scalar of blanks alone, at the end of a text, is left to the parser.
func TestFastReadsNoBlankEnd(t *testing.T) {
	for _, text := range []string{"a:\n b: |\n   ", "a: |\n", "a: |-\n  ", "a: |"} {
		if _, err := Split("a.yaml", []byte(text))[0].Root(); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}
