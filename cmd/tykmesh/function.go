package main

import (
	"bytes"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/files"
	reports "github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject"
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

// answer returns the handler that answers with the list of a KRM function.
func (r *report) answer() reports.KRM {
	return reports.KRM{Name: files.StdinName, List: r.list.Text}
}

// writeFunction writes the patched list with its results.
func (r *report) writeFunction(stream *inject.Stream, bindings map[inject.Service]inject.Binding) error {
	for f := range stream.Files(bindings) {
		return reports.KRM{Name: files.StdinName, List: f.Patch.Apply(f.Text)}.Write(r.out, r.all(nil))
	}
	return nil
}
