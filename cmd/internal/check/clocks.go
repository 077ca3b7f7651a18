package check

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tykmesh/tykmesh/ca"
)

// Clocks collects the differences of servers' clocks from this one.
type Clocks struct {
	mu    sync.Mutex
	ahead map[string]time.Duration // by part
}

// See records the current time of a server's clock.
func (c *Clocks) See(part string, date time.Time) {
	if date.IsZero() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ahead == nil {
		c.ahead = make(map[string]time.Duration)
	}

	c.ahead[part] = date.Sub(time.Now().Truncate(time.Second))
}

// The limits for a warning and for an error about clocks: if they differ by more than an issuer
// dates certificates back, new certificates are not valid yet.
const (
	clocksDiffer  = 30 * time.Second
	clocksTooFar  = ca.Backdate
	partClocks    = "clocks"
	clocksUnknown = "no server sent its time"
)

// ClockError says that a server's clock is too far from this one.
type ClockError struct {
	Part  string
	Ahead time.Duration
}

// Error names the server.
func (e *ClockError) Error() string { return e.Part + "'s clock is " + aheadText(e.Ahead) }

func aheadText(d time.Duration) string {
	if d < 0 {
		return (-d).String() + " behind this one"
	}
	return d.String() + " ahead of this one"
}

// Results returns the result for all clocks.
func (c *Clocks) Results() []Result {
	if len(c.ahead) == 0 {
		return Skip(partClocks, clocksUnknown)
	}

	result := Result{Part: partClocks, Status: OK}
	var details []string
	for _, part := range slices.Sorted(maps.Keys(c.ahead)) {
		switch d := c.ahead[part]; {
		case d.Abs() >= clocksTooFar:
			return Fail(partClocks, &ClockError{part, d})
		case d.Abs() >= clocksDiffer:
			result.Status = Warning
			details = append(details, (&ClockError{part, d}).Error())
		default:
			details = append(details, part+"'s agrees")
		}
	}

	result.Detail = strings.Join(details, ", ")

	return []Result{result}
}
