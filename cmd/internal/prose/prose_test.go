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
