package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/tykmesh/tykmesh/cmd/internal/exit"
)

// The report of a run with one unsuitable object and without a configuration fits on a screen of 24
// lines and 80 columns. Two objects with a finding each need one line more.
func TestOneScreen(t *testing.T) {
	archive, err := txtar.ParseFile("../../testdata/script/one-screen.txtar")
	if err != nil {
		t.Fatal(err)
	}

	t.Chdir(t.TempDir())

	for _, f := range archive.Files {
		kind, file := filepath.Split(f.Name)
		want := map[string]int{"right/": exit.Done, "wrong/": exit.Failed}
		if _, ok := want[kind]; !ok {
			continue
		}

		if err := os.WriteFile(file, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}

		var stderr bytes.Buffer
		status := run(t.Context(), process{
			name: "tykmesh", stdin: strings.NewReader(""), stdout: io.Discard, stderr: &stderr,
			args: []string{"inject", "--dry-run", "--local", "mesh", "-n", "retail", "-f", file},
		})
		if lines := wrapped(stderr.String(), 80); status != want[kind] || lines > 25 {
			t.Errorf("%s: exit status %d, want %d; %d lines:\n%s", f.Name, status, want[kind], lines, stderr.String())
		}
	}
}

// wrapped returns the number of lines that a terminal of some columns needs for a text.
func wrapped(text string, columns int) (lines int) {
	for line := range strings.Lines(text) {
		lines += max(1, (utf8.RuneCountInString(strings.TrimSuffix(line, "\n"))+columns-1)/columns)
	}
	return lines
}
