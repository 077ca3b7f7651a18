package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tykmesh/tykmesh/inject"
)

// replaceFile puts a file in the place of another in one step, so that nobody ever sees half of it. The file that a link leads to is replaced,
// not the link, and keeps its mode.
func replaceFile(path string, data []byte) error {
	t, err := prepareFile(path, data)
	if err != nil {
		return err
	}
	return t.commit()
}

// prepared is a file that is ready to take the place of another.
type prepared struct{ temporary, path string }

// prepareFile writes the new text of a file beside it.
//
// Errors: a folder, a pipe or a device, in whose place no file belongs; whatever keeps the file from being written.
func prepareFile(path string, data []byte) (p prepared, err error) {
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		if !info.Mode().IsRegular() {
			return p, fmt.Errorf("%s is no file that can be replaced", path)
		}
		mode = info.Mode().Perm()
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return p, err
		}
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return p, err
	}
	p = prepared{f.Name(), path}
	defer func() {
		if err != nil {
			p.discard()
		}
	}()
	_, err = f.Write(data)
	return p, errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
}

func (p prepared) commit() error {
	err := os.Rename(p.temporary, p.path)
	if err != nil {
		p.discard()
	}
	return err
}

func (p prepared) discard() { _ = os.Remove(p.temporary) }

// checkRewritable makes sure, before anything is done, that the files which change can be rewritten.
func checkRewritable(files []inject.File) error {
	seen := map[string]bool{}
	for _, f := range files {
		path, err := filepath.EvalSymlinks(f.Name)
		if err == nil && seen[path] {
			return &InputError{fmt.Sprintf("--in-place: %s is named twice", f.Name)}
		}
		seen[path] = true
		if err == nil && len(f.Patch) > 0 {
			var p prepared
			if p, err = prepareFile(f.Name, nil); err == nil {
				p.discard()
			}
		}
		if err != nil {
			return fmt.Errorf("--in-place: %s cannot be rewritten: %w", f.Name, err)
		}
	}
	return nil
}

// rewrite changes files in place: first all new ones are written, then they take the places of the old ones.
func rewrite(files []inject.File) error {
	var ready []prepared
	for _, f := range files {
		if len(f.Patch) == 0 {
			continue
		}
		p, err := prepareRewrite(f)
		if err != nil {
			for _, p := range ready {
				p.discard()
			}
			return fmt.Errorf("rewriting files: none was: %w", err)
		}
		ready = append(ready, p)
	}
	var errs []error
	for _, p := range ready {
		errs = append(errs, p.commit())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("rewriting files: %w", err)
	}
	return nil
}

// prepareRewrite writes a file's patched text beside it, unless somebody else has changed the file since.
func prepareRewrite(f inject.File) (prepared, error) {
	now, err := readFile(f.Name, maxManifests)
	if err != nil {
		return prepared{}, err
	}
	if !bytes.Equal(now, f.Text) {
		return prepared{}, fmt.Errorf("%s has been changed since it was read", f.Name)
	}
	return prepareFile(f.Name, f.Patch.Apply(f.Text))
}
