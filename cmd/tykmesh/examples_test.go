package main

import (
	"slices"
	"testing"
)

// Examples that fit stay as they are. Otherwise comments move up, and commands break where a shell
// lets them.
func TestExamplesFit(t *testing.T) {
	for text, want := range map[string]string{
		"  tykmesh a  # short":               "  tykmesh a  # short\n",
		"  tykmesh abc  # too long for this": "  # too long for\n  # this\n  tykmesh abc\n",
		"  # above\n  tykmesh a -f app.yaml": "  # above\n  tykmesh a \\\n    -f app.yaml\n",
	} {
		p := &helpPage{columns: 20}
		p.examples(text)
		if got := p.String(); got != want {
			t.Errorf("%q: got\n%s", text, got)
		}
	}
}

func TestBreakCommand(t *testing.T) {
	for command, want := range map[string][]string{
		"  tykmesh -w d.y && { [ ! -s d ]; }":       {"  tykmesh -w d.y &&", "    { [ ! -s d ]; }"},
		"  kubectl get a | tykmesh status -f -":     {"  kubectl get a |", "    tykmesh status \\", "    -f -"},
		"  tykmesh a && kubectl apply -f -":         {"  tykmesh a &&", "    kubectl apply \\", "    -f -"},
		"  tykmesh a | jq '.a | .b | select(.c)'":   {"  tykmesh a |", "    jq '.a | .b | select(.c)'"},
		"  tykmesh 'one word that cannot break -f'": {"  tykmesh 'one word that cannot break -f'"},
	} {
		if got := breakCommand(command, 20); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
