package inject_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
)

// encode turns the text of an archive into the input that the options describe; decode is its
// inverse for outputs.
func (o options) encode(text []byte) []byte {
	if o.Unterminated {
		text = bytes.TrimSuffix(text, []byte("\n"))
	}

	if o.CRLF {
		text = bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
	}

	if o.BOM {
		text = append([]byte("\ufeff"), text...)
	}

	if encode := encoders[o.Encoding]; encode != nil {
		text = encode(text)
	}

	return text
}

// encoders write a text in other encodings than UTF-8.
var encoders = map[string]func(text []byte) []byte{
	"UTF-16LE": func(text []byte) []byte { return units(text, binary.LittleEndian.AppendUint16) },
	"UTF-16BE": func(text []byte) []byte { return units(text, binary.BigEndian.AppendUint16) },
	"UTF-32LE": func(text []byte) []byte { return units(text, binary.LittleEndian.AppendUint32) },
	"UTF-32BE": func(text []byte) []byte { return units(text, binary.BigEndian.AppendUint32) },
	"UTF-16LE behind a separator": func(text []byte) []byte {
		first, second, _ := bytes.Cut(text, []byte("---\n"))
		return slices.Concat(first, []byte("---\n"), units(second, binary.LittleEndian.AppendUint16))
	},
}

// units writes each character as a number of a fixed size, as UTF-16 does with common characters.
func units[T uint16 | uint32](text []byte, appendUnit func([]byte, T) []byte) (out []byte) {
	for _, r := range string(text) {
		out = appendUnit(out, T(r))
	}
	return out
}

func (o options) decode(t *testing.T, text []byte) []byte {
	if o.BOM {
		if !bytes.HasPrefix(text, []byte("\ufeff")) {
			t.Error("the byte order mark is lost")
		}
		text = bytes.TrimPrefix(text, []byte("\ufeff"))
	}

	if o.CRLF {
		if bytes.Count(text, []byte("\n")) != bytes.Count(text, []byte("\r\n")) {
			t.Errorf("a line does not end with CR LF in %q", text)
		}
		text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	}

	if o.Unterminated {
		if bytes.HasSuffix(text, []byte("\n")) {
			t.Error("a final line break was added")
		}
		text = append(bytes.Clone(text), '\n')
	}

	return text
}
