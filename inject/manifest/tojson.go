package manifest

import (
	"bytes"
	"encoding/json"
	"iter"

	"sigs.k8s.io/yaml"
)

// JSON returns the documents in a text as indented JSON, one after another, as kubectl and jq read
// them. YAML becomes JSON in the way of kubectl, by the same package; a number of JSON stays as it
// is written. Documents without content are left out.
func JSON(text []byte) ([]byte, error) {
	var out bytes.Buffer
	for part := range documentsIn(text) {
		values, err := valuesOf(part)
		if err != nil {
			return nil, err
		}

		for _, value := range values {
			if string(value) == "null" {
				continue
			}
			if err := json.Indent(&out, value, "", "  "); err != nil {
				return nil, err
			}
			out.WriteByte('\n')
		}
	}

	return out.Bytes(), nil
}

// documentsIn cuts a text at the markers between documents. A Document may hold several short ones.
func documentsIn(text []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		start, inside := 0, false
		for at := 0; at < len(text); {
			next := at + lineLength(text[at:])
			line := text[at:next]
			begins, ends := isMarker(line, "---"), isMarker(line, "...")
			if begins && inside {
				if !yield(text[start:at]) {
					return
				}
				start = at
			}

			inside = !ends && (inside || begins || hasContent(line))
			at = next
			if ends {
				if !yield(text[start:at]) {
					return
				}
				start = at
			}
		}

		if inside {
			yield(text[start:])
		}
	}
}

// valuesOf returns a document as JSON; null for one without content. Only JSON can have several
// values.
func valuesOf(text []byte) (values [][]byte, err error) {
	for at := jsonStart(text); at >= 0; {
		dec := json.NewDecoder(bytes.NewReader(text[at:]))
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			break
		}

		values = append(values, value)
		at = jsonTail(text, at+int(dec.InputOffset()))
		if at == len(text) {
			return values, nil
		}
	}

	value, err := yaml.YAMLToJSONStrict(text)

	return [][]byte{value}, err
}
