package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"
)

// JSON is YAML on paper only: YAML parsers refuse escapes that RFC 8259 allows (\/, \ud83d\ude00)
// and tabs between values. So encoding/json reads a document that is JSON, into the same tree.

// BeginsJSON reports whether a text begins with a bracket.
func BeginsJSON(text []byte) bool {
	text = bytes.TrimSpace(bytes.TrimPrefix(text, byteOrderMark))
	return len(text) > 0 && (text[0] == '{' || text[0] == '[')
}

// IsJSON reports whether a text is one JSON value. YAML in brackets is not.
func IsJSON(text []byte) bool {
	return BeginsJSON(text) && json.Valid(bytes.TrimPrefix(text, byteOrderMark))
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
		start, first := 0, max(0, jsonStart(text))
		if json.Valid(text[first:]) { // one value, which the decoder would copy
			yield(text)
			return
		}

		dec := json.NewDecoder(bytes.NewReader(text[first:]))
		var value json.RawMessage
		for dec.Decode(&value) == nil {
			end := first + int(dec.InputOffset())
			end += leading(text[end:], jsonSpace)
			if end == len(text) || text[end] != '{' && text[end] != '[' {
				break
			}
			if !yield(text[start:end]) {
				return
			}

			start = end
		}

		yield(text[start:])
	}
}

// jsonSpace is the white space of RFC 8259 section 2.
const jsonSpace = " \t\r\n"

// leading returns the number of bytes of a set that a text begins with.
func leading(text []byte, set string) int { return len(text) - len(bytes.TrimLeft(text, set)) }

// jsonError says which offset of a text is not JSON, and why.
type jsonError struct {
	at      int
	msg     string
	members bool // a member, or an item, stands before it
}

// readJSON returns the tree of a document whose text has its first bracket at an offset.
func readJSON(text []byte, at int) (*Node, *jsonError) {
	dec := json.NewDecoder(bytes.NewReader(text[at:]))
	var value json.RawMessage
	if err := dec.Decode(&value); err != nil { // unlike Token, it limits the depth
		end := len(text)
		if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
			end = at + int(syntax.Offset) - 1
		}
		return nil, &jsonError{at: end, msg: err.Error(), members: bytes.IndexByte(text[at:end], ',') >= 0}
	}

	if end := jsonTail(text, at+int(dec.InputOffset())); end < len(text) {
		r, _ := utf8.DecodeRune(text[end:])
		return nil, &jsonError{at: end, msg: fmt.Sprintf("invalid character %q after the value", r), members: true}
	}

	r := jsonReader{json.NewDecoder(bytes.NewReader(text[at:])), text, at}
	r.UseNumber()

	return r.node(nil), nil
}

// jsonTail returns the offset behind all that may follow the value of a document: comments, and an
// end marker.
func jsonTail(text []byte, at int) int {
	for {
		at += leading(text[at:], jsonSpace)
		rest := text[at:]
		switch line := rest[:lineLength(rest)]; {
		case bytes.HasPrefix(rest, []byte{'#'}) && isBreak(text[at-1]):
			at += len(line)
		case text[at-1] == '\n' && isMarker(line, "..."):
			at += len("...")
		default:
			return at
		}
	}
}

// jsonReader makes nodes of the tokens of a JSON value.
type jsonReader struct {
	*json.Decoder
	text  []byte
	first int // offset in text of the decoder's first byte
}

// node returns the next value or key; nil for a closing bracket.
func (r jsonReader) node(parent *Node) *Node {
	at := r.first + int(r.InputOffset())
	at += leading(r.text[at:], jsonSpace+",:")
	n := &Node{Flow: true, parent: parent, begins: int32(at), ends: unknown}

	token, _ := r.Token() // readJSON has read the whole value
	switch token := token.(type) {
	case json.Delim:
		switch token {
		case '{':
			n.Kind, n.Tag = Mapping, "!!map"
		case '[':
			n.Kind, n.Tag = Sequence, "!!seq"
		default:
			return nil
		}

		for child := r.node(n); child != nil; child = r.node(n) {
			n.Content = append(n.Content, child)
		}

	case string:
		n.Tag, n.Value, n.style = "!!str", token, quoted
	case json.Number:
		n.Tag, n.Value = "!!int", token.String()
		if strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!float"
		}

	case bool:
		n.Tag, n.Value = "!!bool", strconv.FormatBool(token)
	default:
		n.Tag, n.Value = "!!null", "null"
	}

	return n
}
