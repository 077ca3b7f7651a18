// Package exit names the exit statuses of tykmesh. An error has one if it has a method ExitCode.
package exit

import (
	"errors"
	"fmt"
)

// The statuses, as `tykmesh help exit` explains them.
const (
	Done        = 0
	Failed      = 1
	Usage       = 2
	Changes     = 3
	Denied      = 4
	Incomplete  = 5
	Interrupted = 130 // 128 and the number of SIGINT, as shells have it
)

// Status is the exit status of a run without a failure, as an error.
type Status int

func (s Status) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// ExitCode returns the status.
func (s Status) ExitCode() int { return int(s) }

// Of returns the exit status of an error.
func Of(err error) int {
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	return Failed
}
