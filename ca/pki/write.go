package pki

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// ExistsError is a file that ca init would have to overwrite.
type ExistsError struct{ Path string }

func (e *ExistsError) Error() string {
	return e.Path + " exists already, and ca init overwrites no file"
}

// stays reports whether a file may exist before, and is not written then: the description of the
// CA, and the user's own .gitignore.
func stays(name string) bool { return name == RequestFile || name == IgnoreFile }

// initDir holds the files of a new CA until it is kept; keptDir holds them from then on.
const (
	initDir = ".tykmesh-init"
	keptDir = changeDir + "-init"
)

// Free makes sure, before the work is done, that a CA can be made in a directory: it must hold no
// CA, or not exist yet. Free deletes or completes the work of an interrupted run.
//
// Errors: *ExistsError; *BusyError; a file in the place of the directory; a missing parent.
func Free(dir string) error {
	dir = filepath.Clean(dir)
	for _, needed := range []string{filepath.Dir(dir), dir, filepath.Join(dir, Manifests)} {
		info, err := os.Stat(needed)
		switch {
		case errors.Is(err, fs.ErrNotExist) && needed != filepath.Dir(dir):
			continue
		case err != nil:
			return err
		case !info.IsDir():
			return fmt.Errorf("%s is not a directory", needed)
		}
	}

	unlock, err := lock(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}

	defer unlock()
	return free(dir, disk{})
}

// free does the work of Free in a directory that is locked.
func free(dir string, d disk) error {
	if err := errors.Join(d.removeAll(filepath.Join(dir, initDir)), finish(dir, d)); err != nil {
		return err
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

// Written is a CA whose files are written beside their places. It waits for Keep or Undo, and
// meanwhile keeps other runs out. If neither comes, the next run deletes the files.
type Written struct {
	dir     string
	made    bool // the directory is new
	release func()
	disk    disk
}

// Write writes all files into a directory, which it makes if needed, or none of them. First it
// deletes or completes the work of an interrupted run.
//
//	files ──> .tykmesh-init/ ──Keep: rename──> .tykmesh-change-init/ ──> as Change.Write
//	          a full disk, a kill:             from here on this run or the
//	          the next run deletes them        next one completes the CA
//
// Errors: *ExistsError; *BusyError; errors of writing files. Nothing is left behind.
func Write(dir string, files []File) (*Written, error) {
	w := &Written{dir: filepath.Clean(dir)}
	if err := w.write(files); err != nil {
		return nil, err
	}
	return w, nil
}

func (w *Written) write(files []File) error {
	if err := w.open(); err != nil {
		return w.wrap(err)
	}

	err := free(w.dir, w.disk)
	if err == nil {
		err = w.disk.stage(filepath.Join(w.dir, initDir), Change{Files: slices.DeleteFunc(slices.Clone(files), w.stays)})
	}

	if err != nil {
		w.Undo()
		return w.wrap(err)
	}

	return nil
}

func (w *Written) stays(f File) bool { return stays(f.Name) && exists(f.in(w.dir)) }

func (w *Written) wrap(err error) error {
	if errors.As(err, new(*ExistsError)) || errors.As(err, new(*BusyError)) {
		return err
	}
	return fmt.Errorf("writing to %s: %w", w.dir, err)
}

// open makes the directory if needed, and keeps other runs out of it.
func (w *Written) open() error {
	err := w.disk.mkdir(w.dir)
	w.made = err == nil
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}

	w.release, err = lock(w.dir)
	return err
}

// Keep moves the files to their places.
//
// Errors: a file that cannot be moved; the next run tries again.
func (w *Written) Keep() error {
	if err := w.disk.commit(w.dir, initDir, keptDir); err != nil {
		w.Undo()
		return w.wrap(err)
	}

	w.release()
	return nil
}

// Undo deletes the files that were written, and nothing else.
func (w *Written) Undo() {
	defer w.release()
	_ = w.disk.removeAll(filepath.Join(w.dir, initDir))
	if w.made {
		_ = w.disk.remove(w.dir) // fails if it holds anything else
	}
}
