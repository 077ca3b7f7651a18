package prose

import (
	"slices"
	"testing"
)

func TestLines(t *testing.T) {
	for text, want := range map[string][]string{
		"":                           nil,
		"one":                        {"one"},
		"  one  two\n three ":        {"one two", "three"},
		"longer-than-columns and so": {"longer-than-columns", "and so"},
		"für süß oh":                 {"für süß", "oh"},
	} {
		if got := slices.Collect(Lines(text, 8)); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestPlain(t *testing.T) {
	if got, want := Plain("as `Sidecar.cpu`: `100m` *(built-in sidecar)*"), "as Sidecar.cpu: 100m (built-in sidecar)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWrap(t *testing.T) {
	for text, want := range map[string]string{
		"one\ntwo three":                    "one two\nthree\n",
		"one\n\ntwo":                        "one\n\ntwo\n",
		"one:\n  a  text of a\n  bb  b\nso": "one:\n  a  text\n     of a\n  bb  b\nso\n",
		"  tykmesh --as-it-is":              "  tykmesh --as-it-is\n",
	} {
		if got := Wrap(text, 9); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestItem(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"  -f", "read", "  -f  read\n"},
		{"  -f", "", "  -f\n"},
		{"  --long", "read it all", "  --long\n      read it\n      all\n"},
	} {
		if got := Item(c.name, 6, c.text, 14); got != c.want {
			t.Errorf("%q: got %q, want %q", c.name, got, c.want)
		}
	}
}
