package manifest

import (
	"bytes"
	"slices"
	"sort"
)

// piece is a part of a patched text: inserted text, or a range of the original.
type piece struct {
	text     string
	from, to int // if text is ""
}

func (p piece) len() int { return len(p.text) + p.to - p.from }

// cut returns the first n bytes of a piece, and the rest.
func (p piece) cut(n int) (first, rest piece) {
	if p.text != "" {
		return piece{text: p.text[:n]}, piece{text: p.text[n:]}
	}
	return piece{from: p.from, to: p.from + n}, piece{from: p.from + n, to: p.to}
}

// pieces returns the parts of a patched text; size is the length of the original.
func (p Patch) pieces(size int) (parts []piece) {
	at := 0
	for _, s := range p {
		parts = append(parts, piece{from: at, to: s.From}, piece{text: s.Text})
		at = s.To
	}
	return append(parts, piece{from: at, to: size})
}

// Then returns one patch that has the effect of p, followed by next on the result.
func (p Patch) Then(text []byte, next Patch) Patch {
	rest, at := p.pieces(len(text)), 0 // at is where rest begins in the text between
	take := func(until int) (taken []piece) {
		for at < until && len(rest) > 0 {
			first, left := rest[0].cut(min(rest[0].len(), until-at))
			taken, at = append(taken, first), at+first.len()
			if rest[0] = left; left.len() == 0 {
				rest = rest[1:]
			}
		}

		return taken
	}

	var parts []piece
	for _, s := range next {
		parts = append(append(parts, take(s.From)...), piece{text: s.Text})
		take(s.To)
	}

	return patchOf(append(parts, rest...), len(text))
}

// patchOf returns the patch whose result has these parts; size is the length of the original.
func patchOf(parts []piece, size int) (p Patch) {
	at, text := 0, ""
	for _, part := range append(parts, piece{from: size, to: size}) {
		if part.text != "" {
			text += part.text
			continue
		}

		if part.len() == 0 && part.from != size {
			continue
		}
		if part.from > at || text != "" {
			p = append(p, Splice{From: at, To: part.from, Text: text})
		}

		at, text = part.to, ""
	}

	return p
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
	for _, line := range same {
		at += len(line)
	}

	stays := slices.Repeat([]int{-1}, len(old))
	if len(old)*len(lines) <= mostCells {
		stays = staying(old, lines)
	}

	s, used := Splice{From: at, To: at}, 0
	for i, j := range append(stays, len(lines)) { // after the last old line, all further lines are new
		if j < 0 {
			s.To += len(old[i])
			continue
		}

		s.Text = string(bytes.Join(lines[used:j], nil))
		if s.To > s.From || s.Text != "" {
			p = append(p, s)
		}

		if used = j + 1; i < len(old) {
			s = Splice{From: s.To + len(old[i]), To: s.To + len(old[i])}
		}
	}

	return p
}

// staying returns for each old line the index of the new line that it becomes, or -1: a longest
// common subsequence.
func staying(old, lines [][]byte) []int {
	width := len(lines) + 1
	longest := make([]int32, (len(old)+1)*width) // of the lines from these on
	for i := len(old) - 1; i >= 0; i-- {
		for j := len(lines) - 1; j >= 0; j-- {
			if bytes.Equal(old[i], lines[j]) {
				longest[i*width+j] = longest[(i+1)*width+j+1] + 1
			} else {
				longest[i*width+j] = max(longest[(i+1)*width+j], longest[i*width+j+1])
			}
		}
	}

	stays := make([]int, len(old))
	for i, j := 0, 0; i < len(old); {
		switch {
		case j < len(lines) && bytes.Equal(old[i], lines[j]):
			stays[i] = j
			i, j = i+1, j+1
		case j < len(lines) && longest[i*width+j+1] >= longest[(i+1)*width+j]:
			j++
		default:
			stays[i] = -1
			i++
		}
	}

	return stays
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
		grown += len(s.Text) - (s.To - s.From)
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
