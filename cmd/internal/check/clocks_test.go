package check

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestClocks(t *testing.T) {
	for _, c := range []struct {
		ahead  map[string]time.Duration
		status Status
		detail string
	}{
		{nil, Skipped, "no server sent its time"},
		{map[string]time.Duration{"CFSSL": time.Second, "Dashboard": -2 * time.Second}, OK, "CFSSL's agrees, Dashboard's agrees"},
		{map[string]time.Duration{"CFSSL": time.Minute, "Dashboard": 0}, Warning, "CFSSL's clock is 1m0s ahead of this one, Dashboard's agrees"},
		{map[string]time.Duration{"CFSSL": 0, "Dashboard": -time.Hour}, Failed, "Dashboard's clock is 1h0m0s behind this one"},
	} {
		got := (&Clocks{ahead: c.ahead}).Results()
		if len(got) != 1 || got[0].Status != c.status {
			t.Errorf("%v: %+v", c.ahead, got)
			continue
		}

		if diff := cmp.Diff(c.detail, got[0].Detail); diff != "" {
			t.Error(diff)
		}

		if c.status == Failed && !errors.As(got[0].Err, new(*ClockError)) {
			t.Errorf("%v: %v", c.ahead, got[0].Err)
		}
	}
}
