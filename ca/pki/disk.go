package pki

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/ca/internal/file"
)

// disk changes directories. A test sets before, which is called before each operation, to interrupt
// a run there as a kill does. Such a disk does not wait for the device.
type disk struct{ before func() }

func (d disk) step() {
	if d.before != nil {
		d.before()
	}
}

// sync writes the names in a directory, and in those below, to the device.
func (d disk) sync(dir string) error {
	if d.before != nil {
		return nil
	}
	return file.SyncDirs(dir)
}

func (d disk) remove(path string) error {
	d.step()
	return os.Remove(path)
}

// write makes a file, which is on the device when write returns, and the directories above it.
func (d disk) write(path string, f File) (err error) {
	d.step()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}

	d.step()
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.Mode)
	if err != nil {
		return err
	}

	defer func() { err = errors.Join(err, file.Close()) }()
	d.step()
	if _, err := file.Write(f.Text); err != nil {
		return err
	}

	d.step()
	if err := file.Chmod(f.Mode); err != nil || d.before != nil { // the umask may have narrowed the mode
		return err
	}

	return file.Sync()
}

// removeAll deletes a directory and its content, in the reverse order of names: so the .gitignore
// that hides keys is deleted after them.
func (d disk) removeAll(path string) error {
	var found []string
	err := filepath.WalkDir(path, func(name string, _ fs.DirEntry, err error) error {
		if err == nil {
			found = append(found, name)
		}
		return gone(err)
	})

	for _, name := range slices.Backward(found) {
		err = errors.Join(err, gone(d.remove(name)))
	}

	return err
}

// gone returns the error, or nil for a file that does not exist.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// A staging directory holds the list of the directories to delete, and the files on their way to
// the CA's directory.
const (
	removeFile = "remove"
	stagedDir  = "files"
)

// stage writes a change into a staging directory inside the CA's directory. Its own .gitignore
// hides it from Git, even if the one around it does not.
func (d disk) stage(dir string, c Change) error {
	var all Change
	all.add("", File{IgnoreFile, public, []byte("*\n")}, File{removeFile, public, []byte(strings.Join(c.Remove, "\n"))})
	all.add(stagedDir, c.Files...)

	for _, f := range all.Files {
		if err := d.write(f.in(dir), f); err != nil {
			return errors.Join(err, d.removeAll(dir))
		}
	}

	return d.sync(dir)
}
