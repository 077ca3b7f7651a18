//go:build !unix

package signals

import "os"

// raise ends the process: Windows knows no signal that a process could send to itself.
func raise(os.Signal) {
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill()
	}
}
