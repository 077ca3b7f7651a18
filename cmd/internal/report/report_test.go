package report

import (
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/cmd/internal/exit"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Each handler writes an error with all of its parts, and the summary.
func TestHandlers(t *testing.T) {
	status := exit.Failed
	events := []Event{
		Diagnostic{
			Code: "TM0005", Severity: Error, Pos: manifest.Position{File: "a b.yaml", Line: 3, Column: 7},
			Object: "document 1 (Pod shop/web)", Message: "bad\n::value", Hints: []string{"delete it"},
		}.Event(),
		{Type: TypeSummary, Command: "inject", Exit: &status},
	}

	for name, test := range map[string]struct {
		handler Handler
		want    []string
	}{
		"JSON": {JSON{}, []string{
			`{"type":"problem","severity":"error","rule":"TM0005","file":"a b.yaml","line":3,"column":7,` +
				`"object":"document 1 (Pod shop/web)","message":"bad\\n::value","hints":["delete it"]}` + "\n",
			`{"type":"summary","command":"inject","exit":1}` + "\n",
		}},
		"GitHub": {GitHub{}, []string{
			`::error file=a b.yaml,line=3,col=7,title=tykmesh TM0005::document 1 (Pod shop/web): bad\n::value%0Ahint: delete it` + "\n",
		}},
		"SARIF": {SARIF{Version: "v1"}, []string{
			`"ruleId": "TM0005"`, `"uri": "a%20b.yaml"`, `"startLine": 3`, `"exitCode": 1`, `"version": "v1"`,
		}},
		"KRM": {KRM{Name: "stdin", List: []byte("kind: ResourceList\n")}, []string{
			"kind: ResourceList\nresults:\n", `TM0005`, `hint: delete it`,
		}},
	} {
		var b strings.Builder
		if err := test.handler.Write(&b, events); err != nil {
			t.Errorf("%s: %v", name, err)
		}

		for _, want := range test.want {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s: %q is missing in\n%s", name, want, &b)
			}
		}
	}

	if got, want := events[0].String(), "a b.yaml:3:7: document 1 (Pod shop/web): error TM0005: bad\n::value"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// With a code a line begins with its place, because users look the code up there; without one it
// begins with the severity.
func TestLines(t *testing.T) {
	pos := manifest.Position{File: "tykmesh.yaml", Line: 3, Column: 7}
	for want, d := range map[string]Diagnostic{
		"tykmesh.yaml:3:7: document 1 (Pod a/b): warning TM0021: no Service": {
			Code: "TM0021", Severity: Warning, Pos: pos, Object: "document 1 (Pod a/b)", Message: "no Service",
		},
		"error: tykmesh.yaml:3:7: Tyk.url: is no URL": {Severity: Error, Pos: pos, Message: "Tyk.url: is no URL"},
		"error: tykmesh.yaml: is a directory":         {Severity: Error, Pos: manifest.Position{File: "tykmesh.yaml"}, Message: "is a directory"},
		"warning TM0032: nothing injected":            {Code: "TM0032", Severity: Warning, Message: "nothing injected"},
	} {
		if got := d.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// The first diagnostic of a failure gets the hints that no other one has.
func TestFailureEvents(t *testing.T) {
	f := Failure{Diagnostics: []Diagnostic{{Message: "a"}, {Message: "b", Hints: []string{"of b"}}}, Hints: []string{"of b", "of all"}}
	events := f.events()
	if got := events[0].Hints; len(got) != 1 || got[0] != "of all" || len(events[1].Hints) != 1 {
		t.Errorf("hints are %q and %q", got, events[1].Hints)
	}
}
