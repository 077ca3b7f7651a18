package manifest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// edit returns the text of a document with edits made.
func edit(d *Document, edits ...Edit) ([]byte, error) {
	p, err := d.Apply(edits...)
	return p.Apply(d.Text), err
}

// TestDiff shows the format of a diff.
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
		{"several insertions at the end", Patch{{26, 26, "\n13"}, {26, 26, "\n14"}, {26, 26, ""}}, "@@ -9,4 +9,6 @@\n 9\n 10\n 11\n-12\n\\ No newline at end of file\n+12\n+13\n+14\n\\ No newline at end of file\n"},
		{"the end", Patch{{26, 26, "\n13"}}, "@@ -9,4 +9,5 @@\n 9\n 10\n 11\n-12\n\\ No newline at end of file\n+12\n+13\n\\ No newline at end of file\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, want := string(Diff("f.yaml", []byte(text), c.patch)), c.want
			if want != "" {
				want = "--- f.yaml\n+++ f.yaml\n" + want
			}
			if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestDiffApplies shows L12: a diff, applied, gives the patched text.
func TestDiffApplies(t *testing.T) {
	for seed := range uint64(20000) {
		r := rand.New(rand.NewPCG(seed, 1))
		text := randomLines(r, 40)
		checkDiff(t, text, randomPatch(r, text))
	}
}

// needPatch skips a test if patch(1) is not installed.
func needPatch(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("patch", "--version").Output(); err != nil || !bytes.HasPrefix(out, []byte("GNU patch")) {
		t.Skip("GNU patch is not installed")
	}
}

// TestDiffNames shows that patch(1) finds the file of a diff, and that its name stays on one line.
func TestDiffNames(t *testing.T) {
	needPatch(t)
	for _, name := range []string{"a.yaml", "a b.yaml", "\"a.yaml", "a\n+++ b.yaml", "\x1b[2J.yaml", "é.yaml", "a\xff.yaml", `a\b.yaml`} {
		dir := t.TempDir()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte("a\n"), 0o600); err != nil {
			t.Fatal(err)
		}

		diff := Diff(name, []byte("a\n"), Patch{{0, 1, "b"}})
		if bytes.Count(diff, []byte("\n")) != 5 || bytes.ContainsFunc(diff, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }) {
			t.Errorf("%q: %q", name, diff)
		}

		cmd := exec.Command("patch", "--strip=0")
		cmd.Dir, cmd.Stdin = dir, bytes.NewReader(diff)
		said, err := cmd.CombinedOutput()
		if got, _ := os.ReadFile(file); err != nil || string(got) != "b\n" {
			t.Errorf("%q: patch says %q (%v) and leaves %q", name, said, err, got)
		}
	}
}

// TestDiffPatches shows L12 with patch(1), if it is installed.
func TestDiffPatches(t *testing.T) {
	needPatch(t)
	dir := t.TempDir()

	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		text := randomLines(r, 12)
		p := randomPatch(r, text)
		diff := Diff("f.yaml", text, p)
		if diff == nil {
			continue
		}

		if err := os.WriteFile(in, text, 0o600); err != nil {
			t.Fatal(err)
		}

		cmd := exec.Command("patch", "--binary", "--fuzz=0", "--output="+out, in)
		cmd.Stdin = bytes.NewReader(diff)
		if said, err := cmd.CombinedOutput(); err != nil || bytes.Contains(said, []byte("offset")) {
			t.Fatalf("seed %d: patch refuses\n%s\nof %q: %v\n%s", seed, diff, text, err, said)
		}

		got, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}

		if !bytes.Equal(got, p.Apply(text)) {
			t.Fatalf("seed %d: patch makes %q of %q, want %q, with\n%s", seed, got, text, p.Apply(text), diff)
		}
	}
}

// FuzzDiff holds L12 for any text and any patch: each two bytes of places are the gap to the next
// splice and the length of the replaced text, and the splices take their texts from added in turn.
func FuzzDiff(f *testing.F) {
	f.Add([]byte("a\nb"), []byte("x\ny"), []byte{3, 0, 0, 0, 0, 0})
	f.Add([]byte(""), []byte("x\n"), []byte{0, 0, 0, 0})
	f.Add([]byte("a\r\nb\r\n\n\n"), []byte("\r\n"), []byte{1, 1, 2, 0, 4, 9})
	f.Add([]byte("\ufeffa\n \n"), []byte("\n"), []byte{0, 3, 1, 1})
	f.Fuzz(func(t *testing.T, text, added, places []byte) {
		var p Patch
		for at := 0; len(places) > 1 && len(text) < 4096; places = places[2:] {
			from := min(len(text), at+int(places[0]))
			at = min(len(text), from+int(places[1]))
			n := min(len(added), int(places[0]+places[1])%4)
			p = append(p, Splice{from, at, string(added[:n])})
			added = added[n:]
		}

		checkDiff(t, text, p)
	})
}

// checkDiff shows that the diff gives the patched text, and that there is a diff only if the patch
// changes something.
func checkDiff(t *testing.T, text []byte, p Patch) {
	t.Helper()
	diff, want := string(Diff("f.yaml", text, p)), p.Apply(text)
	if got := applyDiff(t, text, diff); !bytes.Equal(got, want) {
		t.Fatalf("the diff\n%s\nof %q with %+v makes %q, want %q", diff, text, p, got, want)
	}

	if bytes.Equal(text, want) != (diff == "") && len(p) < 2 { // several splices may take away and write the same
		t.Fatalf("the diff\n%s\nof %q with %+v, which makes %q", diff, text, p, want)
	}
}

// randomPatch returns splices at random places, some of them at the same place or at the end of the
// text.
func randomPatch(r *rand.Rand, text []byte) (p Patch) {
	at := r.IntN(1 + min(len(text), 10))
	for at <= len(text) && len(p) < 20 {
		to := min(len(text), at+r.IntN(4)*r.IntN(4))
		p = append(p, Splice{at, to, string(randomLines(r, 4))})
		at = to + r.IntN(1+r.IntN(30))
	}

	if r.IntN(2) == 0 {
		for range r.IntN(4) {
			p = append(p, Splice{len(text), len(text), string(randomLines(r, 3))})
		}
	}

	return p
}

// randomLines returns few different lines, so that some equal the lines that they replace.
func randomLines(r *rand.Rand, most int) []byte {
	var b strings.Builder
	ends := []string{"\n", "\n", "\n", "\r\n"}
	for range r.IntN(most) {
		b.WriteString([]string{"a", "b", "", "c c", " "}[r.IntN(5)] + ends[r.IntN(4)])
	}
	b.WriteString([]string{"", "", "end", " ", "\r"}[r.IntN(5)])
	return []byte(b.String())
}

var hunkHeader = regexp.MustCompile(`^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@\n$`)

// applyDiff applies a diff like patch(1), without fuzz.
func applyDiff(t *testing.T, text []byte, diff string) []byte {
	t.Helper()
	old := splitLines(text)
	var out bytes.Buffer
	at := 0

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
		var added int
		for lines = lines[1:]; len(lines) > 0 && lines[0][0] != '@'; lines = lines[1:] {
			mark, line := lines[0][0], lines[0][1:]
			if len(lines) > 1 && string(lines[1]) == "\\ No newline at end of file\n" {
				line, lines = bytes.TrimSuffix(line, []byte{'\n'}), lines[1:]
			}

			if mark != '+' {
				if !bytes.Equal(old[at], line) {
					t.Fatalf("line %d is %q, the diff says %q", at+1, old[at], line)
				}
				at++
			}

			if mark != '-' {
				out.Write(line)
				added++
			}
		}

		if want := m[4]; want != fmt.Sprint(added) && (want != "" || added != 1) {
			t.Fatalf("the header %q speaks of other than %d new lines", m[0], added)
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
