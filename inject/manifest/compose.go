package manifest

import (
	"bytes"
	"slices"
	"sort"
)

// Then returns one patch that has the effect of p, followed by next on the result.
func (p Patch) Then(next Patch) (out Patch) {
	// rest is the end of p that is not joined yet. It begins at begin in the text between, which
	// has grown by grown bytes up to there.
	rest, grown := slices.Clone(p), 0
	begin := func() int { return rest[0].From + grown }

	for _, s := range next {
		for len(rest) > 0 && begin()+len(rest[0].Text) <= s.From {
			out = append(out, rest[0])
			grown += rest[0].grows()
			rest = rest[1:]
		}

		joined := Splice{From: s.From - grown, Text: s.Text}
		if len(rest) > 0 && begin() < s.From { // s begins within an inserted text
			joined = Splice{From: rest[0].From, Text: rest[0].Text[:s.From-begin()] + s.Text}
		}

		for len(rest) > 0 && begin() < s.To { // s replaces an inserted text, or the beginning of it
			replaced := min(len(rest[0].Text), s.To-begin())
			left := Splice{From: rest[0].To, To: rest[0].To, Text: rest[0].Text[replaced:]}
			grown += rest[0].grows() - len(left.Text)
			if rest[0] = left; left.Text == "" {
				rest = rest[1:]
			}
		}

		joined.To = s.To - grown
		out = append(out, joined)
	}

	return append(out, rest...)
}

// near is the number of lines between two splices up to which Least compares them as one.
const near = 3

// mostCells is a limit to the time that Least spends on one place of a text: the number of lines
// before the patch times the number after it.
const mostCells = 1 << 20

// Least returns a patch with the same result that leaves unchanged lines alone.
func (p Patch) Least(text []byte) (out Patch) {
	for len(p) > 0 {
		from := 1 + bytes.LastIndexByte(text[:p[0].From], '\n')
		n, to := 0, from
		for n < len(p) && (n == 0 || p[n].From < to || bytes.Count(text[to:p[n].From], []byte{'\n'}) < near) {
			to = p[n].To + lineLength(text[p[n].To:])
			n++
		}

		after := p[:n].Shift(-from).Apply(text[from:to])
		out = append(out, lineSplices(from, slices.Collect(bytes.Lines(text[from:to])), slices.Collect(bytes.Lines(after)))...)
		p = p[n:]
	}

	return out
}

// lineSplices returns the splices that turn old lines, which begin at the given offset, into new
// ones, and that leave as many lines alone as possible.
func lineSplices(at int, old, lines [][]byte) (p Patch) {
	same, old, lines := trimmed(old, lines)
	at += size(same)
	if len(old)*len(lines) > mostCells {
		return Patch{{From: at, To: at + size(old), Text: string(bytes.Join(lines, nil))}}
	}

	longest, width := commonLines(old, lines), len(lines)+1
	stays := func(i, j int) bool { return i < len(old) && j < len(lines) && bytes.Equal(old[i], lines[j]) }

	for i, j := 0, 0; i < len(old) || j < len(lines); {
		from, first := i, j
		for (i < len(old) || j < len(lines)) && !stays(i, j) {
			if j < len(lines) && (i == len(old) || longest[i*width+j+1] >= longest[(i+1)*width+j]) {
				j++
			} else {
				i++
			}
		}

		end := at + size(old[from:i])
		p = append(p, Splice{From: at, To: end, Text: string(bytes.Join(lines[first:j], nil))})
		for at = end; stays(i, j); i, j = i+1, j+1 {
			at += len(old[i])
		}
	}

	return p
}

// size returns the length of lines together.
func size(lines [][]byte) (n int) {
	for _, line := range lines {
		n += len(line)
	}
	return n
}

// commonLines returns how many lines a longest common subsequence of old and new lines has, for the
// lines from each pair of indices on.
func commonLines(old, lines [][]byte) []int32 {
	width := len(lines) + 1
	longest := make([]int32, (len(old)+1)*width)
	for i := len(old) - 1; i >= 0; i-- {
		for j := len(lines) - 1; j >= 0; j-- {
			if bytes.Equal(old[i], lines[j]) {
				longest[i*width+j] = longest[(i+1)*width+j+1] + 1
			} else {
				longest[i*width+j] = max(longest[(i+1)*width+j], longest[i*width+j+1])
			}
		}
	}

	return longest
}

// origin is a document before it was patched, and the patch.
type origin struct {
	document *Document
	patch    Patch
	starts   []int // of each splice in the patched text
}

// Patched returns a document with the patched text of d. Its positions are those in d, because
// users see that text. Inserted text has the position of its insertion.
func (d *Document) Patched(p Patch) *Document {
	if len(p) == 0 {
		return d
	}
	out, grown := d.WithText(p.Apply(d.Text)), 0
	out.origin = &origin{document: d, patch: p}
	for _, s := range p {
		out.origin.starts = append(out.origin.starts, s.From+grown)
		grown += s.grows()
	}

	return out
}

// position returns the position in the file of an offset of the patched text.
func (o *origin) position(offset int) Position {
	i := sort.SearchInts(o.starts, offset+1) - 1 // the last splice that begins there or before
	if i < 0 {
		return o.document.Position(offset)
	}
	s := o.patch[i]
	if behind := offset - o.starts[i] - len(s.Text); behind >= 0 {
		return o.document.Position(s.To + behind)
	}

	return o.document.Position(s.From)
}
