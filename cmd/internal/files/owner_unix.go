//go:build unix

package files

import (
	"io/fs"
	"os"
	"syscall"
)

// linksOf returns the number of names (hard links) of a file.
func linksOf(info fs.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Nlink) //nolint:unconvert // it is narrower on other systems
	}
	return 1
}

// keepOwner gives a file the owner and group of another, as far as the user is allowed to.
func keepOwner(f *os.File, old fs.FileInfo) {
	if s, ok := old.Sys().(*syscall.Stat_t); ok {
		if f.Chown(int(s.Uid), int(s.Gid)) != nil {
			_ = f.Chown(-1, int(s.Gid)) // only root may change the owner; others may choose among their groups
		}
	}
}
