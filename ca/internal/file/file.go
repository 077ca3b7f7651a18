// Package file reads and creates the files of a CA: certificates, keys, requests and
// configurations. All of them are small.
package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Limit bounds the size of a file in bytes: the trusted certificates of a system take a tenth of
// it.
const Limit = 4 << 20

// Read returns the content of a file, which may be a pipe, such as a shell's process substitution.
// It fails for an endless device.
//
// Errors: *fs.PathError, also for a file that is larger than Limit.
func Read(path string) ([]byte, error) { return read(os.Open(path)) }

// ReadIn returns the content of a file below a directory.
//
// Errors: those of Read.
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

// Create writes a new file: complete or not at all. It is on disk when Create returns.
//
// Errors: fs.ErrExist, and then the existing file is unchanged.
func Create(path string, mode fs.FileMode, text []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())

	_, err = temp.Write(text)
	if err := errors.Join(err, temp.Chmod(mode), temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Link(temp.Name(), path); err != nil {
		return err
	}

	SyncDir(filepath.Dir(path))

	return nil
}

// SyncDir writes the names in a directory to the disk, if the system can do that.
func SyncDir(dir string) {
	if f, err := os.Open(dir); err == nil {
		_ = f.Sync() // Windows cannot
		_ = f.Close()
	}
}

// SyncDirs calls SyncDir for a directory and those in it.
func SyncDirs(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			SyncDir(path)
		}
		return err
	})
}
