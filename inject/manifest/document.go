// Package manifest edits a stream of YAML or JSON documents and leaves every other byte as it is.
//
// Split cuts a stream into documents, which are ranges of its bytes. Root parses a document when
// the caller needs its tree. An edit is a splice of text at an offset that the tree gives:
//
//	Split ──> Document ──Root──> Node ──(the caller chooses)──> Edit ──Apply──> Patch
//	                      │                                              │
//	                      ├── fast, for YAML of the common forms         └── parses the result and
//	                      ├── encoding/json, for JSON                        compares the trees
//	                      ├── go.yaml.in/yaml/v3, for the rest
//	                      └── mistake: the place of an error, and its cause
//
// The package never encodes a document anew, never follows an alias while editing, and does not
// know the meaning of objects. It reads no file and keeps no state.
package manifest

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
)

// Document is one document of a stream. It is not safe for concurrent use, because its tree is
// parsed on demand.
type Document struct {
	File   string // as the user named it
	Number int    // in its file, from 1, as a YAML parser counts
	Line   int    // in its file, of the first byte of Text, from 1
	Before int    // how many characters of another document stand before Text on that line
	Text   []byte // from the comments before its separator to the last byte before the next document; shared with the input

	origin *origin // of a document whose text was patched; else nil

	more int  // how many further documents Text holds, see short
	json bool // Text is JSON, in which only LF and CR LF break lines
	*reading
}

// reading holds the results of reading a document. Most documents of a stream are never read, and
// have none.
type reading struct {
	lines []int // offsets in Text at which lines begin, as the parser sees lines
	last  mark  // the last column that was asked for
	root  *Node
	err   error
	read  bool
}

// noted returns the reading of the document, and creates it if needed.
func (d *Document) noted() *reading {
	if d.reading == nil {
		d.reading = new(reading)
	}
	return d.reading
}

// A document of less than short bytes holds no object with a version, a kind and a name. Many such
// documents in a row, from the one with the index most on, are one Document: millions of them take
// no more memory than their text.
const (
	short = 32
	most  = 1000
)

// Last returns the number of the last document in Text. It differs from Number where many short
// documents are one Document.
func (d *Document) Last() int { return d.Number + d.more }

// WithText returns a document like this one with another text, not parsed yet.
func (d *Document) WithText(text []byte) *Document {
	return &Document{File: d.File, Number: d.Number, Line: d.Line, Before: d.Before, Text: text, more: d.more, json: d.json}
}

// EndsOpen reports whether the document ends in a block scalar without a final line break. A line
// break after it would become part of the scalar.
func (d *Document) EndsOpen() bool {
	if len(d.Text) == 0 || d.Text[len(d.Text)-1] == '\n' {
		return false
	}
	return d.WithText(d.Text).lastText() != d.WithText(slices.Concat(d.Text, []byte{'\n'})).lastText()
}

// lastText returns the scalar that stands last; "" where the document cannot be read.
func (d *Document) lastText() string {
	n, err := d.Root()
	if err != nil || n == nil {
		return ""
	}

	return n.lastLeaf().Value
}

// mark holds the number of characters on a line before an offset.
type mark struct{ line, at, column int }

var byteOrderMark = []byte("\xef\xbb\xbf")

// Split cuts a file into documents, at the markers of YAML 1.2 section 9.1 (--- and ...) and
// between JSON values that follow each other. Together the documents are the whole file. A file
// without content, or in an encoding other than UTF-8, is one document without a root. So are many
// documents in a row that are too short for an object. Split never fails: Root reports documents
// that are not well formed.
func Split(file string, data []byte) []*Document {
	if encodingOf(data) != "" {
		return []*Document{{File: file, Number: 1, Line: 1, Text: data}}
	}

	sp := splitter{file: file}
	start, startLine := 0, 1
	inside := false // the document under way has content, or began with ---

	cut := func(end, line int) {
		sp.add(data[start:end], startLine)
		start, startLine, inside = end, line, false
	}
	for at, line := 0, 1; at < len(data); line++ {
		next := at + lineLength(data[at:])
		text := data[at:next]
		if at == 0 {
			text = bytes.TrimPrefix(text, byteOrderMark)
		}

		switch {
		case isMarker(text, "---"):
			if inside {
				cut(at, line)
			}
			inside = true
		case isMarker(text, "..."):
			cut(next, line+1)
		case !inside:
			inside = hasContent(text)
		}

		at = next
	}

	switch {
	case inside || len(sp.docs) == 0:
		cut(len(data), 0)
	case start < len(data): // comments and blank lines after the last document
		last := sp.docs[len(sp.docs)-1]
		last.Text = data[start-len(last.Text):]
	}

	return sp.docs
}

// splitter collects the documents of a file.
type splitter struct {
	file  string
	docs  []*Document
	room  []Document // for the next ones
	short int        // how many short documents stand at the end
}

// add adds the text between two markers: one document, or one for each JSON value.
func (sp *splitter) add(text []byte, line int) {
	if jsonStart(text) < 0 {
		sp.document(text, line, 0)
		return
	}

	before := 0
	for value := range jsonValues(text) {
		sp.document(value, line, before)
		if breaks := bytes.Count(value, []byte{'\n'}); breaks > 0 {
			line, before = line+breaks, 0
		}
		before += utf8.RuneCount(value[1+bytes.LastIndexByte(value, '\n'):])
	}
}

// document adds a document that begins at a line, with so many characters before it there.
func (sp *splitter) document(text []byte, line, before int) {
	if len(text) >= short {
		sp.short = 0
	} else if sp.short++; sp.short > most {
		last := sp.docs[len(sp.docs)-1]
		last.Text, last.more = last.Text[:len(last.Text)+len(text)], last.more+1
		return
	}

	if len(sp.room) == 0 {
		sp.room = make([]Document, min(len(sp.docs)+1, 1024))
	}

	d := &sp.room[0]
	sp.room = sp.room[1:]
	*d = Document{File: sp.file, Number: 1, Line: line, Before: before, Text: text}
	if n := len(sp.docs); n > 0 {
		d.Number = sp.docs[n-1].Last() + 1
	}

	sp.docs = append(sp.docs, d)
}

func isMarker(line []byte, marker string) bool {
	if !bytes.HasPrefix(line, []byte(marker)) {
		return false
	}
	return len(line) == len(marker) || strings.IndexByte(" \t\r\n", line[len(marker)]) >= 0
}

// hasContent reports whether a line between documents begins one. Comments, directives and blank
// lines do not.
func hasContent(line []byte) bool {
	text := bytes.TrimLeft(line, " \t\r\n")
	return len(text) > 0 && text[0] != '#' && line[0] != '%'
}

// Position returns the place in the file of an offset of Text.
func (d *Document) Position(offset int) Position {
	if d.origin != nil {
		return d.origin.position(offset)
	}
	pos := Position{File: d.File, Line: d.Line + d.lineAt(offset), Column: 1 + d.lineColumn(offset)}
	if pos.Line == d.Line {
		pos.Column += d.Before
	}

	return pos
}

// Place is the beginning of a node. It outlives the document's tree. Its line and column are
// counted only when Position is called.
type Place struct {
	document *Document
	offset   int
}

// PlaceOf returns the beginning of a node of the document's tree.
func (d *Document) PlaceOf(n *Node) Place { return Place{d, n.start()} }

// PlaceIn returns the place of a byte of a node's source, by its offset there.
func (d *Document) PlaceIn(n *Node, offset int) Place { return Place{d, n.start() + offset} }

// Written returns the source of a scalar, with its quotes, properties and indentation; nil where
// its end is not clear. It is a part of Text.
func (d *Document) Written(n *Node) []byte {
	end := d.end(n)
	if end == unknown {
		return nil
	}
	return d.Text[n.start():end]
}

// Position returns the place in the file.
func (p Place) Position() Position { return p.document.Position(p.offset) }

// PositionOf returns the place in the file at which a node of the document's tree begins.
func (d *Document) PositionOf(n *Node) Position { return d.Position(n.start()) }

// lineAt returns the line of an offset, from 0.
func (d *Document) lineAt(offset int) int {
	i, found := slices.BinarySearch(d.lineStarts(), offset)
	if !found {
		i--
	}
	return i
}

// lineStarts returns the offsets of the lines of Text. Lines break as in YAML 1.1 section 4.2,
// because the YAML parser counts them so.
func (d *Document) lineStarts() []int {
	if d.noted().lines != nil {
		return d.lines
	}

	d.lines = append(make([]int, 0, 1+bytes.Count(d.Text, []byte{'\n'})), 0)
	for i := 0; i < len(d.Text); i++ {
		if n := d.lineBreak(d.Text[i:]); n > 0 {
			i += n - 1
			d.lines = append(d.lines, i+1)
		}
	}

	return d.lines
}

// lineBreak returns the length of the line break that text begins with, or 0.
func (d *Document) lineBreak(text []byte) int {
	switch c := text[0]; {
	case c > '\r' && c < 0xc2, c != '\n' && d.json:
		return 0
	case c == '\n', c == '\r' && !bytes.HasPrefix(text, []byte("\r\n")):
		return 1
	case c == '\r', bytes.HasPrefix(text, []byte("\u0085")):
		return 2
	case bytes.HasPrefix(text, []byte("\u2028")), bytes.HasPrefix(text, []byte("\u2029")):
		return 3
	}

	return 0
}

// newline returns the line break of the document's first line.
func (d *Document) newline() string {
	if lines := d.lineStarts(); len(lines) > 1 && bytes.HasSuffix(d.Text[:lines[1]], []byte("\r\n")) {
		return "\r\n"
	}
	return "\n"
}
