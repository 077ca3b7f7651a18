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

// stays tells which files may be there before: the one a CA is made from, and one that people may
// have for their own.
func stays(name string) bool { return name == RequestFile || name == IgnoreFile }

// Free makes sure that a CA can be made in a folder, before the work is done: that it does not hold
// one, and can be made if it is not there. It takes back the files of a run that was broken off.
//
// Errors: *ExistsError; *BusyError; something that is no folder, or a folder above that is not
// there.
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

// Unignored returns the secret files that a .gitignore which is there does not name; it stays as it
// is.
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

// initDir holds the files of a new CA while it is made. As long as it is there, the CA is not
// made.
const initDir = ".tykmesh-init"

// begun reports whether a run is making a CA in a folder, or was broken off there.
func begun(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, initDir))
	return err == nil
}

// Written is a CA whose files are in their places. It waits for Keep or Undo, and keeps other runs
// out meanwhile. If neither comes, the next run takes it back.
type Written struct {
	dir     string
	made    []string // folders
	release func()
	disk    disk
}

// Write puts all files into a folder, which it makes if it is not there, or none of them. First it
// takes back the files of a run that was broken off.
//
//	files ──> .tykmesh-init/ ──link, .gitignore first──> their places ──Keep──> .tykmesh-init-done/ ──> removed
//	          a kill, until Keep:                                               a kill: the CA stays
//	          the next run takes back the links, and nothing else
//
// Errors: *ExistsError; *BusyError; whatever keeps files from being written. Nothing is left
// behind.
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

// open makes the folder if it is not there, and keeps other runs out of it.
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

// place writes the files beside their places and links them there, which fails if the place is
// taken. The .gitignore comes first: it names the secret ones.
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

// Keep makes the CA one that stays.
//
// Errors: the folder cannot be changed; the CA is undone then.
func (w *Written) Keep() error {
	done := filepath.Join(w.dir, initDir+doneSuffix)
	if err := w.disk.rename(filepath.Join(w.dir, initDir), done); err != nil {
		w.Undo()
		return w.wrap(err)
	}

	defer w.release()
	_ = w.disk.sync(w.dir)
	_ = w.disk.removeAll(done) // the next run removes what this one cannot

	return nil
}

// Undo removes the files that were written, and nothing else.
func (w *Written) Undo() {
	defer w.release()
	_ = takeBack(w.dir, w.disk)
	for _, folder := range slices.Backward(w.made) {
		_ = w.disk.remove(folder) // only if nothing else is in it
	}
}

// doneSuffix ends the name of initDir when only its removal is left to do.
const doneSuffix = "-done"

// takeBack removes the files of a run that did not end: those that are links to its staged files.
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

// UnfinishedError is a folder in which a run was broken off, or is at work.
type UnfinishedError struct {
	Dir  string
	Step string // the command that finishes it: init or rotate
}

func (e *UnfinishedError) Error() string {
	return fmt.Sprintf("the CA in %s is unfinished: tykmesh ca %s is running there, or was killed", e.Dir, e.Step)
}

// Unfinished returns an *UnfinishedError for a folder whose files may not fit together, because
// some are new and some old; else nil.
func Unfinished(dir string) error {
	if begun(dir) {
		return &UnfinishedError{dir, "init"}
	}
	if waiting, _ := fs.Glob(os.DirFS(dir), changeDir+"-*"); len(waiting) > 0 {
		return &UnfinishedError{dir, "rotate"}
	}
	return nil
}
