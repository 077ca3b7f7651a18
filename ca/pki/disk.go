package pki

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

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
	return file.SyncFolders(dir)
}

func (d disk) mkdir(path string) error {
	d.step()
	return os.Mkdir(path, 0o700)
}

func (d disk) mkdirAll(path string) error {
	d.step()
	return os.MkdirAll(path, 0o700)
}

func (d disk) link(from, to string) error {
	d.step()
	return os.Link(from, to)
}

func (d disk) rename(from, to string) error {
	d.step()
	return os.Rename(from, to)
}

func (d disk) remove(path string) error {
	d.step()
	return os.Remove(path)
}

// write makes a file, which is on the device when write returns.
func (d disk) write(path string, f File) (err error) {
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

// stagedDir holds, in a staging directory, the files on their way to the CA's directory.
const stagedDir = "files"

// stage writes files into a staging directory inside the CA's directory. Its own .gitignore hides
// it from Git, even if the one around it does not.
func (d disk) stage(folder string, files []File) error {
	err := d.mkdir(folder)
	if err == nil {
		err = d.write(filepath.Join(folder, IgnoreFile), File{IgnoreFile, public, []byte("*\n")})
	}

	for _, f := range files {
		if err == nil {
			err = d.mkdirAll(filepath.Dir(f.in(folder)))
		}
		if err == nil {
			err = d.write(f.in(folder), f)
		}
	}

	if err != nil {
		return errors.Join(err, d.removeAll(folder))
	}

	return d.sync(folder)
}

// staged returns files under their names in a staging directory.
func staged(files []File) []File {
	files = slices.Clone(files)
	for i := range files {
		files[i].Name = stagedDir + "/" + files[i].Name
	}
	return files
}
