package main

import (
	"strings"
	"testing"
)

// A page of help becomes sections, and lines that help has wrapped are one text again.
func TestMarkdownOf(t *testing.T) {
	got := markdownOf(sections(`

Examples:
  # What this is for
  tykmesh inject \
    -f app.yaml

The mesh:
  check   Check what inject needs:
          all of it
  status  List

Flags:
      --all              all of
                         them
  -n, --namespace NAMESPACE
                         into NAMESPACE
`))
	want := `

# EXAMPLES
~~~
  # What this is for
  tykmesh inject \
    -f app.yaml
~~~

# COMMANDS

## The mesh

**check**
: Check what inject needs: all of it

**status**
: List

# OPTIONS

**--all**
: all of them

**-n**, **--namespace** NAMESPACE
: into NAMESPACE`
	if want = strings.ReplaceAll(want, "~~~", "```"); got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}
