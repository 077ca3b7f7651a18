package explain

import (
	"errors"
	"testing"

	"github.com/tykmesh/tykmesh/cmd/internal/check"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
)

// Each joined error of a check gets a line. A line break in a text of a server does not.
func TestChecks(t *testing.T) {
	foreign := errors.New("says\nok  forged")
	checks := Checks(append(check.Fail("CA", errors.Join(errors.New("one"), foreign)), check.Result{Part: check.PartCA, Status: check.Warning, Detail: "not pinned"}))
	if got, want := checks[0].Message, "one\nsays\\nok  forged"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if failed := checks.Failed(); len(failed) != 1 || failed[0] != "CA" || len(checks[1].Hints) != 1 {
		t.Errorf("failed are %q, hints are %q", failed, checks[1].Hints)
	}
}

// A failure names its diagnostics in the order of the error, and how far the run came.
func TestFailure(t *testing.T) {
	f := Failure(&report.UnprintedError{Err: errors.New("disk full"), Done: []string{"create API a"}})
	if len(f.Diagnostics) != 1 || f.Diagnostics[0].String() != "error: disk full" || len(f.Steps) != 1 || f.Steps[0] != "done: create API a" || len(f.Hints) != 1 {
		t.Errorf("got %+v", f)
	}
}
