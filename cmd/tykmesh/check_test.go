package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/cmd/internal/check"
)

func TestClocks(t *testing.T) {
	for _, c := range []struct {
		ahead  map[string]time.Duration
		status check.Status
		detail string
	}{
		{nil, check.Skipped, "no server sent its time"},
		{map[string]time.Duration{"CFSSL": time.Second, "Dashboard": -2 * time.Second}, check.OK, "CFSSL's agrees, Dashboard's agrees"},
		{map[string]time.Duration{"CFSSL": time.Minute, "Dashboard": 0}, check.Warning, "CFSSL's clock is 1m0s ahead of this one, Dashboard's agrees"},
		{map[string]time.Duration{"CFSSL": 0, "Dashboard": -time.Hour}, check.Failed, "Dashboard's clock is 1h0m0s behind this one"},
	} {
		got := (&clocks{ahead: c.ahead}).results()
		if len(got) != 1 || got[0].Status != c.status {
			t.Errorf("%v: %+v", c.ahead, got)
			continue
		}

		if diff := cmp.Diff(c.detail, got[0].Detail); diff != "" {
			t.Error(diff)
		}

		if c.status == check.Failed && len(checkHints(got[0])) == 0 {
			t.Errorf("%v: no hint", c.ahead)
		}
	}
}
