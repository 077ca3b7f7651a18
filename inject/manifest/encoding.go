package manifest

import (
	"bytes"
	"fmt"
)

// encodings lists the encodings other than UTF-8 by the first bytes of a stream (YAML 1.2 section
// 5.2). A dot stands for any byte except NUL. The first match counts.
var encodings = []struct{ begins, name string }{
	{"\x00\x00\xfe\xff", "UTF-32BE"},
	{"\x00\x00\x00.", "UTF-32BE"},
	{"\xff\xfe\x00\x00", "UTF-32LE"},
	{".\x00\x00\x00", "UTF-32LE"},
	{"\xfe\xff", "UTF-16BE"},
	{"\x00.", "UTF-16BE"},
	{"\xff\xfe", utf16LE},
	{".\x00", utf16LE},
}

// utf16LE is the encoding that Windows calls Unicode.
const utf16LE = "UTF-16LE"

// IsUTF8 reports whether a stream begins like UTF-8. A search finds no words in other encodings.
func IsUTF8(stream []byte) bool { return encodingOf(stream) == "" }

// encodingOf returns the encoding of a stream; "" for UTF-8.
func encodingOf(text []byte) string {
	for _, e := range encodings {
		if begins(text, e.begins) {
			return e.name
		}
	}
	return ""
}

// begins reports whether a text begins with a pattern of encodings.
func begins(text []byte, pattern string) bool {
	if len(text) < len(pattern) {
		return false
	}
	for i, c := range []byte(pattern) {
		if c != text[i] && (c != '.' || text[i] == 0) {
			return false
		}
	}

	return true
}

// Encoded returns an error for a document that is not UTF-8. kubectl applies UTF-16, in which a
// search finds no words. kubectl decodes each document of a stream by itself, so UTF-16 may also
// follow a separator.
//
// Errors: *SyntaxError for a document in another encoding than UTF-8.
func (d *Document) Encoded() error {
	at := 0
	encoding := encodingOf(d.Text)
	for line := range bytes.Lines(d.Text) {
		if encoding != "" || hasContent(line) && !isMarker(line, "---") {
			break
		}
		if at += len(line); isMarker(line, "---") {
			encoding = encodingOf(d.Text[at:])
			break
		}
	}

	if encoding == "" {
		return nil
	}

	convert := fmt.Sprintf("iconv -f %s -t UTF-8 FILE > NEW", encoding)
	if encoding == utf16LE {
		encoding, convert = "UTF-16, as PowerShell's > writes it", "Get-Content -Encoding unicode FILE | Set-Content -Encoding utf8 NEW"
	}

	return &SyntaxError{Pos: d.Position(at), Msg: fmt.Sprintf("this text is %s; save it as UTF-8: %s", encoding, convert)}
}
