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

// Change is what a step writes and removes: files of a CA's folder that replace those which are
// there.
type Change struct {
	Files  []File
	Remove []string // folders, with slashes

	seen [sha256.Size]byte // the folder's state before
}

var errChanged = errors.New("another run has changed the CA meanwhile")

// changeDir is where a change waits while it is written, removeFile names what it is to remove.
const (
	changeDir  = ".tykmesh-change"
	removeFile = "remove"
)

// written is where it waits when nothing is missing any more. No other change has that name, so
// that whoever finishes one touches no later one.
func (c Change) written() string { return fmt.Sprintf("%s-%x", changeDir, c.seen[:8]) }

// Write makes the change in a folder: completely or not at all, also if it is broken off. Then the
// next ReadRotation finishes it, and Unfinished reports it until then.
//
//	files ──> .tykmesh-change/ ──rename──> .tykmesh-change-c0ffee/ ──rename, one by one──> their places
//	          a full disk, a kill:          from here on it is done, by this run or the next
//	          nothing has happened
//
// Errors: *BusyError; the folder is not as it was when the change was worked out; whatever keeps
// files from being written.
func (c Change) Write(dir string) error { return c.write(dir, disk{}) }

func (c Change) write(dir string, d disk) error {
	unlock, err := lock(dir)
	if err != nil {
		return err
	}

	defer unlock()
	temporary := filepath.Join(dir, changeDir)
	if err := errors.Join(d.removeAll(temporary), finish(dir, d)); err != nil { // of a run that was broken off
		return err
	}
	if now, err := state(dir); err != nil || now != c.seen {
		return errors.Join(err, errChanged)
	}

	remove := File{removeFile, public, []byte(strings.Join(c.Remove, "\n"))}
	if err := d.stage(temporary, append([]File{remove}, staged(c.Files)...)); err != nil {
		return err
	}
	if err := d.rename(temporary, filepath.Join(dir, c.written())); err != nil {
		return errors.Join(err, d.removeAll(temporary))
	}
	if err := d.sync(dir); err != nil {
		return err
	}

	return finish(dir, d)
}

// finish puts the files of a written change in their places. It may be broken off and called again.
func finish(dir string, d disk) (err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()

	waiting, err := fs.Glob(root.FS(), changeDir+"-*")
	for _, folder := range waiting {
		err = errors.Join(err, finishOne(root, folder, d))
	}

	return err
}

func finishOne(root *os.Root, folder string, d disk) error {
	list, err := file.ReadIn(root, path.Join(folder, removeFile))
	switch {
	case errors.Is(err, fs.ErrNotExist): // then everything is done but to remove the folder
	case err != nil:
		return err
	default:
		if err := place(root, path.Join(folder, stagedDir), d); err != nil {
			return err
		}
	}

	for name := range strings.SplitSeq(string(list)+"\n"+folder, "\n") {
		if name != "" {
			d.step()
			if err := root.RemoveAll(name); err != nil {
				return err
			}
		}
	}

	return nil
}

// place moves the files of a folder to the root, in the order of their names: .gitignore first. A
// file that is missing was moved before.
func place(root *os.Root, folder string, d disk) error {
	err := fs.WalkDir(root.FS(), folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return gone(err)
		}
		to := strings.TrimPrefix(name, folder+"/")
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
