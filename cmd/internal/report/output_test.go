package report

import "testing"

// A terminal shows the lines of a diff, and obeys none of them.
func TestDiffOnAScreen(t *testing.T) {
	shown := safeLines([]byte(" a:\tb\r\n+\x1b[31m\u202e\n ::error::x\n"))
	if want := " a:\tb\n+\\x1b[31m\\u202e\n \\x3a:error::x\n"; string(shown) != want {
		t.Errorf("got %q, want %q", shown, want)
	}
}
