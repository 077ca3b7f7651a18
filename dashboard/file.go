package dashboard

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// filesIn returns the sorted names of a directory's visible files with an extension, without it. A
// missing directory is empty.
func filesIn(dir, extension string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}

	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), extension)
		if ok && !e.IsDir() && !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}

	slices.Sort(names)

	return names, err
}

// readAll reads the files of a directory with an extension, in the order of their names, by a
// function that takes such a name. Files that are deleted meanwhile are left out.
func readAll[T any](ctx context.Context, dir, extension string, read func(name string) (T, error)) ([]T, error) {
	names, err := filesIn(dir, extension)
	if err != nil {
		return nil, err
	}

	all := make([]T, 0, len(names))
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}

		one, err := read(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}

		all = append(all, one)
	}

	return all, nil
}

// removeFile deletes a file; deleting an absent one succeeds.
func removeFile(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// during puts the name of an operation in front of the error with which it ends, if any.
func during(op string, err *error) {
	if *err != nil {
		*err = fmt.Errorf("%s: %w", op, *err)
	}
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
