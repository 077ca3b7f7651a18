//go:build unix

package signals

import (
	"os"
	"syscall"
)

// raise sends a signal to the own process.
func raise(s os.Signal) { _ = syscall.Kill(os.Getpid(), s.(syscall.Signal)) }
