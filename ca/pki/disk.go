package pki

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/tykmesh/tykmesh/ca/internal/file"
)

// disk changes folders. before, unless nil, is called before each operation: a test breaks a run off there, as a kill does, and needs nothing to outlast
// the machine.
type disk struct{ before func() }

func (d disk) step() {
	if d.before != nil {
		d.before()
	}
}

// sync has the names in a folder, and in those below, on the disk.
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

// write makes a file and has it on the disk when it returns.
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
	if err := file.Chmod(f.Mode); err != nil || d.before != nil { // the umask may have taken from the mode
		return err
	}
	return file.Sync()
}

// removeAll removes a folder and what is in it; of each folder the first by name goes last, which is where stage has put what hides the others from Git.
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

// gone takes for no error that something is not there.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// stagedFolder is the place in a staging folder of what is on its way to the folder around it.
const stagedFolder = "files"

// stage writes files into a folder of their own in the CA's. Git sees nothing of it, whatever the .gitignore around it says.
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

// staged are files as they are named in a staging folder.
func staged(files []File) []File {
	files = slices.Clone(files)
	for i := range files {
		files[i].Name = stagedFolder + "/" + files[i].Name
	}
	return files
}
