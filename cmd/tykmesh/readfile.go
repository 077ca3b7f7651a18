package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// How much is read of one file or of standard input, which may have no end. A configuration, and
// the secrets that it refers to, are small; manifests are a hundred times smaller than what is read
// of them, even those of large charts.
const (
	maxConfig    = 4 << 20
	maxManifests = 256 << 20
)

// readAll reads at most limit bytes, of which so many are expected.
//
// Errors: those of r, and that there are more.
func readAll(r io.Reader, limit, expected int64) ([]byte, error) {
	var data bytes.Buffer
	data.Grow(int(min(expected, limit)) + bytes.MinRead) // so that nothing is copied to where there is more room
	_, err := data.ReadFrom(io.LimitReader(r, limit+1))
	if err == nil && int64(data.Len()) > limit {
		err = tooLarge(limit)
	}
	return data.Bytes(), err
}

func tooLarge(limit int64) error { return fmt.Errorf("larger than %d MiB", limit>>20) }

// readFile reads a file of at most limit bytes. It may be a pipe, as what a shell puts in the place
// of a command is; it may be a device, and have no end.
//
// Errors: *fs.PathError.
func readFile(path string, limit int64) (data []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}

	defer f.Close()
	var size int64
	if info, statErr := f.Stat(); statErr == nil && info.Mode().IsRegular() {
		size = info.Size()
	}

	if size > limit {
		err = tooLarge(limit) // nothing of it has to be read for that
	} else {
		data, err = readAll(f, limit, size)
	}

	if err != nil && !errors.As(err, new(*fs.PathError)) {
		err = &fs.PathError{Op: "read", Path: path, Err: err}
	}

	return data, err
}

// readConfigFile reads a configuration, or a file that one refers to.
func readConfigFile(path string) ([]byte, error) { return readFile(path, maxConfig) }
