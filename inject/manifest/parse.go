package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// SyntaxError is the place at which a document cannot be read, and the reason.
type SyntaxError struct {
	Pos Position
	Msg string
}

// Error returns position and message on one line.
func (e *SyntaxError) Error() string { return e.Pos.String() + ": " + e.Msg }

// Root returns the tree of the document; nil for one without content, and for several short ones.
// It parses once, until Forget.
//
// Errors: *SyntaxError, also for a duplicate key (YAML 1.2 section 3.2.1.1 forbids it, and readers
// disagree on its meaning).
func (d *Document) Root() (*Node, error) {
	if !d.noted().read {
		d.read = true
		d.root, d.err = d.parse()
	}
	return d.root, d.err
}

// Forget drops the tree, which takes many times the memory of the text. The next Root reads it
// again. Nodes of the dropped tree cannot be edited any more.
func (d *Document) Forget() {
	d.reading = nil
	if d.origin != nil {
		d.origin.document.Forget()
	}
}

func (d *Document) parse() (*Node, error) {
	if d.more > 0 {
		return nil, nil
	}
	if root, ok := d.readFast(); ok {
		return root, nil
	}
	return d.parseAll()
}

// parseAll returns the tree by way of the YAML parser or encoding/json.
func (d *Document) parseAll() (*Node, error) {
	root, err := d.Tree()
	if root != nil && err == nil {
		err = d.checkKeys(root)
	}
	if err != nil {
		return nil, err
	}

	return root, nil
}

// checkKeys returns an error for a key that no reader of manifests accepts.
func (d *Document) checkKeys(root *Node) error {
	for n := range root.all() {
		for k := range n.own() {
			if k.Kind == Mapping { // JSON and so Kubernetes have no such keys, but YAML reads {{ .Values.x }} as one
				return &SyntaxError{Pos: d.PositionOf(k), Msg: "a mapping cannot be a key; if {{ }} is a template, render it first, for example with helm template"}
			}
		}

		if first, second := twice(n); second != nil {
			return &SyntaxError{Pos: d.PositionOf(second),
				Msg: fmt.Sprintf("duplicate key %q, first on line %d; delete one of the two", second.Text(), d.PositionOf(first).Line)}
		}
	}

	return nil
}

// Tree returns the tree of the document as its parser sees it; nil if it has no content. Unlike the
// tree of Root, it may have the same key twice.
//
// Errors: *SyntaxError.
func (d *Document) Tree() (*Node, error) {
	t, err := d.decode()
	if p, ok := t.(parsed); ok {
		return d.convert(p.Node)
	}

	root, _ := t.(*Node) // encoding/json's, or nil

	return root, err
}

// decode returns the tree of Tree before its conversion to Nodes.
//
// Errors: *SyntaxError.
func (d *Document) decode() (tree, error) {
	if err := d.Encoded(); err != nil {
		return nil, err
	}

	switch {
	case len(d.Text) > math.MaxInt32:
		return nil, &SyntaxError{Pos: d.Position(0), Msg: "cannot be parsed: the document is longer than 2 GiB"}
	case utf8.Valid(d.Text):
		return d.decodeText(d.Text)
	}

	// Bytes that are not UTF-8 do no harm in a comment, and kubectl accepts them there. They are in
	// a comment if other bytes give the same tree.
	text, at := d.masked('x')
	root, err := d.decodeText(text)
	if err != nil {
		return nil, err
	}

	text, _ = d.masked('y')
	other, err := d.decodeText(text)
	if _, differs := differ(root, other); differs || err != nil {
		return nil, &SyntaxError{Pos: d.Position(at), Msg: fmt.Sprintf("byte 0x%02x is not UTF-8; save the file as UTF-8", d.Text[at])}
	}

	return root, nil
}

// masked returns Text with a letter in place of every byte that is not UTF-8, and the offset of the
// first one.
func (d *Document) masked(letter byte) (text []byte, first int) {
	text, first = bytes.Clone(d.Text), len(d.Text)
	for at, r := range string(d.Text) {
		if r == utf8.RuneError && !bytes.HasPrefix(d.Text[at:], []byte("\ufffd")) {
			text[at], first = letter, min(first, at)
		}
	}

	return text, first
}

// decodeText parses a text that differs from the document's in some letters at most.
func (d *Document) decodeText(text []byte) (tree, error) {
	var notJSON *jsonError
	d.forgetLines(false)
	if at := jsonStart(text); at >= 0 {
		root, err := readJSON(text, at)
		if err == nil {
			d.forgetLines(true)
			return root, nil
		}
		notJSON = err
	}

	root, err := d.decodeYAML(text)
	if syntax := (*SyntaxError)(nil); notJSON != nil && errors.As(err, &syntax) {
		// A text that is neither is meant to be the one whose error comes later.
		if pos := d.Position(notJSON.at); pos.Line > syntax.Pos.Line || pos.Line == syntax.Pos.Line && notJSON.members {
			return nil, &SyntaxError{Pos: pos, Msg: "not JSON: " + notJSON.msg}
		}
	}

	return root, err
}

// forgetLines drops the offsets of lines, because JSON has other line breaks than YAML.
func (d *Document) forgetLines(json bool) {
	d.json = json
	d.noted().lines, d.last = nil, mark{}
}

func (d *Document) decodeYAML(text []byte) (root tree, err error) {
	defer func() {
		// The parser has panicked on malformed input before; no input may end the program.
		if r := recover(); r != nil {
			root, err = nil, &SyntaxError{Pos: d.Position(0), Msg: fmt.Sprint("cannot be parsed: ", r)}
		}
	}()

	text = anyVersion(text)
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	if err := dec.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, d.mistake(text, err)
	}

	var more yaml.Node
	if err := dec.Decode(&more); err == nil {
		return nil, &SyntaxError{Pos: d.Position(d.offset(more.Line, more.Column)), Msg: "a second document begins here without a --- line; add the line"}
	} else if !errors.Is(err, io.EOF) {
		return nil, d.mistake(text, err)
	}

	return parsed{document.Content[0]}, nil
}

var versionDirective = regexp.MustCompile(`^(?:\x{feff})?(?:(?:[ \t]*(?:#.*)?|%(?:[^Y]|Y[^A]).*)\r?\n)*%YAML +1\.([02-9])[ \t\r\n]`)

// anyVersion returns the text with the directive %YAML 1.1 in place of another version 1.x, because
// the parser refuses the others. This package reads all of them in the same way.
func anyVersion(text []byte) []byte {
	if !bytes.Contains(text, []byte("%YAML")) {
		return text
	}
	if m := versionDirective.FindSubmatchIndex(text); m != nil {
		text = bytes.Clone(text)
		text[m[2]] = '1'
	}

	return text
}

// offset returns the offset of a line and column of the parser, which counts characters.
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

// forward returns the offset after a number of further characters.
func (d *Document) forward(at, characters int) int {
	for ; characters > 0 && at < len(d.Text); characters-- {
		_, n := utf8.DecodeRune(d.Text[at:])
		at += n
	}
	return at
}
