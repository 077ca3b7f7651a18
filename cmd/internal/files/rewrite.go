package files

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/tykmesh/tykmesh/cmd/internal/signals"
	"github.com/tykmesh/tykmesh/inject"
)

// CheckRewritable makes sure, before the run changes anything, that [Rewrite] would succeed.
//
// Errors: [InputError] if a file is named twice; those of Replace.
func CheckRewritable(files []inject.File) error {
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

// checkPlace makes sure that a file can be rewritten. A pipe cannot: it has been read.
func checkPlace(path string) error {
	replaceable, err := checkWritable(path)
	if err == nil && !replaceable {
		err = &ReplaceError{path: path, why: "is not a regular file"}
	}
	return err
}

// Rewrite changes files in place. It writes all new files before it replaces the first one.
//
// Errors: a file was changed since it was read, and then no file is replaced; those of Replace.
func Rewrite(files []inject.File) error {
	defer signals.Hold()()
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

// prepareRewrite writes a file's patched text beside it, unless the file was changed since it was
// read.
func prepareRewrite(f inject.File) (prepared, error) {
	now, err := readFile(f.Name, maxManifests)
	if err != nil {
		return prepared{}, err
	}
	if !bytes.Equal(now, f.Text) {
		return prepared{}, fmt.Errorf("%s has been changed since it was read", f.Name)
	}

	return prepare(f.Name, f.Patch.Apply(f.Text), anyRights)
}
