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

// ExistsError is a file that ca init would have to overwrite.
type ExistsError struct{ Path string }

func (e *ExistsError) Error() string {
	return e.Path + " exists already, and ca init overwrites no file"
}

// stays reports whether a file may exist before, and is not written then: the description of the
// CA, and the user's own .gitignore.
func stays(name string) bool { return name == RequestFile || name == IgnoreFile }

// Free makes sure, before the work is done, that a CA can be made in a directory: it must hold no
// CA, or not exist yet. Free deletes the files of an interrupted run.
//
// Errors: *ExistsError; *BusyError; a file in the place of the directory; a missing parent.
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
			return fmt.Errorf("%s is not a directory", folder)
		}
	}

	switch unlock, err := lock(dir); {
	case err == nil:
		defer unlock()
		if err := takeBack(dir, disk{}); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
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

// Unignored returns the secret files that an existing .gitignore, which is not changed, lacks.
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

// initDir holds the files of a new CA while it is made. As long as it exists, the CA is unfinished.
const initDir = ".tykmesh-init"

// begun reports whether a run is making a CA in a directory, or was interrupted there.
func begun(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, initDir))
	return err == nil
}

// Written is a CA whose files are in their places. It waits for Keep or Undo, and meanwhile keeps
// other runs out. If neither comes, the next run deletes the files.
type Written struct {
	dir     string
	made    []string // directories
	release func()
	disk    disk
}

// Write writes all files into a directory, which it makes if needed, or none of them. First it
// deletes the files of an interrupted run.
//
//	files ──> .tykmesh-init/ ──link, .gitignore first──> places ──Keep──> .tykmesh-init-done/
//	          a kill, until Keep:                                         a kill: the CA
//	          the next run deletes the links, and nothing else            is kept
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

	err := takeBack(w.dir, w.disk)
	if err == nil {
		err = w.place(files)
	}

	if err != nil {
		w.Undo()
		return w.wrap(err)
	}

	return nil
}

func (w *Written) wrap(err error) error {
	if errors.As(err, new(*ExistsError)) || errors.As(err, new(*BusyError)) {
		return err
	}
	return fmt.Errorf("writing to %s: %w", w.dir, err)
}

// open makes the directory if needed, and keeps other runs out of it.
func (w *Written) open() (err error) {
	switch err := w.disk.mkdir(w.dir); {
	case err == nil:
		w.made = []string{w.dir}
	case !errors.Is(err, fs.ErrExist):
		return err
	}

	w.release, err = lock(w.dir)
	return err
}

// place writes the files beside their places and links them there, which fails if a file exists.
// The .gitignore comes first, because it names the secret files.
func (w *Written) place(files []File) error {
	files = slices.DeleteFunc(slices.Clone(files), func(f File) bool {
		_, err := os.Lstat(f.in(w.dir))
		return err == nil && stays(f.Name)
	})
	if i := slices.IndexFunc(files, func(f File) bool { return f.Name == IgnoreFile }); i >= 0 {
		ignore := files[i]
		files = slices.Insert(slices.Delete(files, i, i+1), 0, ignore)
	}

	folder := filepath.Join(w.dir, initDir)
	if err := w.disk.stage(folder, staged(files)); err != nil {
		return err
	}

	for _, f := range files {
		to := f.in(w.dir)
		switch err := w.disk.mkdir(filepath.Dir(to)); {
		case err == nil:
			w.made = append(w.made, filepath.Dir(to))
		case !errors.Is(err, fs.ErrExist):
			return err
		}

		if err := w.disk.link(f.in(filepath.Join(folder, stagedDir)), to); err != nil {
			if errors.Is(err, fs.ErrExist) {
				err = &ExistsError{to}
			}
			return err
		}
	}

	return w.disk.sync(w.dir)
}

// Keep completes the CA.
//
// Errors: the directory cannot be changed; then the CA is undone.
func (w *Written) Keep() error {
	done := filepath.Join(w.dir, initDir+doneSuffix)
	if err := w.disk.rename(filepath.Join(w.dir, initDir), done); err != nil {
		w.Undo()
		return w.wrap(err)
	}

	defer w.release()
	_ = w.disk.sync(w.dir)
	_ = w.disk.removeAll(done) // the next run deletes what this one cannot

	return nil
}

// Undo deletes the files that were written, and nothing else.
func (w *Written) Undo() {
	defer w.release()
	_ = takeBack(w.dir, w.disk)
	for _, folder := range slices.Backward(w.made) {
		_ = w.disk.remove(folder) // fails if it holds anything else
	}
}

// doneSuffix is added to initDir when nothing is left to do but to delete it.
const doneSuffix = "-done"

// takeBack deletes the files of an interrupted run: those that are links to its staged files.
func takeBack(dir string, d disk) error {
	folder := filepath.Join(dir, initDir)
	from := filepath.Join(folder, stagedDir)
	err := filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return gone(err)
		}
		there := filepath.Join(dir, strings.TrimPrefix(name, from))
		if !sameFile(name, there) {
			return nil
		}

		return d.remove(there)
	})

	if err != nil {
		return err
	}

	return errors.Join(d.removeAll(folder), d.removeAll(folder+doneSuffix))
}

func sameFile(a, b string) bool {
	x, errX := os.Lstat(a)
	y, errY := os.Lstat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// UnfinishedError is a directory in which a run is at work, or was interrupted.
type UnfinishedError struct {
	Dir  string
	Step string // the command that completes it: init or rotate
}

func (e *UnfinishedError) Error() string {
	return fmt.Sprintf("the CA in %s is unfinished: tykmesh ca %s is running there, or was killed", e.Dir, e.Step)
}

// Unfinished returns an *UnfinishedError for a directory in which new and old files may be mixed,
// else nil.
func Unfinished(dir string) error {
	if begun(dir) {
		return &UnfinishedError{dir, "init"}
	}
	if waiting, _ := fs.Glob(os.DirFS(dir), changeDir+"-*"); len(waiting) > 0 {
		return &UnfinishedError{dir, "rotate"}
	}
	return nil
}
