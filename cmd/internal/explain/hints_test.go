package explain

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Whatever can be accepted has a remedy, and says how to accept it: where it is a warning, and
// where it ends the run. A finding about the configuration is accepted there.
func TestFindingsHaveRemedies(t *testing.T) {
	acceptable := 0
	for _, r := range inject.Rules {
		_, err := inject.ParseAccepted(string(r.Rule))
		hint := problemHint(inject.Problem{Rule: r.Rule, Object: "document 1 (Pod web)"})
		if can := err == nil; can != strings.Contains(hint, "; or accept it: injector.tyk.io/accept: "+string(r.Rule)) {
			t.Errorf("%s can be accepted: %v, and its hint is %q", r.Rule, can, hint)
		}

		if err != nil {
			continue
		}

		acceptable++
		if h := problemHint(inject.Problem{Rule: r.Rule}); !strings.HasSuffix(h, "; or accept it: Injector.accept: ["+string(r.Rule)+"]") {
			t.Errorf("%s: the hint about the configuration is %q", r.Rule, h)
		}

		found := Refusal{
			{Rule: r.Rule, Pos: manifest.Position{File: "app.yaml", Line: 1, Column: 1}, Object: "document 1 (Pod web)", Msg: "one"},
			{Rule: r.Rule, Pos: manifest.Position{File: "app.yaml", Line: 2, Column: 1}, Object: "document 1 (Pod web)", Msg: "another"},
		}
		var said strings.Builder
		Failure(found).Print(&said)

		want := fmt.Sprintf("app.yaml:1:1: document 1 (Pod web): error %s: one\napp.yaml:2:1: document 1 (Pod web): error %[1]s: another\n", r.Rule) + "error: 2 problems: nothing was changed and nothing is printed\nhint: " + hint + "\nhint: tykmesh help " + string(r.Rule) + " explains the error\n"
		if said.String() != want || !strings.HasSuffix(hint, "injector.tyk.io/accept: "+string(r.Rule)) {
			t.Errorf("%s: said\n%s\nnot\n%s", r.Rule, said.String(), want)
		}

		for _, e := range Failure(found).Diagnostics {
			if e.Code != string(r.Rule) || len(e.Hints) != 1 || e.Hints[0] != hint {
				t.Errorf("%s: machines are told %v of %s", r.Rule, e.Hints, e.Code)
			}
		}
	}

	if acceptable == 0 {
		t.Fatal("nothing can be accepted")
	}
}
