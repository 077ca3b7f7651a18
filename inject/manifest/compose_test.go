package manifest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// scatteredPatch returns a patch of a text, which inserts, deletes and replaces.
func scatteredPatch(r *rand.Rand, text []byte) (p Patch) {
	for at := r.IntN(20); at <= len(text); at += 1 + r.IntN(1+r.IntN(60)) {
		s := Splice{From: at, To: min(len(text), at+r.IntN(1+r.IntN(12))), Text: string(randomLines(r, 1+r.IntN(3)))}
		p, at = append(p, s), s.To
	}
	return p
}

// TestThen shows that one patch in place of two has the same result, and that it leaves unchanged
// text alone.
func TestThen(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 3))
		text := randomLines(r, 30)
		first := scatteredPatch(r, text)
		between := first.Apply(text)
		next := scatteredPatch(r, between)
		want := next.Apply(between)
		both := first.Then(next)

		least := both.Least(text)
		for name, p := range map[string]Patch{"Then": both, "Least": least} {
			checkPatch(t, fmt.Sprintf("seed %d: %s", seed, name), p, text, want)
		}

		back := least.inverse(text)
		if p := least.Then(back).Least(text); len(p) > 0 {
			t.Fatalf("seed %d: a patch that is taken back changes %v", seed, p)
		}
	}
}

// checkPatch shows that a patch is in order and has a result.
func checkPatch(t *testing.T, what string, p Patch, text, want []byte) {
	t.Helper()
	at := 0
	for _, s := range p {
		if s.From < at || s.To < s.From || s.To > len(text) {
			t.Fatalf("%s: %v is not in order", what, p)
		}
		at = s.To
	}

	if got := p.Apply(text); !bytes.Equal(got, want) {
		t.Fatalf("%s: got\n%q, want\n%q", what, got, want)
	}
}

// inverse returns the patch that reverses another.
func (p Patch) inverse(text []byte) (out Patch) {
	grown := 0
	for _, s := range p {
		from := s.From + grown
		out = append(out, Splice{From: from, To: from + len(s.Text), Text: string(text[s.From:s.To])})
		grown += len(s.Text) - (s.To - s.From)
	}
	return out
}

// TestLeast shows which lines stay if a part of many lines is replaced by a similar one.
func TestLeast(t *testing.T) {
	old, lines := "a\nb\nc\nd\ne\n", "a\nB\nc\nx\nd\n"
	p := Patch{{From: 3, To: 3 + len(old), Text: lines}}.Least([]byte("-1\n" + old + "-2\n"))
	if want := (Patch{{5, 7, "B\n"}, {9, 9, "x\n"}, {11, 13, ""}}); fmt.Sprint(p) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", p, want)
	}

	if p := (Patch{{0, 4, ""}, {5, 5, "b\nc\n"}}).Least([]byte("\nb\nc\nd")); len(p) > 0 {
		t.Errorf("what is taken out and put in again is changed by %v", p)
	}

	big := strings.Repeat("x\ny\n", mostCells/1000)
	checkPatch(t, "more than Least compares", Patch{{0, len(big), "z\n" + big + "z\n"}}.Least([]byte(big)), []byte(big), []byte("z\n"+big+"z\n"))
}

// TestPatched shows that positions in a patched document are those in the original.
func TestPatched(t *testing.T) {
	d := Split("f.yaml", []byte("---\na: 1\n---\nb: 2\nc: 3\ngone: 4\nd: 5\n"))[1]
	at := func(part string) int { return bytes.Index(d.Text, []byte(part)) }
	p := Patch{{at("b"), at("b"), "new: 0\nnew2: 0\n"}, {at("gone"), at("d: 5"), ""}, {at("5"), at("5") + 1, "six"}}

	patched := d.Patched(p)
	if string(patched.Text) != "---\nnew: 0\nnew2: 0\nb: 2\nc: 3\nd: six\n" {
		t.Fatalf("got %q", patched.Text)
	}

	for part, want := range map[string]string{"---": "3:1", "new:": "4:1", "new2": "4:1", "b:": "4:1", "2\nc": "4:4", "c:": "5:1", "d:": "7:1", "six": "7:4", "\n": "3:4"} {
		if got := patched.Position(bytes.Index(patched.Text, []byte(part))).String(); got != "f.yaml:"+want {
			t.Errorf("%q stands at %s, want %s", part, got, want)
		}
	}

	if d.Patched(nil) != d {
		t.Error("nothing is patched, and it is another document")
	}
}
