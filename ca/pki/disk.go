package pki

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/tykmesh/tykmesh/ca/internal/file"
)

// disk changes folders. A test sets before, which is called before each operation, to break a run
// off there as a kill does. Such a disk skips the wait for the device.
type disk struct{ before func() }

func (d disk) step() {
	if d.before != nil {
		d.before()
	}
}

// sync writes the names in a folder, and in those below, to the disk.
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

// write makes a file, which is on the disk when write returns.
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

// removeAll removes a folder and its content, in the reverse order of names: so the .gitignore that
// hides keys goes after them.
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

// gone returns the error, but nil for a file that is not there.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// stagedDir holds, in a staging folder, the files on their way to the CA's folder.
const stagedDir = "files"

// stage writes files into a staging folder inside the CA's folder. A .gitignore of its own hides it
// from Git, whatever the one around it says.
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

// staged returns files under their names in a staging folder.
func staged(files []File) []File {
	files = slices.Clone(files)
	for i := range files {
		files[i].Name = stagedDir + "/" + files[i].Name
	}
	return files
}
