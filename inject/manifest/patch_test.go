package manifest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// edit is the text of a document with edits made.
func edit(d *Document, edits ...Edit) ([]byte, error) {
	p, err := d.Apply(edits...)
	return p.Apply(d.Text), err
}

// TestDiff shows what a diff looks like.
func TestDiff(t *testing.T) {
	const text = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12"
	for _, c := range []struct {
		name  string
		patch Patch
		want  string
	}{
		{"nothing", nil, ""},
		{"nothing new", Patch{{0, 1, "1"}, {4, 4, ""}}, ""},
		{"lines between lines", Patch{{8, 8, "x\ny\n"}}, "@@ -2,6 +2,8 @@\n 2\n 3\n 4\n+x\n+y\n 5\n 6\n 7\n"},
		{"a part of a line", Patch{{0, 1, "one"}}, "@@ -1,4 +1,4 @@\n-1\n+one\n 2\n 3\n 4\n"},
		{"behind a line", Patch{{1, 1, "\nx"}}, "@@ -1,4 +1,5 @@\n 1\n+x\n 2\n 3\n 4\n"},
		{"gone", Patch{{2, 6, ""}}, "@@ -1,6 +1,4 @@\n 1\n-2\n-3\n 4\n 5\n 6\n"},
		{"a line break gone", Patch{{1, 2, ""}}, "@@ -1,5 +1,4 @@\n-1\n-2\n+12\n 3\n 4\n 5\n"},
		{"two hunks", Patch{{0, 0, "x\n"}, {18, 20, "ten"}}, "@@ -1,3 +1,4 @@\n+x\n 1\n 2\n 3\n@@ -7,6 +8,6 @@\n 7\n 8\n 9\n-10\n+ten\n 11\n 12\n\\ No newline at end of file\n"},
		{"contexts that meet", Patch{{0, 1, "x"}, {14, 15, "x"}}, "@@ -1,11 +1,11 @@\n-1\n+x\n 2\n 3\n 4\n 5\n 6\n 7\n-8\n+x\n 9\n 10\n 11\n"},
		{"the end", Patch{{26, 26, "\n13"}}, "@@ -9,4 +9,5 @@\n 9\n 10\n 11\n-12\n\\ No newline at end of file\n+12\n+13\n\\ No newline at end of file\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := Diff(&b, "f.yaml", []byte(text), c.patch); err != nil {
				t.Fatal(err)
			}
			want := c.want
			if want != "" {
				want = "--- f.yaml\n+++ f.yaml\n" + want
			}
			if b.String() != want {
				t.Errorf("got\n%s\nwant\n%s", b.String(), want)
			}
		})
	}
}

// TestDiffApplies shows that whoever applies a diff gets the patched text.
func TestDiffApplies(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		text := randomLines(r, 40)
		var p Patch
		for at := r.IntN(10); at < len(text); at += 1 + r.IntN(1+r.IntN(30)) {
			to := min(len(text), at+r.IntN(4)*r.IntN(4))
			p = append(p, Splice{at, to, string(randomLines(r, 4))})
			at = to
		}
		var b bytes.Buffer
		if err := Diff(&b, "f.yaml", text, p); err != nil {
			t.Fatal(err)
		}
		if got := applyDiff(t, text, b.String()); !bytes.Equal(got, p.Apply(text)) {
			t.Fatalf("seed %d: the diff\n%s\nof %q makes %q, want %q", seed, b.String(), text, got, p.Apply(text))
		}
	}
}

// randomLines are few different ones, so that some are the same as what they replace.
func randomLines(r *rand.Rand, most int) []byte {
	var b strings.Builder
	for range r.IntN(most) {
		b.WriteString([]string{"a", "b", "", "c c"}[r.IntN(4)] + "\n")
	}
	if r.IntN(3) == 0 {
		b.WriteString("end")
	}
	return []byte(b.String())
}

var hunkHeader = regexp.MustCompile(`^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@\n$`)

// applyDiff does what patch(1) does, without any fuzz.
func applyDiff(t *testing.T, text []byte, diff string) []byte {
	t.Helper()
	old := splitLines(text)
	var out bytes.Buffer
	at := 0
	diff = strings.ReplaceAll(diff, "\n\\ No newline at end of file\n", "\x00\n")
	lines := splitLines([]byte(diff))
	if len(lines) > 2 {
		lines = lines[2:]
	}
	for len(lines) > 0 {
		m := hunkHeader.FindStringSubmatch(string(lines[0]))
		if m == nil {
			t.Fatalf("%q is no hunk", lines[0])
		}
		from, count := number(m[1]), 1
		if m[2] != "" {
			count = number(m[2])
		}
		if count > 0 {
			from--
		}
		out.Write(bytes.Join(old[at:from], nil))
		at = from
		for lines = lines[1:]; len(lines) > 0 && lines[0][0] != '@'; lines = lines[1:] {
			line := bytes.Replace(lines[0][1:], []byte("\x00\n"), nil, 1)
			if lines[0][0] != '+' {
				if !bytes.Equal(old[at], line) {
					t.Fatalf("line %d is %q, the diff says %q", at+1, old[at], line)
				}
				at++
			}
			if lines[0][0] != '-' {
				out.Write(line)
			}
		}
		if at != from+count {
			t.Fatalf("the header %q speaks of %d lines, there are %d", m[0], count, at-from)
		}
		if want := fmt.Sprint(1 + bytes.Count(out.Bytes(), []byte{'\n'})); m[4] == "0" && m[3] == want {
			t.Fatalf("an empty range is named by the line before it, not %s", want)
		}
	}
	out.Write(bytes.Join(old[at:], nil))
	return out.Bytes()
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}
