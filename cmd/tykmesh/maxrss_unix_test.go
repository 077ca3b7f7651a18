//go:build unix

package main

import (
	"os"
	"runtime"
	"syscall"
)

// maxRSS returns the most memory that a process took, in bytes.
func maxRSS(p *os.ProcessState) int64 {
	usage, ok := p.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	rss := int64(usage.Maxrss) //nolint:unconvert // it is an int32 on some systems
	if runtime.GOOS != "darwin" {
		rss *= 1 << 10 // getrusage(2): kilobytes, but on macOS bytes
	}

	return rss
}
