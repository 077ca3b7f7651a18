package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// SyntaxError says where a document cannot be read, and why.
type SyntaxError struct {
	Pos Position
	Msg string
}

// Error is position and message, one line.
func (e *SyntaxError) Error() string { return e.Pos.String() + ": " + e.Msg }

// Root returns the tree of the document; nil where it has no content. It parses once, until Forget. Errors: *SyntaxError, also for a duplicate
// key (YAML 1.2 section 3.2.1.1 forbids it, and readers differ on what it means).
func (d *Document) Root() (*Node, error) {
	if !d.read {
		d.read = true
		d.root, d.err = d.parse()
	}
	return d.root, d.err
}

// Forget drops the tree, which the next Root reads again: it needs many times the memory of the text. Nodes that Root returned before
// cannot be edited any more.
func (d *Document) Forget() { d.root, d.err, d.read, d.lines, d.last = nil, nil, false, nil, mark{} }

func (d *Document) parse() (*Node, error) {
	tree, err := d.decode()
	if tree == nil || err != nil {
		return nil, err
	}
	r := newReader(d, tree)
	return r.node(tree, nil, false)
}

// decode is the parser's tree of the document; nil where it has no content.
func (d *Document) decode() (tree *yaml.Node, err error) {
	defer func() {
		// The parser has been seen to panic on malformed input; no input may end the program.
		if r := recover(); r != nil {
			tree, err = nil, &SyntaxError{Pos: d.Position(0), Msg: fmt.Sprint("cannot be parsed: ", r)}
		}
	}()
	if len(d.Text) > math.MaxInt32 {
		return nil, &SyntaxError{Pos: d.Position(0), Msg: "cannot be parsed: the document is longer than 2 GiB"}
	}
	dec := yaml.NewDecoder(bytes.NewReader(d.Text))
	var document yaml.Node
	if err := dec.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, d.syntaxError(err)
	}
	var more yaml.Node
	if err := dec.Decode(&more); err == nil {
		return nil, &SyntaxError{Pos: d.Position(d.offset(more.Line, more.Column)), Msg: "a second document without a --- line before it"}
	} else if !errors.Is(err, io.EOF) {
		return nil, d.syntaxError(err)
	}
	if len(document.Content) != 1 {
		return nil, nil
	}
	return document.Content[0], nil
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntaxError gives the parser's message the position in the file; the parser knows only the line in the document.
func (d *Document) syntaxError(err error) error {
	m := yamlLine.FindStringSubmatch(err.Error())
	pos := Position{File: d.File, Line: d.Line, Column: 1}
	if m == nil {
		return &SyntaxError{Pos: pos, Msg: err.Error()}
	}
	if line, err := strconv.Atoi(m[1]); err == nil && line > 0 {
		pos.Line += line - 1
	}
	return &SyntaxError{Pos: pos, Msg: strings.ReplaceAll(err.Error()[len(m[0]):], "\n", " ")}
}

// offset turns the parser's line and column, which counts characters, into an offset of Text.
func (d *Document) offset(line, column int) int {
	lines := d.lineStarts()
	if line < 1 || line > len(lines) {
		return len(d.Text)
	}
	at := lines[line-1]
	if at == 0 && bytes.HasPrefix(d.Text, byteOrderMark) {
		at = len(byteOrderMark)
	}
	return d.forward(at, column-1)
}

// forward is the offset behind so many more characters.
func (d *Document) forward(at, characters int) int {
	for ; characters > 0 && at < len(d.Text); characters-- {
		at++
		for at < len(d.Text) && d.Text[at]&0xc0 == 0x80 {
			at++
		}
	}
	return at
}
