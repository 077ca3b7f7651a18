package main

import (
	"fmt"
	"strconv"
	"time"
)

const (
	dayLong  = 24 * time.Hour
	yearLong = 365 * dayLong
)

// span is the value of a flag: a time as Go writes it (8760h), or in days (30d) or years (5y).
type span time.Duration

// String returns the span in the largest unit that fits.
func (s *span) String() string {
	d := time.Duration(*s)
	switch {
	case d != 0 && d%yearLong == 0:
		return fmt.Sprintf("%dy", d/yearLong)
	case d != 0 && d%dayLong == 0:
		return fmt.Sprintf("%dd", d/dayLong)
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	}

	return d.String()
}

// Set reads a span.
func (s *span) Set(text string) error {
	d, err := parseSpan(text)
	if err != nil {
		return err
	}
	*s = span(d)
	return nil
}

// Type returns the word for it in help.
func (*span) Type() string { return "duration" }

func parseSpan(text string) (time.Duration, error) {
	for _, unit := range []struct {
		suffix byte
		long   time.Duration
	}{{'d', dayLong}, {'y', yearLong}} {
		if text == "" || text[len(text)-1] != unit.suffix {
			continue
		}
		n, err := strconv.ParseUint(text[:len(text)-1], 10, 63)
		if err != nil || n > uint64(1<<63-1)/uint64(unit.long) {
			return 0, fmt.Errorf("%q is not a time like 8760h, 30d or 5y", text)
		}

		return time.Duration(n) * unit.long, nil
	}

	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a time like 8760h, 30d or 5y", text)
	}

	return d, nil
}
