package main

import (
	"strings"
	"testing"
)

// Paths keep the order in which they are typed, with -f and without it.
func TestPathsInOrder(t *testing.T) {
	for line, want := range map[string]string{
		"":                           "",
		"a b":                        "a b",
		"-f a b c":                   "a b c", // a shell makes it of -f *
		"a -f b c -f d -R -f e f":    "a b c d e f",
		"-f a -- -b c":               "a -b c",
		"--filename=a - -f b -n x c": "a - b c",
	} {
		f := &uninjectCmd{}
		c := newCommand(process{}, newUninjectCmd(process{}), nil)
		c.ResetFlags()
		f.inputFlags.add(c)
		f.takePaths(c)
		c.Flags().StringP("namespace", "n", "", "")
		if err := c.ParseFlags(strings.Fields(line)); err != nil {
			t.Fatal(err)
		}

		if got := strings.Join(f.paths(), " "); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}
