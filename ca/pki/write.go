package pki

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/ca/internal/file"
)

// ExistsError is a file that would have to be overwritten.
type ExistsError struct{ Path string }

func (e *ExistsError) Error() string { return e.Path + " is there already, and nothing is overwritten" }

// stays tells which files may be there before: the one a CA is made from, and one that people may have for their own.
func stays(name string) bool { return name == RequestFile || name == IgnoreFile }

// Free makes sure that a CA can be made in a folder, before the work is done: that it does not hold one, and can be made if it is not there.
//
// Errors: *ExistsError; something that is no folder, or a folder above that is not there.
func Free(dir string) error {
	dir = filepath.Clean(dir)
	for _, folder := range []string{filepath.Dir(dir), dir, filepath.Join(dir, Manifests)} {
		info, err := os.Stat(folder)
		switch {
		case errors.Is(err, fs.ErrNotExist) && folder != filepath.Dir(dir):
			continue
		case err != nil:
			return err
		case !info.IsDir():
			return fmt.Errorf("%s is not a folder", folder)
		}
	}
	for _, name := range names {
		path := File{Name: name}.in(dir)
		switch _, err := os.Lstat(path); {
		case err == nil:
			return &ExistsError{path}
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	return nil
}

// Unignored are the secret files that a .gitignore which is there does not name; it stays as it is.
func Unignored(dir string, files []File) (missing []string) {
	text, err := file.Read(filepath.Join(dir, IgnoreFile))
	if err != nil {
		return nil
	}
	lines := strings.Split(string(text), "\n")
	for _, f := range files {
		line := strings.TrimSpace(ignoreLine(f))
		if f.Secret() && !slices.Contains(lines, line) && !slices.Contains(lines, line[1:]) {
			missing = append(missing, f.Name)
		}
	}
	return missing
}

// Write puts all files into a folder, which it makes if it is not there, or none of them. undo takes away again what was written, and nothing else.
//
// Errors: *ExistsError; whatever keeps files from being written. Nothing is left behind.
func Write(dir string, files []File) (undo func(), err error) {
	dir = filepath.Clean(dir)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		undo, err = writeFolder(dir, files)
		return undo, wrap(dir, err)
	}
	undo, err = writeInto(dir, files)
	return undo, wrap(dir, err)
}

func wrap(dir string, err error) error {
	if err == nil || errors.As(err, new(*ExistsError)) {
		return err
	}
	return fmt.Errorf("writing to %s: %w", dir, err)
}

// writeFolder makes the folder beside its place and moves it there.
func writeFolder(dir string, files []File) (undo func(), err error) {
	temporary, err := writeTemporary(filepath.Dir(dir), files)
	if err != nil {
		return nil, err
	}
	if err := os.Rename(temporary, dir); err != nil {
		_ = os.RemoveAll(temporary)
		return nil, err
	}
	made := []string{dir, filepath.Join(dir, Manifests)}
	for _, f := range files {
		made = append(made, f.in(dir))
	}
	return func() { removeAll(made) }, nil
}

// writeInto writes the files beside their places and links them there, which fails where something is.
func writeInto(dir string, files []File) (undo func(), err error) {
	files = slices.DeleteFunc(slices.Clone(files), func(f File) bool {
		_, err := os.Lstat(f.in(dir))
		return err == nil && stays(f.Name)
	})
	temporary, err := writeTemporary(dir, files)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temporary)

	var made []string
	defer func() {
		if err != nil {
			removeAll(made)
		}
	}()
	for _, f := range files {
		path := f.in(dir)
		// A folder below is made when the files above are in their places: then nobody else who writes a CA here can come so far, and take it away.
		switch err := os.Mkdir(filepath.Dir(path), 0o700); {
		case err == nil:
			made = append(made, filepath.Dir(path))
		case !errors.Is(err, fs.ErrExist):
			return nil, err
		}
		if err := os.Link(f.in(temporary), path); err != nil {
			if errors.Is(err, fs.ErrExist) {
				err = &ExistsError{path}
			}
			return nil, err
		}
		made = append(made, path)
	}
	return func() { removeAll(made) }, nil
}

// removeAll removes what was made, the last first: folders only if nothing else is in them.
func removeAll(made []string) {
	for _, path := range slices.Backward(made) {
		_ = os.Remove(path)
	}
}

// writeTemporary writes the files into a folder of a name of its own.
func writeTemporary(in string, files []File) (string, error) {
	dir, err := os.MkdirTemp(in, ".tykmesh-*") // 0700
	if err != nil {
		return "", err
	}
	err = os.Mkdir(filepath.Join(dir, Manifests), 0o700)
	for _, f := range files {
		if err == nil {
			err = writeFile(f.in(dir), f)
		}
	}
	if err != nil {
		_ = os.RemoveAll(dir)
	}
	return dir, err
}

func writeFile(path string, f File) (err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.Mode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.Write(f.Text); err != nil {
		return err
	}
	return errors.Join(file.Chmod(f.Mode), file.Sync()) // the umask may have taken from the mode
}
