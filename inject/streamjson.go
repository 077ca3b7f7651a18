package inject

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// withoutPackage removes the name of the package, and its line break, from an error about YAML.
var withoutPackage = strings.NewReplacer("yaml: ", "", "unmarshal errors:\n  ", "")

// CheckJSON returns a problem for each document that cannot be written as JSON.
func (s *Stream) CheckJSON() (problems []Problem) {
	i := 0
	for text := range s.Texts(nil) {
		d := s.documents[i]
		if _, err := manifest.JSON(text); err != nil {
			problems = append(problems, Problem{
				Rule: RuleSyntax, Pos: d.Position(0), Object: fmt.Sprintf("document %d", d.Number),
				Msg: "it cannot be printed as JSON: " + withoutPackage.Replace(err.Error()),
			})
		}
		i++
	}

	return problems
}

// WriteJSON writes the documents as Write does, each as JSON.
func (s *Stream) WriteJSON(w io.Writer, bindings map[Service]Binding) error {
	var out bytes.Buffer
	for text := range s.Texts(bindings) {
		value, err := manifest.JSON(text)
		if err != nil {
			return err
		}
		_, _ = out.Write(value) // a buffer takes everything
	}

	_, err := w.Write(out.Bytes())

	return err
}
