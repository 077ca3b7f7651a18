package main

import (
	"bytes"
	"testing"

	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Whatever a KRM function is given as a ResourceList: an error, or a list with the results behind
// its own, in which nothing else has changed.
func FuzzFunction(f *testing.F) {
	for _, text := range []string{
		"apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\n", "{apiVersion: config.kubernetes.io/v1, kind: ResourceList, results: [{message: a}]}",
		"apiVersion: config.kubernetes.io/v1beta1\nkind: ResourceList\nresults:\n# none\nitems:\n- kind: A\n", "kind: ResourceList\napiVersion: config.kubernetes.io/v1\nresults: &a [*a]",
		`{"apiVersion":"config.kubernetes.io/v1","kind":"ResourceList","results":null}`, "kind: ResourceList\r\napiVersion: config.kubernetes.io/v1\r\nresults: []",
	} {
		f.Add([]byte(text))
	}

	added := []report.Event{report.Diagnostic{Severity: report.Warning, Message: "a: \"b\" # c"}.Event()}
	f.Fuzz(func(t *testing.T, text []byte) {
		list := resourceList(manifest.Split(files.StdinName, text))
		if list == nil {
			return
		}

		before, err := list.Root()
		if err != nil {
			t.Fatal(err)
		}

		var out bytes.Buffer
		if err := (report.KRM{Name: files.StdinName, List: text}).Write(&out, added); err != nil {
			return
		}

		again := resourceList(manifest.Split(files.StdinName, out.Bytes()))
		if again == nil {
			t.Fatalf("no list any more:\n%s", &out)
		}

		after, err := again.Root()
		if err != nil {
			t.Fatal(err)
		}

		had, has := before.Get("results").Items(), after.Get("results").Items()
		if len(has) != len(had)+1 || has[len(had)].Get("message").Text() != "a: \"b\" # c" || len(after.Get("items").Items()) != len(before.Get("items").Items()) {
			t.Fatalf("%d results became %d:\n%s", len(had), len(has), &out)
		}
	})
}
