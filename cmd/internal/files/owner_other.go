//go:build !unix

package files

import (
	"io/fs"
	"os"
)

// linksOf returns 1, because other systems do not count the names of a file.
func linksOf(fs.FileInfo) uint64 { return 1 }

// keepOwner does nothing: a file inherits its permissions from the directory.
func keepOwner(*os.File, fs.FileInfo) {}
