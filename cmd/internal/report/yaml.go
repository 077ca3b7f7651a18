package report

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"

	"github.com/tykmesh/tykmesh/inject/display"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// WriteYAML writes a value as YAML: the document that WriteDocument writes as JSON, with its fields
// in the same order.
func WriteYAML(w io.Writer, doc any) error {
	text, err := json.Marshal(doc)
	if err != nil {
		return err
	}

	y := yamlText{json: json.NewDecoder(bytes.NewReader(text))}
	y.json.UseNumber()
	y.value(0, 0, true)
	_, err = w.Write(append(y.Bytes(), '\n'))

	return err
}

// yamlText is YAML in block style, made from JSON. The JSON is our own, so it has no errors.
type yamlText struct {
	bytes.Buffer
	json *json.Decoder
}

func (y *yamlText) next() json.Token {
	token, _ := y.json.Token()
	return token
}

// value writes a value: the entries of an object and the items of a list on lines of their own,
// indented by one of two columns. The first of them stays on the line if that is open, as behind a
// dash.
func (y *yamlText) value(object, list int, open bool) {
	switch token := y.next(); token {
	case json.Delim('{'):
		y.children(object, open, "{}", func() {
			y.WriteString(yamlScalar(y.next()) + ":")
			y.value(object+2, object, false)
		})
	case json.Delim('['):
		y.children(list, open, "[]", func() {
			y.WriteByte('-')
			y.value(list+2, list+2, true)
		})
	default:
		y.separate()
		y.WriteString(yamlScalar(token))
	}
}

// separate writes the blank behind a colon or a dash.
func (y *yamlText) separate() {
	if y.Len() > 0 {
		y.WriteByte(' ')
	}
}

// children writes each child of an object or a list at a column. empty stands for none.
func (y *yamlText) children(column int, open bool, empty string, child func()) {
	switch {
	case !y.json.More():
		y.separate()
		y.WriteString(empty)
	case open:
		y.separate()
	}

	for i := 0; y.json.More(); i++ {
		if i > 0 || !open {
			y.WriteString("\n" + strings.Repeat(" ", column))
		}
		child()
	}

	y.next() // the closing bracket
}

// yamlScalar returns a scalar that is safe to show: quoted, with escapes, if it would not be.
func yamlScalar(token json.Token) string {
	switch v := token.(type) {
	case json.Number:
		return v.String()
	case string:
		if display.Line(v) == v {
			return manifest.Plain(v)
		}
		return string(display.EscapeYAML([]byte(manifest.Quote(v))))
	default:
		return manifest.Plain(v)
	}
}
