package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/display"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// A KRM function gets a ResourceList on standard input and answers with one. Its field results
// holds the report, also if the function fails (Kubernetes SIG CLI, "KRM Functions Specification").

// resourceList returns the list that a KRM function is given; nil if the input is no such list.
func resourceList(docs []*manifest.Document) *manifest.Document {
	if len(docs) != 1 || docs[0].File != files.StdinName || !bytes.Contains(docs[0].Text, []byte("ResourceList")) {
		return nil
	}
	root, err := docs[0].Root()
	if err != nil || root.Get("kind").Text() != "ResourceList" || !strings.HasPrefix(root.Get("apiVersion").Text(), "config.kubernetes.io/") {
		return nil
	}

	return docs[0]
}

// writeResourceList writes a list with the results of a run added to its own.
func writeResourceList(w io.Writer, text []byte, results manifest.List) error {
	doc := manifest.Split(files.StdinName, text)[0]
	root, err := doc.Root()
	if err != nil {
		return fmt.Errorf("reading the ResourceList: %w", err)
	}

	var edits []manifest.Edit

	_, had := root.Entry("results")
	switch {
	case len(results) == 0:
	case had != nil:
		edits = append(edits, manifest.Append{To: had, Values: results})
	default:
		edits = append(edits, manifest.Put{Into: root, Entries: manifest.Map{{Key: "results", Value: results}}})
	}

	patch, err := doc.Apply(edits...)
	if err != nil {
		return fmt.Errorf("adding results to the ResourceList: %w", err)
	}

	_, err = w.Write(patch.Apply(text))

	return err
}

// results returns the entries of a report about objects, errors and warnings.
func results(entries []reportEntry) (out manifest.List) {
	for _, e := range entries {
		message, severity := e.Message, e.Severity
		switch {
		case e.Severity != "":
		case e.Type == typeObject && e.Change != "":
			severity = "info"
		default:
			continue
		}

		if e.Type == typeObject {
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
			r = append(r, manifest.Entry{Key: "tags", Value: manifest.Map{{Key: "rule", Value: string(e.Rule)}}})
		}

		out = append(out, r)
	}

	return out
}

// writeFunction writes the patched list with its results.
func (r *report) writeFunction(stream *inject.Stream, bindings map[inject.Service]inject.Binding) error {
	for f := range stream.Files(bindings) {
		return writeResourceList(r.out, f.Patch.Apply(f.Text), results(r.all(nil)))
	}
	return nil
}
