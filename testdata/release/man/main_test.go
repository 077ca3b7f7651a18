package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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

// A page has the date of the commit as man(7) wants it, and another header is refused.
func TestRedate(t *testing.T) {
	day := time.Date(2026, time.November, 3, 0, 0, 0, 0, time.UTC)
	folder := t.TempDir()
	page := filepath.Join(folder, "tykmesh.1")
	for _, c := range []struct{ text, want string }{
		{`.TH "TYKMESH" "1" "Nov 2026" "tykmesh"`, `.TH "TYKMESH" "1" "2026-11-03" "tykmesh"`},
		{`.TH "TYKMESH" "1" "November 2026" "tykmesh"`, ""},
	} {
		if err := os.WriteFile(page, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := redate(folder, day)
		if c.want == "" {
			if err == nil {
				t.Errorf("%s: no error", c.text)
			}
			continue
		}
		if got, _ := os.ReadFile(page); err != nil || string(got) != c.want {
			t.Errorf("%s: got %s, %v; want %s", c.text, got, err, c.want)
		}
	}
}
