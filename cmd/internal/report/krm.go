package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/tykmesh/tykmesh/inject/display"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// KRM writes a ResourceList with the errors, warnings and changes of a run added to its results
// (Kubernetes SIG CLI, "KRM Functions Specification").
type KRM struct {
	Name string // of the list, in errors
	List []byte
}

func (k KRM) Write(w io.Writer, events []Event) error {
	doc, results := manifest.Split(k.Name, k.List)[0], results(events)
	root, err := doc.Root()
	if err != nil {
		return fmt.Errorf("reading the ResourceList: %w", err)
	}

	var edits []manifest.Edit

	_, had := root.Entry("results")
	switch {
	case len(results) == 0:
	case had != nil:
		edits = append(edits, manifest.Insert{Into: had, Items: results})
	default:
		edits = append(edits, manifest.Put{Into: root, Entries: manifest.Map{{Key: "results", Value: results}}})
	}

	patch, err := doc.Apply(edits...)
	if err != nil {
		return fmt.Errorf("adding results to the ResourceList: %w", err)
	}

	_, err = w.Write(patch.Apply(k.List))

	return err
}

// results returns the results field of a list: errors, warnings and changed objects.
func results(events []Event) (out manifest.List) {
	for _, e := range events {
		message, severity := e.Message, e.Severity
		switch {
		case e.Severity != "":
		case e.Type == TypeObject && e.Change != "":
			severity = "info"
		default:
			continue
		}

		if e.Type == TypeObject {
			message = strings.Trim(e.Outcome+": "+e.Change+e.Message, ": ")
		}

		for _, hint := range e.Hints {
			message += "; hint: " + hint
		}

		r := manifest.Map{{Key: "message", Value: display.Line(message)}, {Key: "severity", Value: severity}}
		if e.APIVersion != "" && e.Kind != "" && e.Name != "" {
			r = append(r, manifest.Entry{Key: "resourceRef", Value: manifest.Map{
				{Key: "apiVersion", Value: e.APIVersion}, {Key: "kind", Value: e.Kind}, {Key: "name", Value: e.Name}, {Key: "namespace", Value: e.Namespace},
			}})
		}

		if e.Rule != "" {
			r = append(r, manifest.Entry{Key: "tags", Value: manifest.Map{{Key: "rule", Value: e.Rule}}})
		}

		out = append(out, r)
	}

	return out
}
