package main

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/tykmesh/tykmesh/inject"
)

// checkRewritable makes sure, before anything is done, that the files which change can be
// rewritten.
func checkRewritable(files []inject.File) error {
	seen := map[string]bool{}
	for _, f := range files {
		path, err := filepath.EvalSymlinks(f.Name)
		if err == nil && seen[path] {
			return &InputError{fmt.Sprintf("--in-place: %s is named twice", f.Name)}
		}
		seen[path] = true
		if err == nil && len(f.Patch) > 0 {
			err = checkPlace(f.Name)
		}

		if err != nil {
			return fmt.Errorf("--in-place: %w", err)
		}
	}

	return nil
}

// checkPlace makes sure that a file can be rewritten. A pipe has been read, and holds nothing that
// could be.
func checkPlace(path string) error {
	replaceable, err := checkWritable(path)
	if err == nil && !replaceable {
		err = &replaceError{path: path, why: "is no file that can be replaced"}
	}
	return err
}

// rewrite changes files in place: first all new ones are written, then they take the places of the
// old ones.
func rewrite(files []inject.File) error {
	defer holdSignals()()
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

// prepareRewrite writes a file's patched text beside it, unless somebody else has changed the file
// since.
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
