// Package exit names the exit statuses of tykmesh. An error has one if it has a method ExitCode.
package exit

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
