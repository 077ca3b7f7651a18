package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// JSON is YAML on paper only: YAML parsers refuse escapes that RFC 8259 allows (\/, \ud83d\ude00)
// and tabs between values. So a document that is JSON is read by a scanner of our own, into the
// same tree.

// maxDepth is how deep brackets may stand within each other, as in encoding/json: a limit for the
// stack.
const maxDepth = 10000

// BeginsJSON reports whether a text begins with a bracket.
func BeginsJSON(text []byte) bool {
	text = bytes.TrimSpace(bytes.TrimPrefix(text, byteOrderMark))
	return len(text) > 0 && (text[0] == '{' || text[0] == '[')
}

// IsJSON reports whether a text is a value of JSON, behind which another can stand with nothing
// between them. YAML in brackets is none.
func IsJSON(text []byte) bool {
	if !BeginsJSON(text) {
		return false
	}
	s := scanner{text: text, at: jsonStart(text), skim: true}
	_, err := s.value(0)
	s.space()
	return err == nil && s.at == len(text)
}

// jsonStart returns the offset of the bracket that a text begins with, behind a byte order mark,
// comments and a document marker; -1 where something else is there.
func jsonStart(text []byte) int {
	at, marker := len(text)-len(bytes.TrimPrefix(text, byteOrderMark)), false
	for at < len(text) {
		switch rest := text[at:]; {
		case isBreak(rest[0]):
			at++
		case rest[0] == '#':
			at += lineLength(rest)
		case rest[0] == '{' || rest[0] == '[':
			return at
		case !marker && isMarker(rest[:lineLength(rest)], "---"):
			at, marker = at+len("---"), true
		default:
			return -1
		}
	}

	return -1
}

// isBreak reports whether c is white space to JSON.
func isBreak(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// lineLength returns the length of the line that a text begins with, line break included.
func lineLength(text []byte) int {
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		return i + 1
	}
	return len(text)
}

// jsonValues cuts a text in which JSON values stand one behind the other, as json.Decoder reads
// them and YAML never allows: each piece with the white space behind its value. A text of any other
// form is one piece.
func jsonValues(text []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		start := 0
		for at := jsonStart(text); at >= 0; {
			s := scanner{text: text, at: at, skim: true}
			if _, err := s.value(0); err != nil {
				break
			}

			s.space()
			if s.at == len(text) || text[s.at] != '{' && text[s.at] != '[' {
				break
			}
			if !yield(text[start:s.at]) {
				return
			}

			start, at = s.at, s.at
		}

		yield(text[start:])
	}
}

// readJSON returns the tree of a document whose text has its first bracket at an offset, as the
// YAML parser would return it.
func readJSON(text []byte, at int) (*yaml.Node, *jsonError) {
	s := scanner{text: text, at: at, line: 1, counted: len(text) - len(bytes.TrimPrefix(text, byteOrderMark))}
	tree, err := s.value(0)
	if err == nil {
		err = s.tail()
	}
	return tree, err
}

// jsonError says which offset of a text is no JSON, and why.
type jsonError struct {
	at      int
	msg     string
	members bool // a whole member, or item, stands before it
}

// scanner reads JSON values. Where it skims it makes no nodes.
type scanner struct {
	text []byte
	at   int
	skim bool

	members bool // some member of an object, or item of an array, has been read

	// Of the offset counted: its line, from 1, and how many characters stand before it there.
	line, column, counted int
}

func (s *scanner) fail(format string, args ...any) *jsonError {
	return &jsonError{at: s.at, msg: fmt.Sprintf(format, args...), members: s.members}
}

// unexpected returns the error at a byte that cannot stand there.
func (s *scanner) unexpected(want string) *jsonError {
	if s.at >= len(s.text) {
		return s.fail("the text ends where %s is expected", want)
	}
	r, _ := utf8.DecodeRune(s.text[s.at:])
	return s.fail("%q where %s is expected", r, want)
}

// node begins a node at the present offset; nil where s skims.
func (s *scanner) node(kind yaml.Kind, tag string, style yaml.Style) *yaml.Node {
	if s.skim {
		return nil
	}

	for {
		i := bytes.IndexByte(s.text[s.counted:s.at], '\n')
		if i < 0 {
			break
		}
		s.line, s.column, s.counted = s.line+1, 0, s.counted+i+1
	}

	s.column += utf8.RuneCount(s.text[s.counted:s.at])
	s.counted = s.at

	return &yaml.Node{Kind: kind, Tag: tag, Style: style, Line: s.line, Column: s.column + 1}
}

func (s *scanner) space() {
	for s.at < len(s.text) && isBreak(s.text[s.at]) {
		s.at++
	}
}

// next passes white space and returns the byte behind it; 0 at the end.
func (s *scanner) next() byte {
	s.space()
	if s.at == len(s.text) {
		return 0
	}
	return s.text[s.at]
}

// value reads one value, RFC 8259 section 3.
func (s *scanner) value(depth int) (*yaml.Node, *jsonError) {
	if depth > maxDepth {
		return nil, s.fail("more than %d brackets within each other", maxDepth)
	}

	switch c := s.next(); {
	case c == '{':
		return s.collection(yaml.MappingNode, "!!map", '}', depth)
	case c == '[':
		return s.collection(yaml.SequenceNode, "!!seq", ']', depth)
	case c == '"':
		return s.quotedText()
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	}

	for _, word := range [...]struct{ text, tag string }{{"true", "!!bool"}, {"false", "!!bool"}, {"null", "!!null"}} {
		if bytes.HasPrefix(s.text[s.at:], []byte(word.text)) {
			return s.scalar(len(word.text), word.tag)
		}
	}

	return nil, s.unexpected("a JSON value")
}

// scalar reads so many bytes as they are.
func (s *scanner) scalar(length int, tag string) (*yaml.Node, *jsonError) {
	n := s.node(yaml.ScalarNode, tag, 0)
	if n != nil {
		n.Value = string(s.text[s.at : s.at+length])
	}
	s.at += length
	return n, nil
}

// collection reads an object or an array, sections 4 and 5.
func (s *scanner) collection(kind yaml.Kind, tag string, closing byte, depth int) (*yaml.Node, *jsonError) {
	n := s.node(kind, tag, yaml.FlowStyle)
	s.at++
	if s.next() == closing {
		s.at++
		return n, nil
	}

	for {
		if kind == yaml.MappingNode {
			if err := s.key(n); err != nil {
				return nil, err
			}
		}

		v, err := s.value(depth + 1)
		if err != nil {
			return nil, err
		}

		if n != nil {
			n.Content = append(n.Content, v)
		}

		s.members = true
		switch s.next() {
		case closing:
			s.at++
			return n, nil
		case ',':
			s.at++
		default:
			return nil, s.unexpected(fmt.Sprintf("a comma or %q", closing))
		}
	}
}

// key reads the name of a member of n, and the colon behind it.
func (s *scanner) key(n *yaml.Node) *jsonError {
	if s.next() != '"' {
		return s.unexpected("a key in double quotes")
	}

	k, err := s.quotedText()
	if err != nil {
		return err
	}

	if n != nil {
		n.Content = append(n.Content, k)
	}

	if s.next() != ':' {
		return s.unexpected("a colon")
	}

	s.at++

	return nil
}

// quotedText reads a string, section 7.
func (s *scanner) quotedText() (*yaml.Node, *jsonError) {
	n, start, escaped := s.node(yaml.ScalarNode, "!!str", yaml.DoubleQuotedStyle), s.at, false
	for s.at++; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '\\':
			escaped = true
			s.at++
			if s.at < len(s.text) && strings.IndexByte(`"\/bfnrtu`, s.text[s.at]) < 0 {
				return nil, s.unexpected("an escape")
			}

		case c < ' ':
			return nil, s.unexpected("a character of a string")
		case c == '"':
			s.at++
			return n, s.decode(n, s.text[start:s.at], escaped)
		}
	}

	return nil, s.unexpected("a closing quote")
}

// decode gives a node the value of a string in quotes.
func (s *scanner) decode(n *yaml.Node, quoted []byte, escaped bool) *jsonError {
	switch {
	case !escaped && n != nil:
		n.Value = string(quoted[1 : len(quoted)-1])
	case escaped:
		var value string
		if err := json.Unmarshal(quoted, &value); err != nil {
			s.at -= len(quoted)
			return s.fail("a string with an invalid escape")
		}
		if n != nil {
			n.Value = value
		}
	}

	return nil
}

// number reads a number, section 6.
func (s *scanner) number() (*yaml.Node, *jsonError) {
	end := s.at
	for end < len(s.text) && strings.IndexByte("+-.0123456789Ee", s.text[end]) >= 0 {
		end++
	}

	text := s.text[s.at:end]
	if !json.Valid(text) {
		return nil, s.fail("%q is no JSON number", text)
	}

	tag := "!!int"
	if bytes.ContainsAny(text, ".eE") {
		tag = "!!float"
	}

	return s.scalar(len(text), tag)
}

// tail reads what may stand behind the only value of a document: comments, and an end marker.
func (s *scanner) tail() *jsonError {
	for s.next() != 0 {
		rest, before := s.text[s.at:], s.text[s.at-1]
		comment := rest[0] == '#' && isBreak(before)

		end := before == '\n' && isMarker(rest[:lineLength(rest)], "...")
		switch {
		case comment:
			s.at += lineLength(rest)
		case end:
			s.at += len("...")
		default:
			return s.unexpected("the end of the document")
		}
	}

	return nil
}
