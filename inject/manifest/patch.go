package manifest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Patch is a change of a text: splices in the order of the text that do not overlap. Nil changes
// nothing.
type Patch []Splice

// Splice replaces the bytes from From to To by Text.
type Splice struct {
	From, To int
	Text     string
}

// grows returns by how many bytes the text becomes longer.
func (s Splice) grows() int { return len(s.Text) - (s.To - s.From) }

// Apply returns the patched text; for an empty patch the text itself.
func (p Patch) Apply(text []byte) []byte {
	if len(p) == 0 {
		return text
	}

	size := len(text)
	for _, s := range p {
		size += s.grows()
	}

	out, at := make([]byte, 0, size), 0
	for _, s := range p {
		out = append(append(out, text[at:s.From]...), s.Text...)
		at = s.To
	}

	return append(out, text[at:]...)
}

// Shift returns the patch for the same text at an offset in another.
func (p Patch) Shift(by int) Patch {
	out := slices.Clone(p)
	for i := range out {
		out[i].From, out[i].To = out[i].From+by, out[i].To+by
	}
	return out
}

// context is the number of lines that a diff shows around a change, as in diff -u.
const context = 3

// Diff returns a patch of a file's text in the unified format (POSIX diff -u), for readers and for
// patch(1). It shows exactly the lines that the patch changes: a general algorithm shows more in a
// long stream, in which many lines are alike. A patch that changes nothing has no diff.
func Diff(name string, text []byte, p Patch) []byte {
	changes := lineChanges(text, p)
	if len(changes) == 0 {
		return nil
	}

	var b bytes.Buffer
	name = headerName(name)
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", name, name)
	old := splitLines(text)

	shift := 0 // number of lines by which the new text is longer so far
	for len(changes) > 0 {
		n := 1 // number of changes in the hunk: contexts that meet are joined
		for n < len(changes) && changes[n].from-changes[n-1].to <= 2*context {
			n++
		}
		shift = hunk(&b, old, changes[:n], shift)
		changes = changes[n:]
	}

	return b.Bytes()
}

// headerName returns a file's name for patch(1) and for terminals: followed by a tab if it has
// spaces, and quoted if it begins with a quote or has control characters or a #, with which
// commands of CI systems begin.
func headerName(name string) string {
	odd := func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) || r == '#' }
	if strings.IndexFunc(name, odd) < 0 && !strings.HasPrefix(name, `"`) {
		if strings.Contains(name, " ") {
			return name + "\t"
		}
		return name
	}

	var b strings.Builder
	for _, c := range []byte(name) {
		if c < ' ' || c > '~' || strings.IndexByte(`"\#`, c) >= 0 {
			fmt.Fprintf(&b, "\\%03o", c)
		} else {
			b.WriteByte(c)
		}
	}

	return `"` + b.String() + `"`
}

// change replaces the lines from index from to index to, counted from 0.
type change struct {
	from, to int
	lines    [][]byte
}

// hunk writes changes with the lines around them.
func hunk(b *bytes.Buffer, old [][]byte, changes []change, shift int) int {
	first, last := max(0, changes[0].from-context), min(len(old), changes[len(changes)-1].to+context)
	grown := 0
	for _, c := range changes {
		grown += len(c.lines) - (c.to - c.from)
	}

	fmt.Fprintf(b, "@@ -%s +%s @@\n", lineRange(first, last-first), lineRange(first+shift, last-first+grown))

	at := first
	for _, c := range changes {
		prefixed(b, ' ', old[at:c.from])
		prefixed(b, '-', old[c.from:c.to])
		prefixed(b, '+', c.lines)
		at = c.to
	}

	prefixed(b, ' ', old[at:last])

	return shift + grown
}

// lineRange returns a range of lines in the unified format, which names an empty range by the line
// before it and leaves out a count of 1.
func lineRange(from, count int) string {
	switch count {
	case 0:
		return fmt.Sprintf("%d,0", from)
	case 1:
		return fmt.Sprint(from + 1)
	}
	return fmt.Sprintf("%d,%d", from+1, count)
}

func prefixed(b *bytes.Buffer, prefix byte, lines [][]byte) {
	for _, line := range lines {
		b.WriteByte(prefix)
		b.Write(line)
		if !bytes.HasSuffix(line, []byte{'\n'}) {
			b.WriteString("\n\\ No newline at end of file\n")
		}
	}
}

// lineChanges returns a patch as changes of whole lines, in order and not adjacent, without the
// lines that both sides have in common.
func lineChanges(text []byte, p Patch) (changes []change) {
	line, counted := 0, 0 // number of lines that end before the offset counted
	for len(p) > 0 {
		from := 1 + bytes.LastIndexByte(text[:p[0].From], '\n')
		n, to := 1, wholeLine(text, p[0])
		for ; n < len(p) && p[n].From < to; n++ { // splices that touch the same lines
			if p[n].To >= to {
				to = wholeLine(text, p[n])
			}
		}

		to = min(to, len(text))
		lines := p[:n].Shift(-from).Apply(text[from:to])

		line += bytes.Count(text[counted:from], []byte{'\n'})
		counted = from
		same, old, added := trimmed(splitLines(text[from:to]), splitLines(lines))
		if first := line + len(same); len(old) > 0 || len(added) > 0 {
			changes = append(changes, change{from: first, to: first + len(old), lines: added})
		}

		p = p[n:]
	}

	return changes
}

// wholeLine returns the end of the last line that a splice touches. A splice between two lines
// touches neither. A line without a line break ends after the text, because every further splice at
// the end of the text touches it.
func wholeLine(text []byte, s Splice) int {
	starts := func(at int) bool { return at == 0 || text[at-1] == '\n' }
	if starts(s.To) && (s.Text == "" && starts(s.From) || strings.HasSuffix(s.Text, "\n")) {
		return s.To
	}
	if i := bytes.IndexByte(text[s.To:], '\n'); i >= 0 {
		return s.To + i + 1
	}

	return len(text) + 1
}

// trimmed returns old and new lines without those that they have in common at their ends, and the
// common lines before them.
func trimmed(old, lines [][]byte) (same, differs, becomes [][]byte) {
	n := 0
	for n < min(len(old), len(lines)) && bytes.Equal(old[n], lines[n]) {
		n++
	}

	same, old, lines = old[:n], old[n:], lines[n:]
	for len(old) > 0 && len(lines) > 0 && bytes.Equal(old[len(old)-1], lines[len(lines)-1]) {
		old, lines = old[:len(old)-1], lines[:len(lines)-1]
	}

	return same, old, lines
}

// splitLines returns the lines of a text with their line breaks.
func splitLines(text []byte) (lines [][]byte) {
	return slices.Collect(bytes.Lines(text))
}
