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

// readFile reads a file of bounded size.
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

// writeNew writes a file that must not be there: fs.ErrExist when it is. A link to a finished file
// is the one way to create a file both whole and alone.
func writeNew(path string, b []byte, mode fs.FileMode) error {
	return throughTemporary(path, b, mode, func(temporary string) error {
		err := os.Link(temporary, path)
		if err == nil || errors.Is(err, fs.ErrExist) {
			return err
		}
		// A file system without links: whole, and alone unless another process creates the same
		// file in this very moment.
		if _, statErr := os.Lstat(path); statErr == nil {
			return fs.ErrExist
		}

		return os.Rename(temporary, path)
	})
}

// replace writes a file whether it is there or not.
func replace(path string, b []byte, mode fs.FileMode) error {
	return throughTemporary(path, b, mode, func(temporary string) error {
		return os.Rename(temporary, path)
	})
}

// throughTemporary writes a hidden file beside path and then publishes it. The umask takes from its
// mode what it takes from any new file's.
func throughTemporary(path string, b []byte, mode fs.FileMode, publish func(temporary string) error) error {
	temporary := filepath.Join(filepath.Dir(path), ".new-"+rand.Text())
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}

	defer os.Remove(f.Name()) // gone already after a rename
	_, err = f.Write(b)
	err = errors.Join(err, f.Close())
	if err != nil {
		return err
	}

	return publish(f.Name())
}

// indented returns a definition as it is kept in a file.
func indented(d Definition) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(d)
	return b.Bytes(), err
}
