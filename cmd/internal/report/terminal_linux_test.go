package report

import (
	"bytes"
	"testing"

	"github.com/tykmesh/tykmesh/cmd/internal/report/reporttest"
)

// Who asks for less, for more or for a report for machines gets no progress, nor does a terminal
// that cannot show it.
func TestWhoGetsProgress(t *testing.T) {
	term := reporttest.NewTerminal(t, 80)
	machines, err := ParseFormats([]string{"json"}, nil)
	if err != nil {
		t.Fatal(err)
	}

	file, err := ParseFormats([]string{"json=file"}, nil)
	if err != nil {
		t.Fatal(err)
	}

	for _, test := range []struct {
		name   string
		config Config
		want   bool
	}{
		{"a terminal", Config{Stderr: term.Program}, true},
		{"a report in a file", Config{Stderr: term.Program, Formats: file}, true},
		{"a report for machines", Config{Stderr: term.Program, Formats: machines}, false},
		{"-q", Config{Stderr: term.Program, Quiet: true}, false},
		{"-v", Config{Stderr: term.Program, Verbose: true}, false},
		{"TERM=dumb", Config{Stderr: term.Program, Dumb: true}, false},
		{"no terminal", Config{Stderr: &bytes.Buffer{}}, false},
	} {
		l := newProgressLine(test.config)
		if got := l.width != nil; got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}

	term.Ends()
}
