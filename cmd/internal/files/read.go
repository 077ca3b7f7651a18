package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// The limits for one file and for standard input, which may have no end. A configuration and its
// secrets are small. The manifests of a large chart take a hundredth of their limit.
const (
	maxConfig    = 4 << 20
	maxManifests = 256 << 20
)

// readAll reads at most limit bytes. It makes room for the expected number of bytes.
//
// Errors: those of r; the text is larger than limit.
func readAll(r io.Reader, limit, expected int64) ([]byte, error) {
	var data bytes.Buffer
	data.Grow(int(min(expected, limit)) + bytes.MinRead) // ReadFrom wants room to find the end
	_, err := data.ReadFrom(io.LimitReader(r, limit+1))
	if err == nil && int64(data.Len()) > limit {
		err = tooLarge(limit)
	}
	return data.Bytes(), err
}

func tooLarge(limit int64) error { return fmt.Errorf("larger than %d MiB", limit>>20) }

// readFile reads a file of at most limit bytes. The file may be a pipe, such as the <(command) of a
// shell, or a device without an end.
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
		err = tooLarge(limit)
	} else {
		data, err = readAll(f, limit, size)
	}

	if err != nil && !errors.As(err, new(*fs.PathError)) {
		err = &fs.PathError{Op: "read", Path: path, Err: err}
	}

	return data, err
}

// ReadConfig reads a configuration file, or a file that the configuration names.
//
// Errors: *fs.PathError.
func ReadConfig(path string) ([]byte, error) { return readFile(path, maxConfig) }
