package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Exists reports whether there is a file or directory.
func Exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// TryDirectory creates a file and deletes it: in the directory or, if it does not exist, in
// its nearest parent. It returns the result as a clause.
func TryDirectory(dir string) (detail string, err error) {
	there := dir
	for {
		_, err := os.Stat(there)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) || there == filepath.Dir(there) {
			return "", err
		}

		there = filepath.Dir(there)
	}

	f, err := os.CreateTemp(there, ".tykmesh-check-*")
	if err != nil {
		return "", err
	}
	if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		return "", err
	}
	if there != dir {
		return "can be created", nil
	}

	return "writable", nil
}
