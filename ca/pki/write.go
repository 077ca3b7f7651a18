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

// initDir holds the files of a new CA until all are written; keptDir holds them from then on.
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

// Write writes all files into a directory, which it makes if needed, or none of them. It calls
// confirm when the files are written beside their places, and an error of confirm undoes the work.
// First it deletes or completes the work of an interrupted run.
//
//	files ──> .tykmesh-init/ ──confirm, rename──> .tykmesh-change-init/ ──> as Change.Write
//	          a full disk, a kill:                from here on this run or the
//	          the next run deletes them           next one completes the CA
//
// Errors: *ExistsError; *BusyError; those of confirm; errors of writing files.
func Write(dir string, files []File, confirm func() error) error {
	return write(filepath.Clean(dir), files, confirm, disk{})
}

func write(dir string, files []File, confirm func() error, d disk) error {
	d.step()
	made := os.Mkdir(dir, 0o700)
	if made != nil && !errors.Is(made, fs.ErrExist) {
		return writing(dir, made)
	}

	unlock, err := lock(dir)
	if err != nil {
		return err
	}

	defer unlock()
	if err = free(dir, d); err == nil {
		err = writing(dir, d.stage(filepath.Join(dir, initDir), Change{Files: missing(dir, files)}))
	}
	if err == nil {
		err = confirm()
	}
	if err == nil {
		err = writing(dir, d.commit(dir, initDir, keptDir))
	}

	if err != nil {
		_ = d.removeAll(filepath.Join(dir, initDir))
	}
	if err != nil && made == nil {
		_ = d.remove(dir) // fails if it holds anything else
	}

	return err
}

// missing returns the files without those that stay.
func missing(dir string, files []File) []File {
	return slices.DeleteFunc(slices.Clone(files), func(f File) bool { return stays(f.Name) && exists(f.in(dir)) })
}

func writing(dir string, err error) error {
	if err != nil {
		err = fmt.Errorf("writing to %s: %w", dir, err)
	}
	return err
}
