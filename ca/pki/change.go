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

// Change is what a step writes and removes: files of a CA's folder that replace those which are there.
type Change struct {
	Files  []File
	Remove []string // folders, with slashes

	seen [sha256.Size]byte // the folder's state before
}

// BusyError is a folder that another run is changing, or one that was broken off before it changed anything.
type BusyError struct{ Path string }

func (e *BusyError) Error() string { return e.Path + " is there: another run is changing the CA" }

var errChanged = errors.New("another run has changed the CA meanwhile")

// changeFolder is where a change waits while it is written, removeFile names what it is to remove.
const (
	changeFolder = ".tykmesh-change"
	removeFile   = "remove"
)

// written is where it waits when nothing is missing any more. No other change has that name, so that whoever finishes one touches no later one.
func (c Change) written() string { return fmt.Sprintf("%s-%x", changeFolder, c.seen[:8]) }

// Write makes the change in a folder: completely or not at all, also if it is broken off. Then the next ReadRotation finishes it.
//
//	files ──> .tykmesh-change/ ──rename──> .tykmesh-change-c0ffee/ ──rename, one by one──> their places
//	          a full disk, a kill:          from here on it is done, by this run or the next
//	          nothing has happened
//
// Errors: *BusyError; the folder is not as it was when the change was worked out; whatever keeps files from being written.
func (c Change) Write(dir string) error { return c.write(dir, func() {}) }

// write is Write, which can be broken off before each of its operations.
func (c Change) write(dir string, before func()) error {
	temporary := filepath.Join(dir, changeFolder)
	before()
	if err := os.Mkdir(temporary, 0o700); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return &BusyError{temporary}
		}
		return err
	}
	err := c.stage(dir, temporary, before)
	if err == nil {
		before()
		err = os.Rename(temporary, filepath.Join(dir, c.written()))
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(temporary))
	}
	return finish(dir, before)
}

// stage writes the change beside what it is to replace. Nobody else does so at the same time, so the folder stays as it is.
func (c Change) stage(dir, temporary string, before func()) error {
	if now, err := state(dir); err != nil || now != c.seen {
		return errors.Join(err, errChanged)
	}
	remove := File{removeFile, public, []byte(strings.Join(c.Remove, "\n"))}
	for _, f := range append([]File{remove}, c.Files...) {
		before()
		if err := os.MkdirAll(filepath.Dir(f.in(temporary)), 0o700); err != nil {
			return err
		}
		before()
		if err := writeFile(f.in(temporary), f); err != nil {
			return err
		}
	}
	return nil
}

// finishChange does what is left of a change that was broken off, if there is one.
func finishChange(dir string) error { return finish(dir, func() {}) }

// finish puts the files of a change in their places. It may be called again after any part of it, and by several runs at once.
func finish(dir string, before func()) (err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	waiting, err := fs.Glob(root.FS(), changeFolder+"-*")
	for _, folder := range waiting {
		err = errors.Join(err, finishOne(root, folder, before))
	}
	return err
}

func finishOne(root *os.Root, folder string, before func()) error {
	list, err := file.ReadIn(root, path.Join(folder, removeFile))
	switch {
	case errors.Is(err, fs.ErrNotExist): // then everything is done but to remove the folder
	case err != nil:
		return err
	default:
		if err := place(root, folder, before); err != nil {
			return err
		}
	}
	for name := range strings.SplitSeq(string(list)+"\n"+folder, "\n") {
		if name != "" {
			before()
			if err := root.RemoveAll(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// place moves the files of a folder. What is not there any more has been moved by another run.
func place(root *os.Root, folder string, before func()) error {
	gone := func(err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return fs.WalkDir(root.FS(), folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || name == path.Join(folder, removeFile) {
			return gone(err)
		}
		to := strings.TrimPrefix(name, folder+"/")
		before()
		if err := root.MkdirAll(path.Dir(to), 0o700); err != nil {
			return err
		}
		before()
		return gone(root.Rename(name, to))
	})
}
