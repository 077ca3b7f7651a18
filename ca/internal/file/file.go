// Package file reads the files of a CA: certificates, keys, requests and configurations, all of
// which are small.
package file

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Limit is how much of a file is read: the certificates that a system trusts are a tenth of it.
const Limit = 4 << 20

// Read is what a file holds. It may be a pipe, as what a shell puts in the place of a command is;
// it may be a device, and have no end.
//
// Errors: *fs.PathError, also for a file that is larger than Limit.
func Read(path string) ([]byte, error) { return read(os.Open(path)) }

// ReadIn is Read for a file below a folder.
func ReadIn(root *os.Root, name string) ([]byte, error) { return read(root.Open(name)) }

func read(f *os.File, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}

	defer f.Close()

	text, err := io.ReadAll(io.LimitReader(f, Limit+1))
	if err == nil && len(text) > Limit {
		err = &fs.PathError{Op: "read", Path: f.Name(), Err: fmt.Errorf("larger than %d MiB", Limit>>20)}
	}

	if err != nil {
		return nil, err
	}

	return text, nil
}

// SyncFolder writes the names in a folder to the disk, as far as the system can.
func SyncFolder(dir string) {
	if f, err := os.Open(dir); err == nil {
		_ = f.Sync() // Windows cannot
		_ = f.Close()
	}
}

// SyncFolders does as SyncFolder for a folder and those in it.
func SyncFolders(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			SyncFolder(path)
		}
		return err
	})
}
