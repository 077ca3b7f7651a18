package main

import (
	"testing"
	"time"
)

// Times are typed as Go writes them, or in days or years, and shown so that they can be typed
// again.
func TestSpan(t *testing.T) {
	for text, want := range map[string]struct {
		d     time.Duration
		shown string
	}{
		"30d": {30 * dayLong, "30d"}, "5y": {5 * yearLong, "5y"}, "365d": {yearLong, "1y"}, "8760h": {yearLong, "1y"},
		"36h": {36 * time.Hour, "36h"}, "90m": {90 * time.Minute, "1h30m0s"}, "0d": {0, "0h"}, "292y": {292 * yearLong, "292y"},
	} {
		var s, again span
		if err := s.Set(text); err != nil || time.Duration(s) != want.d || s.String() != want.shown {
			t.Errorf("%s: %v, %v", text, &s, err)
		}
		if err := again.Set(s.String()); err != nil || again != s {
			t.Errorf("%s is shown as %v, which is %v, %v", text, &s, &again, err)
		}
	}

	for _, text := range []string{"", "d", "y", "5", "5 y", "-1d", "+1d", "1.5d", "-1h", "293y", "106752d", "9999999999999999999d", "1y2d", "1w"} {
		s := span(time.Hour)
		if err := s.Set(text); err == nil || time.Duration(s) != time.Hour {
			t.Errorf("%q is %v", text, &s)
		}
	}
}
