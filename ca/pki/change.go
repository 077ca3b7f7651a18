package pki

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/tykmesh/tykmesh/ca/internal/file"
)

// Change holds the files that a step replaces in a CA's directory, and the directories that it
// deletes.
type Change struct {
	Files  []File
	Remove []string // directories, with slashes

	seen [sha256.Size]byte // the directory's state before
}

// add adds files to the change, in a directory inside the CA's, or in that for "".
func (c *Change) add(dir string, files ...File) {
	for _, f := range files {
		f.Name = path.Join(dir, f.Name)
		c.Files = append(c.Files, f)
	}
}

var errChanged = errors.New("another run has changed the CA meanwhile; run it again")

// changeDir holds a change while it is written.
const changeDir = ".tykmesh-change"

// complete returns the directory that holds the change once it is complete. Every change has its
// own, so that a run that completes one does not touch a later one.
func (c Change) complete() string { return fmt.Sprintf("%s-%x", changeDir, c.seen[:8]) }

// Write makes the change in a directory, completely or not at all. If the run is killed, the next
// ReadRotation completes the change, and Unfinished reports it until then.
//
//	files ──> .tykmesh-change/ ──rename──> .tykmesh-change-c0ffee/ ──rename each──> their places
//	          a full disk, a kill:          from here on this run or the
//	          nothing has happened          next one completes it
//
// Errors: *BusyError; a directory that has changed since the change was planned; errors of writing
// files.
func (c Change) Write(dir string) error { return c.write(dir, disk{}) }

func (c Change) write(dir string, d disk) error {
	unlock, err := lock(dir)
	if err != nil {
		return err
	}

	defer unlock()
	temporary := filepath.Join(dir, changeDir)
	if err := errors.Join(d.removeAll(temporary), finish(dir, d)); err != nil { // of an interrupted run
		return err
	}
	if now, err := state(dir); err != nil || now != c.seen {
		return errors.Join(err, errChanged)
	}
	if err := d.stage(temporary, c); err != nil {
		return err
	}

	return d.commit(dir, changeDir, c.complete())
}

// commit makes a staged change happen: it renames the staging directory, which is then complete,
// and moves the files to their places.
func (d disk) commit(dir, staging, complete string) error {
	d.step()
	if err := os.Rename(filepath.Join(dir, staging), filepath.Join(dir, complete)); err != nil {
		return errors.Join(err, d.removeAll(filepath.Join(dir, staging)))
	}
	if err := d.sync(dir); err != nil {
		return err
	}

	return finish(dir, d)
}

// finish moves the files of complete changes to their places. It may be interrupted and called
// again.
func finish(dir string, d disk) (err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()

	waiting, err := fs.Glob(root.FS(), changeDir+"-*")
	for _, complete := range waiting {
		err = errors.Join(err, finishOne(root, complete, d))
	}

	return err
}

func finishOne(root *os.Root, complete string, d disk) error {
	list, err := file.ReadIn(root, path.Join(complete, removeFile))
	switch {
	case errors.Is(err, fs.ErrNotExist): // then only the directory is left to delete
	case err != nil:
		return err
	default:
		if err := place(root, path.Join(complete, stagedDir), d); err != nil {
			return err
		}
	}

	for name := range strings.SplitSeq(string(list)+"\n"+complete, "\n") {
		if name != "" {
			d.step()
			if err := root.RemoveAll(name); err != nil {
				return err
			}
		}
	}

	return nil
}

// place moves the files of a directory to the root, in the order of their names: .gitignore first.
// A missing file was moved before.
func place(root *os.Root, from string, d disk) error {
	err := fs.WalkDir(root.FS(), from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return gone(err)
		}
		to := strings.TrimPrefix(name, from+"/")
		d.step()
		if err := root.MkdirAll(path.Dir(to), 0o700); err != nil {
			return err
		}
		d.step()

		return gone(root.Rename(name, to))
	})

	if err != nil {
		return err
	}

	return d.sync(root.Name())
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
	if exists(filepath.Join(dir, initDir)) {
		return &UnfinishedError{dir, "init"}
	}
	if waiting, _ := fs.Glob(os.DirFS(dir), changeDir+"-*"); len(waiting) > 0 {
		return &UnfinishedError{dir, "rotate"}
	}
	return nil
}
