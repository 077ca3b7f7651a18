package dashboard

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// readFile reads a file of at most itemLimit bytes.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()

	b, err := io.ReadAll(io.LimitReader(f, itemLimit+1))
	if err == nil && len(b) > itemLimit {
		err = fmt.Errorf("%s: larger than %d MiB", path, itemLimit>>20)
	}

	return b, err
}

// writeNew writes a file that must not exist, completely or not at all. Only a link to a complete
// file can do both.
//
// Errors: fs.ErrExist.
func writeNew(path string, b []byte, mode fs.FileMode) error {
	return throughTemporary(path, b, mode, func(temporary string) error {
		err := os.Link(temporary, path)
		if err == nil || errors.Is(err, fs.ErrExist) {
			return err
		}
		// Without links, another process could create the same file between these two calls.
		if _, statErr := os.Lstat(path); statErr == nil {
			return fs.ErrExist
		}

		return os.Rename(temporary, path)
	})
}

// replace writes a file completely or not at all, in place of any old one.
func replace(path string, b []byte, mode fs.FileMode) error {
	return throughTemporary(path, b, mode, func(temporary string) error {
		return os.Rename(temporary, path)
	})
}

// throughTemporary writes a hidden file beside path and then publishes it. The umask applies to the
// mode.
func throughTemporary(path string, b []byte, mode fs.FileMode, publish func(temporary string) error) error {
	temporary := filepath.Join(filepath.Dir(path), ".new-"+rand.Text())
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}

	defer os.Remove(f.Name()) // fails after a rename, which is fine
	_, err = f.Write(b)
	err = errors.Join(err, f.Close())
	if err != nil {
		return err
	}

	return publish(f.Name())
}

// indented returns a definition in the form of its file.
func indented(d Definition) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(d)
	return b.Bytes(), err
}
